"""The figure of a few images of a task, as networks see them."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
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
    evenly,
    use_style,
)

SHOWN = 6  # images
NAME_LETTERS = 22  # of a longer name the end is shown


def chosen(images: Images) -> list[int]:
    """Return which images are shown: of each class as many as of the others, those whose digests come first."""
    order = sorted(range(len(images.ids)), key=lambda index: (images.labels[index], images.digests[index]))
    return [order[place] for place in evenly([images.labels[index] for index in order], SHOWN)]


def samples(images: Images, title: str, size: int) -> Figure:
    """Draw six images of a task at its input size."""
    use_style()
    indices, names = chosen(images), class_names(images.classes)
    figure, axes = plt.subplots(1, len(indices), figsize=(1.55 * len(indices), 2.3), squeeze=False)
    for axis, index in zip(axes[0], indices, strict=True):
        draw_picture(axis, resize(images.pixels[index][None], min(size, LARGEST_PICTURE))[0])
        axis.set_title(names[images.labels[index]], fontsize=8)
        axis.set_xlabel(end_of(images.ids[index], NAME_LETTERS), fontsize=6)
    class_key(figure, images.classes)
    entitle(figure, f"{title} at {size} px")
    figure.set_label(f"{len(indices)} images of {title} at {size} px: {_said(images, indices)}.")
    return figure


def _said(images: Images, indices: Sequence[int]) -> str:
    shown = [(images.ids[index], images.classes[images.labels[index]]) for index in indices]
    return "; ".join(f"{end_of(name, 80)} ({end_of(label, 80)})" for name, label in shown)
