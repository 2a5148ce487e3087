"""Resizing of uint8 images, in integers, so the bytes are the same on every machine."""

import numpy as np
from PIL import Image


def resize(images: np.ndarray, size: int) -> np.ndarray:
    """Return uint8 ``images`` (N × H × W or N × H × W × C, C 1 or 3) as N × ``size`` × ``size`` × C, bilinear.

    Pillow widens the filter when it makes an image smaller, so fine texture does not alias.
    """
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if images.shape[1:3] == (size, size):
        return images
    out = np.empty((len(images), size, size, images.shape[3]), np.uint8)
    for source, target in zip(images, out, strict=True):
        target[:] = resize_one(Image.fromarray(source.squeeze()), size)
    return out


def resize_one(image: Image.Image, size: int) -> np.ndarray:
    """Return a Pillow image as uint8, ``size`` × ``size`` × C."""
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR)).reshape(size, size, -1)
