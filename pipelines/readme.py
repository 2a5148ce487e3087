"""Put into the README what is written elsewhere: the tables so far, from evidence, and how the papers were read."""

from pathlib import Path

from benchmark import evidence
from benchmark.audit import papers
from benchmark.audit.papers import Paper
from benchmark.params import Params, load
from benchmark.report import renderings
from benchmark.report.over_tasks import over_tasks
from benchmark.report.task_files import all_tasks
from pipelines import Parser, run

README = Path("README.md")
BEGIN, END = "<!-- {}: made by `make readme` -->\n", "<!-- end of {} -->"


def filled(readme: str, params: Params) -> str:
    """Return the README's text with the tables and the choices of today."""
    in_order = [*reversed(papers.load_all())]
    return _between(_between(readme, "tables", _tables(params, in_order)), "choices", _choices(in_order))


def _between(readme: str, name: str, texts: list[str]) -> str:
    """Put texts between the marks of a name."""
    before, rest = readme.split(BEGIN.format(name))
    after = rest.split(END.format(name))[1]
    return "\n".join([before + BEGIN.format(name), *texts, END.format(name) + after])


def _tables(params: Params, all_papers: list[Paper]) -> list[str]:
    """Return each table of the papers over the tasks that have evidence, and what the tasks are."""
    tasks = all_tasks(params, all_papers)
    tables = [made for paper in all_papers for name in paper.tables if (made := over_tasks(paper, name, tasks))]
    shown = {column.heading for table in tables for column in table.columns}
    used = [task for task in tasks if task.name in shown]
    return [
        *map(renderings.markdown, tables),
        "\n".join(f"- `{task.name}`: {task.about}; {task.protocol.runs} runs." for task in used) + "\n",
    ]


def _choices(all_papers: list[Paper]) -> list[str]:
    """Return the papers' choices as a table."""
    rows = [
        f"| {paper.name}: {choice.open} | {choice.chosen} | {choice.others} |"
        for paper in all_papers
        for choice in paper.choices
    ]
    return ["| open or contradictory | choice | alternatives |", "| --- | --- | --- |", *rows, ""]


def main() -> None:
    """Write the README."""
    Parser("readme", __doc__).parse_args()
    evidence.replace_text(README, filled(README.read_text(encoding="utf-8"), load()))


if __name__ == "__main__":
    run(main)
