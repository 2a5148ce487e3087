"""Papers are read from YAML, and what is wrong with one is said in one line."""

import pytest

from benchmark.audit import papers
from benchmark.errors import BadInput
from tests.conftest import ROOT

TEXT = """\
name: small
title: A small paper
cite: Somebody (2026)
proposed: cnn
margin: 0.02
systems: {Our CNN: cnn, "k-NN": knn}
tables:
  small_table1:
    title: Results
    place: Table 1
    columns: [{heading: Accuracy, measure: accuracy}, {heading: AUC, measure: auc}]
    rows:
      k-NN: ["81", "0.8"]
      Our CNN: ["99.9", "0.9"]
statements:
  best: {says: it is the best, place: Abstract, rule: best, table: small_table1, measure: accuracy}
  robust: {says: it is robust, place: page 2, rule: robust, corruptions: [jpeg], pairs: [[cnn, knn]]}
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
    assert list(paper.tables["small_table1"].rows.items()) == [("k-NN", ["81", "0.8"]), ("Our CNN", ["99.9", "0.9"])]
    assert paper.systems == {"Our CNN": "cnn", "k-NN": "knn"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('["81", "0.8"]', '["81"]', "rows.k-NN: has 1 values; it must have 2, one per column"),
        ('["81", "0.8"]', '["81", "0.8", "1"]', "rows.k-NN: has 3 values; it must have 2, one per column"),
        ('"0.8"', "0.8", "tables.small_table1.rows.k-NN.1: must be text, in quotes, not 0.8"),
        ("      k-NN:", "      KNN:", "tables.small_table1.rows: 'KNN' must be listed under systems too"),
        ("measure: auc", "measure: aoc", "tables.small_table1.columns.1.measure"),
        ("place:", "plase:", "unknown key 'plase'; did you mean 'place'?"),
        ("cite: Somebody (2026)\n", "", "cite: this key is missing"),
        ("name: small", "name: Small Paper", "name: string should match pattern"),
        ("columns: [{", "columns: [{{", "it must be valid YAML"),
        ("title: Results", "title: Results\n    title: Again", "duplicate key"),
        ("place: Abstract, ", "", "statements.best.place: this key is missing"),
        ("place: Abstract", 'place: ""', "statements.best.place: string should match pattern"),
        ("rule: best", "rule: beats", "statements.best: unknown rule 'beats'"),
        ("table: small_table1", "table: small_table2", "statements.best.table: no table 'small_table2'; did you mean"),
        (
            "measure: accuracy}\n",
            "measure: f1_macro}\n",
            "statements.best: small_table1 has no such column; measure (and task) must be one of accuracy, auc",
        ),
        ("measure: accuracy}\n", "measure: acuracy}\n", "statements.best.measure: input should be 'accuracy'"),
        ("[jpeg]", "[jpg]", "statements.robust.corruptions.0: input should be"),
        ('"0.9"]', "high]", "tables.small_table1.rows.Our CNN: 'high' must be one number"),
        ('"99.9"', '"999"', "tables.small_table1.rows.Our CNN: '999' is more than 100 per cent"),
        ('"99.9"', '"96,9"', "rows.Our CNN: '96,9' must be one number with a decimal point, such as 96.9, unless"),
        ('"99.9"', '"9o.2"', "tables.small_table1.rows.Our CNN: '9o.2' must be one number"),
        ('"99.9"', '"90–93"', "tables.small_table1.rows.Our CNN: '90–93' must be one number"),
        ('"99.9"', '"99 .9"', "tables.small_table1.rows.Our CNN: '99 .9' must be one number"),
        ('"99.9"', '"0.969"', "rows.Our CNN: '0.969' in a column of per cents; read_as must say which number"),
        ("heading: AUC", 'heading: "AUC (%)"', "rows.k-NN: '0.8' in a column of per cents; read_as must say"),
        ('"0.9"]\n', '"0.9"]\n    read_as: {k-NN: [81, -5]}\n', "read_as.k-NN.1: input should be greater than or"),
        ('"0.9"]\n', '"0.9"]\n    read_as: {k-NN: [81, .nan]}\n', "read_as.k-NN.1: input should be"),
        ("measure: auc}", "measure: macs, words: [Low, Big]}", "'0.8' must be one of Low, Big"),
        ("measure: auc}", "measure: accuracy}", "tables.small_table1.columns: two columns have the same measure"),
        ('"k-NN": knn}', '"k-NN": cnn}', "systems: 'cnn' stands for two systems; it must stand for one"),
        ("proposed: cnn", "proposed: vit", "proposed: 'vit' stands for no system; known: cnn, knn"),
        ("[[cnn, knn]]", "[[cnn, cnn]]", "statements.robust.pairs: 'cnn' is compared with itself"),
        ("[[cnn, knn]]", "[[cnn]]", "statements.robust.pairs.0: contains 1 values; it must contain at least 2"),
        (
            "rule: best,",
            "rule: best, task: brain-mri,",
            "statements.best: small_table1 has no such column; measure (and task)",
        ),
        ("name: small", "name: other", "name: is 'other'; it must be 'small', as the file is named"),
        ('"0.9"]\n', '"0.9"]\n    read_as: {k-NN: [981, 1]}\n', "read_as.k-NN: 981.0 is more than 100 per cent"),
        ("margin: 0.02", "margin: 2", "margin: input should be less than or equal to 1, not 2"),
    ],
)
def test_a_mistake_is_said_in_one_line_that_names_file_and_key(write, old, new, said):
    path = write(old, new)
    with pytest.raises(BadInput) as caught:
        papers.load(path)
    assert str(caught.value).startswith(str(path))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("printed", "said"), [("0", "must be more than 0"), ("²", "must be a number"), ("1,2", "must")]
)
def test_a_time_is_a_number_above_nought(write, printed, said):
    path = write("measure: auc}", "measure: latency_ms}")
    path.write_text(path.read_text(encoding="utf-8").replace('"0.9"', f'"{printed}"'), encoding="utf-8")
    with pytest.raises(BadInput, match=f"rows.Our CNN: '{printed}' {said}"):
        papers.load(path)


def test_a_time_may_be_read_as_more_than_a_hundred(write):
    path = write("measure: auc}", "measure: latency_ms}")
    text = path.read_text(encoding="utf-8").replace('"0.9"]', '"0.9"]\n    read_as: {k-NN: [81, 150]}')
    path.write_text(text, encoding="utf-8")
    assert papers.load(path).tables["small_table1"].read_as == {"k-NN": [81, 150]}


def test_a_table_without_rows_is_refused(write):
    path = write()
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.index("      k-NN:")].rstrip() + " {}\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"tables\.small_table1\.rows: contains 0 values; it must contain at least 1"):
        papers.load(path)


def test_the_committed_papers_are_valid_and_tables_have_names_of_their_own():
    found = papers.load_all(ROOT / "papers")
    names = [name for paper in found for name in paper.tables]
    assert len(set(names)) == len(names)


def test_all_models_and_tasks_of_the_committed_papers_are_known(settings):
    papers.check(papers.load_all(ROOT / "papers"), settings)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("knn}", "knm}", "no model 'knm' in params.yaml; did you mean 'knn'?"),
        ("[[cnn, knn]]", "[[cnn, emanett]]", "no model 'emanett' in params.yaml; did you mean 'emanet'?"),
        ("measure: auc}", "measure: auc, task: fantom}", "no task 'fantom' in params.yaml; did you mean 'phantom'?"),
        ("measure: auc}", "measure: auc, task: phantom}", "'phantom' is synthetic; it must have real images"),
        (
            "rule: robust,",
            "rule: robust, task: brain-mry,",
            "statements.robust: no task 'brain-mry' in params.yaml; did",
        ),
    ],
)
def test_a_name_that_params_yaml_does_not_hold_is_said_in_one_line(write, settings, old, new, said):
    path = write(old, new)
    path.write_text(path.read_text(encoding="utf-8") + "trials: 3\n", encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        papers.check([papers.load(path)], settings)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
