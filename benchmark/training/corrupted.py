"""Corrupted test images as a model is given them, made once for all models of a task and kept in a folder."""

import os
from contextlib import suppress
from pathlib import Path

import numpy as np

from benchmark.evidence.digests import digest
from benchmark.training.corruptions import Corruption, corruption
from benchmark.training.dataset import Dataset

CHUNK = 256  # images corrupted at a time: noise needs eight bytes a pixel, more than once


def corrupted(dataset: Dataset, digests: list[str], name: str, strength: float, folder: Path) -> np.ndarray:
    """Return the test images of ``dataset`` (uint8, N × C × H × W, at the input size) under a corruption.

    ``digests`` are those of the test images. The images lie in ``folder`` under a digest of all that decides them.
    """
    kind, task = corruption(name), dataset.task
    decides = [digests, name, strength, kind.digest, task.native_size, task.input_size, task.recipe.gaussian_sigma]
    path = folder / f"{digest([*decides, dataset.lesion])[:16]}.npy"
    with suppress(OSError, ValueError, EOFError):  # not there yet, or torn by a power cut
        return np.load(path)
    images = dataset.seen(_applied(kind, dataset.images.pixels[dataset.rows["test"]], digests, strength), "test")
    folder.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}")
    with part.open("wb") as file:
        np.save(file, images)
    part.replace(path)
    return images


def _applied(kind: Corruption, pixels: np.ndarray, digests: list[str], strength: float) -> np.ndarray:
    """Corrupt images in place, some at a time; what becomes of one does not depend on the others."""
    for start in range(0, len(pixels), CHUNK):
        here = slice(start, start + CHUNK)
        pixels[here] = kind.apply(pixels[here], digests[here], strength)
    return pixels
