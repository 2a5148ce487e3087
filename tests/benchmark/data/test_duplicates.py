"""Copies and near-copies of an image are found and joined into clusters."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from benchmark.data import duplicates
from tests.benchmark.data.planted import planted


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


def test_a_negative_is_no_copy(scenes, pairs):
    assert pairs(np.concatenate([scenes, 255 - scenes[2:3]])) == []


@pytest.mark.parametrize("turn", range(1, 8), ids=duplicates.TURNS[1:])
def test_a_copy_is_found_under_every_symmetry_of_the_square(scenes, pairs, turn):
    assert pairs(np.concatenate([scenes, duplicates.turned(scenes[2:3], turn)])) == [[2, 6]]


def test_the_symmetries_are_eight_and_say_what_they_do(scenes):
    image = scenes[:1]
    assert len({duplicates.turned(image, turn).tobytes() for turn in range(8)}) == 8
    assert (duplicates.turned(image, duplicates.TURNS.index("mirrored")) == image[:, :, ::-1]).all()
    assert (duplicates.turned(image, duplicates.TURNS.index("turned by 90°")) == np.rot90(image[0])[None]).all()


def test_pairs_do_not_hang_on_how_many_images_are_compared_at_a_time(scenes, pairs, monkeypatch):
    many = np.concatenate([scenes, scenes[:, ::-1], np.clip(scenes.astype(int) + 3, 0, 255).astype(np.uint8)])
    together = sorted(pairs(many))
    for name, size in (("ROWS", 4), ("COLUMNS", 5), ("CHUNK", 3)):
        monkeypatch.setattr(duplicates, name, size)
    assert sorted(pairs(many)) == together
    assert len(together) == 18


def test_pairs_are_joined_into_clusters_numbered_by_their_first_image():
    joined = np.array([[0, 3], [3, 5], [1, 2]])
    assert duplicates.clusters(6, joined).tolist() == [0, 1, 1, 0, 2, 0]


def test_without_pairs_each_image_is_a_cluster():
    assert duplicates.clusters(3, np.empty((0, 2), int)).tolist() == [0, 1, 2]


def test_copies_of_a_blank_image_are_duplicates(pairs):
    assert pairs(np.zeros((2, 32, 32, 1), np.uint8)) == [[0, 1]]


@pytest.fixture
def choice(settings, make_images):
    def chosen(pixels, labels):
        return duplicates.choose(make_images(pixels, labels), settings.duplicates)

    return chosen


def alike(count, noise, centre=15.5):
    """Images that all show the same disc, and differ in noise alone."""
    y, x = np.mgrid[:32, :32]
    disc = 120 * ((y - centre) ** 2 + (x - centre) ** 2 < 80)
    random = np.random.RandomState(0)
    pixels = disc + 40 * gaussian_filter(random.normal(size=(count, 32, 32)), (0, 1, 1)) * noise + 60
    return np.clip(pixels, 0, 255).astype(np.uint8)[..., np.newaxis]


def test_lookalikes_are_told_from_copies_by_what_is_left_without_the_mean_image(choice):
    pixels = alike(200, 0.4)
    copies = np.concatenate([pixels[:6] - 3, pixels[6:12, :, ::-1]])
    labels = np.arange(212) % 2
    labels[200:] = labels[:12]
    found = choice(np.concatenate([pixels, copies]), labels)
    assert found.thresholds["pixels"] is None
    assert sorted(found.joined.tolist()) == [[index, 200 + index] for index in range(12)]
    assert sorted(set(found.near.turn)) == [0, duplicates.TURNS.index("mirrored")]


def test_a_threshold_that_finds_pairs_of_two_classes_is_raised(choice):
    pixels, labels, _ = planted("fundus", 400, 2)
    found = choice(pixels, labels)
    lowest = next(step for step in found.steps["pixels"] if step.threshold == 0.95)
    assert lowest.of_two_classes >= duplicates.FEW
    assert lowest.false > duplicates.FALSE
    assert not lowest.accepted
    assert found.thresholds["pixels"] > 0.95


@pytest.mark.parametrize(
    ("accepted", "lowest"), [((True, False, True, True), 0.95), ((True, True, True, True), 0.9), ((True, False), None)]
)
def test_the_lowest_threshold_is_taken_from_which_on_all_are_accepted(accepted, lowest):
    steps = [duplicates.Step(level, accepted=one) for level, one in zip(duplicates.PIXELS, accepted, strict=False)]
    step = duplicates._lowest_accepted(steps)
    assert (step and step.threshold) == lowest


def test_of_lookalikes_little_is_left_without_the_mean_image(choice):
    pixels = alike(60, 0.4)
    near = choice(np.concatenate([pixels, pixels[:5] - 3]), [0] * 65).near
    small = duplicates._Small(pixels, np.arange(60))
    first, second = np.triu_indices(60, 1)
    correlation = small.correlations(first, second, 0)
    assert correlation.min() > 0.9
    assert np.abs(small.residual(correlation, first, second, 0)).max() < 0.5
    mirrored = small.correlations(first, second, duplicates.TURNS.index("mirrored"))
    assert np.abs(small.residual(mirrored, first, second, duplicates.TURNS.index("mirrored"))).max() < 0.5
    assert near.residual.min() > 0.99


def test_lookalikes_of_one_class_do_not_chain(choice, scenes):
    one, other = (scene - scene.mean() for scene in scenes[:2].astype(float))
    angles = np.linspace(0, 2 * np.pi, 120, endpoint=False)[:, None, None, None]  # each is like its neighbours
    pixels = np.clip(128 + 0.7 * (np.cos(angles) * one + np.sin(angles) * other), 0, 255).astype(np.uint8)
    found = choice(pixels, np.arange(120) // 60)
    lowest = next(step for step in found.steps["pixels"] if step.threshold == 0.95)
    assert (lowest.largest, lowest.accepted) == (120, False)
    assert np.bincount(duplicates.clusters(120, found.joined)).max() <= duplicates.SMALL


def test_more_pairs_than_a_source_can_have_copies_are_not_kept(choice):
    found = choice(alike(150, 0.01, 12), np.arange(150) % 2)
    assert found.steps["pixels"][0].pairs is None
    assert len(found.joined) == 0


def test_copies_with_a_wrong_label_are_still_copies(choice, scenes):
    found = choice(np.concatenate([scenes, scenes[:2], scenes[2:4] - 2]), [0, 1] * 3 + [1, 0, 1, 0])
    assert sorted(found.joined.tolist()) == [[0, 6], [1, 7], [2, 8], [3, 9]]


def test_the_estimate_of_false_pairs_has_an_upper_limit_that_few_pairs_leave_wide(choice, scenes):
    few = choice(np.concatenate([scenes, scenes[:1] - 2]), [0, 1] * 3 + [0]).steps["pixels"][0]
    assert (few.pairs, few.false, few.at_most) == (1, 0, 1)
    six = choice(np.concatenate([scenes, scenes - 2]), [0, 1] * 6).steps["pixels"][0]
    assert (six.pairs, six.false) == (6, 0)
    assert six.at_most == pytest.approx((1 - 0.05 ** (1 / 6)) / 0.5)  # half of random pairs have two classes
    none = choice(scenes, [0, 1] * 3).steps["pixels"][0]
    assert (none.pairs, none.false, none.at_most, none.accepted) == (0, None, None, True)


def test_many_exact_copies_are_one_cluster_without_all_their_pairs(choice, scenes):
    found = choice(np.concatenate([scenes, np.repeat(scenes[:1], 500, 0)]), np.arange(506) % 2)
    assert len(found.joined) == 500
    assert duplicates.clusters(506, found.joined)[6:].tolist() == [0] * 500
