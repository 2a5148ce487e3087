"""From a uint8 image at its native size to what a model sees: the same for all models of a task."""

import numpy as np
from scipy.ndimage import gaussian_filter

from benchmark.data.resize import resize
from benchmark.params import Task


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
    return float(train.mean(dtype=np.float64)), max(float(train.std(dtype=np.float64)), 1.0)


def normalised(pixels: np.ndarray, levels: tuple[float, float]) -> np.ndarray:
    """Return uint8 images (N × H × W × C) as float32, N × C × H × W."""
    offset, scale = levels
    planes = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
    return (planes.astype(np.float32) - np.float32(offset)) / np.float32(scale)
