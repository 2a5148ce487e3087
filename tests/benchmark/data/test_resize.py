"""Resizing of uint8 images."""

import numpy as np
import pytest

from benchmark.data.resize import resize


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [16, 28, 100])
def test_images_of_one_level_keep_it_at_every_size(channels, size):
    levels = np.arange(channels, dtype=np.uint8) * 60 + 20
    images = np.broadcast_to(levels, (2, 40, 40, channels)).copy()
    out = resize(images, size)
    assert out.shape == (2, size, size, channels)
    assert out.dtype == np.uint8
    assert (out == levels).all()


def test_images_of_the_right_size_stay_as_they_are():
    images = np.random.RandomState(0).randint(0, 256, (3, 28, 28, 1)).astype(np.uint8)
    assert resize(images, 28).tobytes() == images.tobytes()


def test_images_without_a_channel_axis_get_one():
    assert resize(np.zeros((2, 28, 28), np.uint8), 28).shape == (2, 28, 28, 1)


def test_making_an_image_smaller_averages_fine_texture():
    checks = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)
    assert abs(resize(checks[np.newaxis], 16).astype(int) - 127).max() < 15
