"""Runs side by side: what is refused before any compute, and what Ctrl-C reaches."""

import os
import signal
import subprocess
import sys

import pytest

from benchmark import workers
from benchmark.errors import BadInput, TrainingFailed
from benchmark.training import engine


@pytest.fixture
def refused(small, edit, run_of, monkeypatch, tmp_path):
    """Return a function that changes a key, sees that a run of the model is refused, and returns the line."""
    monkeypatch.setattr(engine, "_side_by_side", lambda *_: pytest.fail("it trains"))

    def line(model, key, value):
        edit(f"models.{model}.{key}", value)
        with pytest.raises(BadInput) as error:
            list(engine.train([run_of(model)], tmp_path / "scratch"))
        assert "\n" not in str(error.value)
        return str(error.value)

    return line


@pytest.mark.parametrize(
    ("model", "options", "reason"),
    [
        ("emanet", {"form": "wieghts"}, "form is 'wieghts'; it must be one of gather, before_softmax"),
        ("emanet", {"width": "wide"}, "models.emanet: does not fit phantom, or its options do not: "),
        (
            "knn",
            {"neighbours": 0},
            "models.knn: does not fit phantom, or its options do not: The 'n_neighbors' parameter",
        ),
        ("knn", {"neighbors": 5}, "models.knn.options: no option 'neighbors'; did you mean 'neighbours'?"),
        ("regnetx_002", {"name": "regnetx_0002"}, "no model 'regnetx_0002' in timm; did you mean 'regnetx_002'?"),
    ],
)
def test_wrong_options_are_refused_before_any_compute(refused, model, options, reason):
    assert reason in refused(model, "options", options)


def test_first_weights_that_do_not_exist_are_refused_before_any_compute(refused):
    assert "models.cnn.init: no ImageNet weights for it" in refused("cnn", "init", "imagenet")


def test_work_in_scratch_is_taken_up_by_the_same_inputs_versions_and_machine_alone(
    small, edit, run_of, leave, monkeypatch, tmp_path
):
    played = []

    def side_by_side(waiting, folders, shared):
        for run in waiting:
            played.append(run)
            yield run, leave(run, folders[run])

    monkeypatch.setattr(engine, "_side_by_side", side_by_side)

    def trained_anew():
        played.clear()
        list(engine.train([run_of("knn")], tmp_path))
        return len(played)

    assert trained_anew() == 1
    assert trained_anew() == 0
    edit("models.knn.options", {"neighbours": 3})
    assert trained_anew() == 1
    versions = engine.provenance.versions() | {"numpy": "0"}
    monkeypatch.setattr(engine.provenance, "versions", lambda: versions)
    assert trained_anew() == 1
    monkeypatch.setattr(engine.provenance, "machine", lambda: {"kind": "another"})
    assert trained_anew() == 1
    assert trained_anew() == 0


@pytest.fixture
def hearing_ctrl_c():
    """Python hears Ctrl-C, also where a shell started the tests in the background, deaf to it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_waits_until_workers_have_started_and_never_reaches_them(hearing_ctrl_c):
    code = "import os, signal; os.kill(os.getpid(), signal.SIGINT); print('works on')"
    outputs = []
    with pytest.raises(KeyboardInterrupt), workers.interrupts_held_back():
        os.kill(os.getpid(), signal.SIGINT)
        outputs.append(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert outputs == ["works on\n"]


def test_a_training_that_leaves_the_finite_numbers_is_told_in_one_line_without_a_traceback(run_of, small, capsys):
    run = run_of("cnn")
    why = "train loss is nan in epoch 3 of 9; try a smaller learning_rate"
    told = engine._told(run, TrainingFailed(why))
    assert str(told) == f"{run}: {why}; its evidence is as it was"
    assert capsys.readouterr().err == ""
