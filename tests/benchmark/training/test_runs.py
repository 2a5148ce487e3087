"""One run, from images to evidence, on a small phantom."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from benchmark import data, evidence, params
from benchmark.data import phantom as source
from benchmark.data import preprocessing, splits
from benchmark.errors import BadInput
from benchmark.evidence import metrics
from benchmark.params import CORRUPTIONS
from benchmark.training import estimators, runs
from benchmark.training.runs import Run

KNN = Run("phantom", "knn", 0, "baselines.knn")
EMANET = Run("phantom", "emanet", 0, "benchmark.models.emanet")


def perform(found, run, folder):
    runs.perform(found, run, folder, lambda *_: None)
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name in evidence.DETERMINISTIC}


@pytest.mark.parametrize("run", [KNN, EMANET], ids=str)
def test_a_run_leaves_all_its_evidence_and_no_checkpoint(small, tmp_path, run):
    perform(small, run, tmp_path / "one")
    names = {path.name for path in (tmp_path / "one").iterdir()}
    assert names == {*(evidence.OF_ALL if run is KNN else evidence.DETERMINISTIC), evidence.PROVENANCE}


@pytest.mark.parametrize("run", [KNN, EMANET], ids=str)
def test_the_same_run_leaves_the_same_bytes(small, tmp_path, run):
    assert perform(small, run, tmp_path / "one") == perform(small, run, tmp_path / "other")


def test_another_run_tests_on_other_images(small, tmp_path):
    for number in (0, 1):
        perform(small, Run("phantom", "knn", number, "baselines.knn"), tmp_path / str(number))
    one, other = (evidence.read_predictions(tmp_path / name / "predictions.csv")[0] for name in "01")
    assert set(one).isdisjoint(other)


def test_metrics_follow_from_the_predictions(small, tmp_path):
    perform(small, KNN, tmp_path / "one")
    _, labels, probabilities = evidence.read_predictions(tmp_path / "one/predictions.csv")
    assert evidence.read_json(tmp_path / "one/metrics.json") == metrics.score(labels, probabilities)


def test_robustness_has_a_row_a_strength_and_says_of_each_image_whether_it_was_right(small, tmp_path):
    perform(small, KNN, tmp_path / "one")
    table = pd.read_csv(tmp_path / "one/robustness.csv")
    ids, _, _ = evidence.read_predictions(tmp_path / "one/predictions.csv")
    assert table["corruption"].unique().tolist() == list(CORRUPTIONS)
    for kind, strengths in small.robustness.items():
        assert table.loc[table["corruption"] == kind, "strength"].tolist() == strengths
    for row in table.itertuples():
        assert len(row.right) == 1 + len(ids)
        assert row.right.count("1") / len(ids) == pytest.approx(row.accuracy)


def test_provenance_says_what_went_in(small, tmp_path):
    perform(small, KNN, tmp_path / "one")
    known = json.loads((tmp_path / "one/provenance.json").read_text(encoding="utf-8"))
    assert known["synthetic"] is True
    assert known["inputs"] == runs.inputs(small, KNN)
    ids, _, _ = evidence.read_predictions(tmp_path / "one/predictions.csv")
    assert known["images"]["test"] == len(ids)
    assert sum(known["images"].values()) == 72
    assert {"python", "torch", "scikit-learn", "numpy"} <= set(known["versions"])


@pytest.mark.parametrize(
    ("key", "value", "changed"),
    [
        ("tasks.phantom.recipe.epochs", 2, {"params"}),
        ("models.knn.options", {"neighbours": 3}, {"params"}),
        ("robustness.jpeg", [90.0, 50.0, 25.0, 10.0, 5.0], {"params"}),
        ("tasks.phantom.runs", 5, set()),
        ("tasks.breastmnist.recipe.epochs", 2, set()),
        ("models.svm.options", {"C": 1.0}, set()),
    ],
)
def test_the_digests_of_a_run_change_with_its_own_inputs_only(small, edit, key, value, changed):
    before = runs.inputs(small, KNN)
    edit(key, value)
    after = runs.inputs(params.load(), KNN)
    assert {name for name in before if before[name] != after[name]} == changed


def test_the_digests_of_a_run_change_with_its_split(small):
    before = runs.inputs(small, KNN)
    path = evidence.TASKS / "phantom/split.csv"
    split = pd.read_csv(path)
    split["part"] = (split["part"] + 1) % 20
    split.to_csv(path, index=False)
    after = runs.inputs(small, KNN)
    assert {name for name in before if before[name] != after[name]} == {"split"}


def test_other_images_than_the_manifests_are_refused(small, tmp_path, monkeypatch):
    real = source.load

    def changed(*arguments):
        images = real(*arguments)
        images.pixels[5, 0, 0] ^= 1
        return images

    monkeypatch.setattr(source, "load", changed)
    with pytest.raises(BadInput, match="phantom: the images have digest"):
        perform(small, KNN, tmp_path / "one")
    assert not (tmp_path / "one").exists()


def test_a_run_whose_inputs_change_meanwhile_leaves_no_finished_evidence(small, tmp_path, monkeypatch):
    digests = iter([{"code": "before"}, {"code": "after"}])
    monkeypatch.setattr(runs, "inputs", lambda *_: next(digests))
    with pytest.raises(BadInput, match="changed while it trained"):
        perform(small, KNN, tmp_path / "one")
    assert not (tmp_path / "one" / evidence.PROVENANCE).exists()


def test_the_test_images_are_predicted_once_clean_and_once_a_strength(small, tmp_path, monkeypatch):
    seen = []
    real = estimators.predict

    def heard(estimator, images, features):
        seen.append(len(images))
        return real(estimator, images, features)

    monkeypatch.setattr(estimators, "predict", heard)
    perform(small, KNN, tmp_path / "one")
    strengths = sum(len(values) for values in small.robustness.values())
    assert len(seen) == 2 + 1 + strengths  # training and validation once each, for the history
    assert len(set(seen[2:])) == 1


def test_only_training_images_decide_the_normalisation(small, tmp_path, monkeypatch):
    given = []
    real = preprocessing.normaliser
    monkeypatch.setattr(preprocessing, "normaliser", lambda pixels, task: given.append(pixels) or real(pixels, task))
    perform(small, KNN, tmp_path / "one")
    split = pd.read_csv(evidence.TASKS / "phantom/split.csv")
    rows = splits.of_run(split, small.task("phantom"), small.pooled_split, 0)["train"]
    assert len(given) == 1
    assert np.array_equal(given[0], data.load(small.task("phantom")).pixels[rows])


def test_an_unknown_option_of_a_model_gets_the_closest_one(small, edit):
    edit("models.knn.options", {"neighbors": 3})
    with pytest.raises(BadInput, match=r"models.knn.options: no option 'neighbors'; did you mean 'neighbours'\?"):
        runs.factory(params.load(), KNN)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_device_that_is_not_here_is_refused(small, edit, tmp_path):
    edit("tasks.phantom.device", "cuda")
    with pytest.raises(BadInput, match=r"tasks.phantom.device: no CUDA device here"):
        perform(params.load(), EMANET, tmp_path / "one")


@pytest.mark.parametrize("missing", ["manifest.json", "split.csv"])
def test_a_missing_manifest_or_split_says_how_to_make_it(small, missing):
    (evidence.TASKS / "phantom" / missing).unlink()
    with pytest.raises(BadInput, match=rf"phantom/{missing}: missing; .*dvc repro"):
        runs.inputs(small, KNN)
