"""What all figures have in common: colours, markers, fonts, and how they are written.

Colours are seaborn's for colour-blind people. What a colour says, a marker, a line or a label says too, so a figure can
be read in grey.
"""

import io
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark import evidence

MARKERS, DASHES = "osD^vPX<>*hpd8H", ("-", "--", "-.")
COLORS = 10  # of the palette
LARGEST_PICTURE = 128  # pixels of an image in a figure
KINDS = {"svg": "Date", "png": "Software"}  # what files are written, and what of their metadata would differ
STYLE = {
    "svg.hashsalt": "retable",  # the same figure, the same bytes
    "svg.fonttype": "none",
    "text.parse_math": False,  # a $ in a paper or in a class's name is a $
    "figure.dpi": 100,
    "savefig.dpi": 110,
    "font.size": 9,
    "axes.titlesize": 10,
    "figure.constrained_layout.use": True,
}


@dataclass(frozen=True)
class Look:
    """How a model is drawn."""

    color: tuple[float, float, float]
    marker: str
    dash: str


def look(index: int) -> Look:
    """Return how the model with this index, counted from 0, is drawn; the first 15 look different."""
    color = sns.color_palette("colorblind")[index % COLORS]
    if index >= COLORS:
        return Look(tuple(0.55 * part for part in color), MARKERS[index % len(MARKERS)], ":")
    return Look(color, MARKERS[index], DASHES[index // 4])


def use_style() -> None:
    """Set the style of all figures drawn from here on."""
    sns.set_theme("paper", "whitegrid", rc=STYLE)


def legend_below(figure: Figure, axis: Axes) -> None:
    """Put a legend with each label once below the axes."""
    handles = dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=2)


def svg(figure: Figure) -> bytes:
    """Return a figure as :func:`save` writes it."""
    file = io.BytesIO()
    figure.savefig(file, format="svg", metadata={KINDS["svg"]: None})
    plt.close(figure)
    return file.getvalue()


def save(figures: Mapping[str, Figure], finished: Path, folder: Path) -> None:
    """Write figures as ``svg/NAME.svg`` and ``png/NAME.png`` in place of ``folder``, by way of ``finished``, and close.

    The same figure gives the same bytes.
    """
    shutil.rmtree(finished, ignore_errors=True)
    for kind, differing in KINDS.items():
        (finished / kind).mkdir(parents=True)
        for name, figure in figures.items():
            figure.savefig(finished / kind / f"{name}.{kind}", metadata={differing: None})
    for figure in figures.values():
        plt.close(figure)
    evidence.swap(finished, folder)
