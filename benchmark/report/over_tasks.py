"""A paper's table over all tasks: one measure, one column per task."""

from collections.abc import Sequence

from benchmark.audit.papers import QUALITY, Paper
from benchmark.report.result_table import ResultColumn, ResultTable, Row
from benchmark.report.tables import FIXED, MODEL, SYSTEM, paper_columns
from benchmark.report.task_files import TaskFiles

PRINTED = ResultColumn("paper", "Paper")


def made_table(paper: Paper, name: str, task: TaskFiles) -> ResultTable | None:
    """Return a paper's table as it was made for a task; None if it was not.

    A table that was made before the paper's file got its rows or columns of today counts as not made.
    """
    made, table_here = task.table(name), paper.tables[name].on(task.name)
    if made is None or table_here is None or made.columns != paper_columns(table_here):
        return None
    systems = [row["system"] for row in made.rows if row["system"] in paper.systems]
    return made if systems == list(table_here.rows) else None


def over_tasks(paper: Paper, name: str, tasks: Sequence[TaskFiles]) -> ResultTable | None:
    """Return the first quality measure of a paper's table, one column per task that has evidence.

    None for a table whose columns name their tasks, without such a measure, or made on no task.
    """
    table = paper.tables[name]
    column = next((column for column in table.columns if column.measure in QUALITY), None)
    made = [
        (task, result)
        for task in tasks
        if task.models and (result := made_table(paper, name, task)) and any(row["runs"] for row in result.rows)
    ]
    if not column or not made or any(column.task for column in table.columns):
        return None
    measured = paper_columns(table)[len(FIXED) + table.columns.index(column)]
    used = [task for task, _ in made]
    rows = [
        _row([(task.name, row) for task, row in zip(used, same_row, strict=True)], measured)
        for same_row in zip(*(result.rows for _, result in made), strict=True)
    ]
    columns = [SYSTEM, MODEL, PRINTED, *(_task_column(task.name, measured) for task in used)]
    title = f"{paper.cite}, {table.place}: {column.heading}"
    return ResultTable(title, columns, rows, _remarks({row["system"]: row["model"] for row in rows}, used))


def _task_column(task: str, measured: ResultColumn) -> ResultColumn:
    field, low, high = _fields(task)
    return ResultColumn(field, task, "", measured.scale, measured.digits, "", low, high)


def _fields(task: str) -> tuple[str, str, str]:
    """Return the fields of a task's mean and bounds, which no other field can be named."""
    return f"on {task}", f"on {task}: low", f"on {task}: high"


def _row(by_task: list[tuple[str, Row]], measured: ResultColumn) -> Row:
    """Return one row over tasks from the same row of each task's table."""
    _, first = by_task[0]
    row: Row = {"system": first["system"], "model": first["model"], "paper": first[measured.printed]}
    for task, same in by_task:
        row |= zip(_fields(task), (same[field] for field in (measured.field, measured.low, measured.high)), strict=True)
    return row


def _remarks(models: dict[str, str], tasks: Sequence[TaskFiles]) -> list[str]:
    """Return what sets rows (system → model) apart, each remark once, with its tasks if it does not concern all."""
    concerned: dict[tuple[str, str], list[str]] = {}
    for system, model in models.items():
        for task in tasks:
            for remark in task.remarks(model):
                concerned.setdefault((system, remark), []).append(f"`{task.name}`")
    return [
        f"{system}{'' if len(names) == len(tasks) else ' on ' + ', '.join(names)}: {remark}."
        for (system, remark), names in concerned.items()
    ]
