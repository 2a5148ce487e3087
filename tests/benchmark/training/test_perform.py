"""One run, from images to evidence, on a small phantom."""

import numpy as np
import pandas as pd
import pytest
import torch

from benchmark import data, evidence
from benchmark.data import phantom as source
from benchmark.data import preprocessing, splits
from benchmark.errors import BadInput
from benchmark.evidence import metrics, provenance
from benchmark.training import dataset as datasets
from benchmark.training import estimators
from benchmark.training import perform as performing
from benchmark.training.corruptions import CORRUPTIONS
from benchmark.training.runs import inputs


@pytest.fixture
def perform(small, run_of, tmp_path):
    """Return a function that performs a run of a model; it returns the folder of its evidence."""

    def folder_of(model, name="one", number=0):
        folder = tmp_path / name
        performing.perform(run_of(model, number), folder, tmp_path / "shared", lambda *_: None)
        return folder

    return folder_of


def deterministic(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name in evidence.DETERMINISTIC}


@pytest.mark.parametrize("model", ["knn", pytest.param("emanet", marks=pytest.mark.long)])
def test_a_run_leaves_whole_evidence_the_same_each_time_and_no_checkpoint(perform, model):
    one, other = perform(model, "one"), perform(model, "other")
    names = {path.name for path in one.iterdir()}
    assert names == {*(evidence.OF_ALL if model == "knn" else evidence.DETERMINISTIC), evidence.PROVENANCE}
    assert provenance.is_whole(one)
    assert deterministic(one) == deterministic(other)


def test_a_network_leaves_what_explains_its_answers(perform):
    folder = perform("cnn")
    assert {path.name for path in folder.iterdir()} == {*evidence.OF_ALL, "explanations.json", evidence.PROVENANCE}
    ids, _, _ = evidence.read_predictions(folder / "predictions.csv")
    explained = evidence.read_json(folder / "explanations.json")
    assert set(explained) <= set(ids)
    assert all({"label", "predicted", "grad_cam", "feature_map"} == set(fields) for fields in explained.values())


def test_another_run_tests_on_other_images(perform):
    one, other = (evidence.read_predictions(perform("knn", str(k), k) / "predictions.csv")[0] for k in (0, 1))
    assert set(one).isdisjoint(other)


def test_metrics_follow_from_the_predictions(perform):
    folder = perform("knn")
    _, labels, probabilities = evidence.read_predictions(folder / "predictions.csv")
    assert evidence.read_json(folder / "metrics.json") == metrics.score(labels, probabilities)


def test_robustness_has_one_row_per_strength_and_says_of_each_image_whether_it_was_right(perform):
    folder = perform("knn")
    table = pd.read_csv(folder / "robustness.csv")
    ids, _, _ = evidence.read_predictions(folder / "predictions.csv")
    rows = [(name, strength, kind.unit) for name, kind in CORRUPTIONS.items() for strength in kind.strengths]
    assert list(table[["corruption", "strength", "unit"]].itertuples(index=False, name=None)) == rows
    for row in table.itertuples():
        assert len(row.right) == 1 + len(ids)
        assert row.right.count("1") / len(ids) == pytest.approx(row.accuracy)


def test_provenance_says_what_went_in(perform, run_of):
    folder = perform("knn")
    facts = evidence.read_json(folder / evidence.PROVENANCE)
    assert (facts["task"], facts["model"], facts["run"], facts["synthetic"]) == ("phantom", "knn", 0, True)
    assert facts["inputs"] == inputs(run_of("knn"))
    assert facts["robustness"] == {name: kind.digest for name, kind in CORRUPTIONS.items()}
    ids, _, _ = evidence.read_predictions(folder / "predictions.csv")
    assert facts["images"]["test"] == len(ids)
    assert sum(facts["images"].values()) == 72
    assert facts["versions"] == provenance.versions()
    for name in ("seconds", "training_seconds"):
        assert facts[name] == round(facts[name], 1)


def test_other_images_than_the_manifests_are_refused(perform, tmp_path, monkeypatch):
    real = source.load

    def changed(*arguments):
        images = real(*arguments)
        images.pixels[5, 0, 0] ^= 1
        return images

    monkeypatch.setattr(source, "load", changed)
    with pytest.raises(BadInput, match="phantom: the images have digest"):
        perform("knn")
    assert not (tmp_path / "one").exists()


def test_a_split_of_other_images_is_refused(perform, tmp_path):
    path = evidence.TASKS / "phantom/split.csv"
    split = pd.read_csv(path, dtype=str)
    split.loc[0, "sample_id"] = "another"
    split.to_csv(path, index=False)
    with pytest.raises(BadInput, match=r"phantom: split.csv lists other images"):
        perform("knn")


def test_a_run_whose_inputs_change_meanwhile_leaves_no_finished_evidence(perform, tmp_path, monkeypatch):
    digests = iter([{"code": "before"}, {"code": "after"}])
    monkeypatch.setattr(performing, "inputs", lambda *_: next(digests))
    with pytest.raises(BadInput, match="changed while it trained"):
        perform("knn")
    assert not (tmp_path / "one" / evidence.PROVENANCE).exists()


def test_the_test_images_are_predicted_once_clean_and_once_per_strength(perform, monkeypatch):
    counts = []
    real = estimators.predict

    def counted(estimator, features):
        counts.append(len(features))
        return real(estimator, features)

    monkeypatch.setattr(estimators, "predict", counted)
    perform("knn")
    strengths = sum(len(kind.strengths) for kind in CORRUPTIONS.values())
    assert len(counts) == 2 + 1 + strengths  # training and validation once each, for the history
    assert len(set(counts[2:])) == 1


def test_only_training_images_decide_the_normalisation(small, perform, monkeypatch):
    given = []
    real = preprocessing.normaliser
    monkeypatch.setattr(preprocessing, "normaliser", lambda pixels, task: given.append(pixels) or real(pixels, task))
    perform("knn")
    split = pd.read_csv(evidence.TASKS / "phantom/split.csv")
    rows = splits.of_run(split, small.task("phantom"), small.pooled_split, 0)["train"]
    assert len(given) == 1
    assert np.array_equal(given[0], data.load(small.task("phantom")).pixels[rows].transpose(0, 3, 1, 2))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_device_that_is_not_here_is_refused(perform, edit):
    edit("tasks.phantom.device", "cuda")
    with pytest.raises(BadInput, match=r"tasks.phantom.device: no CUDA device here"):
        perform("emanet")


def test_parts_are_resized_images_channels_first_with_their_labels(small, edit, run_of):
    edit("tasks.phantom.input_size", 48)
    dataset = datasets.load(run_of("knn"))
    test = dataset.part("test")
    rows = dataset.rows["test"]
    assert (test.images.dtype, test.images.shape) == (np.uint8, (len(rows), 1, 48, 48))
    assert np.array_equal(test.labels, dataset.images.labels[rows])
    resized = preprocessing.resized(dataset.images.pixels[rows], dataset.task)
    assert np.array_equal(test.images[:, 0], resized[..., 0])


def test_a_lesions_mask_is_one_more_channel_that_no_level_changes(small, run_of):
    dataset = datasets.load(run_of("emanet_lesion_mask"))
    train = dataset.part("train")
    assert train.images.shape[1] == 2
    assert np.array_equal(train.images[:, 1], dataset.images.masks[dataset.rows["train"]])
    levels = dataset.levels(train)
    assert (levels.offset[1], levels.scale[1]) == (0.0, 1.0)
    plain = datasets.load(run_of("emanet"))
    assert plain.levels(plain.part("train")).offset == levels.offset[:1]
    assert plain.levels(plain.part("train")).scale == levels.scale[:1]
