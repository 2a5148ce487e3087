"""Put the tables so far into the README, from evidence."""

from pathlib import Path

from benchmark import evidence, papers, params
from pipelines import Parser, run, saving

README = Path("README.md")
BEGIN, END = "<!-- tables: made by `make readme` -->\n", "<!-- end of tables -->"


def with_tables(readme: str, settings: params.Params) -> str:
    """Return the README's text with the tables of all tasks that have some, and what EMANet's mask saves."""
    before, rest = readme.split(BEGIN)
    after = rest.split(END)[1]
    paths: list[Path] = []
    for task in settings.stages.tables.task:
        folder = evidence.TASKS / task / "tables"
        names = [name for paper in reversed(papers.load_all()) for name in paper.tables]
        paths += [folder / f"{name}.md" for name in (*names, "masks", "pareto")]
    shown = [path.read_text(encoding="utf-8") for path in [*paths, saving.PAGE] if path.exists()]
    return "\n".join([before + BEGIN, *shown, END + after])


def main() -> None:
    """Write the README."""
    Parser("readme", __doc__).parse_args()
    evidence.replace_text(README, with_tables(README.read_text(encoding="utf-8"), params.load()))


if __name__ == "__main__":
    run(main)
