"""Corruptions of uint8 images at their native size, before any preprocessing.

Strengths are physical: noise in grey levels (sd), blur in native pixels (sigma), contrast as a factor about the
image's mean, JPEG as libjpeg's quality. The noise of an image depends on its pixels alone, so every model and every run
meets the same corrupted image. Kinds and their use as a benchmark: Hendrycks & Dietterich 2019, arXiv:1903.12261.
"""

import inspect
import io
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from benchmark.errors import BadInput, closest
from benchmark.evidence.digests import digest, source_digest


@dataclass(frozen=True)
class Corruption:
    """A kind of corruption: ``apply`` takes images (uint8, N × H × W × C), their digests (hex) and a strength.

    ``strengths`` go from weak to strong; ``stronger`` says whether that is up or down in ``unit``.
    """

    apply: Callable[[np.ndarray, list[str], float], np.ndarray]
    unit: str
    stronger: Literal["up", "down"]
    strengths: tuple[float, ...]

    @property
    def digest(self) -> str:
        """What decides the corrupted images: the code of this kind, its strengths."""
        helpers = [_jpeg, _to_uint8]
        code = [source_digest(textwrap.dedent(inspect.getsource(function))) for function in (self.apply, *helpers)]
        return digest([code, self.strengths])


def gaussian_noise(pixels: np.ndarray, digests: list[str], strength: float) -> np.ndarray:
    """Add noise of sd ``strength``, seeded by each image's digest."""
    noise = [np.random.RandomState(int(name[:8], 16)).normal(size=pixels.shape[1:]) for name in digests]
    return _to_uint8(pixels + strength * np.stack(noise))


def gaussian_blur(pixels: np.ndarray, digests: list[str], strength: float) -> np.ndarray:
    """Blur by a Gaussian of sigma ``strength``."""
    return gaussian_filter(pixels, (0, strength, strength, 0), mode="nearest")


def contrast(pixels: np.ndarray, digests: list[str], strength: float) -> np.ndarray:
    """Multiply the distance of each pixel to its image's mean by ``strength``."""
    mean = pixels.mean((1, 2, 3), keepdims=True, dtype=np.float64)
    return _to_uint8(mean + strength * (pixels - mean))


def jpeg(pixels: np.ndarray, digests: list[str], strength: float) -> np.ndarray:
    """Compress by libjpeg at quality ``strength``."""
    return np.stack([_jpeg(image, int(strength)) for image in pixels])


CORRUPTIONS = {
    "gaussian_noise": Corruption(gaussian_noise, "grey levels", "up", (4.0, 8.0, 16.0, 32.0, 64.0)),
    "gaussian_blur": Corruption(gaussian_blur, "native pixels", "up", (0.5, 1.0, 1.5, 2.0, 3.0)),
    "contrast": Corruption(contrast, "factor", "down", (0.8, 0.6, 0.4, 0.2, 0.1)),
    "jpeg": Corruption(jpeg, "quality", "down", (80.0, 50.0, 25.0, 10.0, 5.0)),
}


def corruption(name: str) -> Corruption:
    """Return the corruption of this name; :class:`BadInput` names the known ones."""
    if name not in CORRUPTIONS:
        raise BadInput(f"no corruption {name!r}; {closest(name, list(CORRUPTIONS))}")
    return CORRUPTIONS[name]


def corruption_digests() -> dict[str, str]:
    """Return the name of each corruption → the digest of what decides its images."""
    return {name: kind.digest for name, kind in CORRUPTIONS.items()}


def _jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image.squeeze()).save(file, "jpeg", quality=quality)
    return np.asarray(Image.open(file)).reshape(image.shape)


def _to_uint8(pixels: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
