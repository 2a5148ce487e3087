"""The part on results: one table per task, of every model, from the task's tables of models and of classes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.audit.papers import Paper
from benchmark.params import Params
from benchmark.report.names import label
from benchmark.report.page.notes_once import Notes
from benchmark.report.result_table import ResultColumn, ResultTable, Row
from benchmark.report.tables import LARGEST_CLASS, SENTINEL
from benchmark.report.task_files import TaskFiles

FIRST = ("runs", "accuracy")
LAST = ("f1_macro", "auc", "ece", "latency_ratio", "best_epochs")
ELSEWHERE = ("label", "model", "params", "macs", "latency_ms")  # the part on costs shows them
AT_FIRST_HIDDEN = ("best_epochs",)
KINDS = {"csv": "CSV", "tex": "LaTeX", "md": "Markdown"}


@dataclass(frozen=True)
class Heading:
    """A column: its field, its title with an arrow that says which way is better, and whether a script hides it."""

    field: str
    title: str
    hidden: bool


@dataclass(frozen=True)
class Bar:
    """An interval as drawn in a cell: bounds and mean as per cent of its width."""

    low: float
    value: float
    high: float


@dataclass(frozen=True)
class ResultCell:
    """A number as text, its interval as text, and, of accuracy, as a drawing."""

    text: str
    interval: str
    bar: Bar | None


@dataclass(frozen=True)
class ResultRow:
    """A model: what people call it, its name in commands, the initials of the papers that have it, and its cells.

    ``file`` is the address of the file with its means; empty if there is none. ``printed`` are the accuracies that
    papers print, each with the name of the claim that it is.
    """

    label: str
    model: str
    file: str
    papers: list[tuple[str, str]]
    notes: list[int]
    cells: list[ResultCell]
    printed: list[tuple[str, str]]


@dataclass(frozen=True)
class Download:
    """A table as files: its name, and label and path (from the page) of each kind."""

    title: str
    files: list[tuple[str, str]]


@dataclass(frozen=True)
class TaskResults:
    """What the page shows of the scores on one task.

    ``foot`` has the nearest neighbour and the largest class; ``scale`` says on what intervals are drawn.
    """

    task: TaskFiles
    headings: list[Heading]
    rows: list[ResultRow]
    foot: list[ResultRow]
    scale: str
    downloads: list[Download]


def task_results(params: Params, papers: Sequence[Paper], task: TaskFiles, notes: Notes) -> TaskResults | None:
    """Return what the page shows of the scores on one task; None if its tables were not made."""
    models, classes = task.table("models"), task.table("classes")
    if not models:
        return None
    merged = _with_classes(models, classes)
    columns = _columns(merged)
    scale = _scale(merged.rows)
    letters = initials(papers)
    rows = [_row(params, papers, letters, task, row, columns, scale, notes) for row in merged.rows]
    in_papers = [row for row in rows if row.papers]
    others = [row for row in rows if not row.papers and row.model not in (SENTINEL, LARGEST_CLASS)]
    foot = [row for row in rows if row.model in (SENTINEL, LARGEST_CLASS)]
    headings = [_heading(params, task, column) for column in columns]
    return TaskResults(task, headings, in_papers + others, foot, f"{scale[0]} to {scale[1]} %", downloads(task))


def downloads(task: TaskFiles) -> list[Download]:
    """Return the files of a task's tables."""
    folder = task.folder / "tables"
    return [
        Download(
            path.stem,
            [(title, link(file)) for kind, title in KINDS.items() if (file := path.with_suffix(f".{kind}")).exists()],
        )
        for path in sorted(folder.glob("*.json"))
    ]


def link(path: Path) -> str:
    """Return the address of a file below ``results/`` from the page."""
    return path.relative_to("results").as_posix()


def _with_classes(models: ResultTable, classes: ResultTable | None) -> ResultTable:
    """Return the table of models with the recall of every class, and the row of the largest class at the end."""
    if not classes:
        return models
    recalls = {row["model"]: row for row in classes.rows}
    rows = [recalls.get(row["model"], {}) | row for row in models.rows]
    rows += [row for row in classes.rows if row["model"] == LARGEST_CLASS]
    columns = [column for column in classes.columns if column.field.startswith("recall_")]
    return ResultTable(models.title, models.columns + columns, rows, models.notes)


def _columns(table: ResultTable) -> list[ResultColumn]:
    """Return the columns in the order of the page: accuracy, recall of every class, other scores, costs."""
    by_field = {column.field: column for column in table.columns}
    recalls = [field for field in by_field if field.startswith("recall_")]
    others = [field for field in by_field if field not in (*FIRST, *recalls, *LAST, *ELSEWHERE)]
    return [by_field[field] for field in (*FIRST, *recalls, *others, *LAST) if field in by_field]


def _heading(params: Params, task: TaskFiles, column: ResultColumn) -> Heading:
    title = column.title
    if column.field == "latency_ratio" and task.costs:
        title = f"Time × {label(params, task.costs[0].reference)} ↓"
    return Heading(column.field, title, column.field in AT_FIRST_HIDDEN)


def _scale(rows: Sequence[Row]) -> tuple[int, int]:
    """Return the tens of per cent between which all intervals of accuracy lie."""
    bounds = [row[field] for row in rows for field in ("accuracy_low", "accuracy_high") if row.get(field) is not None]
    least = min(10 * math.floor(10 * min(bounds, default=0)), 90)
    return least, max(10 * math.ceil(10 * max(bounds, default=1)), least + 10)


def _row(
    params: Params,
    papers: Sequence[Paper],
    letters: dict[str, str],
    task: TaskFiles,
    row: Row,
    columns: Sequence[ResultColumn],
    scale: tuple[int, int],
    notes: Notes,
) -> ResultRow:
    model = row["model"]
    summary = task.folder / "summary" / f"{model}.json"
    having = [paper for paper in papers if model in paper.systems.values() and model != SENTINEL]
    return ResultRow(
        label=label(params, model),
        model=model,
        file=link(summary) if summary.exists() else "",
        papers=[(letters[paper.name], paper.cite) for paper in having],
        notes=notes.marks(task, model),
        cells=[_cell(row, column, scale) for column in columns],
        printed=[printed for paper in having for printed in _printed(paper, model)],
    )


def initials(papers: Sequence[Paper]) -> dict[str, str]:
    """Return paper → the first letter of its citation, or as many as tell it from the others."""
    cites = {paper.name: paper.cite for paper in papers}
    return {
        name: next(
            (
                cite[:count]
                for count in range(1, len(cite))
                if sum(o.startswith(cite[:count]) for o in cites.values()) == 1
            ),
            cite,
        )
        for name, cite in cites.items()
    }


def _cell(row: Row, column: ResultColumn, scale: tuple[int, int]) -> ResultCell:
    text, _, interval = column.text(row).partition(" [")
    bounds = [row.get(field) for field in (column.low, column.field, column.high)]
    drawn = column.field == "accuracy" and all(isinstance(bound, float) for bound in bounds)
    least, most = scale
    bar = Bar(*(round(100 * (100 * bound - least) / (most - least), 1) for bound in bounds)) if drawn else None
    return ResultCell(text, f"[{interval}" if interval else "", bar)


def _printed(paper: Paper, model: str) -> list[tuple[str, str]]:
    """Return the accuracies that a paper prints for a model on images that it does not name, and their claims."""
    return [
        (table.rows[system][index], f"{name}/accuracy/{model}")
        for name, table in paper.tables.items()
        for index, column in enumerate(table.columns)
        if column.measure == "accuracy" and not column.task
        for system in table.rows
        if paper.systems[system] == model
    ]
