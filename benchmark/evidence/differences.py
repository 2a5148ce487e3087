"""How far two sets of evidence of the same run differ."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.evidence import DETERMINISTIC, read_predictions


@dataclass(frozen=True)
class Difference:
    """How far the predictions of two sets of evidence of one run differ, image by image.

    ``lost`` and ``gained`` are how many images only the one, and only the other, has right.
    """

    mean_probability: float = 0.0
    changed_labels: float = 0.0
    lost: int = 0
    gained: int = 0


def differing_files(one: Path, other: Path) -> tuple[str, ...]:
    """Return the deterministic files of two runs that are not the same bytes."""
    return tuple(name for name in DETERMINISTIC if _bytes(one / name) != _bytes(other / name))


def between(one: Path, other: Path) -> Difference:
    """Compare two folders of evidence of the same run."""
    if not differing_files(one, other):
        return Difference()
    (ids, labels, p), (other_ids, other_labels, q) = (read_predictions(f / "predictions.csv") for f in (one, other))
    if ids != other_ids or p.shape != q.shape or (labels != other_labels).any():
        return Difference(math.inf, 1.0)
    gap = np.abs(p - q)
    first, second = p.argmax(1), q.argmax(1)
    lost, gained = (first == labels) & (second != labels), (first != labels) & (second == labels)
    return Difference(
        mean_probability=float(gap.mean()),
        changed_labels=float((first != second).mean()),
        lost=int(lost.sum()),
        gained=int(gained.sum()),
    )


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None
