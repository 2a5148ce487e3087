"""One plot over all tasks: accuracy over the time of one image, as a multiple of the reference's, a panel per task."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmark.params import Params
from benchmark.report.names import label
from benchmark.report.result_table import Row
from benchmark.report.tables import on_front
from benchmark.report.task_files import TaskFiles

WIDTH, HEIGHT = 240, 150  # of the area within the axes, in the units of the drawing
LINE, LETTER, LONGEST = 11, 6, 15  # height of a line and width of a letter; the letters that names are taken to have


@dataclass(frozen=True)
class Dot:
    """A model at its place; its name stands at ``text_y`` beside it, of proposed models and those on the front."""

    x: float
    y: float
    name: str
    proposed: bool
    text_y: float = 0.0


@dataclass(frozen=True)
class Panel:
    """The models of the papers on one task, and the ticks of its axes: place and text."""

    task: str
    named: list[Dot]
    others: list[Dot]
    across: list[tuple[float, str]]
    up: list[tuple[float, str]]


def panels(params: Params, tasks: Sequence[TaskFiles], proposed: Sequence[str]) -> list[Panel]:
    """Return a panel for each task that has models with both accuracy and cost; all have one axis of time."""
    rows = {task.name: of_task for task in tasks if len(of_task := _costed(task)) > 1}
    ratios = [row["latency_ratio"] for of_task in rows.values() for row in of_task]
    if not ratios:
        return []
    least = math.floor(math.log2(min(ratios)))
    ticks = [2.0**power for power in range(least, max(math.ceil(math.log2(max(ratios))), least + 1) + 1)]
    return [_panel(params, task, rows[task.name], ticks, proposed) for task in tasks if task.name in rows]


def _costed(task: TaskFiles) -> list[Row]:
    """Return the rows of the papers' models with both accuracy and cost."""
    table = task.table("models")
    return [row for row in table.rows if row["model"] in task.rows and row.get("latency_ratio")] if table else []


def _panel(
    params: Params, task: TaskFiles, rows: Sequence[Row], ticks: Sequence[float], proposed: Sequence[str]
) -> Panel:
    scores = [100 * row["accuracy"] for row in rows]
    least = min(10 * math.floor(min(scores) / 10), 90)
    most = max(10 * math.ceil(max(scores) / 10), least + 10)
    front = on_front({row["model"]: (row["accuracy"], row["latency_ratio"]) for row in rows})
    dots = {
        row["model"]: Dot(
            _across(row["latency_ratio"], ticks),
            _up(score, least, most),
            label(params, row["model"]),
            row["model"] in proposed,
        )
        for row, score in zip(rows, scores, strict=True)
    }
    named = [dot for model, dot in dots.items() if dot.proposed or model in front]
    step = 10 if most - least <= 50 else 20
    return Panel(
        task.name,
        _named(named),
        [dot for dot in dots.values() if dot not in named],
        [(_across(ratio, ticks), f"{ratio:g}") for ratio in ticks],
        [(_up(tick, least, most), str(tick)) for tick in range(least, most + 1, step)],
    )


def _named(dots: Sequence[Dot]) -> list[Dot]:
    """Return dots with the places of their names, each moved up until it covers no other."""
    placed: list[Dot] = []
    for dot in sorted(dots, key=lambda dot: (-dot.y, dot.x)):
        y = dot.y - 5
        while any(abs(other.text_y - y) < LINE and abs(other.x - dot.x) < LETTER * LONGEST for other in placed):
            y -= LINE
        placed.append(replace(dot, text_y=round(y, 1)))
    return placed


def _across(ratio: float, ticks: Sequence[float]) -> float:
    return round(WIDTH * math.log(ratio / ticks[0]) / math.log(ticks[-1] / ticks[0]), 1)


def _up(score: float, least: int, most: int) -> float:
    return round(HEIGHT * (most - score) / (most - least), 1)
