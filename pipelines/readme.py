"""Put into the README what is written elsewhere: the tables so far, from evidence, and how the papers were read."""

from pathlib import Path

from tabulate import tabulate

from benchmark import evidence, params
from benchmark.audit import papers
from benchmark.report import report
from pipelines import Parser, run

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
    """Return each table of the papers over the tasks that have evidence, and what the tasks are."""
    known = papers.load_all()
    tasks = report.all_tasks(settings, known)
    shown = [
        over
        for paper in reversed(known)
        for name, table in paper.tables.items()
        if (over := report.over_tasks(paper, name, table, tasks))
    ]
    used = [task for task in tasks if any(task.name in table.headings for table in shown)]
    return [
        *map(_markdown, shown),
        "\n".join(f"- `{task.name}`: {task.about}; {task.of.runs} runs." for task in used) + "\n",
    ]


def _markdown(table: report.Shown) -> str:
    """Return a table as Markdown."""
    cells = [[cell if isinstance(cell, str) else cell.text for cell in row] for row in table.rows]
    text = tabulate(cells, table.headings, tablefmt="github", disable_numparse=True)
    return "\n\n".join([f"**{table.title}**", text, *table.notes]) + "\n"


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
