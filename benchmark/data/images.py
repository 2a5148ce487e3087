"""Images of a source with their labels, whatever kind of source they come from."""

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Images:
    """A source's images at the native size of a task.

    ``pixels`` is uint8, N × H × W × C; ``labels`` int64, N, an index into ``classes``; ``ids`` names each image;
    ``official`` is the source's own part of each image (one of ``PARTS``); ``groups`` is the source's group of each
    (a patient, say), empty where the source names none; ``masks`` is bool, N × H × W, where a lesion's place is known.
    """

    pixels: np.ndarray
    labels: np.ndarray
    ids: list[str]
    classes: list[str]
    official: list[str]
    groups: list[str]
    masks: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def digests(self) -> list[str]:
        """SHA-256 of each image's pixels, first 16 hex digits."""
        return [hashlib.sha256(image.tobytes()).hexdigest()[:16] for image in self.pixels]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all that an image is: its name, label, part, group and pixels, in order."""
        rows = zip(self.ids, self.labels, self.official, self.groups, self.digests, strict=True)
        text = "\n".join(",".join(map(str, row)) for row in [self.classes, *rows])
        return hashlib.sha256(text.encode()).hexdigest()


def group_name(group: object) -> str:
    """Return the name of a group, the same for ``3``, ``3.0`` and `` 3``; an empty one or NaN is none, and empty."""
    text = (group.decode("utf-8", "replace") if isinstance(group, bytes) else str(group)).strip()
    return "" if text.lower() == "nan" else re.sub(r"^(-?\d+)\.0*$", r"\1", text)
