"""Corruptions act as their strength says, and are the same for an image whatever stands beside it."""

from dataclasses import replace

import numpy as np
import pytest

from benchmark.errors import BadInput
from benchmark.training import corruptions
from benchmark.training import dataset as datasets
from benchmark.training.corrupted import corrupted
from benchmark.training.corruptions import CORRUPTIONS, corruption

DIGESTS = [f"{number:016x}" for number in (17 << 32, 99 << 32, 5 << 32, 7 << 32)]


def images(channels=1):
    random = np.random.RandomState(0)
    coarse = random.randint(60, 196, (4, 8, 8, channels))
    return coarse.repeat(4, axis=1).repeat(4, axis=2).astype(np.uint8)


def corrupt(pixels, digests, name, strength):
    return corruption(name).apply(pixels, digests, strength)


def change(name, strength):
    before = images()
    return np.abs(corrupt(before, DIGESTS, name, strength).astype(float) - before).mean()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", CORRUPTIONS)
def test_uint8_images_come_back_as_uint8_in_the_same_shape(name, channels):
    for strength in CORRUPTIONS[name].strengths:
        out = corrupt(images(channels), DIGESTS, name, strength)
        assert out.dtype == np.uint8
        assert out.shape == (4, 32, 32, channels)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_an_image_is_corrupted_the_same_way_in_any_batch(name):
    strength = CORRUPTIONS[name].strengths[2]
    together = corrupt(images(), DIGESTS, name, strength)
    turned = corrupt(images()[::-1], DIGESTS[::-1], name, strength)[::-1]
    alone = [corrupt(images()[index : index + 1], [DIGESTS[index]], name, strength)[0] for index in range(4)]
    assert together.tobytes() == turned.tobytes() == np.stack(alone).tobytes()


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_every_corruption_has_a_unit_and_strengths_from_weak_to_strong(name):
    kind = CORRUPTIONS[name]
    assert kind.unit
    assert kind.stronger in ("up", "down")
    assert list(kind.strengths) == sorted(set(kind.strengths), reverse=kind.stronger == "down")
    assert all(isinstance(strength, float) for strength in kind.strengths)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_strengths_act_more_and_more(name):
    changes = [change(name, strength) for strength in CORRUPTIONS[name].strengths]
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


def test_an_unknown_corruption_gets_the_closest_one():
    with pytest.raises(BadInput, match=r"no corruption 'jpg'; did you mean 'jpeg'\?"):
        corruption("jpg")


def identity(pixels, digests, strength):
    return pixels.copy()


def test_the_digest_of_a_corruption_is_that_of_its_own_code_and_strengths(monkeypatch):
    before = {name: kind.digest for name, kind in CORRUPTIONS.items()}
    assert len(set(before.values())) == len(CORRUPTIONS)
    jpeg = CORRUPTIONS["jpeg"]
    assert replace(jpeg, apply=identity).digest != jpeg.digest
    assert replace(jpeg, strengths=(80.0,)).digest != jpeg.digest
    assert replace(jpeg, unit="other words").digest == jpeg.digest
    monkeypatch.setattr(corruptions, "_jpeg", identity)
    assert jpeg.digest != before["jpeg"]


@pytest.fixture
def dataset(small, edit, run_of):
    """The small phantom, enlarged, and the digests of its test images."""
    edit("tasks.phantom.input_size", 40)
    dataset = datasets.load(run_of("knn"))
    return dataset, [dataset.images.digests[row] for row in dataset.rows["test"]]


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_corrupted_images_are_the_same_from_the_folder_as_without_it(dataset, tmp_path, name):
    dataset, digests = dataset
    kind = CORRUPTIONS[name]
    strength = kind.strengths[1]
    made = corrupted(dataset, digests, name, strength, tmp_path / "shared")
    (path,) = (tmp_path / "shared").iterdir()
    before = path.stat().st_mtime_ns
    kept = corrupted(dataset, digests, name, strength, tmp_path / "shared")
    assert path.stat().st_mtime_ns == before
    pixels = dataset.images.pixels[dataset.rows["test"]]
    expected = dataset.seen(kind.apply(pixels, digests, strength), "test")
    assert made.dtype == kept.dtype == np.uint8
    assert made.shape == (len(digests), 1, 40, 40)
    assert made.tobytes() == kept.tobytes() == expected.tobytes()


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_images_corrupted_some_at_a_time_are_those_corrupted_together(dataset, tmp_path, name, monkeypatch):
    dataset, digests = dataset
    strength = CORRUPTIONS[name].strengths[1]
    together = corrupted(dataset, digests, name, strength, tmp_path / "together")
    monkeypatch.setattr("benchmark.training.corrupted.CHUNK", 4)
    assert corrupted(dataset, digests, name, strength, tmp_path / "apart").tobytes() == together.tobytes()


def test_all_that_decides_corrupted_images_is_in_the_name_of_their_file(dataset, run_of, edit, tmp_path, monkeypatch):
    dataset, digests = dataset

    def path(dataset=dataset, digests=digests, name="contrast", strength=0.8):
        before = set(tmp_path.glob("*.npy"))
        corrupted(dataset, digests, name, strength, tmp_path)
        return set(tmp_path.glob("*.npy")) - before

    assert len(path()) == 1
    assert path() == set()
    assert len(path(strength=0.6)) == 1
    assert len(path(name="jpeg")) == 1
    assert len(path(digests=digests[::-1])) == 1
    assert len(path(dataset=replace(dataset, lesion=True))) == 1
    smaller = dataset.task.model_copy(update={"input_size": 32})
    assert len(path(dataset=replace(dataset, task=smaller))) == 1
    recipe = dataset.task.recipe.model_copy(update={"gaussian_sigma": 1.0})
    assert len(path(dataset=replace(dataset, task=dataset.task.model_copy(update={"recipe": recipe})))) == 1
    monkeypatch.setitem(CORRUPTIONS, "contrast", replace(CORRUPTIONS["contrast"], apply=identity))
    assert len(path()) == 1
    pixels = dataset.images.pixels[dataset.rows["test"]]
    assert np.array_equal(corrupted(dataset, digests, "contrast", 0.8, tmp_path), dataset.seen(pixels, "test"))


def test_an_unknown_corruption_of_a_dataset_is_refused(dataset, tmp_path):
    dataset, digests = dataset
    with pytest.raises(BadInput, match=r"no corruption 'contrst'; did you mean 'contrast'\?"):
        corrupted(dataset, digests, "contrst", 0.8, tmp_path)
    assert list(tmp_path.glob("*.npy")) == []
