"""What all figures have in common: colours, markers, names, and how they are written.

Colours are seaborn's for colour-blind people. What a colour says, a marker, a line or a label says too, so a figure can
be read in grey.
"""

import shutil
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from benchmark.evidence import placing
from benchmark.report.figures.svg import FONT, shown

MARKERS = "osD^vPX<>*hpd8H"
COLORS = 10  # of the palette
LARGEST_PICTURE = 128  # pixels of an image in a figure
LONGEST, KEY_LETTERS = 24, 80  # letters of a class's name at an axis; of a line of the key
KEY_LINE = 0.2  # inches
TITLE_LETTERS = 12  # on an inch
PALE, DARK = "0.75", "0.25"  # greys
STYLE = {
    "svg.hashsalt": "retable",  # the same figure, the same bytes
    "svg.fonttype": "none",
    "text.parse_math": False,  # a $ in a paper or in a class's name is a $
    "font.family": FONT,
    "savefig.dpi": 96,
    "font.size": 9,
    "axes.titlesize": 10,
    "figure.constrained_layout.use": True,
}


@dataclass(frozen=True)
class Look:
    """How a model is drawn."""

    color: tuple[float, float, float]
    marker: str


def look(index: int) -> Look:
    """Return how the model with this index, counted from 0, is drawn; the first 15 look different."""
    color = sns.color_palette("colorblind")[index % COLORS]
    if index >= COLORS:
        return Look(tuple(0.55 * part for part in color), MARKERS[index % len(MARKERS)])
    return Look(color, MARKERS[index])


def use_style() -> None:
    """Set the style of all figures drawn from here on."""
    sns.set_theme("paper", "whitegrid", rc=STYLE)


def entitle(figure: Figure, text: str) -> None:
    """Give a figure a title, in as many lines as its width asks for."""
    letters = int(TITLE_LETTERS * figure.get_figwidth())
    figure.suptitle("\n".join(part for line in text.split("\n") for part in textwrap.wrap(line, letters)))


def legend_below(figure: Figure, axis: Axes) -> None:
    """Put a legend with each label once below the axes."""
    handles = dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=2)


def class_names(classes: Sequence[str]) -> list[str]:
    """Return what classes are called in a figure: by their numbers, from 1, where :func:`class_key` explains them."""
    return [
        name if name == shown(name) and len(name) <= LONGEST else f"class {number}"
        for number, name in enumerate(classes, 1)
    ]


def class_key(figure: Figure, classes: Sequence[str]) -> None:
    """Explain below a figure the classes whose names are long, or have letters that the font lacks."""
    lines = []
    for called, name in zip(class_names(classes), classes, strict=True):
        if called != name:
            letters = "".join(letter for letter in name if letter.isprintable())
            codes = f" ({shown(name)})" if shown(name) != name else ""
            lines += textwrap.wrap(f"{called}: {letters}{codes}", KEY_LETTERS, subsequent_indent="    ")
    if lines:
        figure.set_figheight(figure.get_figheight() + KEY_LINE * len(lines))
        handles = [Patch(visible=False) for _ in lines]
        figure.legend(handles, lines, loc="outside lower left", handlelength=0, handletextpad=0, frameon=False)


def draw_picture(axis: Axes, pixels: np.ndarray) -> None:
    """Draw an image (uint8, H × W × C), pixel by pixel, without an axis."""
    axis.imshow(pixels.squeeze(), cmap="gray", vmin=0, vmax=255, interpolation="none")
    axis.set(xticks=[], yticks=[])


def evenly(labels: Sequence[int], most: int) -> list[int]:
    """Return the places of at most ``most`` of some labels, the first ones, of each label as many as of the others."""
    seen: dict[int, int] = {}
    nth = []
    for label in labels:
        nth.append(seen.get(label, 0))
        seen[label] = nth[-1] + 1
    return sorted(sorted(range(len(nth)), key=nth.__getitem__)[:most])


def end_of(text: str, length: int) -> str:
    """Return a text that can be drawn, of a longer one the end."""
    text = shown(text)
    return text if len(text) <= length else f"…{text[1 - length :]}"


def per_cent(share: float) -> str:
    """Return a share as people read it."""
    return f"{100 * share:.1f} %"


def save(files: Mapping[str, bytes], finished: Path, folder: Path) -> None:
    """Write figures as ``svg/NAME.svg`` in place of ``folder``, by way of ``finished``."""
    shutil.rmtree(finished, ignore_errors=True)
    (finished / "svg").mkdir(parents=True)
    for name, content in files.items():
        (finished / "svg" / f"{name}.svg").write_bytes(content)
    placing.keep(finished / "svg")
    placing.swap(finished, folder)
