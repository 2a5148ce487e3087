"""The manifest says what the images are, and refuses others."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from benchmark.data import duplicates, manifest
from benchmark.errors import BadInput
from tests.conftest import error_of


@pytest.fixture
def pixels():
    """Six smooth images, the last one a copy of the first."""
    random = np.random.RandomState(0)
    fields = np.stack([gaussian_filter(random.normal(size=(32, 32)), 3) for _ in range(6)])
    grey = (128 + 100 * fields / np.abs(fields).max((1, 2), keepdims=True)).astype(np.uint8)[..., np.newaxis]
    grey[5] = grey[0]
    return grey


def test_it_counts_images_by_class_and_part(settings, make_images, pixels):
    parts = ["train"] * 4 + ["test"] * 2
    images = make_images(pixels, [0, 0, 0, 1, 1, 0], official=parts)
    described, samples = manifest.describe(images, settings.task("phantom"), settings)
    assert described["images_by_class"] == {"a": 4, "b": 2}
    assert described["images_by_official_part"] == {"train": {"a": 3, "b": 1}, "test": {"a": 1, "b": 1}}
    assert samples["sample_id"].tolist() == images.ids
    assert described["digest"] == images.digest


def test_it_counts_test_images_with_a_twin_in_the_training_part(settings, make_images, pixels):
    images = make_images(pixels, official=["train"] * 4 + ["test"] * 2)
    found = manifest.describe(images, settings.task("phantom"), settings)[0]["duplicates"]
    assert found["exact_copies"] == 1
    assert found["clusters"] == 5
    assert found["across_official_split"] == {"test_images_with_a_twin_in_train": {"exact": 1, "near": 1}}


def test_pairs_of_a_source_without_a_split_of_its_own_are_shown(settings, make_images, pixels):
    pixels[5] = pixels[0] // 2 + 40
    images = make_images(pixels, official=[""] * 6)
    found = manifest.describe(images, settings.task("phantom"), settings)[0]["duplicates"]
    assert found["shown"][0]["images"] == [images.ids[0], images.ids[5]]
    assert found["shown"][0]["parts"] == ["", ""]


def test_images_of_one_group_are_one_cluster(settings, make_images, pixels):
    images = make_images(pixels, groups=["", "p1", "p2", "p1", "p2", ""])
    _, samples = manifest.describe(images, settings.task("phantom"), settings)
    cluster = samples["cluster"]
    assert cluster[1] == cluster[3]
    assert cluster[2] == cluster[4]
    assert cluster.nunique() == 3


def test_it_counts_clusters_and_groups(settings, make_images, pixels):
    images = make_images(pixels, [0, 0, 0, 1, 1, 0], groups=["", "p1", "p1", "p1", "", ""])
    described, _ = manifest.describe(images, settings.task("phantom"), settings)
    found = described["duplicates"]
    assert described["groups"] == 1
    assert (found["clusters"], found["largest_cluster"]) == (3, 3)  # the group, the two copies, and one image
    assert (found["images_in_shared_clusters"], found["clusters_of_two_classes"]) == (5, 1)


def test_other_images_than_the_manifests_are_refused(settings, make_images, pixels):
    described, _ = manifest.describe(make_images(pixels), settings.task("phantom"), settings)
    manifest.check(make_images(pixels), described, "phantom")
    pixels[3, 0, 0] ^= 1
    with pytest.raises(BadInput, match="phantom: the images have digest"):
        manifest.check(make_images(pixels), described, "phantom")


def test_skipped_files_are_noted_only_where_there_are_some(settings, make_images, pixels):
    task = settings.task("phantom")
    assert "skipped_files" not in manifest.describe(make_images(pixels), task, settings)[0]
    images = make_images(pixels, skipped={"hidden": 2})
    assert manifest.describe(images, task, settings)[0]["skipped_files"] == {"hidden": 2}


def test_it_counts_and_names_copies_with_different_labels(settings, make_images, pixels):
    near = np.clip(pixels[1:2].astype(int) + 3, 0, 255).astype(np.uint8)
    images = make_images(np.concatenate([pixels, near]), [0, 0, 1, 1, 1, 1, 1])
    found = manifest.describe(images, settings.task("phantom"), settings)[0]["duplicates"]
    named = [[images.ids[0], images.ids[5]], [images.ids[1], images.ids[6]]]
    assert found["pairs_of_two_classes"] == {"exact": 1, "near": 1, "named": named}


def test_it_says_how_the_threshold_was_chosen(settings, make_images, pixels):
    found = manifest.describe(make_images(pixels), settings.task("phantom"), settings)[0]["duplicates"]
    assert found["chosen"] == {"pixels": 0.95, "residuals": None, "turned_residuals": 0.95}
    for name, steps in found["thresholds"].items():
        assert name in found["chosen"]
        assert {"threshold", "pairs", "of_two_classes", "false", "at_most", "largest", "accepted"} == set(steps[0])


def test_it_picks_pairs_to_show_the_training_image_beside_that_of_the_test(settings, make_images, pixels):
    copies = np.concatenate([np.clip(pixels[:3].astype(int) + 3, 0, 255), pixels[3:5, :, ::-1]]).astype(np.uint8)
    parts = ["train"] * 6 + ["train", "test", "test", "train", "test"]
    images = make_images(np.concatenate([pixels, copies]), official=parts)
    shown = manifest.describe(images, settings.task("phantom"), settings)[0]["duplicates"]["shown"]
    assert [pair["parts"] for pair in shown][:3] == [["train", "test"]] * 3
    mirrored = [pair["images"] for pair in shown if pair["first_is"] == "mirrored"]
    assert sorted(mirrored) == [[images.ids[3], images.ids[9]], [images.ids[4], images.ids[10]]]


def test_what_was_done_to_the_first_image_of_a_pair_makes_it_the_second(settings, make_images, pixels):
    copies = np.concatenate([duplicates.turned(pixels[index : index + 1], index + 1) for index in range(5)])
    parts = ["test", "train", "test", "test", "test", "train", "train", "test", "train", "train", "train"]
    images = make_images(np.concatenate([pixels, copies]), official=parts)
    shown = manifest.describe(images, settings.task("phantom"), settings)[0]["duplicates"]["shown"]
    assert len(shown) == 5
    for pair in shown:
        one, other = (images.pixels[images.ids.index(name)] for name in pair["images"])
        assert (duplicates.turned(one[None], duplicates.TURNS.index(pair["first_is"]))[0] == other).all()
        assert pair["parts"] == ["train", "test"]


def test_no_image_is_shown_twice(settings, make_images, pixels):
    copies = np.clip(np.concatenate([pixels[:2] + step for step in (2, 3, 4)]).astype(int), 0, 255).astype(np.uint8)
    shown = manifest.describe(make_images(np.concatenate([pixels, copies])), settings.task("phantom"), settings)
    names = [name for pair in shown[0]["duplicates"]["shown"] for name in pair["images"]]
    assert len(names) == len(set(names)) > 2


@pytest.fixture
def clips(make_images):
    """Return a function that makes two clips of 80 noisy frames: more near-copies than a threshold may find."""
    random = np.random.RandomState(0)
    fields = np.repeat([gaussian_filter(random.normal(size=(32, 32)), 3) for _ in range(2)], 80, axis=0)

    def make(noise=1, **changes):
        levels = 128 + 100 * fields / np.abs(fields).max() + np.random.RandomState(1).normal(0, noise, fields.shape)
        return make_images(np.clip(levels, 0, 255).astype(np.uint8)[..., None], np.repeat([0, 1], 80), **changes)

    return make


@pytest.mark.parametrize(
    ("task", "by"),
    [
        ("brain-mri", "`group_pattern` of the source"),
        ("chestxray", "train_groups, val_groups and test_groups"),
        ("breastmnist", "groups in a file of arrays, a source of kind npz"),
    ],
)
@pytest.mark.parametrize(("noise", "highest"), [(1, 0.995), (2, 0.99)], ids=["all", "all but one that chains"])
def test_images_with_more_near_copies_than_can_be_found_need_groups(settings, clips, task, by, noise, highest):
    for groups, count in (([""] * 160, 160), (["1"] * 159 + [""], 1)):
        message = error_of(manifest.describe, clips(noise, groups=groups), settings.task(task), settings)
        assert f"at a correlation of {highest} there are more than 30 pairs an image, and no threshold" in message
        assert f"{count} images have no group: name what belongs together by {by}" in message


def test_groups_stand_in_for_near_duplicates_that_cannot_be_found_and_this_is_said(settings, clips):
    images, task = clips(groups=["1"] * 80 + ["2"] * 80), settings.task("brain-mri")
    described, samples = manifest.describe(images, task, settings)
    assert samples["cluster"].tolist() == [0] * 80 + [1] * 80
    assert "groups alone stay together: at a correlation of 0.995" in manifest.missed(images, task, described)


def test_that_some_near_duplicates_may_be_missed_is_said(settings, clips, make_images, pixels):
    images, task = clips(noise=5), settings.task("brain-mri")
    described, samples = manifest.describe(images, task, settings)
    assert samples["cluster"].nunique() > 2
    said = manifest.missed(images, task, described)
    assert said.startswith("near-duplicates may be missed: at a correlation of 0.95 there are more than 30 pairs")
    assert "160 images have no group" in said
    few = make_images(pixels)
    assert manifest.missed(few, task, manifest.describe(few, task, settings)[0]) is None
