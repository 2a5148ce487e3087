"""Figures of test scores: beside the paper's, by class, and by confidence."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import binomtest

from benchmark import evidence
from benchmark.audit.claims import number_of
from benchmark.audit.papers import Paper, Table
from benchmark.report.figures.figure_data import FigureData
from benchmark.report.figures.style import legend_below

BINS = 10  # of confidence


def accuracy(data: FigureData, paper: Paper, table: Table) -> Figure | None:
    """Draw the measured accuracy of a table's rows with its interval, beside what the paper prints (Figure 8).

    None for a table without accuracy on this task.
    """
    places = [
        place
        for place, column in enumerate(table.columns)
        if column.measure == "accuracy" and column.task in (None, data.task)
    ]
    if not places:
        return None
    systems = list(table.rows)
    figure, axis = plt.subplots(figsize=(6.5, 0.9 + 0.42 * len(systems)))
    for height, system in enumerate(systems):
        printed = number_of(table, system, places[0], table.columns[places[0]])
        if printed is not None:
            style = {"color": "black", "markersize": 14, "mew": 2, "ls": "none"}
            axis.plot(100 * printed, height, marker="|", label="printed in the paper", **style)
        _bar(axis, data, paper.systems[system], height)
    axis.set(xlim=(0, 105), ylim=(-0.6, len(systems) - 0.4), xlabel="accuracy (%)")
    figure.suptitle(f"{paper.cite}, {table.title}\non {data.title}")
    axis.set_yticks(range(len(systems)), [f"{system} ({paper.systems[system]})" for system in systems])
    axis.invert_yaxis()
    legend_below(figure, axis)
    return figure


def _bar(axis: Axes, data: FigureData, model: str, height: float) -> None:
    """Draw a model's measured accuracy with its interval, or say that there is no evidence."""
    estimate = data.results.mean(model, "accuracy")
    if estimate is None:
        axis.annotate("no evidence", (2, height), va="center", style="italic")
        return
    value, low, high = np.nan_to_num(estimate.of_share(), nan=estimate.value)
    axis.barh(height, 100 * value, color=data.look(model).color, alpha=0.6)
    error = [[100 * (value - low)], [100 * (high - value)]]
    style = {"color": "black", "capsize": 3, "lw": 1, "ls": "none"}
    axis.errorbar(100 * value, height, xerr=error, label="measured [95 % interval]", **style)


def confusion(data: FigureData, model: str) -> Figure:
    """Draw the confusion matrix over all runs, in per cent of each true class (adaptive, Figure 7)."""
    classes = data.classes
    counts = np.zeros((len(classes), len(classes)), int)
    for labels, probabilities in _predictions(data, model):
        np.add.at(counts, (labels, probabilities.argmax(1)), 1)
    shares = 100 * counts / counts.sum(1, keepdims=True)
    texts = np.array([f"{share:.0f} %\n{count}" for share, count in zip(shares.flat, counts.flat, strict=True)])
    side = 1.6 + 0.9 * len(classes)
    figure, axis = plt.subplots(figsize=(side + 0.8, side))
    sns.heatmap(
        shares, vmin=0, vmax=100, cmap="Greys", annot=texts.reshape(counts.shape), fmt="", square=True, ax=axis,
        xticklabels=classes, yticklabels=classes, cbar_kws={"label": "of the true class (%)"},
    )  # fmt: skip
    axis.set(xlabel="predicted", ylabel="true", title=f"{model} on {data.title}\n{len(data.runs(model))} runs")
    return figure


def reliability(data: FigureData) -> Figure | None:
    """Draw accuracy over confidence, in bins with Wilson's 95 % interval; a calibrated model lies on the diagonal."""
    count = len(data.rows)
    if not count:
        return None
    columns = min(4, count)
    lines = -(-count // columns)
    figure, axes = plt.subplots(
        lines, columns, figsize=(2.4 * columns, 2.4 * lines), sharex=True, sharey=True, squeeze=False
    )
    for axis, model in zip(axes.flat, data.rows, strict=False):
        _reliability_of(axis, data, model)
    for axis in axes.flat[count:]:
        axis.remove()
    for axis in axes.flat[count - columns : count]:  # the lowest of its column
        axis.tick_params(labelbottom=True)
    figure.supxlabel("confidence: probability of the predicted class")
    figure.supylabel("accuracy (share)")
    figure.suptitle(f"Reliability on {data.title}; size of a marker: share of the test images; lines: 95 % intervals")
    return figure


def _reliability_of(axis: Axes, data: FigureData, model: str) -> None:
    """Draw one model's accuracy over confidence."""
    predictions = list(_predictions(data, model))
    confidence = np.concatenate([probabilities.max(1) for _, probabilities in predictions])
    right = np.concatenate([probabilities.argmax(1) == labels for labels, probabilities in predictions])
    bins = np.minimum((BINS * confidence).astype(int), BINS - 1)
    table = pd.DataFrame({"confidence": confidence, "right": right}).groupby(bins)
    mean, hits, images = table["confidence"].mean(), table["right"].sum(), table.size()
    wilson = [binomtest(int(k), int(n)).proportion_ci(method="wilson") for k, n in zip(hits, images, strict=True)]
    look, share = data.look(model), hits / images
    axis.plot([0, 1], [0, 1], color="black", lw=0.8, ls=":")
    axis.vlines(mean, [bounds.low for bounds in wilson], [bounds.high for bounds in wilson], color="black", lw=0.8)
    axis.plot(mean, share, color=look.color, ls=look.dash)
    weight = 20 + 180 * images / len(bins)
    axis.scatter(mean, share, weight, [look.color], marker=look.marker, ec="black", lw=0.5, zorder=3, clip_on=False)
    axis.set(title=model, xlim=(0, 1.02), ylim=(-0.02, 1.04), xticks=(0, 0.5, 1))


def _predictions(data: FigureData, model: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return, for each run, labels (int, N) and probabilities (N × classes)."""
    paths = [evidence.run_folder(data.task, model, run) / "predictions.csv" for run in data.runs(model)]
    return [evidence.read_predictions(path)[1:] for path in paths]
