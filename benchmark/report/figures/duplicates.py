"""The figure of near-duplicates: pairs as pictures, train beside test where the source has a split of its own."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from benchmark.data import Images
from benchmark.data.resize import resize
from benchmark.report.figures.style import (
    LARGEST_PICTURE,
    class_key,
    class_names,
    draw_picture,
    end_of,
    entitle,
    use_style,
)

COLUMNS = 4  # pairs beside each other
NAME_LETTERS = 26  # of longer names the end is shown


def near_duplicates(manifest: dict[str, Any], images: Images, title: str) -> Figure:
    """Draw the pairs that the manifest picked.

    Both images are shown as they are; what was done to the first before they were compared stands above it.
    """
    counts, pairs = manifest["duplicates"], manifest["duplicates"]["shown"]
    use_style()
    rows = -(-len(pairs) // COLUMNS)
    columns = min(COLUMNS, len(pairs))
    figure = plt.figure(figsize=(2.9 * columns, 2.15 * rows + 0.6))
    for frame, pair in zip(figure.subfigures(rows, columns, squeeze=False).flat, pairs, strict=False):
        _draw_pair(frame.subplots(1, 2), pair, images)
        turn = "" if pair["first_is"] == "upright" else f"\nleft image {pair['first_is']}"
        frame.suptitle(
            f"r {pair['correlation']:.3f}, {pair['of_residuals']:.3f} without the mean image{turn}", fontsize=8
        )
    class_key(figure, images.classes)
    entitle(figure, f"{counts['near_pairs']} near-duplicate pairs in {title}, {counts['turned_pairs']} of them turned")
    said = [
        f"{' and '.join(end_of(name, 80) for name in pair['images'])}, r {pair['correlation']:.3f}" for pair in pairs
    ]
    figure.set_label(
        f"{len(pairs)} of {counts['near_pairs']} pairs of near-duplicates in {title}, side by side: {'; '.join(said)}."
    )
    return figure


def _draw_pair(axes: np.ndarray, pair: dict[str, Any], images: Images) -> None:
    names = class_names(images.classes)
    for axis, name, label, part in zip(axes, pair["images"], pair["labels"], pair["parts"], strict=True):
        pixels = images.pixels[images.ids.index(name)]
        draw_picture(axis, resize(pixels[None], LARGEST_PICTURE)[0] if len(pixels) > LARGEST_PICTURE else pixels)
        axis.set_title(f"{part}\n{names[label]}", fontsize=7)
        axis.set_xlabel(end_of(name, NAME_LETTERS), fontsize=6)
