"""A paper with planted faults: each is found, refused, or listed here as out of reach."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.audit import papers
from benchmark.audit.claims import of_paper
from benchmark.audit.judge import Judge
from benchmark.audit.records import as_json
from benchmark.errors import BadInput
from tests.benchmark.audit.judging import EVEN, PAPER, judge, rename
from tests.benchmark.audit.simulator import answers

ODD = Path(__file__).with_name("odd_paper.yaml")

REFUSED = [  # as printed → as some paper prints it, and what is said of it
    ('"96.4"', '"96,4"', "'96,4' must be one number with a decimal point"),
    ('"96.4"', '"96 .4"', "'96 .4' must be one number"),
    ('"96.4"', '"90–93"', "'90–93' must be one number"),
    ('"96.4"', '"0.964"', "'0.964' in a column of per cents"),
    ('"96.4"', '"964"', "'964' is more than 100 per cent"),
    ('"28"', '"0"', "'0' must be more than 0"),
    ('"28"', '"²"', "'²' must be a number"),
    ("Ours: [99]", "Ours: [-5]", "read_as.Ours.0: input should be greater than or equal to 0, not -5"),
    ("Ours: [99]", "Ours: [.nan]", "read_as.Ours.0: input should be a finite number"),
    ("[emanet, knn]", "[knn, knn]", "'knn' is compared with itself"),
    ("CNN: cnn", "CNN: emanet", "'emanet' stands for two systems"),
]
OUT_OF_REACH = """\
an interval printed beside a number that does not contain it; a ± of which the paper does not say what it is; rounding
by cutting digits off; a test set that overlaps the training set; numbers copied from another paper"""


@pytest.fixture
def records(random):
    """The records of the odd paper on simulated answers, by claim; breastmnist-official has about 117 test images."""
    paper = papers.load(ODD)
    task = rename(answers(random, EVEN, "breastmnist", official=True), "breastmnist-official")
    return {record["claim"]: record for record in judge(paper, of_paper(paper), [task])}


@pytest.mark.parametrize(("old", "new", "said"), REFUSED)
def test_what_cannot_be_read_is_refused(tmp_path, old, new, said):
    text = ODD.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / ODD.name).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        papers.load(tmp_path / ODD.name)
    assert said in str(caught.value)


def test_scores_that_cannot_be_are_inconsistent_and_named(records):
    averages = records["odd_table1/averages"]
    assert averages["verdict"] == "inconsistent"
    (reason,) = averages["reason"]
    assert "F1 is above the harmonic mean of precision and recall in Ours: impossible" in reason
    assert "AUC is less than the other scores allow on a binary test set in CNN" in reason
    assert "k-NN more than 100 %" in reason
    assert "k-NN more than 100 %: impossible" in reason  # no share of positives that all rows allow


def test_an_accuracy_that_the_images_cannot_give_is_inconsistent(records):
    too_fine = records["odd_table2/breastmnist-official/accuracy/emanet"]
    assert too_fine["verdict"] == "inconsistent"
    assert "no count of right answers on the 1" in too_fine["reason"][0]


def test_midline_points_spreads_and_intervals_are_read_whole(records):
    claimed = {name: record["claimed"] for name, record in records.items()}
    assert claimed["odd_table1/accuracy/emanet"] == {"printed": "96·9", "value": pytest.approx(0.969)}
    assert claimed["odd_table1/accuracy/resnet50"] == {"printed": "92.8 ± 0.4", "value": pytest.approx(0.928)}
    assert claimed["odd_table1/auc/resnet50"] == {"printed": "0.94 (0.91–0.97)", "value": 0.94}
    assert claimed["odd_table3/accuracy/emanet"]["value"] == 0.99
    assert claimed["odd_table3/accuracy/mobilenet"]["value"] is None
    assert records["odd_paper/twice"]["verdict"] == "inconsistent"
    assert "odd_table2/breastmnist-official/accuracy/svm-above-emanet" in records


def test_another_paper_moves_no_record(random):
    """Beside a paper whose rows vary wildly, the records of the others are the same bytes."""
    task = answers(random, EVEN | {"mobilenet": 2.0}, runs_differ=(0.1,) * 6 + (2.0,))
    records = [
        json.dumps([as_json(record) for record in Judge(PAPER, of_paper(PAPER), [replace(task, rows=rows)]).records()])
        for rows in (papers.rows([PAPER]), papers.rows([PAPER, papers.load(ODD)]))
    ]
    assert records[0] == records[1]
