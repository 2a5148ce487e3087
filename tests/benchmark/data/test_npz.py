"""MedMNIST-shaped files: what is read from them, and which are refused."""

import hashlib
from contextlib import suppress

import numpy as np
import pytest

from benchmark import params
from benchmark.data import npz
from benchmark.errors import BadInput


def arrays(**changes):
    random = np.random.RandomState(0)
    known = {}
    for part, count in (("train", 6), ("val", 4), ("test", 2)):
        known[f"{part}_images"] = random.randint(0, 256, (count, 28, 28)).astype(np.uint8)
        known[f"{part}_labels"] = np.arange(count).reshape(-1, 1) % 2
    return {name: value for name, value in (known | changes).items() if value is not None}


@pytest.fixture
def write(tmp_path):
    def to(**changes):
        np.savez(tmp_path / "set.npz", **arrays(**changes))
        return tmp_path / "set.npz"

    return to


def source_of(path, checksum=None):
    checksum = checksum or hashlib.sha256(path.read_bytes()).hexdigest()
    known = {"name": "set", "title": "", "licence": "", "path": path.name, "sha256": checksum}
    return params.Npz(kind="npz", classes=["healthy", "ill"], **known)


def error_of(path):
    with pytest.raises(BadInput) as caught:
        npz.read(path, ["healthy", "ill"], 28)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_all_parts_are_read_in_order_with_their_names(write):
    images = npz.read(write(), ["healthy", "ill"], 28)
    given = arrays()
    assert (images.pixels[:6, ..., 0] == given["train_images"]).all()
    assert (images.pixels[10:, ..., 0] == given["test_images"]).all()
    assert images.labels.tolist() == [0, 1] * 6
    assert images.official == ["train"] * 6 + ["validation"] * 4 + ["test"] * 2
    assert images.ids[5:7] == ["train/5", "validation/0"]
    assert set(images.groups) == {""}


def test_colour_images_keep_their_channels_at_another_size(write):
    colour = {f"{part}_images": np.full((count, 28, 28, 3), 7, np.uint8) for part, count in (("train", 6), ("val", 4))}
    images = npz.read(write(**colour, test_images=np.full((2, 28, 28, 3), 7, np.uint8)), ["healthy", "ill"], 16)
    assert images.pixels.shape == (12, 16, 16, 3)
    assert (images.pixels == 7).all()


def test_groups_are_read_where_the_file_names_them(write):
    groups = {"train_groups": np.arange(6) // 2, "val_groups": np.arange(4), "test_groups": np.arange(2)}
    assert npz.read(write(**groups), ["healthy", "ill"], 28).groups[:6] == ["0", "0", "1", "1", "2", "2"]


def test_the_digest_changes_with_one_pixel_one_label_or_the_names_of_classes(write):
    before = npz.read(write(), ["healthy", "ill"], 28).digest
    images = arrays()["val_images"]
    images[0, 0, 0] ^= 1
    assert npz.read(write(val_images=images), ["healthy", "ill"], 28).digest != before
    assert npz.read(write(test_labels=np.array([[1], [1]])), ["healthy", "ill"], 28).digest != before
    assert npz.read(write(), ["ill", "healthy"], 28).digest != before
    assert npz.read(write(), ["healthy", "ill"], 28).digest == before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"test_labels": None}, "test_labels"),
        ({"val_images": None}, "val_images"),
        ({"train_images": np.zeros((6, 28, 28), np.float32)}, "train_images is float32"),
        ({"train_images": np.zeros((6, 28, 28, 2), np.uint8)}, "train_images is uint8 (6, 28, 28, 2)"),
        ({"train_images": np.zeros((6, 28), np.uint8)}, "train_images is uint8 (6, 28)"),
        ({"val_labels": np.zeros((3, 1), int)}, "val_images, _labels and _groups differ in length"),
        ({"val_labels": np.zeros((4, 14), int)}, "val_labels is (4, 14), several an image"),
        ({"val_labels": np.full((4, 1), 2)}, "they must be 0 to 1"),
        ({"val_labels": np.full((4, 1), -1)}, "val_labels reach from -1 to -1"),
        ({"val_labels": np.array(["a"] * 4)}, "must be whole numbers"),
        ({"val_labels": np.array([0, 1, None, 1])}, "cannot be read"),
    ],
)
def test_a_file_of_another_shape_is_refused(write, changes, said):
    assert said in error_of(write(**changes))


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 broken off"], ids=["empty", "text", "broken"])
def test_a_file_that_is_no_archive_is_refused(tmp_path, content):
    path = tmp_path / "set.npz"
    path.write_bytes(content)
    assert "cannot be read" in error_of(path)


def test_a_truncated_file_is_refused(write):
    path = write()
    path.write_bytes(path.read_bytes()[:2000])
    assert "cannot be read" in error_of(path)


def test_a_file_is_read_only_with_the_right_checksum(write, monkeypatch, tmp_path):
    monkeypatch.setenv("RETABLE_DATA", str(tmp_path))
    path = write()
    assert len(npz.load(source_of(path), 28)) == 12
    with pytest.raises(BadInput, match=f"set.npz: sha256 is [0-9a-f]{{64}}, it must be {'0' * 64}"):
        npz.load(source_of(path, "0" * 64), 28)


def test_a_missing_file_says_where_it_belongs_and_its_checksum(write, monkeypatch, tmp_path):
    path = write()
    source = source_of(path)
    monkeypatch.setenv("RETABLE_DATA", str(tmp_path / "data"))
    with pytest.raises(BadInput, match=f"data/set.npz: missing.*{source.sha256}"):
        npz.load(source, 28)


def test_parts_with_different_channels_are_refused(write):
    assert "grey" in error_of(write(test_images=np.zeros((2, 28, 28, 3), np.uint8)))


def test_groups_that_do_not_fit_the_images_are_refused(write):
    assert "test" in error_of(write(test_groups=np.arange(1)))


def test_an_array_file_is_refused(tmp_path):
    with (tmp_path / "set.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    error_of(tmp_path / "set.npz")


def test_a_damaged_compressed_file_is_refused_or_read_but_nothing_else(tmp_path):
    path = tmp_path / "set.npz"
    np.savez_compressed(path, **arrays())
    whole = path.read_bytes()
    for place in range(60, len(whole), 499):
        path.write_bytes(whole[:place] + bytes(255 - byte for byte in whole[place : place + 8]) + whole[place + 8 :])
        with suppress(BadInput):  # a time stamp, say, may be damaged without harm
            npz.read(path, ["healthy", "ill"], 28)


def test_the_aspect_ratio_is_kept_by_black_bars(write):
    counts = (("train", 6), ("val", 4), ("test", 2))
    path = write(**{f"{part}_images": np.full((count, 20, 28), 255, np.uint8) for part, count in counts})
    assert (npz.read(path, ["healthy", "ill"], 28).pixels == 255).all()
    padded = npz.read(path, ["healthy", "ill"], 28, "pad").pixels
    assert padded.shape == (12, 28, 28, 1)
    assert padded[:, 4:24].min() == 255
    assert padded[:, :4].max() == padded[:, 24:].max() == 0


def test_images_smaller_than_the_native_size_are_refused(write):
    with pytest.raises(BadInput, match="native_size is 64, and its images have 28 px"):
        npz.read(write(), ["healthy", "ill"], 64)
