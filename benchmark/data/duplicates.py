"""Exact and near-duplicates: copies by digest, then a perceptual hash, then the pixels.

Two images are candidates when their 64-bit DCT hashes differ in few bits and their pixels, at 32 × 32, correlate
highly, one of them upright or under another of the eight symmetries of the square: sets are published "already
augmented". What all images of a set have in common says nothing of two of them, so a second correlation is that of the
residuals, with the set's mean image projected out. Which correlation counts, and from where, is chosen per source by
:func:`choose`. Pairs are joined into clusters, which a split never divides.

Images are compared in blocks, and pairs are bounded: memory grows with the number of images.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from scipy.fft import dctn
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.stats import beta

from benchmark.data import Images
from benchmark.data.resize import resize
from benchmark.params import Duplicates

SIDE = 32
ROWS, COLUMNS = 256, 4096  # images compared with each other at a time
STRIP = 32  # rows of them whose hashes are compared at a time: what the processor's cache can take
CHUNK = 4096  # images, or pairs, whose pixels are looked at at a time
TURNS = (
    *("upright", "turned by 90°", "turned by 180°", "turned by 270°"),
    *("mirrored", "mirrored, turned by 90°", "mirrored, turned by 180°", "mirrored, turned by 270°"),
)

# What is tried, from the lowest up. Upright near-copies may be scans of their own (the next slice, a second exposure);
# nothing but software turns or mirrors an image, and there are seven times as many chances to find two that look alike.
PIXELS = (0.9, 0.93, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995)  # those below pixel_correlation in params.yaml are only shown
RESIDUALS = (0.9, 0.92, 0.94, 0.96, 0.98, 0.99)
TURNED_RESIDUALS = (0.95, 0.96, 0.97, 0.98, 0.99, 0.995)
MOST_PER_IMAGE = 30  # pairs: no source has so many copies, so a threshold that finds more finds lookalikes
FALSE = 1 / 8  # the largest share of the pairs that may be false by their labels
FEW = 5  # pairs of two classes: fewer may as well be copies with a wrong label, and join little
PART, SMALL = 0.05, 32  # a cluster of more images than both, of which most pairs are not alike, is a chain


@dataclass(frozen=True)
class Pairs:
    """Pairs of images: ``first`` < ``second`` (int, P), ``correlation`` of their pixels, ``residual`` of the residuals.

    ``turn`` (P) is an index into ``TURNS``: what was done to the first image before it was compared.
    """

    first: np.ndarray
    second: np.ndarray
    correlation: np.ndarray
    residual: np.ndarray
    turn: np.ndarray

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, rows: np.ndarray) -> "Pairs":
        return Pairs(*(getattr(self, field.name)[rows] for field in fields(self)))

    @property
    def joined(self) -> np.ndarray:
        """The pairs as P × 2."""
        return np.stack([self.first, self.second], 1)


@dataclass(frozen=True)
class Step:
    """What a threshold would find: pairs of different images, how many have two classes, and its largest cluster.

    ``false`` is the estimated share of false pairs and ``at_most`` its upper limit (one-sided, 95 %), None without
    pairs. All are None where there were too many pairs to keep. ``accepted`` says whether the threshold may be used.
    """

    threshold: float
    pairs: int | None = None
    of_two_classes: int | None = None
    false: float | None = None
    at_most: float | None = None
    largest: int | None = None
    accepted: bool = False


@dataclass(frozen=True)
class Choice:
    """The pairs of a source: of exact copies (P × 2), and others, with the steps that each threshold was chosen from.

    ``thresholds`` and ``steps`` go by what is compared: ``pixels`` and ``residuals`` of upright images,
    ``turned_residuals``. A threshold is None where none was accepted, or where it was not needed.
    """

    copies: np.ndarray
    near: Pairs
    steps: dict[str, list[Step]]
    thresholds: dict[str, float | None]

    @property
    def joined(self) -> np.ndarray:
        """All pairs, P × 2."""
        return np.concatenate([self.copies, self.near.joined])


def hashes(small: np.ndarray) -> np.ndarray:
    """Return a 64-bit hash (uint64, N) of images (N × 32 × 32): signs of their 8 × 8 lowest DCT terms.

    Each term is set against the image's median of them, without the mean's term (pHash; Zauner 2010).
    """
    low = dctn(small.astype(np.float64), axes=(1, 2))[:, :8, :8].reshape(-1, 64)
    bits = low > np.median(low[:, 1:], axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(np.uint64).ravel()


def turned(images: np.ndarray, turn: int) -> np.ndarray:
    """Return square images (N × S × S, or more axes) under a symmetry, an index into ``TURNS``."""
    return np.rot90(images[:, :, ::-1] if turn >= 4 else images, turn % 4, (1, 2))


def pairs(images: Images, threshold: Duplicates) -> tuple[np.ndarray, np.ndarray]:
    """Return the near-duplicate pairs (int, P × 2, first below second) and their pixels' correlation (P).

    Exact copies are pairs whatever the threshold; labels are not looked at. Turned and mirrored copies are pairs by
    the first of ``TURNED_RESIDUALS``.
    """
    originals, copies = exact(images)
    upright, _, rotated = _search(_Small(images.pixels, originals), threshold)
    found = [upright.at_least(threshold.pixel_correlation), rotated.at_least(TURNED_RESIDUALS[0])]
    near = _renumbered(_once(found), originals)
    joined = np.concatenate([copies, near.joined])
    order = np.lexsort(joined.T[::-1])
    return joined[order], np.concatenate([np.ones(len(copies)), near.correlation])[order]


def choose(images: Images, threshold: Duplicates) -> Choice:
    """Return the near-duplicates of a source by thresholds that fit it.

    A threshold is accepted where neither labels nor clusters speak against it. True copies share their label, chance
    pairs do so as often as two random images: the share of pairs of two classes, over that of random pairs, estimates
    how many pairs are false, and may be ``FALSE``. (Lookalikes share their label more often than random images, so the
    estimate is rather too low; wrong labels of copies raise it.) No cluster may be a chain: one that fits into none of
    20 parts, and of whose pairs fewer than half were found themselves.

    The lowest threshold that is accepted, as all higher ones are, is taken: of upright pixels or of upright residuals,
    whichever finds more pairs that are not false, pixels where it is the same; and of turned images. Where none is
    accepted, exact copies alone are pairs.
    """
    originals, copies = exact(images)
    upright, residuals, rotated = _search(_Small(images.pixels, originals), threshold)
    labels = images.labels[originals]
    found = {"pixels": upright, "residuals": residuals, "turned_residuals": rotated}
    steps = {name: [_step(one, level, labels) for level in one.levels] for name, one in found.items()}
    considered = [step for step in steps["pixels"] if step.threshold >= threshold.pixel_correlation]
    lowest = {name: _lowest_accepted(steps[name]) for name in ("residuals", "turned_residuals")}
    lowest["pixels"] = _lowest_accepted(considered)
    if _true(lowest["residuals"]) > _true(lowest["pixels"]):
        lowest["pixels"] = None
    else:
        lowest["residuals"] = None
    thresholds = {name: lowest[name] and lowest[name].threshold for name in found}
    near = [found[name].at_least(level) for name, level in thresholds.items() if level is not None]
    return Choice(copies, _renumbered(_once(near), originals), steps, thresholds)


def exact(images: Images) -> tuple[np.ndarray, np.ndarray]:
    """Return the first image of each digest (int, U), and pairs (P × 2) of each with its exact copies."""
    _, first, which = np.unique(images.digests, return_index=True, return_inverse=True)
    of_each = first[which]
    copies = np.flatnonzero(of_each != np.arange(len(of_each)))
    return np.sort(first), np.stack([of_each[copies], copies], 1)


def clusters(count: int, joined: np.ndarray) -> np.ndarray:
    """Return the cluster (int, N) of each of ``count`` images, numbered by their first image; ``joined`` is P × 2."""
    graph = coo_array((np.ones(len(joined), bool), (joined[:, 0], joined[:, 1])), shape=(count, count))
    return connected_components(graph, directed=False)[1]


class _Small:
    """Images at 32 × 32, summed over their channels: whole numbers, so no correlation hangs on rounding."""

    def __init__(self, pixels: np.ndarray, rows: np.ndarray) -> None:
        self.sums = np.empty((len(rows), SIDE, SIDE), np.uint16)
        self.codes = np.empty((len(TURNS), len(rows)), np.uint64)
        self.total, self.norm = np.empty(len(rows)), np.empty(len(rows))
        mean = np.zeros((SIDE, SIDE))
        for start in range(0, len(rows), CHUNK):
            here = slice(start, start + CHUNK)
            small = resize(pixels[rows[here]], SIDE)
            self.sums[here] = small.sum(3, dtype=np.uint16)
            grey = small.mean(3)
            for turn in range(len(TURNS)):
                self.codes[turn, here] = hashes(turned(grey, turn))
            values = self.sums[here].astype(np.float64)
            self.total[here] = values.sum((1, 2))
            self.norm[here] = np.sqrt((values**2).sum((1, 2)) - self.total[here] ** 2 / SIDE**2)
            centred = values - self.total[here, None, None] / SIDE**2
            mean += (centred / np.maximum(self.norm[here], 1e-9)[:, None, None]).sum(0)
        self.mean = mean / max(np.linalg.norm(mean), 1e-9)
        self.on_mean = np.stack([self._on_mean(turn) for turn in range(len(TURNS))])

    def __len__(self) -> int:
        return len(self.sums)

    def _on_mean(self, turn: int) -> np.ndarray:
        """Return the correlation (N) of each image, under a symmetry, with the mean image."""
        chunks = [self.sums[start : start + CHUNK] for start in range(0, len(self), CHUNK)]
        found = [np.einsum("nij,ij->n", turned(chunk, turn).astype(np.float64), self.mean) for chunk in chunks]
        return np.concatenate([np.empty(0), *found]) / np.maximum(self.norm, 1e-9)

    def correlations(self, first: np.ndarray, second: np.ndarray, turn: int) -> np.ndarray:
        """Return the correlation (P) of the pixels of pairs, the first ones under a symmetry; 0 for blank images."""
        products = np.empty(len(first))
        for start in range(0, len(first), CHUNK):
            here = slice(start, start + CHUNK)
            ones = turned(self.sums[first[here]], turn).astype(np.float64)
            products[here] = np.einsum("nij,nij->n", ones, self.sums[second[here]].astype(np.float64))
        products -= self.total[first] * self.total[second] / SIDE**2
        return products / np.maximum(self.norm[first] * self.norm[second], 1e-9)

    def rough(self, rows: slice, columns: slice, turn: int) -> np.ndarray:
        """Return the correlation (float32, rows × columns) of all pairs, right to about 4 digits."""
        ones, others = (
            ((block - total[:, None, None] / SIDE**2) / np.maximum(norm, 1e-9)[:, None, None])
            .astype(np.float32)
            .reshape(-1, SIDE**2)
            for block, total, norm in (
                (turned(self.sums[rows], turn), self.total[rows], self.norm[rows]),
                (self.sums[columns], self.total[columns], self.norm[columns]),
            )
        )
        return ones @ others.T

    def residual(self, correlation: np.ndarray, first: np.ndarray, second: np.ndarray, turn: int) -> np.ndarray:
        """Return the correlation of the residuals of pairs of these images, by that of their pixels."""
        one, other = self.on_mean[turn, first], self.on_mean[0, second]
        left = np.sqrt(np.maximum((1 - one**2) * (1 - other**2), 1e-18))
        return (correlation - one * other) / left


class _Collected:
    """The pairs found so far whose ``measure`` reaches the lowest of ``levels`` that is not given up.

    A level is given up once it has more than ``most`` pairs.
    """

    def __init__(self, measure: str, levels: Sequence[float], most: int) -> None:
        self.measure, self.levels, self.most = measure, levels, most
        self.given_up = 0
        self.found: list[Pairs] = []
        self.count = 0

    @property
    def floor(self) -> float:
        """The least value that is kept; more than 1 when every level was given up."""
        return self.levels[self.given_up] if self.given_up < len(self.levels) else 2.0

    def add(self, found: Pairs) -> None:
        found = found[getattr(found, self.measure) >= self.floor]
        if len(found):
            self.found.append(found)
            self.count += len(found)
        while self.count > self.most:
            self.given_up += 1
            self.found = [self.at_least(self.floor)]
            self.count = len(self.found[0])

    def at_least(self, level: float) -> Pairs:
        """Return the pairs that reach a level; of one that was given up, those that are left."""
        found = _concatenated(self.found)
        return found[getattr(found, self.measure) >= level]


def _search(small: _Small, threshold: Duplicates) -> tuple[_Collected, _Collected, _Collected]:
    """Return pairs of different images: upright by their pixels, upright by their residuals, and turned ones."""
    most = MOST_PER_IMAGE * len(small)
    pixels = sorted({*PIXELS, threshold.pixel_correlation})
    upright = _Collected("correlation", pixels, most)
    residuals, rotated = (_Collected("residual", levels, most) for levels in (RESIDUALS, TURNED_RESIDUALS))
    for turn in range(len(TURNS)):
        wanted = [rotated] if turn else [upright, residuals]
        for start in range(0, len(small), ROWS):
            for left in range(start, len(small), COLUMNS):
                blocks = slice(start, start + ROWS), slice(left, left + COLUMNS)
                first, second = _candidates(small, *blocks, turn, threshold, wanted)
                if not len(first):
                    continue
                correlation = small.correlations(first, second, turn)
                residual = small.residual(correlation, first, second, turn)
                found = Pairs(first, second, correlation, residual, np.full(len(first), turn, np.uint8))
                high = found[correlation >= threshold.pixel_correlation]
                for collected in wanted:
                    collected.add(found if collected is upright else high)
    return upright, residuals, rotated


def _candidates(
    small: _Small, rows: slice, columns: slice, turn: int, threshold: Duplicates, wanted: list[_Collected]
) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs (first < second) of a block whose hashes are near; where these are many, only what can be wanted."""
    own, others = small.codes[turn, rows], small.codes[0, columns]
    near = np.empty((len(own), len(others)), bool)
    for start in range(0, len(own), STRIP):
        here = slice(start, start + STRIP)
        near[here] = np.bitwise_count(own[here, None] ^ others) <= threshold.hash_distance
    if np.count_nonzero(near) > near.size // 50:
        correlation = small.rough(rows, columns, turn)
        one, other = (np.arange(len(small))[part] for part in (rows, columns))
        residual = small.residual(correlation, one[:, None], other[None], turn)
        measures = {"correlation": correlation + 1e-3, "residual": residual + 1e-2}
        near &= np.logical_or.reduce([measures[collected.measure] >= collected.floor for collected in wanted])
    first, second = np.divmod(np.flatnonzero(near).astype(np.int32), near.shape[1])
    first, second = first + rows.start, second + columns.start
    return first[first < second], second[first < second]


def _step(collected: _Collected, level: float, labels: np.ndarray) -> Step:
    """Return what a threshold would find among different images with these labels, and whether it is accepted."""
    if level < collected.floor:
        return Step(level)
    found = _once([collected.at_least(level)])
    cluster = clusters(len(labels), found.joined)
    sizes = np.bincount(cluster)
    inside = np.bincount(cluster[found.first], minlength=len(sizes))
    chains = (sizes > max(SMALL, PART * len(labels))) & (inside < sizes * (sizes - 1) / 4)
    mixed = int((labels[found.first] != labels[found.second]).sum())
    false, at_most = _false(mixed, len(found), 1 - float((np.bincount(labels) ** 2).sum()) / len(labels) ** 2)
    by_chance = mixed >= FEW and false is not None and false > FALSE
    accepted = not (by_chance or chains.any())
    return Step(level, len(found), mixed, false, at_most, int(sizes.max()), accepted)


def _false(mixed: int, count: int, of_random: float) -> tuple[float | None, float | None]:
    """Return the estimated share of false pairs among ``count``, and its upper limit (one-sided, 95 %).

    ``mixed`` pairs have two classes, as random ones do with probability ``of_random``; the limit is Clopper and
    Pearson's, for pairs that are independent. With images of one class nothing is known.
    """
    if not count:
        return None, None
    if not of_random:
        return None, 1.0
    upper = float(beta.ppf(0.95, mixed + 1, count - mixed)) if mixed < count else 1.0
    return min(1.0, mixed / count / of_random), min(1.0, upper / of_random)


def _lowest_accepted(steps: list[Step]) -> Step | None:
    """Return the lowest threshold that is accepted, as all above it are; None if the highest is not."""
    rejected = [index for index, step in enumerate(steps) if not step.accepted]
    return next(iter(steps[max(rejected, default=-1) + 1 :]), None)


def _true(step: Step | None) -> float:
    """Return how many of the pairs that a threshold finds are estimated not to be false."""
    return step.pairs * (1 - (step.false or 0.0)) if step and step.pairs else 0.0


def _concatenated(found: Sequence[Pairs]) -> Pairs:
    kinds = (np.int32, np.int32, np.float64, np.float64, np.uint8)
    names = [field.name for field in fields(Pairs)]
    return Pairs(
        *(
            np.concatenate([np.empty(0, kind), *(getattr(part, name) for part in found)])
            for name, kind in zip(names, kinds, strict=True)
        )
    )


def _once(found: Sequence[Pairs]) -> Pairs:
    """Return each pair once, as it is most alike, upright ones before turned ones; in order."""
    together = _concatenated(found)
    order = np.lexsort((-together.correlation, together.turn > 0, together.second, together.first))
    ordered = together[order]
    again = (np.diff(ordered.first, prepend=-1) == 0) & (np.diff(ordered.second, prepend=-1) == 0)
    return ordered[~again]


def _renumbered(found: Pairs, numbers: np.ndarray) -> Pairs:
    return Pairs(numbers[found.first], numbers[found.second], found.correlation, found.residual, found.turn)
