"""Printed numbers, beside ours or compared with ours."""

import re

import numpy as np
import pytest
from scipy import stats

from benchmark.audit import claims
from benchmark.audit.answers import Answers
from benchmark.audit.papers import Paper
from tests.benchmark.audit.judging import EVEN, judge, judged, why
from tests.benchmark.audit.simulator import answers


def calibrated(means, **changes):
    """The record of a published accuracy of 0.863, from runs with these accuracies."""
    text = {"heading": "ACC", "measure": "accuracy", "task": "simulated"}
    table = {"title": "t", "place": "p", "columns": [text], "rows": {"ResNet": ["0.863"]}}
    known = {
        "name": "other",
        "title": "t",
        "cite": "c",
        "margin": 0.02,
        "trials": 3,
        "systems": {"ResNet": "resnet18_28"},
    }
    paper = Paper.model_validate(known | {"tables": {"other_table": table}} | changes)
    values = {
        run: np.r_[np.ones(round(1000 * mean)), np.zeros(1000 - round(1000 * mean))] for run, mean in enumerate(means)
    }
    clusters = {run: np.arange(1000) for run in values}
    task = Answers("simulated", "s", "Some images", False, 0.0, clusters, {"resnet18_28": {"accuracy": values}})
    return judge(paper, claims.of_paper(paper), [task])[0]


def test_a_number_that_comes_out_again_is_calibrated():
    record = calibrated([0.862, 0.864, 0.865])
    assert record["verdict"] == "supported"
    assert why(record).startswith("calibrated; ")


def test_a_cell_without_a_number_on_known_images_is_not_testable():
    text = {"heading": "ACC", "measure": "accuracy", "task": "simulated"}
    table = {"title": "t", "place": "p", "columns": [text], "rows": {"ResNet": ["–"]}, "read_as": {"ResNet": [None]}}
    record = calibrated([0.86, 0.87], tables={"other_table": table})
    assert (record["verdict"], why(record)) == ("not testable", "the paper prints no number")


def test_another_number_is_not_calibrated_by_the_t_test():
    record = calibrated([0.80, 0.81, 0.79])
    assert record["verdict"] == "contradicted"
    half = stats.t.ppf(0.95, 2) * 0.01 * np.sqrt(1 / 3 + 1 / 3)
    numbers = record["numbers"]
    assert (numbers["low_90"], numbers["high_90"]) == pytest.approx((-0.063 - half, -0.063 + half), abs=1e-9)


def test_our_runs_and_the_trials_count_by_their_numbers_and_a_difference_is_tested_on_two_sides():
    means = [0.81, 0.82, 0.828, 0.83]
    record = calibrated(means)
    error, gap = np.std(means, ddof=1) * np.sqrt(1 / 3 + 1 / 4), np.mean(means) - 0.863
    half, numbers = stats.t.ppf(0.95, 3) * error, record["numbers"]
    assert (numbers["low_90"], numbers["high_90"]) == pytest.approx((gap - half, gap + half), abs=1e-9)
    assert 0.025 < stats.t.sf((abs(gap) - 0.02) / error, 3) < 0.05
    assert record["verdict"] == "inconclusive"


def test_an_accuracy_finer_than_the_images_and_trials_allow_is_inconsistent():
    text = {"heading": "ACC", "measure": "accuracy", "task": "simulated"}
    table = {"title": "t", "place": "p", "columns": [text], "rows": {"ResNet": ["86.333"]}}
    fine = {"tables": {"other_table": table}, "margin": 0.02}
    assert calibrated([0.862, 0.864, 0.865], **fine)["verdict"] == "supported"  # 2590 of 3 × 1000
    record = calibrated([0.862, 0.864, 0.865], **fine, trials=1)
    assert record["verdict"] == "inconsistent"
    assert why(record) == "no count of right answers on the 1000 test images of simulated rounds to it"


def test_a_wide_interval_decides_nothing():
    record = calibrated([0.80, 0.90, 0.87])
    assert record["verdict"] == "inconclusive"
    assert why(record).startswith("undecided")


def test_a_value_without_a_dataset_is_not_comparable_and_stands_beside_ours(random):
    record = judged(answers(random, EVEN))["emanet_table1/accuracy/cnn"]
    assert record["verdict"] == "not comparable"
    assert 0.7 < record["numbers"]["tasks"][0]["value"] < 0.85


def test_a_value_of_ours_has_bounds_that_a_share_can_have_and_none_from_a_single_run(random):
    task = answers(random, EVEN | {"cnn": 9.0})
    reason = why(judged(task)["emanet_table1/accuracy/cnn"])
    assert re.search(r"9\d\.\d % \[\d\d\.\d, 100\.0\]$", reason), reason
    task.values["cnn"]["accuracy"] = {0: task.values["cnn"]["accuracy"][0]}
    reason = why(judged(task)["emanet_table1/accuracy/cnn"])
    assert reason.endswith("% (one run: no interval)")
