"""The figure of accuracy under corruption."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.report.figures.figure_data import FigureData
from benchmark.report.figures.style import DARK, PALE, entitle, per_cent
from benchmark.training.corruptions import CORRUPTIONS

DASHES = ("-", "--", "-.", (0, (1, 1)))
OTHERS = "other rows of the papers"


def robustness(data: FigureData) -> Figure | None:
    """Draw accuracy over the strength of each corruption, without any first.

    The proposed models and their best rivals stand out; the other rows are pale.
    """
    if not data.rows:
        return None
    figure, axes = plt.subplots(1, len(CORRUPTIONS), figsize=(11, 3.7), sharey=True)
    chosen = data.highlighted
    others = [model for model in data.rows if model not in chosen]
    accuracies = {model: _accuracies(data, model) for model in data.rows}
    for axis, (name, corruption) in zip(axes, CORRUPTIONS.items(), strict=True):
        for model in others:
            axis.plot(accuracies[model][name], color=PALE, lw=0.8, label=OTHERS)
        for place, model in enumerate(chosen):
            look, dash = data.look(model), DASHES[place % len(DASHES)]
            style = {"color": look.color, "marker": look.marker, "ls": dash, "ms": 5, "mec": "black", "mew": 0.5}
            axis.plot(accuracies[model][name], lw=1.8, label=data.label(model), **style)
        axis.axhline(100 * data.largest_class, color=DARK, ls=":", lw=1, label="always the largest class")
        levels = ["none", *(f"{strength:g}" for strength in corruption.strengths)]
        axis.set_xticks(range(len(levels)), levels)
        axis.set_xlabel(f"{name.replace('_', ' ')} ({corruption.unit})")
    axes[0].set_ylabel("accuracy (%)")
    _legend(figure, axes[0])
    entitle(figure, f"Robustness on {data.title}: accuracy under corruption, mean over runs")
    figure.set_label(" ".join(_said(data, name, accuracies, chosen) for name in CORRUPTIONS))
    return figure


def _accuracies(data: FigureData, model: str) -> dict[str, np.ndarray]:
    """Return corruption → mean accuracy (%) without it, then at each strength; nan where the model never met it."""
    table = data.table(model, "robustness").groupby(["corruption", "strength"])["accuracy"].mean()
    clean = np.mean([scores["accuracy"] for scores in data.results.scores[model]])
    return {
        name: 100 * np.array([clean, *(table.get((name, strength), np.nan) for strength in corruption.strengths)])
        for name, corruption in CORRUPTIONS.items()
    }


def _legend(figure: Figure, axis: Axes) -> None:
    """Put a legend below, each label once, the pale lines last."""
    handles = dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
    labels = sorted(handles, key=lambda label: label == OTHERS)
    figure.legend([handles[label] for label in labels], labels, loc="outside lower center", ncols=len(labels))


def _said(data: FigureData, name: str, accuracies: dict[str, dict[str, np.ndarray]], models: list[str]) -> str:
    """Say what the strongest corruption of a kind does to some models."""
    corruption = CORRUPTIONS[name]
    strongest = f"{name.replace('_', ' ')} {corruption.strengths[-1]:g} ({corruption.unit})"
    met = [model for model in models if np.isfinite(accuracies[model][name][-1])]
    ends = {model: [per_cent(accuracies[model][name][place] / 100) for place in (0, -1)] for model in met}
    changes = [f"{data.label(model)} {' to '.join(clean_and_strongest)}" for model, clean_and_strongest in ends.items()]
    return f"From none to {strongest}: {', '.join(changes) or 'no proposed model'}."
