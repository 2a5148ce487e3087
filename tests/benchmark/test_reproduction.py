"""What counts as having come out again: equal bytes on the same stack, a narrow band elsewhere."""

import numpy as np
import pytest

from benchmark import evidence, reproduction
from benchmark.runs import Run

RUN = Run("phantom", "knn", 0, "baselines.knn")


@pytest.fixture
def leave(tmp_path):
    """Return a function that leaves a run's evidence below a folder: its probability of class 0, and its processor."""

    def make(name, probability, processor="one"):
        folder = tmp_path / name / "phantom/runs/knn/run-0"
        folder.mkdir(parents=True)
        probabilities = np.array([[probability, 1 - probability]] * 10)
        evidence.write_predictions(folder / "predictions.csv", ["x"] * 10, np.zeros(10, int), probabilities)
        stack = {"machine": processor, "device": "cpu", "threads": 1, "versions": {}}
        evidence.write_json(folder / "provenance.json", stack)
        return tmp_path / name

    return make


def outcome(settings, one, other):
    return reproduction.compare(settings, [RUN], one, other)[0]


def test_equal_bytes_pass_on_any_machine(settings, leave):
    assert outcome(settings, leave("one", 0.8), leave("other", 0.8, "another")).passed


def test_on_the_same_stack_every_byte_must_agree(settings, leave):
    found = outcome(settings, leave("one", 0.8), leave("other", 0.8001))
    assert not found.passed
    assert "0 of 1 runs came out the same" in str(found)


def test_on_another_processor_a_small_difference_passes_and_is_stated(settings, leave):
    found = outcome(settings, leave("one", 0.8), leave("other", 0.795, "another"))
    assert found.passed
    assert "a probability differs by 0.0050 on average and the class for 0.0 %" in str(found)


@pytest.mark.parametrize("probability", [0.6, 0.45], ids=["far off", "another class"])
def test_on_another_processor_a_large_difference_fails(settings, leave, probability):
    assert not outcome(settings, leave("one", 0.8), leave("other", probability, "another")).passed


def test_on_another_processor_another_class_fails_however_near(settings, leave):
    assert not outcome(settings, leave("one", 0.501), leave("other", 0.499, "another")).passed
