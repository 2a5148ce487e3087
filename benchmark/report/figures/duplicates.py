"""The figure of near-duplicates: pairs as pictures, train beside test where the source has a split of its own."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.data import Images
from benchmark.data.resize import resize
from benchmark.report.figures.style import LARGEST_PICTURE, use_style

COLUMNS = 4  # pairs beside each other
CLASS_LETTERS, NAME_LETTERS = 22, 26  # of longer names the end is shown


def near_duplicates(manifest: dict[str, Any], images: Images | None, title: str) -> Figure | None:
    """Draw the pairs that the manifest picked; None without the images, or without near-duplicates.

    Both images are shown as they are; what was done to the first before they were compared stands above it.
    """
    pairs = manifest["duplicates"]["shown"]
    if images is None or not pairs:
        return None
    use_style()
    rows = -(-len(pairs) // COLUMNS)
    columns = min(COLUMNS, len(pairs))
    figure = plt.figure(figsize=(3.3 * columns, 2.5 * rows + 0.5))
    for frame, pair in zip(figure.subfigures(rows, columns, squeeze=False).flat, pairs, strict=False):
        _draw_pair(frame.subplots(1, 2), pair, images)
        turn = "" if pair["first_is"] == "upright" else f"\nleft image {pair['first_is']}"
        frame.suptitle(
            f"r {pair['correlation']:.3f}, {pair['of_residuals']:.3f} without the mean image{turn}", fontsize=8
        )
    counts = manifest["duplicates"]
    figure.suptitle(f"{counts['near_pairs']} near-duplicate pairs in {title}, {counts['turned_pairs']} of them turned")
    return figure


def _draw_pair(axes: np.ndarray, pair: dict[str, Any], images: Images) -> None:
    for axis, name, label, part in zip(axes, pair["images"], pair["labels"], pair["parts"], strict=True):
        _draw_image(axis, images.pixels[images.ids.index(name)])
        axis.set_title(f"{part}\n{_end(images.classes[label], CLASS_LETTERS)}", fontsize=7)
        axis.set_xlabel(_end(name, NAME_LETTERS), fontsize=6)


def _draw_image(axis: Axes, pixels: np.ndarray) -> None:
    if len(pixels) > LARGEST_PICTURE:
        pixels = resize(pixels[None], LARGEST_PICTURE)[0]
    axis.imshow(pixels.squeeze(), cmap="gray", vmin=0, vmax=255, interpolation="none")
    axis.set(xticks=[], yticks=[])


def _end(text: str, length: int) -> str:
    return text if len(text) <= length else f"…{text[1 - length :]}"
