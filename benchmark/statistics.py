"""How sure a mean over runs is."""

import math

import numpy as np
from scipy import stats

from benchmark.params import PooledSplit, Task

LEVEL = 0.95


def interval(values: list[float], task: Task, shares: PooledSplit) -> tuple[float, float, float]:
    """Return mean, lower and upper 95 % bound of a measure (0 to 1) over runs; bounds are nan for a single run.

    Pooled runs share training images, so that their spread alone is too small: the variance is that of the corrected
    resampled t-test (Nadeau & Bengio 2003, doi 10.1023/A:1024068626366), s² (1/n + test/train). Official runs share
    their test images: the bounds hold for new training runs on these images, and not for new images.
    """
    n = len(values)
    mean = float(np.mean(values))
    if n < 2:
        return mean, math.nan, math.nan
    overlap = shares.test / shares.train if task.split == "pooled" else 0.0
    half = stats.t.ppf((1 + LEVEL) / 2, n - 1) * np.std(values, ddof=1) * math.sqrt(1 / n + overlap)
    return mean, max(float(mean - half), 0.0), min(float(mean + half), 1.0)
