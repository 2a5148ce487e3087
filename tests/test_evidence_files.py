"""All committed evidence: its numbers follow from its predictions, and these are for the run's own test images."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from benchmark.data import splits
from benchmark.evidence.digests import digest
from tests.conftest import ROOT

FILES = sorted(ROOT.glob("results/tasks/*/runs/*/run-*/predictions.csv"))
TASKS = sorted({path.parents[3] for path in FILES})

pytestmark = pytest.mark.skipif(not FILES, reason="no evidence is committed")
each_task = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)


def runs(task):
    """The predictions files of all runs of a task."""
    return [path for path in FILES if path.parents[3] == task]


def name_of(path):
    return str(Path(*path.parts[-5:-1]))  # TASK/runs/MODEL/run-K


def read(path):
    return pd.read_csv(path, dtype={"sample_id": str})


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


@each_task
def test_metrics_are_what_scikit_learn_computes_from_the_predictions(task):
    for path in runs(task):
        table = read(path)
        labels, probabilities = table["label"].to_numpy(), table.filter(regex=r"^p\d+$").to_numpy()
        predicted, classes = probabilities.argmax(1), probabilities.shape[1]
        scores = probabilities[:, 1] if classes == 2 else probabilities
        written = read_json(path.with_name("metrics.json"))
        f1 = f1_score(labels, predicted, labels=range(classes), average="macro", zero_division=0)
        assert written["accuracy"] == accuracy_score(labels, predicted), name_of(path)
        assert written["f1_macro"] == f1, name_of(path)
        assert written["auc"] == roc_auc_score(labels, scores, multi_class="ovr"), name_of(path)


@each_task
def test_predictions_are_for_the_test_images_of_the_runs_split(task, settings):
    split = pd.read_csv(task / "split.csv", dtype={"sample_id": str, "part": str})
    for path in runs(task):
        run = int(path.parent.name.removeprefix("run-"))
        rows = splits.of_run(split, settings.task(task.name), settings.pooled_split, run)["test"]
        table = read(path)
        assert table["sample_id"].tolist() == split["sample_id"].iloc[rows].tolist(), name_of(path)
        assert table["label"].tolist() == split["label"].iloc[rows].tolist(), name_of(path)


@each_task
def test_predictions_are_probabilities(task):
    for path in runs(task):
        probabilities = read(path).filter(regex=r"^p\d+$").to_numpy()
        assert np.isfinite(probabilities).all(), name_of(path)
        assert probabilities.min() >= 0, name_of(path)
        assert probabilities.sum(1) == pytest.approx(np.ones(len(probabilities)), abs=1e-6), name_of(path)


def test_no_row_is_another_one_under_a_new_name():
    seen = {}
    for path in FILES:
        content = (path.parents[3].name, path.parent.name, digest(path.read_bytes()))
        assert content not in seen, f"{path} holds what {seen[content]} holds"
        seen[content] = path


@each_task
def test_masks_are_counted_for_every_test_image(task):
    for path in runs(task):
        if not path.with_name("masks.csv").exists():
            continue
        table = read(path.with_name("masks.csv"))
        assert table["sample_id"].tolist() == read(path)["sample_id"].tolist(), name_of(path)
        assert table["kept"].between(0, table["tokens"]).all(), name_of(path)
        if "lesion_tokens" in table:
            on_lesion, most = table["kept_lesion_tokens"], table[["kept", "lesion_tokens"]].min(axis=1)
            assert (on_lesion <= most).all(), name_of(path)


@each_task
def test_what_explains_a_network_is_there_for_two_test_images_of_each_class(task, settings):
    for path in runs(task):
        model = path.parents[1].name
        if model not in settings.cells(task.name):
            continue  # not kept up to date
        if settings.models[model].kind == "estimator":
            assert not path.with_name("explanations.json").exists(), name_of(path)
        else:
            check_explanations(path)


def check_explanations(path):
    explanations = read_json(path.with_name("explanations.json"))
    table = read(path).set_index("sample_id")
    assert set(explanations) <= set(table.index), name_of(path)
    labels = pd.Series([image["label"] for image in explanations.values()])
    assert labels.value_counts().eq(2).all(), name_of(path)
    for name, image in explanations.items():
        where = f"{name_of(path)}: {name}"
        assert image["label"] == table.loc[name, "label"], where
        assert image["predicted"] == table.filter(regex=r"^p").loc[name].to_numpy().argmax(), where
        for array in ("grad_cam", "feature_map"):
            assert np.max(image.get(array, 1)) <= 1, where
