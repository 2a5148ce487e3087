"""Put the tables so far into the README, from evidence."""

from pathlib import Path

from benchmark import evidence, params
from pipelines import Parser, run

README = Path("README.md")
BEGIN, END = "<!-- tables: made by `make readme` -->\n", "<!-- end of tables -->"


def with_tables(readme: str, settings: params.Params) -> str:
    """Return the README's text with the Markdown tables of all tasks that have some."""
    before, rest = readme.split(BEGIN)
    after = rest.split(END)[1]
    shown = []
    for task in settings.stages.tables.task:
        for path in sorted((evidence.TASKS / task / "tables").glob("*.md"), reverse=True):
            shown.append(path.read_text(encoding="utf-8"))
    return "\n".join([before + BEGIN, *shown, END + after])


def main() -> None:
    """Write the README."""
    Parser("readme", __doc__).parse_args()
    evidence.replace_text(README, with_tables(README.read_text(encoding="utf-8"), params.load()))


if __name__ == "__main__":
    run(main)
