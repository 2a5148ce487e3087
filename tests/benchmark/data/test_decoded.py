"""Decoded images are kept, read back equal, and read from the source again where they are damaged."""

from dataclasses import fields

import numpy as np
import pytest
from PIL import Image

from benchmark import data
from benchmark.data import decoded, folder
from benchmark.errors import BadInput

STATE = "of the files"


@pytest.fixture
def images(make_images, tmp_path, monkeypatch):
    monkeypatch.setenv("RETABLE_DATA", str(tmp_path / "data"))
    pixels = np.random.RandomState(0).randint(0, 256, (6, 20, 20, 3)).astype(np.uint8)
    parts = ["train"] * 4 + ["test"] * 2
    return make_images(
        pixels,
        [0, 1] * 3,
        ids=[f"café/{n}" for n in range(6)],
        official=parts,
        groups=["p1"] * 6,
        skipped={"text": 2},
    )


def kept(images):
    return decoded._path(images.digest)


def same(one, other):
    for field in fields(data.Images):
        before, after = getattr(one, field.name), getattr(other, field.name)
        if isinstance(before, np.ndarray):
            assert before.dtype == after.dtype
            assert np.array_equal(before, after)
        else:
            assert before == after
    return True


def test_kept_images_are_read_back_equal(images):
    assert decoded.read(images.digest, STATE) is None
    decoded.write(images, STATE)
    assert same(images, decoded.read(images.digest, STATE))
    assert decoded.read(images.digest, "of other files") is None
    assert [path.name for path in kept(images).parent.iterdir()] == [f"{images.digest}.npz"]


def test_kept_images_that_are_damaged_anywhere_are_ignored(images):
    decoded.write(images, STATE)
    whole = kept(images).read_bytes()
    for place in range(0, len(whole), 97):
        kept(images).write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
        assert (read := decoded.read(images.digest, STATE)) is None or same(images, read)
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        kept(images).write_bytes(whole[:length])
        assert decoded.read(images.digest, STATE) is None


def test_other_images_under_this_name_are_ignored(images, make_images):
    other = make_images(images.pixels + 1)
    decoded.write(other, STATE)
    kept(other).rename(kept(images))
    assert decoded.read(images.digest, STATE) is None


@pytest.mark.parametrize("place", ["a file", "a folder that is closed"])
def test_a_data_folder_that_cannot_be_written_to_keeps_nothing(images, tmp_path, place):
    if place == "a file":
        (tmp_path / "data").touch()
    else:
        (tmp_path / "data/decoded").mkdir(parents=True)
        (tmp_path / "data/decoded" / f"{images.digest}.npz").mkdir()
    decoded.write(images, STATE)
    assert decoded.read(images.digest, STATE) is None


@pytest.fixture
def task(settings, tmp_path, monkeypatch):
    """A task with a folder of two classes, four small images each."""
    monkeypatch.setenv("RETABLE_DATA", str(tmp_path))
    for part in ("Training", "Testing"):
        for index, name in enumerate(("glioma", "none")):
            place = tmp_path / "mri/brain_tumor_4class" / part / name
            place.mkdir(parents=True)
            for number in range(2):
                Image.new("L", (20, 20), 40 * index + number).save(place / f"{number}.png")
    return settings.task("brain-mri").model_copy(update={"native_size": 20})


def test_a_folder_is_decoded_once_where_its_digest_is_known(task, monkeypatch):
    reads = []
    real = folder.load
    monkeypatch.setattr(folder, "load", lambda *arguments: reads.append(1) or real(*arguments))
    images = data.load(task)
    assert not kept(images).exists()  # nobody said what they must be
    for expected in (2, 2, 2):
        assert same(images, data.load(task, images.digest))
        assert len(reads) == expected
    kept(images).write_bytes(kept(images).read_bytes()[:-100])
    assert same(images, data.load(task, images.digest))
    assert len(reads) == 3
    assert same(images, data.load(task, images.digest))
    assert len(reads) == 3


@pytest.mark.parametrize("change", ["damaged", "swapped", "deleted", "added", "all gone", "other words"])
def test_files_that_changed_are_read_again(task, tmp_path, change):
    kept_before = data.load(task)
    data.load(task, kept_before.digest)
    first, *_, last = sorted(tmp_path.rglob("*.png"))
    if change == "damaged":
        first.write_bytes(first.read_bytes()[:30])
    elif change == "swapped":
        first.write_bytes(last.read_bytes())
    elif change == "deleted":
        first.unlink()
    elif change == "added":
        last.with_name("another.png").write_bytes(first.read_bytes())
    elif change == "all gone":
        (tmp_path / "mri").rename(tmp_path / "elsewhere")
    else:
        task = task.model_copy(update={"source": task.source.model_copy(update={"ignore": ["*/0.png"]})})
    try:
        images = data.load(task, kept_before.digest)
    except BadInput:
        assert change in ("damaged", "all gone")
    else:
        assert images.digest != kept_before.digest


def test_a_folder_that_links_to_itself_is_told(task, tmp_path):
    inner = next(tmp_path.glob("mri/*/Training/glioma"))
    (inner / "loop").symlink_to(inner.parent)
    with pytest.raises(BadInput, match="a link to a folder that contains it"):
        data.load(task, "0" * 64)


def test_images_other_than_expected_are_not_kept(task):
    images = data.load(task, "0" * 64)
    assert not kept(images).exists()
    assert not kept(images).with_name(f"{'0' * 64}.npz").exists()


def test_a_file_that_is_quick_to_read_is_not_kept(settings, tmp_path, monkeypatch):
    monkeypatch.setenv("RETABLE_DATA", str(tmp_path))
    phantom = settings.task("phantom")
    few = phantom.source.model_copy(update={"images_per_class": 2})
    phantom = phantom.model_copy(update={"source": few})
    data.load(phantom, data.load(phantom).digest)
    assert list(tmp_path.rglob("*.npz")) == []
