"""From uint8 images at their native size to what a model sees."""

import numpy as np
import pytest

from benchmark.data import preprocessing
from benchmark.data.preprocessing import Levels


@pytest.fixture
def pixels():
    return np.random.RandomState(0).randint(0, 256, (5, 28, 28, 3)).astype(np.uint8)


@pytest.fixture
def task_with(settings):
    """Return a function that makes a task of 28 px with another recipe or input size."""

    def make(input_size=28, **recipe):
        task = settings.task("phantom")
        recipe = task.recipe.model_copy(update=recipe)
        return task.model_copy(update={"native_size": 28, "input_size": input_size, "recipe": recipe})

    return make


def test_images_are_resized_to_the_input_size(pixels, task_with):
    assert preprocessing.resized(pixels, task_with(input_size=64)).shape == (5, 64, 64, 3)
    assert (preprocessing.resized(pixels, task_with()) == pixels).all()


def test_the_gaussian_filter_smooths_each_image_and_channel_by_itself(pixels, task_with):
    filtered = preprocessing.resized(pixels, task_with(gaussian_sigma=1.0))
    assert filtered.astype(float).std((1, 2)).max() < 0.5 * pixels.astype(float).std((1, 2)).min()
    alone = preprocessing.resized(pixels[2:3, ..., :1], task_with(gaussian_sigma=1.0))
    assert (filtered[2:3, ..., :1] == alone).all()


def channels_first(pixels):
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))


def test_training_pixels_get_mean_zero_and_sd_one(pixels, task_with):
    offset, scale = preprocessing.normaliser(pixels, task_with(normalisation="zscore"))
    out = preprocessing.normalised(channels_first(pixels), Levels((offset,) * 3, (scale,) * 3))
    assert out.dtype == np.float32
    assert out.shape == (5, 3, 28, 28)
    assert out.mean() == pytest.approx(0, abs=1e-4)
    assert out.std() == pytest.approx(1, abs=1e-4)


def test_unit_normalisation_maps_grey_levels_to_zero_to_one(pixels, task_with):
    offset, scale = preprocessing.normaliser(pixels, task_with(normalisation="unit"))
    extremes = np.array([0, 51, 255], np.uint8).reshape(1, 1, 3, 1)
    assert preprocessing.normalised(extremes, Levels((offset,), (scale,))).ravel() == pytest.approx([0, 0.2, 1])


def test_each_channel_has_its_own_levels(pixels):
    images = channels_first(pixels)
    out = preprocessing.normalised(images, Levels((10.0, 0.0, 0.0), (1.0, 2.0, 1.0)))
    assert np.array_equal(out[:, 0], images[:, 0] - np.float32(10))
    assert np.array_equal(out[:, 1], images[:, 1] / np.float32(2))
    assert np.array_equal(out[:, 2], images[:, 2])


def test_blank_training_images_do_not_divide_by_zero(task_with):
    blank = np.full((2, 1, 28, 28), 9, np.uint8)
    offset, scale = preprocessing.normaliser(blank, task_with(normalisation="zscore"))
    assert (preprocessing.normalised(blank, Levels((offset,), (scale,))) == 0).all()
