"""How sure a mean over runs and images is, and what follows for a claim.

A value stands for one test image in one run: whether a model was right, or by how much two models differ on it. Both
images and runs are a sample: other images, and other draws of the training, would have given another mean.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from scipy import stats

LEVEL = 0.95
POWER = 0.80
PRIOR = 4  # degrees of freedom that the usual variance of runs counts for at most


@dataclass(frozen=True)
class Design:
    """To which run (int, N) and to which cluster of near-duplicate images (int, N) each of N values belongs."""

    run: np.ndarray
    cluster: np.ndarray

    @property
    def runs(self) -> int:
        """The number of runs."""
        return len(self._sizes)

    @cached_property
    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        """Run and cluster of each value, counted from 0."""
        return np.unique(self.run, return_inverse=True)[1], np.unique(self.cluster, return_inverse=True)[1]

    @cached_property
    def _sizes(self) -> np.ndarray:
        """The number of values of each run."""
        return np.bincount(self._places[0])

    @cached_property
    def _seen(self) -> np.ndarray:
        """Which cluster is seen in which run (bool, runs × clusters)."""
        run, cluster = self._places
        seen = np.zeros((len(self._sizes), cluster.max() + 1), dtype=bool)
        seen[run, cluster] = True
        return seen


@dataclass(frozen=True)
class Estimate:
    """A mean with its standard error and degrees of freedom; both are nan where there is one run alone."""

    value: float
    error: float
    freedom: float

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Return the lower and upper bound of the mean."""
        half = stats.t.ppf((1 + level) / 2, self.freedom) * self.error
        return float(self.value - half), float(self.value + half)

    def of_share(self) -> tuple[float, float, float]:
        """Return the mean and the bounds of its interval, held within 0 and 1, as those of a share are."""
        low, high = np.clip(self.interval(), 0, 1)
        return self.value, float(low), float(high)

    def above(self, bound: float = 0.0) -> float:
        """Return the one-sided p-value against a true mean of at most ``bound``."""
        return self._tail(self.value - bound)

    def below(self, bound: float = 0.0) -> float:
        """Return the one-sided p-value against a true mean of at least ``bound``."""
        return self._tail(bound - self.value)

    def two_sided(self) -> float:
        """Return the two-sided p-value against a true mean of 0."""
        return min(1.0, 2 * min(self.above(), self.below()))

    def within(self, margin: float) -> float:
        """Return the p-value of two one-sided tests against a true mean beyond ±``margin`` (Schuirmann 1987)."""
        return max(self.above(-margin), self.below(margin))

    def detectable(self, alpha: float) -> float:
        """Return the smallest true mean that a two-sided test at ``alpha`` finds with a power of 80 %."""
        quantiles = stats.t.ppf(1 - alpha / 2, self.freedom) + stats.t.ppf(POWER, self.freedom)
        return float(quantiles * self.error)

    def _tail(self, distance: float) -> float:
        if self.error == 0:
            return 0.0 if distance > 0 else 1.0
        return float(stats.t.sf(distance / self.error, self.freedom))


@dataclass(frozen=True)
class Ratio:
    """A ratio with its interval."""

    value: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half the width of the interval, as a share of the ratio."""
        return (self.high - self.low) / 2 / self.value


def ratio(blocks: Sequence[float], level: float = LEVEL) -> Ratio:
    """Return the median of a ratio that was measured in blocks, with its interval.

    The interval takes no distribution for granted, since disturbances have long tails; below 6 blocks it has no bounds.
    """
    apart = np.asarray(blocks)
    low, high = stats.quantile_test(apart, q=float(np.median(apart))).confidence_interval(level)
    bounds = (-np.inf if np.isnan(low) else low, np.inf if np.isnan(high) else high)
    return Ratio(float(np.median(apart)), *map(float, bounds))


@dataclass(frozen=True)
class _Components:
    """The variance of a mean: of its images, of its runs, and what images alone give to the spread of runs."""

    mean: float
    images: float
    images_freedom: float
    between_runs: float
    images_between_runs: float


@dataclass(frozen=True)
class Usual:
    """By how much runs usually vary beyond what their images explain (variance of one run), and how sure that is."""

    variance: float
    freedom: int


def crossed(values: np.ndarray, design: Design, usual: Usual | None = None) -> Estimate:
    """Return the mean over runs of the means over images, with the variance of a crossed image × run design.

    Its variance is that of the images, by clusters, plus that of the runs: by how much the runs' means vary beyond what
    their images explain. For runs on the same images this is the two-way random-effects analysis of variance, else the
    same with images nested in runs; degrees of freedom are Satterthwaite's. Few runs tell little of how runs vary.
    What is ``usual`` among other models therefore counts too, as in the moderated t-test (Smyth 2004, doi
    10.2202/1544-6115.1027), and is the least that is assumed.
    """
    found, runs = _components(values, design), design.runs
    if runs < 2:
        return Estimate(found.mean, math.nan, math.nan)
    of_runs, freedom = found.between_runs - found.images_between_runs, runs - 1
    if usual:
        moderated = (usual.freedom * usual.variance / runs + freedom * of_runs) / (usual.freedom + freedom)
        of_runs, freedom = max(moderated, usual.variance / runs), usual.freedom + freedom
    of_runs = max(0.0, of_runs)
    total = found.images + of_runs
    if total == 0:
        return Estimate(found.mean, 0.0, math.inf)
    square = found.images**2 / found.images_freedom + (of_runs + found.images_between_runs) ** 2 / freedom
    return Estimate(found.mean, math.sqrt(total), total**2 / square)


def usual(columns: Sequence[np.ndarray], design: Design, paired: bool) -> Usual | None:
    """Return what is usual among models: the mean over their values or, ``paired``, over all differences of two.

    It counts for the degrees of freedom that other models than the two in question give it, but for ``PRIOR`` at most:
    models vary by different amounts. None where there are no others.
    """
    freedom = min(PRIOR, (len(columns) - 2) * (design.runs - 1))
    if freedom <= 0:
        return None
    many = [one - other for one, other in combinations(columns, 2)] if paired else columns
    found = [_components(values, design) for values in many]
    variance = design.runs * float(np.mean([one.between_runs - one.images_between_runs for one in found]))
    return Usual(max(0.0, variance), freedom)


def _components(values: np.ndarray, design: Design) -> _Components:
    (run, cluster), size, seen = design._places, design._sizes, design._seen
    runs, clusters = seen.shape
    means = np.bincount(run, values) / size
    # Of a cluster's residuals in a run, over the run's images.
    sums = np.bincount(run * clusters + cluster, (values - means[run]) / size[run], seen.size).reshape(seen.shape)
    times, of_run = seen.sum(0), seen.sum(1).mean()
    correction = of_run / (of_run - 1)
    # What a cluster adds to a run beyond what it adds to every run; one seen in a single run adds all it has.
    centred = np.where(seen, sums - np.where(times > 1, sums.sum(0) / times, 0), 0)
    centred *= np.where(times > 1, np.sqrt(times / np.maximum(times - 1, 1)), 1)
    return _Components(
        mean=float(means.mean()),
        images=float((sums.sum(0) ** 2).sum() / runs**2 * correction),
        images_freedom=len(times) / correction,
        between_runs=float(means.var(ddof=1) / runs) if runs > 1 else math.nan,
        images_between_runs=float((centred**2).sum() / runs**2 * correction),
    )


def resampled(means: Sequence[float], test_to_train: float) -> Estimate:
    """Return the mean of runs with the variance of the corrected resampled t-test, s² (1/n + test/train).

    Runs of a pooled split share training images, so that their spread alone is too small (Nadeau & Bengio 2003, doi
    10.1023/A:1024068626366). Runs of an official split share both parts: there ``test_to_train`` is 0, and the bounds
    hold for new training runs on these images, not for new images.
    """
    runs = len(means)
    if runs < 2:
        return Estimate(float(np.mean(means)), math.nan, math.nan)
    error = float(np.std(means, ddof=1)) * math.sqrt(1 / runs + test_to_train)
    return Estimate(float(np.mean(means)), error, runs - 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p-values (1979), in the order given."""
    order = np.argsort(p_values, kind="stable")
    steps = np.asarray(p_values, float)[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return [float(value) for value in adjusted]


def holds_in(p_values: Sequence[float], alpha: float) -> int:
    """Return in how many of several sources a claim holds, at least, at level ``alpha``.

    The partial conjunction test with Bonferroni's combination (Benjamini & Heller 2008, doi
    10.1111/j.1541-0420.2007.00984.x): it holds in u of n if it holds in u − 1 and (n − u + 1) p_(u) is at most
    ``alpha``.
    """
    ordered, count = sorted(p_values), len(p_values)
    failing = (u for u in range(1, count + 1) if (count - u + 1) * ordered[u - 1] > alpha)
    return next(failing, count + 1) - 1


def images_needed(better: float, worse: float) -> tuple[int, int]:
    """Return how many test images show a gap of two accuracies with 80 % power at 5 %, from least to most.

    For McNemar's test on paired answers (Connor 1987, doi 10.2307/2531961): the least if the worse model is right
    only where the better one is, the most if their errors are independent.
    """
    gap = better - worse
    apart = better * (1 - worse) + worse * (1 - better)
    quantile, power = stats.norm.ppf(1 - (1 - LEVEL) / 2), stats.norm.ppf(POWER)
    needed = [
        math.ceil((quantile * math.sqrt(share) + power * math.sqrt(share - gap**2)) ** 2 / gap**2)
        for share in (gap, apart)
    ]
    return needed[0], needed[1]
