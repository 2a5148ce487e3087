"""Corrupted test images as a model is given them, made once for all models of a task and kept in a folder."""

import os
from contextlib import suppress
from pathlib import Path

import numpy as np

from benchmark.evidence.digests import digest
from benchmark.training.corruptions import corruption
from benchmark.training.dataset import Dataset


def corrupted(dataset: Dataset, digests: list[str], name: str, strength: float, folder: Path) -> np.ndarray:
    """Return the test images of ``dataset`` (uint8, N × C × H × W, at the input size) under a corruption.

    ``digests`` are those of the test images. The images lie in ``folder`` under a digest of all that decides them.
    """
    kind, task = corruption(name), dataset.task
    decides = [digests, name, strength, kind.digest, task.native_size, task.input_size, task.recipe.gaussian_sigma]
    path = folder / f"{digest([*decides, dataset.lesion])[:16]}.npy"
    with suppress(OSError, ValueError, EOFError):  # not there yet, or torn by a power cut
        return np.load(path)
    pixels = dataset.images.pixels[dataset.rows["test"]]
    images = dataset.seen(kind.apply(pixels, digests, strength), "test")
    folder.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}")
    with part.open("wb") as file:
        np.save(file, images)
    part.replace(path)
    return images
