"""The figure of accuracy against cost."""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter
from matplotlib.transforms import Bbox

from benchmark.report.figures.figure_data import FigureData
from benchmark.report.figures.style import entitle
from benchmark.report.results import sizes
from benchmark.report.tables import on_front

PLACES = (  # of a name beside its point: how far from it (points), and how it is aligned
    ((6, 0), "left", "center"),
    ((-6, 0), "right", "center"),
    ((0, 6), "center", "bottom"),
    ((0, -6), "center", "top"),
    ((6, 7), "left", "bottom"),
    ((6, -7), "left", "top"),
    ((-6, 7), "right", "bottom"),
    ((-6, -7), "right", "top"),
    ((0, 16), "center", "bottom"),
    ((0, -16), "center", "top"),
)
SMALLEST, USUAL, LARGEST = 4, 7, 11  # markers (points): of the smallest network of a row, of the row, of the largest


def accuracy_against_cost(data: FigureData) -> Figure | None:
    """Draw accuracy against latency and against MACs, with the Pareto front; None where one is not known."""
    results = data.results
    others = [model for model in sizes(data.params, results.answers.rows) if model in results.scores]
    means = {model: 100 * data.accuracy(model) for model in [*data.rows, *others]}
    if not results.answers.costs or not means:
        return None
    figure, axes = plt.subplots(1, 2, figsize=(11, 5), sharey=True)
    said = []
    for axis, measure, scale, label in (
        (axes[0], "latency_ms", 1, "latency of one image (ms)"),
        (axes[1], "macs", 1e-6, "multiply-accumulates of one image (millions)"),
    ):
        costs = {model: results.cost(model).get(measure) for model in means}
        points = {model: (means[model], scale * cost) for model, cost in costs.items() if cost is not None}
        _draw_points(axis, data, points)
        axis.set(xscale="log", xlabel=label)
        axis.margins(0.12, 0.08)
        if points:  # estimators have no multiply-accumulates
            _draw_front(axis, points)
            said.append(f"On the front of accuracy and {label}: {_front_said(data, points)}.")
    axes[0].set_ylabel("accuracy (%)")
    condition = results.answers.costs[0].condition
    entitle(figure, f"Accuracy against cost on {data.title}; dashed: Pareto front\n{condition}")
    figure.canvas.draw()  # lays out: names find their places by it
    for axis in axes:
        _write_names(axis)
    figure.set_label(" ".join(said))
    return figure


def _draw_points(axis: Axes, data: FigureData, points: dict[str, tuple[float, float]]) -> None:
    """Draw models, each as accuracy and cost; the marker of a larger network of a row is larger."""
    markers = marker_sizes(data)
    for model, (mean, cost) in points.items():
        look, size = data.look(model), markers.get(model, USUAL)
        style = {"ms": size, "mec": "black", "mew": 0.5, "ls": "none", "label": data.label(model)}
        axis.plot(cost, mean, look.marker, color=look.color, **style)


def _front_said(data: FigureData, points: dict[str, tuple[float, float]]) -> str:
    front = sorted((cost, mean, model) for model, (mean, cost) in points.items() if model in on_front(points))
    return ", ".join(f"{data.label(model)} ({cost:.3g}; {mean:.1f} %)" for cost, mean, model in front)


def _write_names(axis: Axes) -> None:
    """Write the name of each point at the first free place around it, or else at the last of :data:`PLACES`."""
    points = [line for line in axis.lines if line.get_drawstyle() == "default"]
    fronts = [line for line in axis.lines if line not in points]
    taken = [*map(_box_of_point, points), *(box for line in fronts for box in _boxes_of_front(line))]
    for line in points:
        for offset, across, up in PLACES:
            name = axis.annotate(
                line.get_label(),
                line.get_xydata()[0],
                offset,
                textcoords="offset points",
                ha=across,
                va=up,
                fontsize=7,
            )
            box = name.get_window_extent()
            inside = axis.bbox.x0 <= box.x0 and box.x1 <= axis.bbox.x1
            if inside and not any(box.overlaps(other) for other in taken):
                break
            if (offset, across, up) != PLACES[-1]:
                name.remove()
        taken.append(box)


def _boxes_of_front(line: Line2D) -> list[Bbox]:
    """Return what the steps of a front cover (pixels)."""
    corners = line.axes.transData.transform(line.get_xydata())
    turns = [(x, y) for (_, y), (x, _) in pairwise(corners)]  # to the right, then up
    return [
        Bbox([start, end]).padded(1)
        for first, turn, last in zip(corners, turns, corners[1:], strict=False)
        for start, end in ((first, turn), (turn, last))
    ]


def _box_of_point(line: Line2D) -> Bbox:
    """Return what a point covers (pixels)."""
    (x, y), half = line.axes.transData.transform(line.get_xydata()[0]), line.get_markersize() * line.figure.dpi / 144
    return Bbox([[x - half, y - half], [x + half, y + half]])


def _draw_front(axis: Axes, points: dict[str, tuple[float, float]]) -> None:
    (left, right), (low, high) = axis.get_xlim(), axis.get_ylim()
    front = on_front(points)
    steps = sorted((cost, mean) for model, (mean, cost) in points.items() if model in front)
    steps = [(steps[0][0], low), *steps, (right, steps[-1][1])]  # a front of one point is a corner
    axis.step(*zip(*steps, strict=True), where="post", color="black", lw=0.8, ls="--", zorder=0)
    axis.set(xlim=(left, right), ylim=(low, high))
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter(NullFormatter())


def marker_sizes(data: FigureData) -> dict[str, float]:
    """Return model → size of its marker (points), of all other sizes of the papers' rows, by their parameters."""
    row_of = sizes(data.params, data.results.answers.rows)
    parameters = {model: data.results.cost(model).get("params") or 0 for model in {*row_of, *row_of.values()}}
    markers: dict[str, float] = {}
    for row in set(row_of.values()):
        others = sorted((model for model in row_of if row_of[model] == row), key=parameters.get)
        smaller = [model for model in others if parameters[model] < parameters[row]]
        larger = [model for model in others if model not in smaller]
        markers |= zip(smaller, np.linspace(SMALLEST, USUAL, len(smaller), endpoint=False), strict=True)
        markers |= zip(larger, np.linspace(LARGEST, USUAL, len(larger), endpoint=False)[::-1], strict=True)
    return markers
