"""The synthetic source: always the same bytes, with lesions that a model must look for."""

import json

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from benchmark import evidence
from benchmark.data import manifest, splits
from benchmark.data import phantom as source
from tests.conftest import ROOT


def test_the_same_seed_draws_the_same_bytes(settings):
    few = settings.task("phantom").source.model_copy(update={"images_per_class": 3})
    one, other = source.load(few, 32), source.load(few, 32)
    assert one.pixels.tobytes() == other.pixels.tobytes()
    assert one.masks.tobytes() == other.masks.tobytes()
    assert one.digest == other.digest


def test_another_seed_draws_other_images(settings):
    few = settings.task("phantom").source.model_copy(update={"images_per_class": 3})
    other = few.model_copy(update={"seed": few.seed + 1})
    assert set(source.load(few, 32).digests).isdisjoint(source.load(other, 32).digests)


def test_there_are_200_grey_images_of_32_px_a_class(phantom):
    assert phantom.pixels.shape == (600, 32, 32, 1)
    assert phantom.pixels.dtype == np.uint8
    assert np.bincount(phantom.labels).tolist() == [200, 200, 200]
    assert len(phantom.classes) == 3


def test_every_lesion_has_a_mask_and_no_other_image_has_one(phantom):
    areas = phantom.masks.sum((1, 2))
    assert phantom.masks.shape == (600, 32, 32)
    assert ((areas > 0) == (phantom.labels > 0)).all()
    assert areas.max() < 32 * 32 / 4


def test_a_lesion_is_brighter_than_what_surrounds_it(phantom):
    for pixels, mask in zip(phantom.pixels[200::20, ..., 0], phantom.masks[200::20], strict=True):
        assert pixels[mask].mean() > pixels[~mask].mean() + 20


def test_images_and_masks_are_enlarged_alike(settings):
    few = settings.task("phantom").source.model_copy(update={"images_per_class": 2})
    large = source.load(few, 64)
    assert large.pixels.shape == (6, 64, 64, 1)
    assert large.masks.shape == (6, 64, 64)
    assert (large.masks.any((1, 2)) == (large.labels > 0)).all()


def test_the_images_are_those_of_the_committed_manifest(phantom):
    path = ROOT / "results/tasks/phantom/manifest.json"
    if not path.exists():
        pytest.skip("no committed manifest")
    manifest.check(phantom, evidence.read_json(path), "phantom")
    assert json.loads(path.read_text(encoding="utf-8"))["synthetic"] is True


def test_the_nearest_neighbour_on_pixels_does_not_solve_it(phantom, settings):
    task, shares = settings.task("phantom"), settings.pooled_split
    _, samples = manifest.describe(phantom, task, settings)
    split = samples.assign(part=splits.deal(samples, shares.parts, "phantom"))
    rows = splits.of_run(split, task, shares, 0)
    flat = phantom.pixels.reshape(len(phantom), -1).astype(np.float32)
    nearest = KNeighborsClassifier(1).fit(flat[rows["train"]], phantom.labels[rows["train"]])
    assert nearest.score(flat[rows["test"]], phantom.labels[rows["test"]]) < 0.75
