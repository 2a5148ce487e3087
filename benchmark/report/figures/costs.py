"""The figure of accuracy against cost."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from benchmark.report.figures.figure_data import FigureData
from benchmark.report.results import sizes
from benchmark.report.tables import on_front

SMALLEST, USUAL, LARGEST = 4, 7, 11  # markers (points): of the smallest network of a row, of the row, of the largest


def accuracy_against_cost(data: FigureData) -> Figure | None:
    """Draw accuracy against latency and against MACs, with the Pareto front; None where no cost was measured."""
    results = data.results
    if not results.answers.costs:
        return None
    others = [model for model in sizes(data.params, results.answers.rows) if model in results.scores]
    means = {model: 100 * results.mean(model, "accuracy").value for model in [*data.rows, *others]}
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.4), sharey=True)
    for axis, measure, scale, label in (
        (axes[0], "latency_ms", 1, "latency of one image (ms)"),
        (axes[1], "macs", 1e-6, "multiply-accumulates of one image (millions)"),
    ):
        costs = {model: results.cost(model).get(measure) for model in means}
        points = {model: (means[model], scale * cost) for model, cost in costs.items() if cost is not None}
        _draw_points(axis, data, points)
        axis.set(xscale="log", xlabel=label)
        if points:  # estimators have no multiply-accumulates
            _draw_front(axis, points)
    axes[0].set_ylabel("accuracy (%)")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center")
    condition = results.answers.costs[0].condition
    figure.suptitle(f"Accuracy against cost on {data.title}; dashed: Pareto front\n{condition}")
    return figure


def _draw_points(axis: Axes, data: FigureData, points: dict[str, tuple[float, float]]) -> None:
    """Draw models, each as accuracy and cost; the marker of a larger network of a row is larger."""
    markers = marker_sizes(data)
    for model, (mean, cost) in points.items():
        look, size = data.look(model), markers.get(model, USUAL)
        axis.plot(cost, mean, look.marker, color=look.color, ms=size, mec="black", mew=0.5, ls="none", label=model)


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
