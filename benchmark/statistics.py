"""How sure a mean over runs and images is, and what follows for a claim.

A value belongs to one test image in one run: whether a model was right, or by how much two models differ. Images and
runs are both samples: other images, and other random draws in training, would have given another mean.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import numpy as np
from scipy import special, stats

LEVEL = 0.95
POWER = 0.80
PRIOR = 5  # the most degrees of freedom that the usual variance of runs counts for; by simulation (docs/protocol.md)


@dataclass(frozen=True)
class Design:
    """The run (int, N) and the cluster of near-duplicate images (int, N) that each of N values belongs to.

    ``label`` is the true class of its image (int, N), where splits are stratified by it: what classes differ by is then
    no chance.
    """

    run: np.ndarray
    cluster: np.ndarray
    label: np.ndarray | None = None

    @property
    def runs(self) -> int:
        """The number of runs."""
        return len(self._sizes)

    @cached_property
    def _indices(self) -> tuple[np.ndarray, np.ndarray]:
        """Run and cluster of each value, counted from 0."""
        return np.unique(self.run, return_inverse=True)[1], np.unique(self.cluster, return_inverse=True)[1]

    @cached_property
    def _sizes(self) -> np.ndarray:
        """The number of values of each run."""
        return np.bincount(self._indices[0])

    @cached_property
    def _strata(self) -> np.ndarray:
        """The stratum of each value: its class; one for all if some run has only one cluster of a class."""
        run, _ = self._indices
        if self.label is None:
            return np.zeros(len(run), int)
        label = np.unique(self.label, return_inverse=True)[1]
        cell = run * (label.max() + 1) + label
        return label if (self._clusters_of(cell)[np.unique(cell)] > 1).all() else np.zeros(len(run), int)

    @cached_property
    def _cells(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The cell, run × stratum, of each value; the number of values and of clusters of each cell."""
        (run, _), strata = self._indices, self._strata
        cell = run * (strata.max() + 1) + strata
        return cell, np.bincount(cell), self._clusters_of(cell)

    def _clusters_of(self, cell: np.ndarray) -> np.ndarray:
        """Return the number of clusters of each cell (int, from 0 to the largest of ``cell``)."""
        return np.bincount(np.unique(np.stack([cell, self._indices[1]]), axis=1)[0])

    def _residuals(self, values: np.ndarray) -> np.ndarray:
        """Return what values are above the mean of their cell, times what makes their variance unbiased."""
        cell, sizes, clusters = self._cells
        means = np.bincount(cell, values) / np.maximum(sizes, 1)
        return (values - means[cell]) * np.sqrt(clusters / np.maximum(clusters - 1, 1))[cell]

    @cached_property
    def _stratum_of_cluster(self) -> np.ndarray:
        """The stratum of each cluster: that of its first value."""
        _, first = np.unique(self._indices[1], return_index=True)
        return self._strata[first]

    @cached_property
    def _freedom_of_stratum(self) -> np.ndarray:
        """The degrees of freedom of the variance of each stratum's images."""
        _, _, clusters = self._cells
        per_run = clusters.reshape(self.runs, -1).mean(0)
        return np.bincount(self._stratum_of_cluster) * ((per_run - 1) / per_run)[: self._stratum_of_cluster.max() + 1]

    @cached_property
    def _seen(self) -> np.ndarray:
        """Whether a run contains a cluster (bool, runs × clusters)."""
        run, cluster = self._indices
        seen = np.zeros((len(self._sizes), cluster.max() + 1), dtype=bool)
        seen[run, cluster] = True
        return seen


@dataclass(frozen=True)
class Estimate:
    """A mean with its standard error and degrees of freedom; both are nan if there is only one run."""

    value: float
    error: float
    freedom: float

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Return the lower and upper bound of the mean's confidence interval."""
        half = special.stdtrit(self.freedom, (1 + level) / 2) * self.error
        return float(self.value - half), float(self.value + half)

    def of_share(self) -> tuple[float, float, float]:
        """Return the mean of a share with the bounds of its interval, clipped to 0 and 1."""
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
        quantiles = special.stdtrit(self.freedom, 1 - alpha / 2) + special.stdtrit(self.freedom, POWER)
        return float(quantiles * self.error)

    def _tail(self, distance: float) -> float:
        if self.error == 0:
            return 0.0 if distance > 0 else 1.0
        return float(special.stdtr(self.freedom, -distance / self.error))


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


def ratio(blocks: Sequence[float]) -> Ratio:
    """Return the median of a ratio that was measured in blocks, with its interval.

    The interval assumes no distribution, since disturbances have long tails; with fewer than 6 blocks it has no bounds.
    """
    values = np.asarray(blocks)
    low, high = stats.quantile_test(values).confidence_interval(LEVEL)  # of the median
    bounds = (-np.inf if np.isnan(low) else low, np.inf if np.isnan(high) else high)
    return Ratio(float(np.median(values)), *map(float, bounds))


@dataclass(frozen=True)
class _Components:
    """The variance of a mean: from its images, from its runs, and what images alone add to the spread of runs."""

    mean: float
    images: float
    images_freedom: float
    between_runs: float
    images_between_runs: float


@dataclass(frozen=True)
class RunVariance:
    """How much runs usually vary beyond what their images explain (variance of one run), and how sure that is."""

    variance: float
    freedom: int


def crossed(values: np.ndarray, design: Design, usual: RunVariance | None = None) -> Estimate:
    """Return the mean over runs of the means over images, with the variance of a crossed image × run design.

    The variance is that of the images, by clusters, plus that of the runs: how much the runs' means vary beyond what
    their images explain. For runs on the same images this is the two-way random-effects analysis of variance, otherwise
    the same with images nested in runs; degrees of freedom are Satterthwaite's. Few runs tell little about how runs
    vary, so what is ``usual`` among other models counts too, as in the moderated t-test (Smyth 2004, doi
    10.2202/1544-6115.1027), and is the least that is assumed. Where in no class any image differs from the others,
    classes are not told apart. Where all images are alike, the variance of images is as if two more differed by 1: for
    shares, that gives intervals a little wider than the exact ones of Clopper and Pearson.
    """
    parts, runs = _components(values, design), design.runs
    if runs < 2:
        return Estimate(parts.mean, math.nan, math.nan)
    run_variance, freedom = parts.between_runs - parts.images_between_runs, runs - 1
    if usual:
        moderated = (usual.freedom * usual.variance / runs + freedom * run_variance) / (usual.freedom + freedom)
        run_variance, freedom = max(moderated, usual.variance / runs), usual.freedom + freedom
    run_variance = max(0.0, run_variance)
    total = parts.images + run_variance
    square = parts.images**2 / parts.images_freedom + (run_variance + parts.images_between_runs) ** 2 / freedom
    return Estimate(parts.mean, math.sqrt(total), total**2 / square)


def over_images(values: np.ndarray, design: Design) -> Estimate:
    """Return the mean of one run, or of these very runs: other images are in its variance, other runs are not."""
    parts = _components(values, design)
    return Estimate(parts.mean, math.sqrt(parts.images), parts.images_freedom)


def usual_variance(columns: Sequence[np.ndarray], design: Design, paired: bool) -> RunVariance | None:
    """Return how much runs usually vary: the mean over the models' values or, ``paired``, over all their differences.

    Each column contains one model's values. The result has the degrees of freedom that the models beside the two in
    question give it, but at most ``PRIOR``, since models vary by different amounts. None if there are no others.
    """
    freedom = min(PRIOR, (len(columns) - 2) * (design.runs - 1))
    if freedom <= 0:
        return None
    series = [first - second for first, second in combinations(columns, 2)] if paired else columns
    parts = [_components(values, design) for values in series]
    variance = design.runs * float(np.mean([part.between_runs - part.images_between_runs for part in parts]))
    return RunVariance(max(0.0, variance), freedom)


def _components(values: np.ndarray, design: Design) -> _Components:
    (run, cluster), size, seen = design._indices, design._sizes, design._seen
    runs, clusters = seen.shape
    means = np.bincount(run, values) / size
    # The sum of a cluster's residuals in a run, divided by the run's number of images.
    sums = np.bincount(run * clusters + cluster, design._residuals(values) / size[run], seen.size).reshape(seen.shape)
    times = seen.sum(0)
    # What a cluster adds to a run beyond what it adds to every run; for one in a single run that is all of it.
    centred = np.where(seen, sums - np.where(times > 1, sums.sum(0) / times, 0), 0)
    centred *= np.where(times > 1, np.sqrt(times / np.maximum(times - 1, 1)), 1)
    by_stratum = np.bincount(design._stratum_of_cluster, sums.sum(0) ** 2) / runs**2
    if not by_stratum.any() and design.label is not None:
        return _components(values, replace(design, label=None))
    if not by_stratum.any():
        by_stratum = np.array([(2 / (clusters + 2)) ** 2])
    varies = by_stratum > 0
    square = float((by_stratum[varies] ** 2 / np.maximum(design._freedom_of_stratum[varies], 1)).sum())
    return _Components(
        mean=float(means.mean()),
        images=float(by_stratum.sum()),
        images_freedom=float(by_stratum.sum()) ** 2 / square,
        between_runs=float(means.var(ddof=1) / runs) if runs > 1 else math.nan,
        images_between_runs=float((centred**2).sum() / runs**2),
    )


def resampled(means: Sequence[float], test_to_train: float) -> Estimate:
    """Return the mean of runs with the variance of the corrected resampled t-test, s² (1/n + test/train).

    Runs of a pooled split share training images, so their spread alone is too small (Nadeau & Bengio 2003, doi
    10.1023/A:1024068626366). Runs of an official split share both parts: there ``test_to_train`` is 0, and the bounds
    are valid for new training runs on these images, not for new images.
    """
    runs = len(means)
    if runs < 2:
        return Estimate(float(np.mean(means)), math.nan, math.nan)
    error = float(np.std(means, ddof=1)) * math.sqrt(1 / runs + test_to_train)
    return Estimate(float(np.mean(means)), error, runs - 1)


def mean_over(estimates: Sequence[Estimate]) -> Estimate:
    """Return the mean of independent estimates with equal weight; degrees of freedom are Satterthwaite's."""
    count = len(estimates)
    value, errors = float(np.mean([one.value for one in estimates])), np.array([one.error for one in estimates])
    variances = errors**2 / count**2
    if not variances.any():
        return Estimate(value, 0.0, math.inf)
    square = sum(variance**2 / one.freedom for variance, one in zip(variances, estimates, strict=True))
    return Estimate(value, math.sqrt(variances.sum()), float(variances.sum() ** 2 / square))


def heterogeneity(estimates: Sequence[Estimate]) -> float:
    """Return I², the share of the spread of independent estimates that chance does not explain, from 0 to 1.

    From Cochran's Q with inverse variances as weights (Higgins & Thompson 2002, doi 10.1002/sim.1186). It is 0 for one
    estimate, or if an error is 0.
    """
    values, errors = (np.array([getattr(one, name) for one in estimates]) for name in ("value", "error"))
    if len(estimates) < 2 or not errors.all():
        return 0.0
    weights = 1 / errors**2
    q = float((weights * (values - np.average(values, weights=weights)) ** 2).sum())
    return max(0.0, 1 - (len(estimates) - 1) / q) if q else 0.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p-values (1979), in the order given."""
    order = np.argsort(p_values, kind="stable")
    steps = np.asarray(p_values, float)[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return [float(value) for value in adjusted]


def shown_in(p_values: Sequence[float], alpha: float) -> int:
    """Return in how many of several sources a claim is true, at least, at level ``alpha``.

    This is the partial conjunction test with Bonferroni's combination (Benjamini & Heller 2008, doi
    10.1111/j.1541-0420.2007.00984.x): the claim is true in u of n if it is true in u − 1 and (n − u + 1) p_(u) is at
    most ``alpha``.
    """
    ordered, count = sorted(p_values), len(p_values)
    failing = (u for u in range(1, count + 1) if (count - u + 1) * ordered[u - 1] > alpha)
    return next(failing, count + 1) - 1


def images_needed(better: float, worse: float) -> tuple[int, int]:
    """Return how many test images show a gap between two accuracies with 80 % power at 5 %, from least to most.

    By McNemar's test on paired answers (Connor 1987, doi 10.2307/2531961): the least if the worse model is right only
    where the better one is, the most if their errors are independent.
    """
    gap = better - worse
    apart = better * (1 - worse) + worse * (1 - better)
    quantile, power = stats.norm.ppf(1 - (1 - LEVEL) / 2), stats.norm.ppf(POWER)
    needed = [
        math.ceil((quantile * math.sqrt(share) + power * math.sqrt(share - gap**2)) ** 2 / gap**2)
        for share in (gap, apart)
    ]
    return needed[0], needed[1]
