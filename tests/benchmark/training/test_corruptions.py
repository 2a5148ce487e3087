"""Corruptions act as their strength says, and are the same for an image whatever stands beside it."""

import numpy as np
import pytest

from benchmark.params import CORRUPTIONS
from benchmark.training.corruptions import UNITS, corrupt

DIGESTS = [f"{number:016x}" for number in (17 << 32, 99 << 32, 5 << 32, 7 << 32)]


def images(channels=1):
    random = np.random.RandomState(0)
    coarse = random.randint(60, 196, (4, 8, 8, channels))
    return coarse.repeat(4, axis=1).repeat(4, axis=2).astype(np.uint8)


def change(kind, strength):
    before = images()
    return np.abs(corrupt(before, DIGESTS, kind, strength).astype(float) - before).mean()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_uint8_images_come_back_as_uint8_in_the_same_shape(settings, kind, channels):
    for strength in settings.robustness[kind]:
        out = corrupt(images(channels), DIGESTS, kind, strength)
        assert out.dtype == np.uint8
        assert out.shape == (4, 32, 32, channels)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_an_image_is_corrupted_the_same_way_in_any_batch(settings, kind):
    strength = settings.robustness[kind][2]
    together = corrupt(images(), DIGESTS, kind, strength)
    turned = corrupt(images()[::-1], DIGESTS[::-1], kind, strength)[::-1]
    alone = [corrupt(images()[index : index + 1], [DIGESTS[index]], kind, strength)[0] for index in range(4)]
    assert together.tobytes() == turned.tobytes() == np.stack(alone).tobytes()


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_the_strengths_of_params_yaml_act_more_and_more(settings, kind):
    changes = [change(kind, strength) for strength in settings.robustness[kind]]
    assert changes == sorted(changes)
    assert changes[0] > 0
    assert changes[-1] > 1.5 * changes[0]


def test_noise_has_the_standard_deviation_that_it_says():
    grey = np.full((4, 64, 64, 1), 128, np.uint8)
    noise = corrupt(grey, DIGESTS, "gaussian_noise", 16.0).astype(float) - 128
    assert noise.std() == pytest.approx(16, rel=0.05)
    assert abs(noise.mean()) < 1


def test_different_images_get_different_noise():
    grey = np.full((4, 32, 32, 1), 128, np.uint8)
    noisy = corrupt(grey, DIGESTS, "gaussian_noise", 16.0)
    assert len({image.tobytes() for image in noisy}) == 4


def test_contrast_keeps_each_images_mean_and_scales_its_spread():
    before, after = images().astype(float), corrupt(images(), DIGESTS, "contrast", 0.4).astype(float)
    assert after.mean((1, 2, 3)) == pytest.approx(before.mean((1, 2, 3)), abs=0.5)
    assert after.std((1, 2, 3)) == pytest.approx(0.4 * before.std((1, 2, 3)), rel=0.05)


def test_blur_mixes_neither_images_nor_channels():
    mixed = np.zeros((2, 32, 32, 3), np.uint8)
    mixed[1, ..., 2] = 200
    assert (corrupt(mixed, DIGESTS[:2], "gaussian_blur", 2.0) == mixed).all()


def test_every_corruption_has_a_unit_and_strengths(settings):
    assert set(UNITS) == set(CORRUPTIONS) == set(settings.robustness)
