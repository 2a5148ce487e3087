"""A table with one row per image: its path, its label and, where there are such, its group and its part."""

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError
from ruamel.yaml import YAML

from benchmark import params
from benchmark.data import table
from benchmark.errors import BadInput
from tests.benchmark.data import variants
from tests.conftest import ROOT

ROWS = ["path,label,patient,set", "b.png,ill,3,fit", "a.png,healthy,3.0,fit", "deep/c.png,ill,,check"]
COLUMNS = {"path": "path", "label": "label"}
ALL = COLUMNS | {"group": "patient", "part": "set"}
PARTS = {"train": "fit", "test": "check"}


@pytest.fixture
def top(tmp_path, monkeypatch):
    """Three images, of the levels 1 to 3, and a table of them."""
    monkeypatch.setenv("RETABLE_DATA", str(tmp_path))
    (tmp_path / "set/images/deep").mkdir(parents=True)
    for level, name in enumerate(("a.png", "b.png", "deep/c.png"), 1):
        Image.new("L", (32, 32), level).save(tmp_path / "set/images" / name)
    write(tmp_path / "set", ROWS)
    return tmp_path / "set"


def write(top, rows, mark=",", encoding="utf-8", end="\n"):
    (top / "labels.csv").write_bytes((end.join(rows) + end).replace(",", mark).encode(encoding))


def source(**changes):
    known = {"name": "set", "title": "", "licence": "", "path": "set", "obtain": "from the web page"}
    return params.Table(kind="table", **known | {"table": "labels.csv", "root": "images", "columns": COLUMNS} | changes)


def error_of(**changes):
    with pytest.raises(BadInput) as caught:
        table.load(source(**changes), 32)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_each_row_is_an_image(top):
    images = table.load(source(columns=ALL, **PARTS), 32)
    assert images.ids == ["b.png", "a.png", "deep/c.png"]
    assert images.pixels[:, 0, 0, 0].tolist() == [2, 1, 3]
    assert images.classes == ["healthy", "ill"]
    assert images.labels.tolist() == [1, 0, 1]
    assert images.groups == ["3", "3", ""]
    assert images.official == ["train", "train", "test"]


@pytest.mark.parametrize("missing", ["NA", "n/a", "NaN", "None", "null", " "])
def test_a_group_that_is_missing_is_none_however_that_is_written(top, missing):
    write(top, ["path,label,patient", f"b.png,ill,{missing}", f"a.png,none,{missing}", "deep/c.png,null,Nancy"])
    images = table.load(source(columns=COLUMNS | {"group": "patient"}), 32)
    assert images.groups == ["", "", "Nancy"]
    assert images.classes == ["ill", "none", "null"]


def test_group_and_part_may_be_missing(top):
    images = table.load(source(), 32)
    assert images.official == images.groups == ["", "", ""]


def test_classes_take_labels_and_say_the_order(top):
    images = table.load(source(classes={"yes": ["ill"], "no": ["healthy", "well"]}), 32)
    assert images.classes == ["yes", "no"]
    assert images.labels.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    "how",
    [{"mark": ";"}, {"mark": "\t"}, {"mark": "|"}, {"encoding": "utf-8-sig"}, {"end": "\r\n"}, {"end": "\n\n"}],
    ids=str,
)
def test_tables_are_read_as_programs_write_them(top, how):
    write(top, ROWS, **how)
    assert table.load(source(columns=ALL, **PARTS), 32).groups == ["3", "3", ""]


def test_quoted_values_may_contain_the_mark(top):
    (top / "images/a.png").rename(top / "images/a, b.png")
    (top / "labels.csv").write_text('"path","label"\n"a, b.png","ill"\nb.png, healthy\ndeep/c.png,ill\n', "utf-8")
    assert table.load(source(), 32).ids == ["a, b.png", "b.png", "deep/c.png"]


def test_a_suffix_may_be_appended_and_backslashes_are_slashes(top):
    write(top, ["path,label", "a,ill", "b,healthy", "deep\\c,ill"])
    assert table.load(source(suffix=".png"), 32).ids == ["a.png", "b.png", "deep/c.png"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("d.png,ill,,fit", "images/d.png is missing"),
        ("deep,ill,,fit", "images/deep is no picture"),
        ("a.png,ill,,fit", "'a.png' stands in"),
        (",ill,,fit", "'path' is empty"),
        ("d.png,,,fit", "'label' is empty"),
        ("d.png,nan,,fit", "'label' is empty"),
        ("d.png,ill,,other", "part 'other' is none of"),
        ("d.png,ill,,", "part '' is none of"),
        ("../set/images/a.png,ill,,fit", "leads out of the folder"),
        ("/etc/a.png,ill,,fit", "leads out of the folder"),
        ("d.png,ill,fit", "3 values; it must have 4"),
        ("d.png,ill,,fit,", "5 values; it must have 4"),
    ],
)
def test_a_row_that_does_not_fit_is_named(top, row, said):
    write(top, [*ROWS, row])
    message = error_of(columns=ALL, **PARTS)
    assert f"{top}/labels.csv: line 5: " in message
    assert said in message


def test_a_label_of_no_class_is_named(top):
    message = error_of(classes={"yes": ["ill"], "no": ["well"]})
    assert "line 3: label 'healthy' belongs to no class" in message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no column 'path'"),
        (b"path,label\n", "no rows"),
        (b"file,label\na.png,ill\n", "no column 'path'"),
        (b"path,label,label\na.png,ill,ill\n", "twice the column 'label'"),
        ("path,label\na.png,ill\nb.png,gesünder\n".encode("latin-1"), "no UTF-8"),
        (b'path,label\n"a.png,ill\n', "it must be a table"),
        (b"path,label\na.png,ill\nb.png,ill\ndeep/c.png,ill\n", "only the class 'ill'"),
        (b"path,label\na.png,ill\nb.png,healthy\n", "pictures in no row of labels.csv: 1"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(top, content, said):
    (top / "labels.csv").write_bytes(content)
    assert said in error_of()


def test_pictures_in_no_row_can_be_ignored_and_are_counted(top):
    write(top, ROWS[:3])
    images = table.load(source(ignore=["*"]), 32)
    assert images.ids == ["b.png", "a.png"]
    assert images.skipped == {"ignored": 1}


def test_the_table_itself_may_lie_among_the_images(top):
    (top / "labels.csv").rename(top / "images/labels.csv")
    images = table.load(source(table="images/labels.csv"), 32)
    assert len(images) == 3
    assert images.skipped == {}


def test_a_missing_table_or_folder_is_named(top):
    assert "other.csv: missing" in error_of(table="other.csv")
    assert f"{top / 'scans'}: missing; `root`" in error_of(root="scans")


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"columns": ALL}, "columns.part"),
        (PARTS, "columns.part"),
        ({"columns": COLUMNS | {"group": "patient"}, "groups": "patient_id"}, "both columns.group and groups"),
        ({"levels": [10.0, 10.0]}, "is not below"),
        ({"url": "https://example.org/a.zip"}, "url and sha256 belong together"),
        ({"kaggle": "a/b", "url": "https://example.org/a.zip", "sha256": "0" * 64}, "both url and kaggle"),
    ],
)
def test_keys_that_do_not_fit_together_are_refused(keys, said):
    with pytest.raises(ValidationError, match=said):
        source(**keys)


def test_patients_of_dicom_files_are_groups_if_the_source_asks_for_them(top):
    for name, patient in (("a.png", "P1"), ("b.png", "P2"), ("deep/c.png", "P1")):
        variants.dicom(variants.GREY, PatientID=patient)(top / "images" / name)
    assert table.load(source(groups="patient_id"), 16).groups == ["P2", "P1", "P1"]


def test_images_are_read_as_those_of_folders(top):
    Image.fromarray(np.full((32, 32), 32768, np.uint16)).save(top / "images/a.png")
    assert "which are black and white" in error_of()
    assert table.load(source(levels=[0.0, 65535.0]), 32).pixels[1, 0, 0, 0] == 128


def test_the_example_of_the_documentation_is_a_source():
    text = (ROOT / "docs/data.md").read_text(encoding="utf-8")
    example = text[text.index("    source:\n") :].split("\n\n")[0]
    keys = YAML(typ="safe").load(example)["source"]
    assert params.Table.model_validate(keys).parts == {"train": "fit", "test": "held out"}
