"""What counts as having come out again: equal bytes on the same stack, the same accuracy or a narrow band elsewhere."""

import numpy as np
import pytest

from benchmark import evidence
from benchmark.training import reproduction
from benchmark.training.runs import Run

IMAGES = 60


@pytest.fixture
def leave(tmp_path):
    """Return a function that leaves a run's evidence below a folder: its probabilities of class 0, and its processor.

    The label is 0 throughout.
    """

    def make(name, probabilities, processor="one", ids=None):
        column = np.broadcast_to(probabilities, IMAGES)
        for model in ("knn", "cnn"):
            folder = tmp_path / name / f"phantom/runs/{model}/run-0"
            folder.mkdir(parents=True)
            evidence.write_predictions(
                folder / "predictions.csv",
                ids or [str(index) for index in range(IMAGES)],
                np.zeros(IMAGES, int),
                np.stack([column, 1 - column], axis=1),
            )
            stack = {"machine": processor, "device": "cpu", "threads": 1, "versions": {}}
            evidence.write_json(folder / "provenance.json", stack)
        return tmp_path / name

    return make


def outcome(settings, model, one, other):
    return reproduction.compare(settings, [Run("phantom", model, 0, f"baselines.{model}")], one, other)[0]


def right(*indices):
    """Return probabilities of class 0 with which those images come out right."""
    return np.where(np.isin(np.arange(IMAGES), indices), 0.9, 0.1)


@pytest.mark.parametrize("model", ["knn", "cnn"])
def test_equal_bytes_pass_on_any_machine(settings, leave, model):
    assert outcome(settings, model, leave("one", 0.8), leave("other", 0.8, "another")).passed


@pytest.mark.parametrize("model", ["knn", "cnn"])
def test_on_the_same_stack_every_byte_must_agree(settings, leave, model):
    found = outcome(settings, model, leave("one", 0.8), leave("other", 0.8001))
    assert not found.passed
    assert "0 of 1 runs came out the same" in str(found)


def test_on_another_processor_a_small_difference_of_an_estimator_passes_and_is_stated(settings, leave):
    found = outcome(settings, "knn", leave("one", 0.8), leave("other", 0.795, "another"))
    assert found.passed
    assert "a probability differs by 0.0050 on average and the class for 0.0 %" in str(found)


@pytest.mark.parametrize("probability", [0.6, 0.45], ids=["far off", "another class"])
def test_on_another_processor_a_large_difference_of_an_estimator_fails(settings, leave, probability):
    assert not outcome(settings, "knn", leave("one", 0.8), leave("other", probability, "another")).passed


def test_on_another_processor_another_class_of_an_estimator_fails_however_near(settings, leave):
    assert not outcome(settings, "knn", leave("one", 0.501), leave("other", 0.499, "another")).passed


def test_on_another_processor_a_network_may_be_right_on_other_images(settings, leave):
    one, other = leave("one", right(*range(20))), leave("other", right(*range(10, 34)), "another")
    found = outcome(settings, "cnn", one, other)
    assert found.passed
    assert "10 images are now wrong, 14 now right, McNemar's p 0.54" in str(found)


@pytest.mark.parametrize("share", [range(0), range(60)], ids=["worse", "better"])
def test_on_another_processor_another_accuracy_of_a_network_fails(settings, leave, share):
    one, other = leave("one", right(*range(30))), leave("other", right(*share), "another")
    assert not outcome(settings, "cnn", one, other).passed


@pytest.mark.parametrize("model", ["knn", "cnn"])
def test_other_test_images_fail_on_any_processor(settings, leave, model):
    others = [f"x{index}" for index in range(IMAGES)]
    found = outcome(settings, model, leave("one", 0.8), leave("other", 0.8, "another", ids=others))
    assert not found.passed
    assert "the test images or their labels are others" in str(found)
