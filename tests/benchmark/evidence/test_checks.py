"""Checks that the files of runs allow by themselves."""

import numpy as np
import pytest

from benchmark import evidence
from benchmark.evidence import checks
from benchmark.evidence.checks import Check

IDS, LABELS = ["a", "b"], np.array([0, 1])


def leave(folder, probabilities):
    folder.mkdir(parents=True)
    evidence.write_predictions(folder / "predictions.csv", IDS, LABELS, np.array(probabilities))
    return folder


@pytest.mark.parametrize(
    ("row", "fits"), [([0.4, 0.6], True), ([0.4, 0.5], False), ([-0.5, 1.5], False)], ids=["fits", "sum", "negative"]
)
def test_predictions_must_be_probabilities(tmp_path, row, fits):
    check, folder = Check("x"), leave(tmp_path / "run-0", [[0.9, 0.1], row])
    checks.predictions_fit(check, folder, IDS, LABELS)
    assert check.failures == (
        [] if fits else [f"{folder}/predictions.csv: a row is no probabilities; it must sum to 1"]
    )


def test_runs_may_agree_if_they_are_of_one_estimator_alone(tmp_path):
    def agreeing(*names, explained):
        folders = [leave(tmp_path / name, [[0.9, 0.1], [0.4, 0.6]]) for name in names]
        for folder in folders:
            if explained:
                (folder / "explanations.json").write_text("{}")
        check = Check("x")
        checks.no_run_is_anothers(check, folders)
        return len(check.failures)

    assert agreeing("knn/run-0", "knn/run-1", explained=False) == 0
    assert agreeing("svm/run-0", "forest/run-0", explained=False) == 1
    assert agreeing("cnn/run-0", "cnn/run-1", explained=True) == 1
