"""Rounded probabilities of a predictions file."""

import os

import pytest

from benchmark.audit import predictions_file
from benchmark.errors import BadInput


@pytest.fixture
def read(tmp_path):
    """Return a function that reads the probabilities of one image, as they stand in a file."""

    def of(*texts):
        path = tmp_path / "mine.csv"
        path.write_text(f"sample_id,label,p0,p1,p2\na,0,{','.join(texts)}\n", encoding="utf-8")
        return predictions_file.read(path, ["a", "b", "c"])

    return of


@pytest.fixture
def labelled(tmp_path):
    """Return a function that reads one image with a label, as it stands in a file."""

    def of(label):
        (tmp_path / "mine.csv").write_text(f"sample_id,label,p0,p1,p2\na,{label},1,0,0\n", encoding="utf-8-sig")
        return predictions_file.read(tmp_path / "mine.csv", ["a", "b", "c"])

    return of


def test_a_row_may_be_as_far_from_1_as_the_rounding_of_its_numbers_explains(read):
    assert read("0.3", "0.3", "0.3").probabilities.tolist() == [[pytest.approx(1 / 3)] * 3]
    assert read("0.333", "0.333", "0.333").notes[0].startswith("probabilities are rounded")
    with pytest.raises(BadInput, match="probabilities that add up to 1"):
        read("0.30", "0.30", "0.30")


def test_numbers_with_an_exponent_explain_no_rounding(read):
    assert read("3.333e-1", "0.3333", "0.3334").labels.tolist() == [0]
    with pytest.raises(BadInput, match="probabilities that add up to 1"):
        read("3e-1", "0.3", "0.3")


@pytest.mark.parametrize(("label", "number"), [("2", 2), ("2.0", 2), (" 02. ", 2), ("0", 0), ("00", 0), ("B", 1)])
def test_a_label_is_a_number_or_the_name_of_a_class(labelled, label, number):
    found = labelled(label)
    assert found.labels.tolist() == [number]
    assert ("labels are names of classes" in found.notes) == (label == "B")


@pytest.mark.parametrize("label", ["3", "-1", "9" * 400, "9" * 5000, "1e400"])
def test_a_label_of_no_class_is_refused_however_long_it_is(labelled, label):
    with pytest.raises(BadInput, match=r"line 2: no label '.*'; it must be 0 to 2, or one of 'a', 'b', 'c'"):
        labelled(label)


def test_a_column_of_a_score_with_thousands_of_digits_is_left_out(tmp_path):
    name = f"p{'9' * 5000}"
    (tmp_path / "mine.csv").write_text(f"sample_id,label,p0,p1,{name}\na,1,0.5,0.5,1\n", encoding="utf-8")
    assert predictions_file.read(tmp_path / "mine.csv", ["a", "b"]).notes[0] == f"columns left out: {name}"


def test_what_is_no_regular_file_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadInput, match="pipe: is no regular file; it must be a predictions file"):
        predictions_file.read(tmp_path / "pipe", ["a", "b", "c"])
