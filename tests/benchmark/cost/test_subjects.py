"""What is measured at a shape: which models, at which kept shares, and what each call does."""

import numpy as np
import pytest
import torch

from benchmark.cost import subjects
from benchmark.cost.subjects import models_at
from benchmark.data import preprocessing
from benchmark.params import Shape
from benchmark.training.dataset import Dataset
from benchmark.training.runs import resolve
from pipelines.listed import code_of


@pytest.fixture
def dataset(settings, phantom):
    rows = {part: np.arange(start, 600, 20) for start, part in enumerate(("train", "validation", "test"))}
    return Dataset(settings.task("phantom"), phantom, rows)


@pytest.fixture
def build(settings, dataset):
    """Return a function that returns the subjects of a model by kept share."""

    def subjects_of(model, size=32):
        run = resolve(settings, "phantom", model, 0, code_of(settings, model))
        timed = subjects.subjects(run, dataset, Shape(device="cpu", size=size, images="phantom"))
        assert {name for name, _ in timed} == {model}
        return {share: subject for (_, share), subject in timed.items()}

    return subjects_of


def shape(size, device="cpu", images="brain-mri"):
    return Shape(device=device, size=size, images=images)


def test_models_that_cost_what_another_one_does_are_not_measured(settings):
    models = set(models_at(settings, shape(64)))
    assert {"emanet", "cnn", "svm", "transfer"} <= models
    assert not models & {"adaptive_parts_1", "emanet_lesion_mask", "transfer_breastmnist"}


def test_models_without_evidence_at_a_size_are_measured_where_a_shape_names_them(settings):
    assert "resnet18_28" not in models_at(settings, shape(64))
    named = shape(64).model_copy(update={"also": ["resnet18_28"]})
    assert set(models_at(settings, named)) == {*models_at(settings, shape(64)), "resnet18_28"}


def test_estimators_are_measured_on_a_cpu_at_their_tasks_own_size(settings):
    assert "knn" in models_at(settings, shape(64))
    assert "knn" not in models_at(settings, shape(224))
    assert "knn" not in models_at(settings, shape(64, "cuda"))


def test_a_masked_network_is_counted_at_each_fifth_of_its_tokens(build):
    by_share = build("emanet", 64)
    assert list(by_share) == [round(64 * fifths / 5) / 64 for fifths in range(1, 6)]
    macs = [subject.counts["macs"] for subject in by_share.values()]
    assert macs == sorted(set(macs))
    assert len({subject.counts["params"] for subject in by_share.values()}) == 1


@pytest.mark.parametrize(("model", "share"), [("emanet_topk_25", 0.25), ("emanet_no_mask", None), ("cnn", None)])
def test_what_keeps_the_same_share_anyway_is_counted_once(build, model, share):
    assert list(build(model)) == [share]


def test_an_estimator_has_a_size_and_times_and_nothing_that_would_compare_with_a_network(build):
    subject = build("knn")[None]
    assert subject.counts["macs"] is subject.counts["params"] is subject.counts["memory_mib"] is None
    assert subject.counts["size_mib"] > 0.01
    calls = subject.calls()
    assert calls["latency"]().shape == (1, 3)
    assert calls["throughput"]().shape == (16, 3)
    assert calls["end_to_end"]().shape == (1,)


def test_a_batch_is_full_even_where_there_are_fewer_images(build, monkeypatch):
    monkeypatch.setitem(subjects.BATCH, "cpu", 100)
    for model in ("cnn", "knn"):
        with torch.inference_mode():
            assert len(build(model)[None].calls()["throughput"]()) == 100


def test_end_to_end_starts_at_the_pixels_and_ends_at_a_label(build, monkeypatch):
    types = []
    real = preprocessing.resized
    monkeypatch.setattr(preprocessing, "resized", lambda pixels, task: types.append(pixels.dtype) or real(pixels, task))
    call = build("cnn")[None].calls()["end_to_end"]
    types.clear()
    with torch.inference_mode():
        assert call()[0] in (0, 1, 2)
    assert types == [np.uint8]


def test_macs_that_cannot_be_counted_are_empty_with_the_reason(build, monkeypatch):
    monkeypatch.setattr("torch.utils.flop_counter.FlopCounterMode.get_total_flops", lambda _: 2)
    counts = build("cnn")[None].counts
    assert counts["macs"] is None
    assert counts["not_counted"].endswith("PyTorch 1; they must agree")
    assert counts["params"] > 0
