"""Corruptions of uint8 images at their native size, before any preprocessing.

Strengths are physical: noise in grey levels (sd), blur in native pixels (sigma), contrast as a factor about the
image's mean, JPEG as libjpeg's quality. The noise of an image hangs on its pixels alone, so that every model and every
run meets the same corrupted image. Kinds and their use as a benchmark: Hendrycks & Dietterich 2019, arXiv:1903.12261.
"""

import io

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

UNITS = {"gaussian_noise": "grey levels", "gaussian_blur": "native pixels", "contrast": "factor", "jpeg": "quality"}


def corrupt(pixels: np.ndarray, digests: list[str], kind: str, strength: float) -> np.ndarray:
    """Return uint8 images (N × H × W × C) corrupted; ``digests`` (hex) seed the noise of each."""
    if kind == "gaussian_blur":
        return gaussian_filter(pixels, (0, strength, strength, 0), mode="nearest")
    if kind == "jpeg":
        return np.stack([_jpeg(image, int(strength)) for image in pixels])
    if kind == "contrast":
        mean = pixels.mean((1, 2, 3), keepdims=True, dtype=np.float64)
        return _to_uint8(mean + strength * (pixels - mean))
    noise = [np.random.RandomState(int(digest[:8], 16)).normal(size=pixels.shape[1:]) for digest in digests]
    return _to_uint8(pixels + strength * np.stack(noise))


def _jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image.squeeze()).save(file, "jpeg", quality=quality)
    return np.asarray(Image.open(file)).reshape(image.shape)


def _to_uint8(pixels: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
