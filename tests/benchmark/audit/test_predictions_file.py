"""Rounded probabilities of a predictions file."""

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


def test_a_row_may_be_as_far_from_1_as_the_rounding_of_its_numbers_explains(read):
    assert read("0.3", "0.3", "0.3").probabilities.tolist() == [[pytest.approx(1 / 3)] * 3]
    assert read("0.333", "0.333", "0.333").notes[0].startswith("probabilities are rounded")
    with pytest.raises(BadInput, match="probabilities that add up to 1"):
        read("0.30", "0.30", "0.30")


def test_numbers_with_an_exponent_explain_no_rounding(read):
    assert read("3.333e-1", "0.3333", "0.3334").labels.tolist() == [0]
    with pytest.raises(BadInput, match="probabilities that add up to 1"):
        read("3e-1", "0.3", "0.3")
