"""The figure of the audit: claimed gaps in accuracy beside measured ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.report.figures.style import MARKERS, legend_below, use_style

Gap = dict[str, Any]  # gap, low and high (shares), and whether its task is counted


@dataclass(frozen=True)
class GapRow:
    """A claimed gap in accuracy (share) and, by task with real images, the measured ones."""

    label: str
    gap: float
    by_task: dict[str, Gap]


def gaps(records: Sequence[dict[str, Any]]) -> Figure:
    """Draw the gaps in accuracy that the papers claim beside the measured ones (a forest plot).

    Gaps stand for the claims that a paper is tested on; each task with real images has a colour and marker of its own,
    hollow where another task on the same images counts.
    """
    use_style()
    claims = _measured(records)
    if not claims:
        figure = plt.figure(figsize=(8, 1))
        figure.text(0.5, 0.5, "No gap that a paper claims was measured on real images yet.", ha="center", va="center")
        return figure
    tasks = sorted({task for claim in claims for task in claim.by_task})
    looks = zip(cycle(sns.color_palette("colorblind")), cycle(MARKERS))
    look_of = dict(zip(tasks, looks, strict=False))
    step = 0.6 / len(tasks)
    figure, axis = plt.subplots(figsize=(8, 1.3 + (0.24 + 0.13 * len(tasks)) * len(claims)))
    for place, claim in enumerate(claims):
        for task, gap in claim.by_task.items():
            _draw_gap(axis, task, gap, place + step * (tasks.index(task) - (len(tasks) - 1) / 2), *look_of[task])
        axis.plot(100 * claim.gap, place, marker="|", color="black", ms=14, mew=2, ls="none", label="claimed")
    axis.axvline(0, color="black", lw=0.8)
    axis.set_yticks(range(len(claims)), [claim.label for claim in claims], fontsize=8)
    axis.set(xlabel="difference in accuracy (points)", title="Gaps in accuracy, claimed and measured on real images")
    axis.set_ylim(len(claims) - 0.4, -0.6)
    legend_below(figure, axis)
    return figure


def _measured(records: Sequence[dict[str, Any]]) -> list[GapRow]:
    """Return the claimed gaps that were measured on real images."""
    claims = []
    for record in records:
        if not record["family"] or "gap" not in record["claimed"]:
            continue
        by_task = {
            task["task"]: pair | {"counted": task["counted"]}
            for task in record["numbers"].get("tasks", [])
            for pair in ([] if task["synthetic"] else task["pairs"])
        }
        if by_task:
            pair = " − ".join(next(iter(by_task.values()))["pair"])
            label = f"{pair}: {record['verdict']}\n({record['table']})"
            claims.append(GapRow(label, record["claimed"]["gap"], by_task))
    return claims


def _draw_gap(axis: Axes, task: str, gap: Gap, height: float, color: tuple[float, ...], marker: str) -> None:
    """Draw one measured gap with its interval."""
    value, low, high = (100 * gap[name] for name in ("gap", "low", "high"))
    error = [[value - low], [high - value]]
    label = f"measured on {task} [95 %]{'' if gap['counted'] else ', not counted'}"
    face = color if gap["counted"] else "white"
    axis.errorbar(value, height, xerr=error, marker=marker, color=color, mfc=face, capsize=3, label=label)
