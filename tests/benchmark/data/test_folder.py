"""Folders of images: one folder per class below each part."""

import shutil

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from benchmark import data, params
from benchmark.data import folder, phantom
from benchmark.errors import BadInput


@pytest.fixture
def top(tmp_path, monkeypatch):
    """Four grey images of 40 × 30 px per class and part; their level is their number."""
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


def test_channels_are_those_of_the_source_whatever_the_files_contain(top):
    save(top / "Training/glioma/p0-0.png", 200, "RGB")
    assert folder.load(source(channels=3), 32).pixels[:2, 0, 0].tolist() == [[200, 0, 255], [1, 1, 1]]
    assert folder.load(source(channels=1), 32).pixels.shape[3] == 1
    assert "it has colours; say `channels: 3`" in error_of(folder.load, source(), 32)


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
    assert f"{top / 'Testing'}: no folder of class 'meningioma'" in error_of(folder.load, source(), 32)


def test_one_class_alone_is_refused(top):
    for part in ("Training", "Testing"):
        shutil.rmtree(top / part / "none")
    assert "only the class 'glioma'; there must be at least two classes" in error_of(folder.load, source(), 32)


def test_a_source_with_a_validation_part_gives_three(top):
    shutil.copytree(top / "Training", top / "Valid")
    images = folder.load(source(validation="Valid"), 32)
    assert images.official == ["train"] * 8 + ["validation"] * 8 + ["test"] * 8
    assert images.ids[8] == "Valid/glioma/p0-0.png"
    assert images.labels.tolist() == ([0] * 4 + [1] * 4) * 3


@pytest.fixture
def renamed(top):
    """The folders of a class have other names in each part, and one class has two folders in the training part."""
    (top / "Training/glioma").rename(top / "Training/glioma_left_T2")
    (top / "Testing/none").rename(top / "Testing/normal")
    (top / "Training/glioma_right").mkdir()
    save(top / "Training/glioma_right/p9-0.png", 99)
    return {"none": ["none", "normal"], "glioma": ["glioma", "glioma_right", "glioma_left_T2"]}


def test_a_class_may_have_folders_of_several_names(renamed):
    images = folder.load(source(classes=renamed), 32)
    assert images.classes == ["none", "glioma"]  # as listed
    assert images.labels.tolist() == [0] * 4 + [1] * 5 + [0] * 4 + [1] * 4
    assert images.ids[3:9:4] == ["Training/none/p1-3.png", "Training/glioma_left_T2/p1-3.png"]
    assert images.ids[8] == "Training/glioma_right/p9-0.png"
    assert images.ids[9] == "Testing/normal/p0-0.png"


def test_a_folder_that_no_class_lists_is_refused(top, renamed):
    (top / "Training/glioma_new").mkdir()
    message = error_of(folder.load, source(classes=renamed), 32)
    assert "scans: folder 'glioma_new' belongs to no class" in message


def test_a_part_that_lacks_a_listed_class_is_refused(top, renamed):
    shutil.rmtree(top / "Testing/normal")
    message = error_of(folder.load, source(classes=renamed), 32)
    assert f"{top / 'Testing'}: no folder of class 'none'; every part needs every class" in message


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_pixels_are_refused(top, mode):
    image = Image.new("RGBA", (40, 30), (9, 9, 9, 255))
    path = top / "Training/none/p0-0.png"
    image.convert("LA" if mode == "LA" else "RGBA").save(path)
    assert len(folder.load(source(), 32)) == 16  # opaque, whatever its mode
    image.putpixel((3, 3), (9, 9, 9, 0))
    if mode == "P":
        image.convert("P").save(path, transparency=image.convert("P").getpixel((0, 0)))
    else:
        image.convert(mode).save(path)
    message = error_of(folder.load, source(), 32)
    assert f"{path}: cannot be read (it has transparent pixels)" in message


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
