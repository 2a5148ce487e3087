"""What a command would train, and how long that takes, judged by runs that left evidence."""

from collections.abc import Sequence
from contextlib import suppress
from statistics import median

from tabulate import tabulate

from benchmark import evidence
from benchmark.errors import BadInput
from benchmark.evidence import provenance
from benchmark.params import Params, Task
from benchmark.training import memory
from benchmark.training.local import side_by_side
from benchmark.training.runs import Run, read_split


def text(params: Params, todo: Sequence[Run], asked: int) -> str:
    """Return the runs to train per task and model, with core-hours and memory; ``asked`` counts all that were named."""
    if not todo:
        return f"0 of {asked} runs would be trained; the others are up to date"
    cells: dict[tuple[str, str], list[Run]] = {}
    for run in todo:
        cells.setdefault(run.cell, []).append(run)
    rows, total = [], 0.0
    for (task, model), runs in cells.items():
        seconds, source = _seconds(params, runs[0])
        hours = None if seconds is None else seconds * len(runs) / 3600
        total += hours or 0.0
        rows.append([task, model, len(runs), "unknown" if hours is None else f"{hours:.2f}", source])
    cores = side_by_side(todo)
    expected = {cell: memory.expected(runs[0]) for cell, runs in cells.items()}
    gigabytes = sum(sorted((expected[run.cell] for run in todo), reverse=True)[:cores]) / 1e9
    unknown = " and what is unknown" if any(row[3] == "unknown" for row in rows) else ""
    return "\n".join(
        [
            tabulate(rows, ["task", "model", "runs", "core-hours", "by the time on"], tablefmt="simple"),
            f"{len(todo)} of {asked} runs would be trained: {total:.2f} core-hours{unknown}; the others are up to date",
            f"on {cores} of the cores here: {total / cores:.2f} hours{unknown}, in about {gigabytes:.1f} GB of memory",
        ]
    )


def _seconds(params: Params, run: Run) -> tuple[float | None, str]:
    """Return what a run takes by its own evidence, or by the model's on other tasks, scaled; and where that stands."""
    if own := _recorded(run.task.name, run.model.name):
        return own["seconds"], run.task.name
    scaled = {}
    for task in params.tasks.values():
        facts = _recorded(task.name, run.model.name)
        if facts and (run.model.kind == "estimator" or task.device == run.task.device):
            scaled[task.name] = facts["seconds"] / _work(params, run, task, facts["images"]["train"])
    if not scaled:
        return None, "no evidence"
    here = _work(params, run, run.task, len(read_split(run)[1]["train"]))
    return median(scaled.values()) * here, f"{', '.join(scaled)}, scaled"


def _work(params: Params, run: Run, task: Task, images: int) -> float:
    """Return pixels to learn from, over all epochs of a network."""
    epochs = params.recipe(task, run.model).epochs if run.model.kind == "network" else 1
    return float(images * task.input_size**2 * epochs)


def _recorded(task: str, model: str) -> evidence.JsonObject | None:
    """Return the provenance of a model's first run on a task; None where there is none to read."""
    with suppress(BadInput, TypeError, ValueError):
        facts = provenance.read(evidence.run_folder(task, model, 0))
        return facts if facts["seconds"] > 0 and facts["images"]["train"] > 0 else None
    return None
