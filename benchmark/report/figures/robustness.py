"""The figure of accuracy under corruption."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from benchmark.report.figures.figure_data import FigureData
from benchmark.training.corruptions import CORRUPTIONS

CLEAR = 0.1  # of balanced accuracy, above chance


def robustness(data: FigureData) -> Figure | None:
    """Draw accuracy under corruption over its strength, and how much of the balanced accuracy beyond chance is kept."""
    if not data.rows:
        return None
    figure, axes = plt.subplots(2, len(CORRUPTIONS), figsize=(11, 5.6), sharey="row")
    for model in data.rows:
        _draw_model(axes, data, model)
    for (above, below), (name, corruption) in zip(axes.T, CORRUPTIONS.items(), strict=True):
        for axis in (above, below):
            axis.set_xscale("log")
            axis.set_xticks(corruption.strengths, [f"{strength:g}" for strength in corruption.strengths])
            axis.minorticks_off()
            if corruption.stronger == "down":
                axis.invert_xaxis()  # to the right, images get worse
        below.axhline(0, color="black", lw=0.8, ls=":")
        below.set_xlabel(f"{name.replace('_', ' ')} ({corruption.unit})")
        below.set_ylim(bottom=-0.3)
    axes[0, 0].set_ylabel("accuracy (%)")
    axes[1, 0].set_ylabel("balanced accuracy\nkept beyond chance (share)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center")
    figure.suptitle(f"Robustness on {data.title}")
    return figure


def _draw_model(axes: np.ndarray, data: FigureData, model: str) -> None:
    """Draw one model into all axes (2 × corruptions); below only if it is clearly above chance on clean images."""
    chance = 1 / len(data.classes)
    clean = np.mean([scores["balanced_accuracy"] for scores in data.results.scores[model]])
    table, look = data.table(model, "robustness"), data.look(model)
    style = {"color": look.color, "marker": look.marker, "ls": look.dash, "ms": 4, "lw": 1.2, "label": model}
    for (above, below), kind in zip(axes.T, CORRUPTIONS, strict=True):
        mean = table[table["corruption"] == kind].groupby("strength")[["accuracy", "balanced_accuracy"]].mean()
        above.plot(mean.index, 100 * mean["accuracy"], **style)
        if clean > chance + CLEAR:  # what a model near chance keeps is a ratio of noises
            below.plot(mean.index, (mean["balanced_accuracy"] - chance) / (clean - chance), **style)
