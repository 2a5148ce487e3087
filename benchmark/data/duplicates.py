"""Exact and near-duplicates: perceptual hash first, then the pixels.

A pair of images is a near-duplicate when its 64-bit DCT hashes differ in few bits *and* its pixels, at 32 × 32,
correlate highly. Pairs are joined into clusters, which a split never divides.
"""

import numpy as np
from scipy.fft import dctn
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from benchmark.data import Images
from benchmark.data.resize import resize
from benchmark.params import Duplicates

SIDE = 32
ROWS = 512  # images compared with all others at a time


def hashes(small: np.ndarray) -> np.ndarray:
    """Return a 64-bit hash (uint64, N) of images (uint8, N × 32 × 32): signs of their 8 × 8 lowest DCT terms.

    Each term is set against the image's median of them, without the mean's term (pHash; Zauner 2010).
    """
    low = dctn(small.astype(np.float64), axes=(1, 2))[:, :8, :8].reshape(-1, 64)
    bits = low > np.median(low[:, 1:], axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(np.uint64).ravel()


def pairs(images: Images, threshold: Duplicates) -> tuple[np.ndarray, np.ndarray]:
    """Return the near-duplicate pairs (int, P × 2, first below second) and their pixels' correlation (P).

    Exact copies are pairs whatever the threshold.
    """
    small = resize(images.pixels, SIDE).mean(3)
    codes = hashes(small)
    flat = small.reshape(len(small), -1)
    flat = flat - flat.mean(1, keepdims=True)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9)
    found = []
    for start in range(0, len(codes), ROWS):
        near = np.bitwise_count(codes[start : start + ROWS, None] ^ codes[None]) <= threshold.hash_distance
        first, second = np.nonzero(near)
        found.append(np.stack([first + start, second], 1)[first + start < second])
    candidates = np.concatenate(found)
    correlation = np.einsum("ij,ij->i", flat[candidates[:, 0]], flat[candidates[:, 1]])
    digests = np.array(images.digests)
    copies = digests[candidates[:, 0]] == digests[candidates[:, 1]]
    same = copies | (correlation >= threshold.pixel_correlation)
    return candidates[same], np.where(copies, 1.0, correlation)[same]


def clusters(count: int, joined: np.ndarray) -> np.ndarray:
    """Return the cluster (int, N) of each of ``count`` images, numbered by their first image; ``joined`` is P × 2."""
    graph = coo_array((np.ones(len(joined)), (joined[:, 0], joined[:, 1])), shape=(count, count))
    return connected_components(graph, directed=False)[1]
