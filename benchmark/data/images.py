"""Images of a source with their labels, whatever kind of source they come from."""

import hashlib
import re
import unicodedata
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

PARTS = ("train", "validation", "test")
NO_GROUP = {"", "na", "n/a", "nan", "none", "null"}  # what programs write where a group is missing


@dataclass(frozen=True)
class Images:
    """A source's images at the native size of a task.

    ``pixels`` is uint8, N × H × W × C; ``labels`` int64, N, an index into ``classes``; ``ids`` names each image;
    ``official`` is the source's own part of each image (one of ``PARTS``); ``groups`` is the source's group of each
    (a patient, say), empty where the source names none; ``masks`` is bool, N × H × W, where a lesion's place is known;
    ``skipped`` says of the files beside the images what they are and how many. A source without a split of its own
    has ``official`` empty.
    """

    pixels: np.ndarray
    labels: np.ndarray
    ids: list[str]
    classes: list[str]
    official: list[str]
    groups: list[str]
    masks: np.ndarray | None = None
    skipped: dict[str, int] = field(default_factory=dict)

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


def as_text(value: object) -> str:
    """Return a value of a table as text, the same for ``3``, ``3.0`` and `` 3``; NaN is empty."""
    text = (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)).strip()
    return "" if text.lower() == "nan" else re.sub(r"^(-?\d+)\.0*$", r"\1", text)


def group_name(group: object) -> str:
    """Return the name of a group as text; one that is empty, or says that there is none, is none, and empty."""
    text = as_text(group)
    return "" if text.lower() in NO_GROUP else text


def composed(name: str) -> str:
    """Return a file name in Unicode's NFC: the same name whatever system wrote it."""
    return unicodedata.normalize("NFC", name)


def windowed(grey: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return grey levels of any type as uint8: ``low`` becomes 0, ``high`` 255; linear between, constant beyond.

    ValueError if some level is no number, or ``low`` is not below ``high``.
    """
    values = grey.astype(np.float64)
    if not np.isfinite(values).all() or not low < high:
        raise ValueError("some of its levels are no numbers, or all the same")
    return np.rint(255 * ((values - low) / (high - low)).clip(0, 1)).astype(np.uint8)


def padded(images: np.ndarray) -> np.ndarray:
    """Return images (N × H × W × C) in the middle of black squares as wide as their longer side."""
    bars = [max(images.shape[1:3]) - side for side in images.shape[1:3]]
    return np.pad(images, [(0, 0), *((bar // 2, bar - bar // 2) for bar in bars), (0, 0)])
