"""Put into the README what is written elsewhere: the tables so far, from evidence, and how the papers were read."""

from pathlib import Path

from benchmark import evidence, papers, params
from pipelines import Parser, run, saving

README = Path("README.md")
BEGIN, END = "<!-- {}: made by `make readme` -->\n", "<!-- end of {} -->"


def filled(readme: str, settings: params.Params) -> str:
    """Return the README's text with the tables and the choices of today."""
    return _between(_between(readme, "tables", _tables(settings)), "choices", _choices())


def _between(readme: str, name: str, shown: list[str]) -> str:
    """Put some texts between the marks of a name."""
    before, rest = readme.split(BEGIN.format(name))
    after = rest.split(END.format(name))[1]
    return "\n".join([before + BEGIN.format(name), *shown, END.format(name) + after])


def _tables(settings: params.Params) -> list[str]:
    """Return the tables of all tasks that have some, and what EMANet's mask saves."""
    paths: list[Path] = []
    for task in settings.stages.tables.task:
        folder = evidence.TASKS / task / "tables"
        names = [name for paper in reversed(papers.load_all()) for name in paper.tables]
        paths += [folder / f"{name}.md" for name in (*names, "masks", "pareto")]
    return [path.read_text(encoding="utf-8") for path in [*paths, saving.PAGE] if path.exists()]


def _choices() -> list[str]:
    """Return the papers' choices as a table."""
    rows = [
        f"| {paper.name}: {choice.open} | {choice.chosen} | {choice.others} |"
        for paper in reversed(papers.load_all())
        for choice in paper.choices
    ]
    return ["| open or contradictory | choice | alternatives |", "| --- | --- | --- |", *rows, ""]


def main() -> None:
    """Write the README."""
    Parser("readme", __doc__).parse_args()
    evidence.replace_text(README, filled(README.read_text(encoding="utf-8"), params.load()))


if __name__ == "__main__":
    run(main)
