"""Metrics against scikit-learn's and against a calculation by hand."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as reference

from benchmark.errors import BadInput
from benchmark.evidence import metrics
from tests.conftest import ROOT


def made_up(classes, count=200):
    random = np.random.RandomState(classes)
    labels = random.randint(0, classes, count)
    logits = random.normal(size=(count, classes)) + 1.5 * np.eye(classes)[labels]
    exponentials = np.exp(logits)
    return labels, exponentials / exponentials.sum(1, keepdims=True)


@pytest.mark.parametrize("classes", [2, 3, 11])
def test_all_scores_are_those_of_scikit_learn(classes):
    labels, probabilities = made_up(classes)
    predicted = probabilities.argmax(1)
    scores = metrics.score(labels, probabilities)
    assert scores.pop("ece") >= 0
    assert scores == {
        "accuracy": reference.accuracy_score(labels, predicted),
        "balanced_accuracy": reference.balanced_accuracy_score(labels, predicted),
        "precision_macro": reference.precision_score(labels, predicted, average="macro"),
        "recall_macro": reference.recall_score(labels, predicted, average="macro"),
        "f1_macro": reference.f1_score(labels, predicted, average="macro"),
        "auc": reference.roc_auc_score(
            labels, probabilities[:, 1] if classes == 2 else probabilities, multi_class="ovr", average="macro"
        ),
        "log_loss": pytest.approx(reference.log_loss(labels, probabilities)),
    }


def test_class_1_is_the_positive_one_of_two():
    labels = np.array([0, 0, 1, 1])
    likely = np.array([0.1, 0.4, 0.35, 0.8])
    assert metrics.score(labels, np.stack([1 - likely, likely], 1))["auc"] == 0.75


def test_perfect_predictions_score_one():
    labels = np.arange(12) % 3
    scores = metrics.score(labels, np.eye(3)[labels])
    assert {name: value for name, value in scores.items() if value != 1} == {"log_loss": 0, "ece": 0}


def test_a_class_that_is_never_predicted_counts_with_precision_zero():
    labels = np.array([0, 1, 2, 0, 1, 2])
    probabilities = np.eye(3)[[0, 1, 0, 0, 1, 0]]
    scores = metrics.score(labels, probabilities)
    assert scores["precision_macro"] == pytest.approx((0.5 + 1 + 0) / 3)
    assert scores["recall_macro"] == pytest.approx((1 + 1 + 0) / 3)


def test_a_certain_mistake_costs_a_finite_log_loss():
    labels, probabilities = np.array([0, 1]), np.array([[1.0, 0.0], [1.0, 0.0]])
    assert 10 < metrics.score(labels, probabilities)["log_loss"] < 40


def test_calibration_error_by_hand():
    # Bins are 1/15 wide: the first three lie in the last bin, from 0.933, the others in the tenth, from 0.6.
    confidence = np.array([0.95, 0.95, 0.94, 0.61, 0.62])
    right = np.array([True, True, False, True, False])
    probabilities = np.stack([confidence, 1 - confidence], 1)
    labels = np.where(right, 0, 1)
    high = abs(right[:3].sum() - confidence[:3].sum())
    low = abs(right[3:].sum() - confidence[3:].sum())
    assert metrics.calibration_error(labels, probabilities) == pytest.approx((high + low) / 5)


def test_gaps_of_different_bins_do_not_cancel_out():
    confidence = np.array([0.75, 0.55])
    probabilities = np.stack([confidence, 1 - confidence], 1)
    assert metrics.calibration_error(np.array([0, 1]), probabilities) == pytest.approx((0.25 + 0.55) / 2)


def test_certain_and_right_is_perfectly_calibrated():
    assert metrics.calibration_error(np.array([0, 1]), np.eye(2)) == 0


@pytest.mark.parametrize(
    ("modules", "needless"),
    [
        ("benchmark.evidence.metrics", ("torch", "sklearn", "scipy")),
        ("benchmark.evidence.metrics benchmark.statistics benchmark.audit.answers", ("torch", "sklearn")),
    ],
)
def test_scoring_needs_no_framework_and_the_registry_is_quick_to_import(modules, needless):
    imports = "; ".join(f"import {module}" for module in modules.split())
    code = f"import sys; {imports}; sys.exit(', '.join(name for name in {needless} if name in sys.modules) or 0)"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")


def test_metrics_json_contains_what_its_readers_rely_on_whatever_else_is_registered(monkeypatch):
    monkeypatch.setitem(metrics.MEASURES, "other", metrics.Measure("other", "Other", lambda labels, probabilities: 0.5))
    assert list(metrics.score(*made_up(2))) == [
        *("accuracy", "balanced_accuracy", "precision_macro", "recall_macro", "f1_macro", "auc", "log_loss", "ece")
    ]
    assert metrics.score(*made_up(2), ["other"]) == {"other": 0.5}


def test_an_unknown_measure_is_refused_with_the_likely_one():
    with pytest.raises(BadInput, match=r"^benchmark/evidence/metrics\.py: no measure 'f1'; did you mean 'f1_macro'\?$"):
        metrics.score(*made_up(2), ["f1"])


@pytest.mark.parametrize("changes", [{"per_image": None}, {"higher_is_better": False}])
def test_a_measure_that_the_audit_cannot_test_is_refused_as_a_tested_one(changes):
    with pytest.raises(ValueError, match="'auc': a tested one needs per_image, and higher must be better"):
        replace(metrics.measure("auc"), **changes)


def test_records_are_complete():
    for name, measure in metrics.MEASURES.items():
        assert measure.name == name
        assert measure.heading
        assert measure.digits >= 1
        assert (measure.unit == "%") == (measure.scale == 100)
        assert set(measure.shown_in) <= {"models", "summary"}


def test_a_mask_is_set_against_chance_over_the_images_that_have_a_lesion():
    table = pd.DataFrame(
        {
            "sample_id": ["a", "b", "c"],
            "tokens": [16, 16, 16],
            "kept": [4, 8, 12],
            "lesion_tokens": [2, 6, 0],
            "kept_lesion_tokens": [2, 4, 0],
        }
    )
    found = metrics.mask_scores(table)
    assert found["kept_share"] == 0.5
    assert (found["kept_share_min"], found["kept_share_max"]) == (0.25, 0.75)
    assert found["on_lesion"] == 6 / 12
    assert found["chance"] == 8 / 32
    assert found["lesion_kept"] == 6 / 8


def test_a_mask_without_known_lesions_has_a_kept_share_alone():
    table = pd.DataFrame({"sample_id": ["a"], "tokens": [16], "kept": [4]})
    assert set(metrics.mask_scores(table)) == {"kept_share", "kept_share_min", "kept_share_max"}


@pytest.mark.parametrize("classes", [2, 3, 11])
def test_values_of_images_have_the_measure_as_their_mean(classes):
    labels, probabilities = made_up(classes)
    scores, values = metrics.score(labels, probabilities), metrics.per_image(labels, probabilities)
    assert set(values) == set(metrics.PER_IMAGE)
    assert {name: of_images.mean() for name, of_images in values.items()} == pytest.approx(
        {name: scores[name] for name in values}, abs=1e-12
    )


@pytest.mark.parametrize("classes", [2, 4])
def test_values_of_images_spread_as_the_measure_does_over_samples_of_images(classes):
    labels, probabilities = made_up(classes, 400)
    random = np.random.default_rng(0)
    drawn = [random.integers(0, 400, 400) for _ in range(150)]
    resampled = pd.DataFrame([metrics.score(labels[rows], probabilities[rows]) for rows in drawn]).std()
    for name, of_images in metrics.per_image(labels, probabilities).items():
        assert of_images.std() / 20 == pytest.approx(resampled[name], rel=0.25), name


def test_a_class_that_is_never_predicted_has_a_value_for_each_image():
    labels, probabilities = np.array([0, 1, 2, 0, 1, 2]), np.eye(3)[[0, 1, 0, 0, 1, 0]]
    for name, of_images in metrics.per_image(labels, probabilities).items():
        assert of_images.mean() == pytest.approx(metrics.score(labels, probabilities)[name]), name
