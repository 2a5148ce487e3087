"""Put into the docs what follows from evidence, papers and code: tables, how papers were read, what imports what."""

from pathlib import Path

from tabulate import tabulate

from benchmark import evidence
from benchmark.audit import papers
from benchmark.audit.papers import Paper
from benchmark.errors import BadInput
from benchmark.params import Params, load
from benchmark.report import renderings
from benchmark.report.headline import Record, headline
from benchmark.report.over_tasks import over_tasks
from benchmark.report.page.verdicts import MARKS, MatrixCell, MatrixRow, PaperVerdicts, paper_verdicts
from benchmark.report.task_files import all_tasks
from pipelines import Parser, import_graph, run

PAGES = {  # page → what is put into it
    Path("README.md"): ("answer",),
    Path("docs/results.md"): ("tables",),
    Path("docs/papers.md"): ("choices",),
    Path("docs/architecture.md"): ("imports",),
}
BEGIN, END = "<!-- {}: made by `{}` -->\n", "<!-- end of {} -->"


def texts(params: Params) -> dict[Path, str]:
    """Return each page as it must be today."""
    records = evidence.read_json(Path("results/audit.json"), list)
    in_order = sorted(reversed(papers.load_all()), key=lambda paper: not _has_evidence(paper, records))
    made = {
        "answer": _answer(params, in_order, records),
        "tables": _tables(params, in_order),
        "choices": _choices(in_order),
        "imports": import_graph.mermaid(import_graph.graph()),
    }
    return {
        page: filled(page.read_text(encoding="utf-8"), {name: made[name] for name in names})
        for page, names in PAGES.items()
    }


def _has_evidence(paper: Paper, records: list[Record]) -> bool:
    """Return whether the audit has a gap of the paper's headline: papers without one come last."""
    return any(record["numbers"].get("tasks") for record in headline(paper, records))


def filled(page: str, made: dict[str, list[str]], command: str = "make docs") -> str:
    """Return a page with these texts between the marks of their names, which name the ``command`` that makes them."""
    for name, parts in made.items():
        begin = BEGIN.format(name, command)
        if page.count(begin) != 1 or END.format(name) not in page:
            raise BadInput(f"the page must have {begin.strip()!r} and its end once each; put the marks back")
        before, rest = page.split(begin)
        after = rest.split(END.format(name))[1]
        page = "\n".join([before + begin, *parts, END.format(name) + after])
    return page


def _answer(params: Params, all_papers: list[Paper], records: list[Record]) -> list[str]:
    """Return what the audit found of each paper: two sentences, and the gap to each rival on each task."""
    texts = []
    for found in (paper_verdicts(params, paper, records) for paper in all_papers if paper.proposed):
        names = [f"*{column.task}*" if not column.counted else column.task for column in found.columns]
        heads = [f"{found.proposed} against", "claimed", *names, "mean over sources"]
        rows = [[row.label, row.claimed, *map(_cell, row.cells), _mean(found, row)] for row in found.rows]
        texts.append(f"**{found.proposed}** ({found.cite}): {' '.join(found.sentences)}\n")
        if rows:
            texts.append(f"{tabulate(rows, heads, tablefmt='github', disable_numparse=True)}\n")
    used = "▲ supported, ▼ contradicted, = no difference, ○ inconclusive"
    return [
        *texts,
        f"Gaps in accuracy, in points: {used}, – no evidence. Columns in *italics* do not count towards the mean.\n",
    ]


def _cell(cell: MatrixCell | None) -> str:
    return MARKS["no evidence"] if cell is None else f"{MARKS[cell.verdict]} {cell.gap}".strip()


def _mean(found: PaperVerdicts, row: MatrixRow) -> str:
    """Return the mean over sources, with the number of sources where a rival has evidence on fewer than others."""
    counted = [place for place, column in enumerate(found.columns) if column.counted]
    numbers = [sum(other.cells[place] is not None for place in counted) for other in found.rows]
    sources = sum(row.cells[place] is not None for place in counted)
    return _cell(row.mean) + (f" ({sources} sources)" if row.mean and sources < max(numbers) else "")


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
    """Write the pages."""
    Parser("docs", __doc__).parse_args()
    for page, text in texts(load()).items():
        evidence.replace_text(page, text)


if __name__ == "__main__":
    run(main)
