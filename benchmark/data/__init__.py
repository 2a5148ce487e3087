"""Images of a task, whatever kind of source they come from: ``load(task)``."""

from importlib import import_module

import numpy as np

from benchmark.data import decoded
from benchmark.data.images import PARTS, Images
from benchmark.errors import BadInput
from benchmark.params import Task

__all__ = ["PARTS", "Images", "give", "load"]

_given: dict[str, Images] = {}


def give(images: Images) -> None:
    """Have :func:`load` of this process return these images where it is asked for those of their digest."""
    _given[images.digest] = images


def load(task: Task, digest: str | None = None) -> Images:
    """Return the images of ``task`` at its native size.

    Files are looked for in the data folder, then in the mirror folder, then downloaded where the source allows it
    (see :mod:`benchmark.data.files`). Where the ``digest`` of the images is known, decoded ones are kept in the data
    folder under it, and taken from there while the files stay as they are. :class:`BadInput` says which file is missing
    or wrong.
    """
    if digest and (kept := _given.get(digest)):
        return kept
    state = digest and decoded.state(task)
    if digest and state and (kept := decoded.read(digest, state)):
        return kept
    images = import_module(f"benchmark.data.{task.source.kind}").load(task.source, task.native_size)
    counts = np.bincount(images.labels, minlength=len(images.classes))
    for name, count in zip(images.classes, counts, strict=True):
        if count == 0:
            raise BadInput(f"{task.source.name}: class {name!r} has no images; every class needs some")
    if digest == images.digest and state:
        decoded.write(images, state)
    return images
