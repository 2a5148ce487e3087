"""Figures of the training: over epochs, and over the number of training images."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from benchmark import evidence
from benchmark.report.figures.figure_data import FigureData
from benchmark.report.figures.style import DARK, entitle, legend_below, per_cent


def curves(data: FigureData, model: str) -> Figure | None:
    """Draw accuracy and loss on training and validation images over epochs (adaptive, Figure 6).

    None of an estimator, which does not learn in epochs.
    """
    if data.params.model(model).kind == "estimator":
        return None
    history, look = data.table(model, "history"), data.look(model)
    figure, axes = plt.subplots(1, 2, figsize=(7.4, 3))
    for axis, measure, label in zip(axes, ("accuracy", "loss"), ("accuracy (%)", "cross-entropy (nats)"), strict=True):
        scale = 100 if measure == "accuracy" else 1
        for part, dash in (("train", "--"), ("validation", "-")):
            for _, run in history.groupby("run"):
                axis.plot(run["epoch"], scale * run[f"{part}_{measure}"], dash, color=look.color, alpha=0.3, lw=0.7)
            mean = history.groupby("epoch")[f"{part}_{measure}"].mean()
            axis.plot(mean.index, scale * mean, dash, color=look.color, lw=2, label=f"{part}, mean over runs")
        axis.set(xlabel="epoch", ylabel=label)
    axes[0].axhline(100 * data.largest_class, color=DARK, ls=":", lw=1, label="largest class, of test images")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    entitle(figure, f"{data.label(model)} on {data.title}: training and validation")
    last = history.groupby("run").tail(1)
    train, validation = (per_cent(last[f"{part}_accuracy"].mean()) for part in ("train", "validation"))
    figure.set_label(
        f"Accuracy and loss over {history['epoch'].max()} epochs, {len(last)} runs: accuracy ends at {train} on "
        f"training and {validation} on validation images; the largest class is {per_cent(data.largest_class)} of the "
        "test images."
    )
    return figure


def learning(data: FigureData, model: str) -> Figure | None:
    """Draw accuracy over the number of training images (adaptive, Figure 9); None with fewer than two sizes."""
    parts = [name for name, other in data.params.models.items() if other.train_parts and (other.of or name) == model]
    names = [name for name in [*parts, model] if name in data.results.scores]
    if len(names) < 2:
        return None
    points = sorted(_point(data, name) for name in names)
    images, train, validation, test, low, high = np.array(points).T
    train, validation, test, low, high = (100 * share for share in (train, validation, test, low, high))
    figure, axis = plt.subplots(figsize=(6, 3.6))
    look = data.look(model)
    axis.plot(images, train, "--", marker="s", color=look.color, alpha=0.7, label="training, last epoch, augmented")
    axis.plot(images, validation, "-.", marker="^", color=look.color, alpha=0.7, label="validation, last epoch")
    axis.errorbar(
        images, test, [test - low, high - test], marker="o", color=look.color, capsize=3,
        label="test, best epoch [95 % interval]",
    )  # fmt: skip
    axis.axhline(100 * data.largest_class, color=DARK, ls=":", lw=1, label="always the largest class, test")
    axis.set(xlabel="training images", ylabel="accuracy (%)", ylim=(None, 102))
    axis.set_xticks(images)
    legend_below(figure, axis)
    entitle(figure, f"{data.label(model)} on {data.title}: fewer training images")
    said = ", ".join(f"{number:.0f} images {value:.1f} %" for number, value in zip(images, test, strict=True))
    figure.set_label(
        f"Accuracy over training images, on test images: {said}. Always the largest class: "
        f"{per_cent(data.largest_class)}."
    )
    return figure


def _point(data: FigureData, model: str) -> tuple[float, ...]:
    """Return the number of training images, then accuracy: training, validation, test and its bounds (shares)."""
    folders = [evidence.run_folder(data.task, model, run) for run in data.runs(model)]
    images = np.mean([evidence.read_json(folder / evidence.PROVENANCE)["images"]["train"] for folder in folders])
    last = data.table(model, "history").groupby("run").tail(1)
    shares = [last[f"{part}_accuracy"].mean() for part in ("train", "validation")]
    return (images, *shares, *data.results.mean(model, "accuracy").of_share())
