"""From a uint8 image at its native size to what a model sees: the same for all models of a task."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from benchmark.data.resize import resize
from benchmark.params import Task


@dataclass(frozen=True)
class Levels:
    """What is subtracted from the grey levels of each channel, and what they are then divided by."""

    offset: tuple[float, ...]
    scale: tuple[float, ...]


def resized(pixels: np.ndarray, task: Task) -> np.ndarray:
    """Return uint8 images (N × H × W × C, native size), filtered as the recipe says, at the input size."""
    sigma = task.recipe.gaussian_sigma
    if sigma > 0:
        pixels = gaussian_filter(pixels, (0, sigma, sigma, 0), mode="nearest")
    return resize(pixels, task.input_size)


def normaliser(train: np.ndarray, task: Task) -> tuple[float, float]:
    """Return offset and scale of grey levels: 0 and 255, or mean and sd of the training pixels (adaptive, Eq. 1)."""
    if task.recipe.normalisation == "unit":
        return 0.0, 255.0
    counts = np.zeros(256, np.int64)
    for image in train:  # exact sums, and no copy of all pixels as floats
        counts += np.bincount(image.ravel(), minlength=256)
    count, total, squares = (int(counts @ np.arange(256) ** power) for power in range(3))
    return total / count, max(math.sqrt(count * squares - total**2) / count, 1.0)


def normalised(images: np.ndarray, levels: Levels) -> np.ndarray:
    """Return images (uint8, N × C × H × W) as float32."""
    offset, scale = (np.array(values, np.float32).reshape(-1, 1, 1) for values in (levels.offset, levels.scale))
    return (images.astype(np.float32) - offset) / scale
