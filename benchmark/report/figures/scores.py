"""Figures of test scores: by system, by class, and by confidence."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator
from scipy.stats import binomtest

from benchmark.audit.claims import number_of
from benchmark.audit.papers import Paper, Table
from benchmark.report.figures.figure_data import FigureData
from benchmark.report.figures.style import DARK, PALE, class_key, class_names, entitle, legend_below, per_cent
from benchmark.report.figures.svg import shown

BINS = 10  # of confidence
FEW = 4  # classes, up to which a cell of a matrix is wide
LETTERS = 12  # of a name, on an inch


def accuracy(data: FigureData, paper: Paper, table: Table) -> Figure | None:
    """Draw the measured accuracy of a table's rows with its interval (Figure 8).

    What the paper prints stands beside it only where its column names this task: elsewhere it is of other images. None
    for a table without accuracy on this task, or without evidence.
    """
    data = replace(data, results=data.results.by_rows_of(paper))
    columns = [
        (place, column)
        for place, column in enumerate(table.columns)
        if column.measure == "accuracy" and column.task in (None, data.task)
    ]
    if not columns or data.results.scores.keys().isdisjoint(paper.systems[system] for system in table.rows):
        return None
    place, column = columns[0]
    systems, said = list(table.rows), []
    figure, axis = plt.subplots(figsize=(6.8, 1.7 + 0.3 * len(systems)))
    for height, system in enumerate(systems):
        said.append(f"{shown(system)} {_draw_accuracy(axis, data, paper, paper.systems[system], height)}")
        printed = number_of(table, system, place, column)
        if column.task and printed is not None:
            axis.plot(100 * printed, height, "|", color="black", ms=14, mew=2, ls="none", label="printed in the paper")
    axis.axvline(100 * data.largest_class, color=DARK, ls=":", lw=1, label="always the largest class")
    axis.set_yticks(range(len(systems)), [_row_name(data, paper, system) for system in systems])
    axis.set(ylim=(len(systems) - 0.4, -0.6), xlabel="accuracy (%)")
    legend_below(figure, axis)
    entitle(figure, f"{shown(paper.cite)}, {shown(table.title)}\non {data.title}")
    figure.set_label(
        f"Accuracy of each row with its 95 % interval: {'; '.join(said)}. Always the largest class: "
        f"{per_cent(data.largest_class)}."
    )
    return figure


def _row_name(data: FigureData, paper: Paper, system: str) -> str:
    """Return a system as the paper names it, and what is taken for it here where that does not say it."""
    label = data.label(paper.systems[system])
    return shown(system) if label.lower() in system.lower() else f"{shown(system)}: {label}"


def _draw_accuracy(axis: Axes, data: FigureData, paper: Paper, model: str, height: float) -> str:
    """Draw a model's accuracy with its interval, filled if it is the proposed one; return it as text."""
    estimate = data.results.mean(model, "accuracy")
    if estimate is None:
        axis.annotate("no evidence", (0.02, height), xycoords=("axes fraction", "data"), va="center", style="italic")
        return "no evidence"
    value, low, high = np.nan_to_num(estimate.of_share(), nan=estimate.value)
    error = [[100 * (value - low)], [100 * (high - value)]]
    proposed = model == paper.proposed
    label = "proposed model, measured [95 %]" if proposed else "measured [95 %]"
    face = "black" if proposed else "white"
    axis.errorbar(100 * value, height, xerr=error, fmt="o", color="black", mfc=face, capsize=3, lw=1, label=label)
    return f"{per_cent(value)} [{100 * low:.1f}, {100 * high:.1f}]"


def confusion(data: FigureData, paper: Paper) -> Figure:
    """Draw the confusion matrices of a paper's proposed model and, beside it, of its best rival (adaptive, Figure 7).

    They are over all runs, in per cent of each true class.
    """
    models = list(filter(None, [paper.proposed, data.rival(paper)]))
    names, count = class_names(data.classes), len(data.classes)
    cell = 0.9 if count <= FEW else 0.62  # inches
    side, slanted = cell * count, max(map(len, names)) > LETTERS * cell
    size = (len(models) * (side + 0.3) + 2.3, side + (1.9 if slanted else 1.4))
    figure, axes = plt.subplots(1, len(models), figsize=size, squeeze=False, sharey=True)
    said = []
    for axis, model in zip(axes.flat, models, strict=True):
        counts = _confusions(data, model)
        shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
        texts = [f"{100 * share:.0f} %\n{number}" for share, number in zip(shares.flat, counts.flat, strict=True)]
        sns.heatmap(
            100 * shares, vmin=0, vmax=100, cmap="Greys", annot=np.reshape(texts, counts.shape), fmt="", square=True,
            ax=axis, xticklabels=names, yticklabels=names, cbar=axis is axes.flat[-1],
            cbar_kws={"label": "of the true class (%)", "shrink": 0.8}, annot_kws={"size": 8},
        )  # fmt: skip
        if slanted:
            axis.set_xticks(axis.get_xticks(), names, rotation=25, ha="right", rotation_mode="anchor")
        axis.tick_params("y", rotation=0)
        axis.set(xlabel="predicted", ylabel="true" if axis is axes.flat[0] else "")
        axis.set_title(
            f"{data.label(model)}\n{per_cent(data.accuracy(model))} right, {len(data.runs(model))} runs", fontsize=9
        )
        recalls = [
            f"{shown(name)} {100 * share:.0f} %" for name, share in zip(data.classes, shares.diagonal(), strict=True)
        ]
        said.append(f"{data.label(model)}, {per_cent(data.accuracy(model))} right; recall: {', '.join(recalls)}")
    class_key(figure, data.classes)
    beside = f" beside {data.label(models[1])}, its best rival," if len(models) > 1 else ""
    entitle(figure, f"{data.label(models[0])}{beside} on {data.title}")
    figure.set_label(f"Confusion matrices over all runs. {'. '.join(said)}.")
    return figure


def _confusions(data: FigureData, model: str) -> np.ndarray:
    """Return how many test images of each class (rows) were taken for each class (columns), over all runs."""
    counts = np.zeros((len(data.classes), len(data.classes)), int)
    for labels, probabilities in data.predictions(model):
        np.add.at(counts, (labels, probabilities.argmax(1)), 1)
    return counts


def reliability(data: FigureData) -> Figure | None:
    """Draw accuracy over confidence, in bins with Wilson's 95 % interval; a calibrated model lies on the diagonal.

    A model's title has its expected calibration error (ECE).
    """
    count = len(data.rows)
    if not count:
        return None
    columns = min(5, count)
    lines = -(-count // columns)
    size = (2.1 * columns, 2.1 * lines + 0.5)
    figure, axes = plt.subplots(lines, columns, figsize=size, sharex=True, sharey=True, squeeze=False)
    errors = {model: np.mean([scores["ece"] for scores in data.results.scores[model]]) for model in data.rows}
    for axis, model in zip(axes.flat, data.rows, strict=False):
        _draw_reliability(axis, data, model)
        axis.set_title(f"{data.label(model)}\nECE {per_cent(errors[model])}", fontsize=8)
    for axis in axes.flat[count:]:
        axis.remove()
    for axis in axes.flat[count - columns : count]:  # the lowest of its column
        axis.tick_params(labelbottom=True)
    figure.supxlabel("confidence: probability of the predicted class")
    figure.supylabel("accuracy (share)")
    entitle(figure, f"Reliability on {data.title}; bars: share of the test images; lines: 95 % intervals")
    said = ", ".join(f"{data.label(model)} {per_cent(error)}" for model, error in errors.items())
    figure.set_label(f"Accuracy over confidence of each model. Expected calibration error, mean over runs: {said}.")
    return figure


def _draw_reliability(axis: Axes, data: FigureData, model: str) -> None:
    """Draw one model's accuracy over confidence, and how many images have which."""
    predictions = data.predictions(model)
    confidence = np.concatenate([probabilities.max(1) for _, probabilities in predictions])
    right = np.concatenate([probabilities.argmax(1) == labels for labels, probabilities in predictions])
    bins = np.minimum((BINS * confidence).astype(int), BINS - 1)
    images = np.bincount(bins, minlength=BINS)
    filled = images > 0
    axis.bar(np.arange(0.5, BINS) / BINS, images / len(bins), 1 / BINS, color=PALE, lw=0)
    mean, share = (np.bincount(bins, values, BINS)[filled] / images[filled] for values in (confidence, right))
    hits = np.bincount(bins, right, BINS)[filled].astype(int)
    wilson = [
        binomtest(*map(int, pair)).proportion_ci(method="wilson") for pair in zip(hits, images[filled], strict=True)
    ]
    axis.plot([0, 1], [0, 1], color="black", lw=0.8, ls=":")
    axis.vlines(mean, [bounds.low for bounds in wilson], [bounds.high for bounds in wilson], color="black", lw=0.8)
    axis.plot(mean, share, "o-", color="black", ms=3.5, lw=1)
    axis.set(xlim=(0, 1.02), ylim=(-0.02, 1.04))
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_locator(MultipleLocator(0.5))
