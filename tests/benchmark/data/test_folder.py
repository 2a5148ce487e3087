"""Folders of images: one folder a class below each part."""

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from benchmark import data, params
from benchmark.data import folder, phantom
from benchmark.errors import BadInput


@pytest.fixture
def top(tmp_path, monkeypatch):
    """Four grey images of 40 × 30 px a class and part; their level is their number."""
    monkeypatch.setenv("RETABLE_DATA", str(tmp_path))
    level = 0
    for part in ("Training", "Testing"):
        for name in ("glioma", "none"):
            place = tmp_path / "scans" / part / name
            place.mkdir(parents=True)
            for index in range(4):
                save(place / f"p{index // 2}-{index}.png", level)
                level += 1
    return tmp_path / "scans"


def save(path, level, mode="L", size=(40, 30)):
    Image.new(mode, size, level if mode == "L" else (level, 0, 255)).save(path)


def source(**changes):
    known = {"name": "scans", "title": "", "licence": "", "path": "scans", "obtain": "from the web page"}
    return params.Folder(kind="folder", **known | {"train": "Training", "test": "Testing"} | changes)


def error_of(call, *arguments):
    with pytest.raises(BadInput) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_images_come_with_class_part_and_path(top):
    images = folder.load(source(), 32)
    assert images.pixels.shape == (16, 32, 32, 1)
    assert images.pixels[:, 5, 5, 0].tolist() == list(range(16))
    assert images.classes == ["glioma", "none"]
    assert images.labels.tolist() == ([0] * 4 + [1] * 4) * 2
    assert images.official == ["train"] * 8 + ["test"] * 8
    assert images.ids[0] == "Training/glioma/p0-0.png"


def test_channels_are_those_of_the_source_whatever_the_files_hold(top):
    save(top / "Training/glioma/p0-0.png", 200, "RGB")
    assert folder.load(source(channels=3), 32).pixels[:2, 0, 0].tolist() == [[200, 0, 255], [1, 1, 1]]
    assert folder.load(source(), 32).pixels.shape[3] == 1


def test_files_that_are_no_images_are_passed_over(top):
    (top / "Training/glioma/notes.txt").write_text("notes")
    assert len(folder.load(source(), 32)) == 16


def test_groups_come_from_the_file_names(top):
    assert folder.load(source(group_pattern=r"^(p\d)-"), 32).groups[:4] == ["p0", "p0", "p1", "p1"]


def test_a_file_name_without_its_group_is_named(top):
    save(top / "Training/none/other.png", 1)
    assert "other.png" in error_of(folder.load, source(group_pattern=r"^(p\d)-"), 32)


@pytest.mark.parametrize("part", ["Training", "Testing"])
def test_an_empty_class_folder_is_named(top, part):
    for path in (top / part / "none").iterdir():
        path.unlink()
    assert str(top / part / "none") in error_of(folder.load, source(), 32)


def test_a_class_that_one_part_lacks_is_named(top):
    (top / "Training/meningioma").mkdir()
    save(top / "Training/meningioma/p0-0.png", 1)
    assert str(top / "Testing/meningioma") in error_of(folder.load, source(), 32)


@pytest.mark.parametrize("length", [0, 20, 60], ids=["empty", "header", "half"])
def test_an_unreadable_image_is_named(top, length):
    path = top / "Testing/none/p0-1.png"
    path.write_bytes(path.read_bytes()[:length])
    assert str(path) in error_of(folder.load, source(), 32)


def test_a_missing_part_is_named(top):
    assert str(top / "Train") in error_of(folder.load, source(train="Train"), 32)


def test_a_missing_folder_says_how_to_obtain_it(top):
    message = error_of(folder.load, source(path="other"), 32)
    assert str(top.parent / "other") in message
    assert "from the web page" in message


def test_a_class_without_images_is_refused_whatever_the_source(settings, make_images, monkeypatch):
    images = make_images(np.zeros((2, 32, 32, 1), np.uint8), [0, 0], classes=["seen", "unseen"])
    monkeypatch.setattr(phantom, "load", lambda *_: images)
    assert "'unseen'" in error_of(data.load, settings.task("phantom"))


@pytest.mark.parametrize("pattern", ["(", "p"], ids=["no pattern", "no group"])
def test_a_group_pattern_that_cannot_work_is_named(top, pattern):
    with pytest.raises(ValidationError, match="group_pattern"):
        source(group_pattern=pattern)
