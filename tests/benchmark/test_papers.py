"""Papers are read from YAML, and what is wrong with one is said in one line."""

import pytest
from ruamel.yaml import YAML

from benchmark import papers
from benchmark.errors import BadInput
from tests.conftest import ROOT

TEXT = """\
name: small
title: A small paper
cite: Somebody (2026)
proposed: cnn
systems: {Our CNN: cnn, "k-NN": knn}
tables:
  small_table1:
    title: Results
    place: Table 1
    columns: [{heading: Accuracy, measure: accuracy}, {heading: AUC, measure: auc}]
    rows:
      k-NN: ["81", "0.8"]
      Our CNN: ["99.9", high]
"""


@pytest.fixture
def write(tmp_path):
    def to(old="", new=""):
        assert old in TEXT
        (tmp_path / "small.yaml").write_text(TEXT.replace(old, new, 1), encoding="utf-8")
        return tmp_path / "small.yaml"

    return to


def test_rows_and_values_are_kept_as_printed(write):
    paper = papers.load(write())
    assert list(paper.tables["small_table1"].rows.items()) == [("k-NN", ["81", "0.8"]), ("Our CNN", ["99.9", "high"])]
    assert paper.systems == {"Our CNN": "cnn", "k-NN": "knn"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('["81", "0.8"]', '["81"]', "tables.small_table1.rows.k-NN: must have 2 values"),
        ('["81", "0.8"]', '["81", "0.8", "1"]', "tables.small_table1.rows.k-NN: must have 2 values"),
        ('"0.8"', "0.8", "tables.small_table1.rows.k-NN.1: input should be a valid string, not 0.8"),
        ("      k-NN:", "      KNN:", "tables.small_table1.rows: 'KNN' must stand under systems too"),
        ("measure: auc", "measure: aoc", "tables.small_table1.columns.1.measure"),
        ("place:", "plase:", "unknown key 'plase'; did you mean 'place'?"),
        ("cite: Somebody (2026)\n", "", "cite: this key is missing"),
        ("name: small", "name: Small Paper", "name: string should match pattern"),
        ("columns: [{", "columns: [{{", "it must be valid YAML"),
        ("title: Results", "title: Results\n    title: Again", "duplicate key"),
    ],
)
def test_a_mistake_is_said_in_one_line_that_names_file_and_key(write, old, new, said):
    path = write(old, new)
    with pytest.raises(BadInput) as caught:
        papers.load(path)
    assert str(caught.value).startswith(str(path))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_committed_papers_are_valid_and_tables_have_names_of_their_own():
    found = papers.load_all(ROOT / "papers")
    assert {paper.name for paper in found} >= {"emanet", "adaptive"}
    names = [name for paper in found for name in paper.tables]
    assert len(set(names)) == len(names)


def test_the_proposed_model_of_each_committed_paper_stands_among_its_systems():
    for paper in papers.load_all(ROOT / "papers"):
        assert paper.proposed in paper.systems.values()


def test_a_model_stands_for_one_system_of_a_paper():
    for path in (ROOT / "papers").glob("*.yaml"):
        systems = YAML(typ="safe").load(path.read_text(encoding="utf-8"))["systems"]
        assert len(set(systems.values())) == len(systems)
