"""The figure of the audit: the gaps in accuracy that papers claim of their proposed models beside the measured ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.audit.claims import HEADLINE
from benchmark.audit.papers import Paper
from benchmark.audit.points import points, points_between
from benchmark.params import Params
from benchmark.report.figures.style import DARK, entitle, legend_below, use_style
from benchmark.report.figures.svg import shown
from benchmark.report.names import label

ROW = 0.42  # inches
NOTHING = "No gap that a paper claims of its proposed model was measured on real images yet."
BY_SOURCE = "one source"
MEAN = "mean over the sources that count [95 %]"

Gap = dict[str, Any]  # gap, low and high (shares)


@dataclass(frozen=True)
class GapRow:
    """A claimed gap in accuracy (share), the mean over sources, if there is one, and the gap on each that counts."""

    paper: str
    label: str
    verdict: str
    claimed: float
    mean: Gap | None
    by_source: list[Gap]


def gaps(records: Sequence[dict[str, Any]], papers: Sequence[Paper], params: Params) -> Figure:
    """Draw a forest plot for each paper, one above the other: the pairs that its headline claims a gap for."""
    use_style()
    rows = list(filter(None, (_row(record, params) for record in records)))
    papers = [paper for paper in papers if any(row.paper == paper.name for row in rows)]
    if not rows:
        figure = plt.figure(figsize=(8, 1))
        figure.text(0.5, 0.5, NOTHING, ha="center", va="center")
        figure.set_label(NOTHING)
        return figure
    counts = [sum(row.paper == paper.name for row in rows) for paper in papers]
    size = (9, ROW * sum(counts) + 0.8 * len(papers) + 0.6)
    figure, axes = plt.subplots(len(papers), 1, figsize=size, sharex=True, squeeze=False, height_ratios=counts)
    for axis, paper in zip(axes.flat, papers, strict=True):
        _draw_paper(axis, paper, [row for row in rows if row.paper == paper.name])
    axes[0, 0].set_xlabel("difference in accuracy (points)")
    legend_below(figure, axes[0, 0])
    entitle(figure, "Gaps in accuracy to the proposed models, claimed and measured on real images")
    figure.set_label(" ".join(f"{row.label.replace(chr(10), ', ')}: {_said(row)}." for row in rows))
    return figure


def _row(record: dict[str, Any], params: Params) -> GapRow | None:
    """Return a claimed gap of a headline, if it was measured on a source that counts."""
    if record["family"] != HEADLINE or "gap" not in record["claimed"]:
        return None
    numbers = record["numbers"]
    pairs = [pair for task in numbers.get("tasks", []) if task["counted"] for pair in task["pairs"]]
    if not pairs:
        return None
    first, second = (shown(label(params, model)) for model in pairs[0]["pair"])
    mean = numbers["mean"]["pairs"][0] if "mean" in numbers else None
    of_tasks = [task["task"] for task in numbers["tasks"] if f"/{task['task']}/" in record["claim"]]
    on = f" on {of_tasks[0]}" if of_tasks else ""
    row_label = f"{first} − {second}{on}\n{record['verdict']}"
    return GapRow(record["paper"], row_label, record["verdict"], record["claimed"]["gap"], mean, pairs)


def _draw_paper(axis: Axes, paper: Paper, rows: Sequence[GapRow]) -> None:
    """Draw the gaps of a paper, its axis on top."""
    for height, row in enumerate(rows):
        values = [100 * pair["gap"] for pair in row.by_source]
        axis.plot(values, [height] * len(values), "o", ms=4, mfc="white", mec=DARK, ls="none", label=BY_SOURCE)
        if row.mean:
            value, low, high = (100 * row.mean[name] for name in ("gap", "low", "high"))
            error = [[value - low], [high - value]]
            axis.errorbar(value, height, xerr=error, fmt="D", color="black", capsize=3, ms=5, lw=1.5, label=MEAN)
        axis.plot(100 * row.claimed, height, "|", color="black", ms=16, mew=3, ls="none", label="claimed")
    axis.axvline(0, color="black", lw=0.8)
    axis.set_yticks(range(len(rows)), [row.label for row in rows], fontsize=8)
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.xaxis.set_label_position("top")
    axis.tick_params(top=True, bottom=False, labeltop=True, labelbottom=False)
    axis.set_title(shown(paper.cite), loc="left")


def _said(row: GapRow) -> str:
    """Say what is claimed and what was measured."""
    claimed, measured = f"claimed {points(row.claimed)} points", [points(pair["gap"]) for pair in row.by_source]
    if not row.mean:
        return f"{claimed}, measured {', '.join(measured)}"
    mean = f"{points(row.mean['gap'])} {points_between(row.mean['low'], row.mean['high'])}"
    return f"{claimed}, measured {mean} over {len(measured)} sources"
