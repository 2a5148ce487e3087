"""Copies and near-copies of an image are found and joined into clusters."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from benchmark.data import duplicates


@pytest.fixture
def scenes():
    """Six smooth grey images that have nothing in common."""
    random = np.random.RandomState(0)
    fields = np.stack([gaussian_filter(random.normal(size=(64, 64)), 5) for _ in range(6)])
    return (128 + 100 * fields / np.abs(fields).max((1, 2), keepdims=True)).astype(np.uint8)[..., np.newaxis]


@pytest.fixture
def pairs(settings, make_images):
    def found(pixels):
        return duplicates.pairs(make_images(pixels), settings.duplicates)[0].tolist()

    return found


def test_different_images_are_no_duplicates(scenes, pairs):
    assert pairs(scenes) == []


def test_an_exact_copy_is_found(scenes, pairs):
    assert pairs(np.concatenate([scenes, scenes[2:3]])) == [[2, 6]]


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image + np.random.RandomState(1).normal(0, 5, image.shape),
        lambda image: 0.8 * image + 30,
        lambda image: np.roll(image, 1, axis=1),
    ],
    ids=["noise", "contrast", "shift by a pixel"],
)
def test_a_near_copy_is_found(scenes, pairs, change):
    copy = np.clip(change(scenes[2].astype(float)), 0, 255).astype(np.uint8)
    assert pairs(np.concatenate([scenes, copy[np.newaxis]])) == [[2, 6]]


def test_a_mirrored_image_and_a_negative_are_no_copies(scenes, pairs):
    assert pairs(np.concatenate([scenes, scenes[2:3, :, ::-1], 255 - scenes[2:3]])) == []


def test_pairs_do_not_hang_on_how_many_images_are_compared_at_a_time(scenes, pairs, monkeypatch):
    many = np.concatenate([scenes, scenes[::-1], scenes])
    together = sorted(pairs(many))
    monkeypatch.setattr(duplicates, "ROWS", 4)
    assert sorted(pairs(many)) == together
    assert len(together) == 18


def test_pairs_are_joined_into_clusters_numbered_by_their_first_image():
    joined = np.array([[0, 3], [3, 5], [1, 2]])
    assert duplicates.clusters(6, joined).tolist() == [0, 1, 1, 0, 2, 0]


def test_without_pairs_each_image_is_a_cluster():
    assert duplicates.clusters(3, np.empty((0, 2), int)).tolist() == [0, 1, 2]


def test_copies_of_a_blank_image_are_duplicates(pairs):
    assert pairs(np.zeros((2, 32, 32, 1), np.uint8)) == [[0, 1]]
