"""All committed evidence: its numbers follow from its predictions, and these are for the run's own test images."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from benchmark.data import splits
from benchmark.evidence.digests import digest
from tests.conftest import ROOT

FILES = sorted(ROOT.glob("results/tasks/*/runs/*/run-*/predictions.csv"))

pytestmark = pytest.mark.skipif(not FILES, reason="no evidence is committed")


def name_of(path):
    return f"{path.parts[-5]}-{path.parts[-3]}-{path.parts[-2]}"


def read(path):
    return pd.read_csv(path, dtype={"sample_id": str})


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_metrics_are_what_scikit_learn_computes_from_the_predictions(path):
    table = read(path)
    labels, probabilities = table["label"].to_numpy(), table.filter(regex=r"^p\d+$").to_numpy()
    predicted, classes = probabilities.argmax(1), probabilities.shape[1]
    scores = probabilities[:, 1] if classes == 2 else probabilities
    found = json.loads(path.with_name("metrics.json").read_text(encoding="utf-8"))
    assert found["accuracy"] == accuracy_score(labels, predicted)
    assert found["f1_macro"] == f1_score(labels, predicted, labels=range(classes), average="macro", zero_division=0)
    assert found["auc"] == roc_auc_score(labels, scores, multi_class="ovr")


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_predictions_are_for_the_test_images_of_the_runs_split(path, settings):
    task = path.parents[3]
    split = pd.read_csv(task / "split.csv", dtype={"sample_id": str, "part": str})
    run = int(path.parent.name.removeprefix("run-"))
    rows = splits.of_run(split, settings.task(task.name), settings.pooled_split, run)["test"]
    table = read(path)
    assert table["sample_id"].tolist() == split["sample_id"].iloc[rows].tolist()
    assert table["label"].tolist() == split["label"].iloc[rows].tolist()


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_predictions_are_probabilities(path):
    probabilities = read(path).filter(regex=r"^p\d+$").to_numpy()
    assert np.isfinite(probabilities).all()
    assert probabilities.min() >= 0
    assert probabilities.sum(1) == pytest.approx(np.ones(len(probabilities)), abs=1e-6)


def test_no_row_is_another_one_under_a_new_name():
    seen = {}
    for path in FILES:
        content = (path.parents[3].name, path.parent.name, digest(path.read_bytes()))
        assert content not in seen, f"{path} holds what {seen[content]} holds"
        seen[content] = path


@pytest.mark.parametrize("path", [path for path in FILES if path.with_name("masks.csv").exists()], ids=name_of)
def test_masks_are_counted_for_every_test_image(path):
    table = read(path.with_name("masks.csv"))
    assert table["sample_id"].tolist() == read(path)["sample_id"].tolist()
    assert table["kept"].between(0, table["tokens"]).all()
    if "lesion_tokens" in table:
        assert (table["kept_lesion_tokens"] <= table[["kept", "lesion_tokens"]].min(axis=1)).all()


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_what_explains_a_network_is_there_for_two_test_images_of_each_class(path, settings):
    task, model = path.parents[3].name, path.parents[1].name
    if model not in settings.cells(task):
        pytest.skip("not listed under stages, so not brought up to date")
    if settings.models[model].kind == "estimator":
        assert not path.with_name("explanations.json").exists()
        return
    found = json.loads(path.with_name("explanations.json").read_text(encoding="utf-8"))
    table = read(path).set_index("sample_id")
    assert set(found) <= set(table.index)
    assert pd.Series([image["label"] for image in found.values()]).value_counts().eq(2).all()
    for name, image in found.items():
        assert image["label"] == table.loc[name, "label"]
        assert image["predicted"] == table.filter(regex=r"^p").loc[name].to_numpy().argmax()
        for array in ("grad_cam", "feature_map"):
            assert np.max(image.get(array, 1)) <= 1
