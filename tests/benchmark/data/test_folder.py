"""Folders of images: one folder per class below each part."""

import os
import shutil
import sys
import unicodedata

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from benchmark import data, params
from benchmark.data import folder, phantom
from tests.benchmark.data import variants
from tests.conftest import error_of


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


def test_groups_may_be_folders_below_that_of_the_class(top):
    for part in ("Training", "Testing"):
        for name in ("glioma", "none"):
            for index, path in enumerate(sorted((top / part / name).iterdir())):
                (top / part / name / f"{name}{index % 2}").mkdir(exist_ok=True)
                path.rename(top / part / name / f"{name}{index % 2}" / path.name)
    images = folder.load(source(group_pattern="^([^/]+)/"), 32)
    assert images.groups == (["glioma0"] * 2 + ["glioma1"] * 2 + ["none0"] * 2 + ["none1"] * 2) * 2


def test_a_file_name_without_its_group_is_named(top):
    save(top / "Training/none/other.png", 1)
    message = error_of(folder.load, source(group_pattern=r"^(p\d)-"), 32)
    assert "does not match 'other.png'; every file must have its group there" in message


@pytest.mark.parametrize("name", ["-7.png", "NA-7.png", "other.png"])
def test_a_file_name_whose_group_is_none_is_named(top, name):
    save(top / "Training/none" / name, 1)
    message = error_of(folder.load, source(group_pattern="^(?:(.*)-)?"), 32)
    assert f"group_pattern '^(?:(.*)-)?' finds no group in {name!r}; every file must have its group there" in message


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


def test_a_source_without_a_split_has_no_parts(tmp_path, monkeypatch):
    monkeypatch.setenv("RETABLE_DATA", str(tmp_path))
    for index, name in enumerate(("glioma", "none")):
        (tmp_path / "scans" / name).mkdir(parents=True)
        save(tmp_path / "scans" / name / "a.png", index)
    images = folder.load(source(train=None, test=None), 32)
    assert images.official == ["", ""]
    assert images.ids == ["glioma/a.png", "none/a.png"]
    assert images.labels.tolist() == [0, 1]


@pytest.mark.parametrize("names", ["Training Testing", "training_set test_set", "TrainData val-data", "train valid"])
def test_parts_that_nobody_named_are_not_taken_for_classes(top, names):
    first, second = names.split()
    (top / "Training").rename(top / first)
    (top / "Testing").rename(top / second)
    assert f"{top / min(names.split())}: looks like a part" in error_of(folder.load, source(train=None, test=None), 32)


def test_classes_may_be_called_much_like_parts(top):
    (top / "Training").rename(top / "trained")
    (top / "Testing").rename(top / "testis")
    assert folder.load(source(train=None, test=None), 32).classes == ["testis", "trained"]


@pytest.mark.parametrize(
    "keys", [{"test": None}, {"train": None}, {"train": None, "test": None, "validation": "Valid"}]
)
def test_half_a_split_is_refused(keys):
    with pytest.raises(ValidationError, match="a split needs train and test"):
        source(**keys)


def test_pictures_are_taken_however_deep_they_lie_and_whatever_their_suffix(top):
    (top / "Training/none/patient 7/series").mkdir(parents=True)
    for number, name in enumerate(("z.jfif", "patient 7/b.TIF", "patient 7/series/scan", "patient 7/series/x.2")):
        Image.new("L", (40, 30), 240).save(top / "Training/none" / name, ("JPEG", "TIFF", "PNG", "BMP")[number])
    images = folder.load(source(), 32)
    names = [name.removeprefix("Training/none/") for name in images.ids[4:12]]
    assert names == [
        *("p0-0.png", "p0-1.png", "p1-2.png", "p1-3.png"),
        *("patient 7/b.TIF", "patient 7/series/scan", "patient 7/series/x.2", "z.jfif"),
    ]
    assert images.labels.tolist() == [0] * 4 + [1] * 8 + [0] * 4 + [1] * 4
    assert (images.pixels[8:12] == 240).all()


def test_what_is_skipped_is_counted_by_its_kind(top):
    (top / "__MACOSX/Training/none").mkdir(parents=True)
    for name in ("__MACOSX/Training/none/._p0-0.png", "Training/.DS_Store", "Testing/none/Thumbs.db", "desktop.ini"):
        (top / name).write_bytes(b"\0")
    for name in ("Training/none/notes.txt", "labels.csv", "Testing/about"):
        (top / name).write_text("a,b", encoding="utf-8")
    save(top / "Testing/none/mask.png", 9)
    images = folder.load(source(ignore=["*/mask.*"]), 32)
    assert len(images) == 16
    assert images.skipped == {"hidden": 1, "ignored": 1, "of the system": 3, "text": 3}


@pytest.mark.parametrize("place", ["a.png", "Training/a.png", "val/none/a.png", "val/none/b/a.png"])
def test_a_picture_that_no_part_or_class_takes_is_refused_unless_listed(top, place):
    (top / place).parent.mkdir(parents=True, exist_ok=True)
    save(top / place, 1)
    message = error_of(folder.load, source(), 32)
    assert "pictures in no class folder of a part: 1" in message
    assert str(top / place) in message
    images = folder.load(source(ignore=[place]), 32)
    assert len(images) == 16
    assert images.skipped == {"ignored": 1}


def test_an_ignored_folder_is_no_class(top):
    (top / "Training/masks").mkdir()
    save(top / "Training/masks/a.png", 1)
    assert folder.load(source(ignore=["*/masks"]), 32).classes == ["glioma", "none"]
    assert "'masks'" in error_of(folder.load, source(), 32)


@pytest.mark.parametrize(
    ("pattern", "right"),
    [
        ("masks", "did you mean '*/masks'?"),
        ("masks/", "did you mean '*/masks'?"),
        ("masks/*.png", "did you mean '*/masks/*.png'?"),
        ("/Training/none/masks", "did you mean 'Training/none/masks'?"),
        ("*.tif", "it must fit a path from there on, as '*/masks' or '*_mask.png' do"),
    ],
)
def test_a_pattern_that_fits_nothing_is_refused(top, pattern, right):
    (top / "Training/none/masks").mkdir()
    save(top / "Training/none/masks/a.png", 1)
    message = error_of(folder.load, source(ignore=["*/masks", pattern]), 32)
    assert message == f"{top}: `ignore` of the source: no file or folder is called {pattern!r}; {right}"


@pytest.mark.parametrize("pattern", ["*.DS_Store", "*/masks", "*/a.p?g", "Training/none/masks"])
def test_a_pattern_may_fit_what_is_skipped_anyway_or_fit_a_folder_or_a_file(top, pattern):
    (top / "Training/none/masks").mkdir()
    save(top / "Training/none/masks/a.png", 1)
    (top / "Training/.DS_Store").write_bytes(b"\0")
    assert len(folder.load(source(ignore=["*/masks", pattern]), 32)) == 16


@pytest.mark.parametrize("content", [b"\x1f\x8b\x08\0\0\0", b"", b"\xff\xfea\0,\0"], ids=["binary", "empty", "UTF-16"])
def test_a_file_that_is_neither_picture_nor_text_is_refused_unless_listed(top, content):
    (top / "Training/none/volume.nii").write_bytes(content)
    assert "volume.nii: is neither a picture that can be read nor text" in error_of(folder.load, source(), 32)
    assert folder.load(source(ignore=["*.nii"]), 32).skipped == {"ignored": 1}


def test_a_letter_across_the_end_of_what_is_looked_at_is_text(top):
    for before in (4093, 4094, 4095):
        (top / f"Training/none/{before}").write_text(f"{'x' * before}😀", encoding="utf-8")
    assert folder.load(source(), 32).skipped == {"text": 3}


def test_a_short_file_that_ends_in_no_letter_is_no_text(top):
    (top / "Training/none/short").write_bytes(b"caf\xe9")
    assert "none/short" in error_of(folder.load, source(), 32)


def test_names_are_the_same_in_every_form_of_unicode(top):
    forms = {"Training": "NFC", "Testing": "NFD"}
    for part, form in forms.items():
        (top / part / "none").rename(top / part / unicodedata.normalize(form, "Tumör"))
        save(top / part / unicodedata.normalize(form, "Tumör") / unicodedata.normalize(form, "ä.png"), 1)
    images = folder.load(source(classes={"glioma": ["glioma"], "tumour": [unicodedata.normalize("NFD", "Tumör")]}), 32)
    assert images.labels.tolist() == [0] * 4 + [1] * 5 + [0] * 4 + [1] * 5
    assert images.ids[8] == unicodedata.normalize("NFC", "Training/Tumör/ä.png")
    assert images.ids[17] == unicodedata.normalize("NFC", "Testing/Tumör/ä.png")


def test_two_files_of_one_name_in_two_forms_of_unicode_are_told(top):
    for form in ("NFC", "NFD"):
        save(top / "Training/none" / unicodedata.normalize(form, "ä.png"), 1)
    assert "another file has this name" in error_of(folder.load, source(), 32)


def test_a_name_that_is_not_utf_8_is_refused(top):
    os.rename(top / "Training/none/p0-0.png", os.fsencode(top) + b"/Training/none/l\xe9sion.png")
    assert "l\\xe9sion.png: its name is not UTF-8" in error_of(folder.load, source(), 32)


def test_a_link_to_a_folder_around_it_is_refused(top):
    (top / "Training/none/again").symlink_to(top / "Training")
    assert "a link to a folder that contains it" in error_of(folder.load, source(), 32)


@pytest.mark.parametrize("keys", [{"test": "Training"}, {"test": "Training/glioma"}, {"validation": "Testing"}])
def test_parts_that_share_images_are_refused(top, keys):
    assert "each part needs its own" in error_of(folder.load, source(**keys), 32)


def test_the_aspect_ratio_is_kept_by_black_bars(top):
    white = Image.new("L", (40, 20), 255)
    white.save(top / "Training/glioma/p0-0.png")
    stretched, padded = (folder.load(source(resize=how), 40).pixels[0, ..., 0] for how in ("stretch", "pad"))
    assert (stretched == 255).all()
    assert padded[10:30].min() == 255
    assert padded[:10].max() == padded[30:].max() == 0


def test_a_size_that_most_images_do_not_have_is_refused(top):
    assert "native_size is 64, and most images are smaller, typically 40 px" in error_of(folder.load, source(), 64)


def test_patients_of_dicom_files_are_groups_if_the_source_asks_for_them(top):
    for part in ("Training", "Testing"):
        for name in ("glioma", "none"):
            for number, path in enumerate(sorted((top / part / name).iterdir())):
                path.unlink()
                variants.dicom(variants.GREY, PatientID=f"{name} {number // 2}")(path.with_suffix(".dcm"))
    assert folder.load(source(), 16).groups == [""] * 16
    assert folder.load(source(groups="patient_id"), 16).groups[:5] == ["glioma 0"] * 2 + ["glioma 1"] * 2 + ["none 0"]
    variants.dicom(variants.GREY, PatientID=" ")(path.with_suffix(".dcm"))
    assert f"{path.with_suffix('.dcm')}: has no PatientID" in error_of(folder.load, source(groups="patient_id"), 16)


def test_without_pydicom_a_dicom_file_says_how_to_install_it(top, monkeypatch):
    variants.dicom(variants.GREY)(top / "Training/none/a.dcm")
    monkeypatch.setitem(sys.modules, "pydicom", None)
    message = error_of(folder.load, source(), 32)
    assert "a.dcm: is DICOM, and pydicom, which reads it, is not installed: `pip install" in message
