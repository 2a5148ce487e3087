"""Runs side by side: what is refused before any compute, and what Ctrl-C reaches."""

import errno
import os
import signal
import subprocess
import sys

import pytest
from sklearn.svm import LinearSVC

from benchmark import workers
from benchmark.errors import BadInput, TrainingFailed
from benchmark.training import engine
from benchmark.training.runs import inputs


@pytest.fixture
def refused(small, edit, run_of, tmp_path):
    """Return a function that changes a key, sees that a run of the model is refused, and returns the line."""

    def line(model, key, value):
        edit(f"models.{model}.{key}", value)
        with pytest.raises(BadInput) as error:
            list(engine.train([run_of(model)], tmp_path / "scratch", lambda *_: pytest.fail("it trains")))
        assert "\n" not in str(error.value)
        return str(error.value)

    return line


@pytest.mark.parametrize(
    ("model", "options", "reason"),
    [
        ("emanet", {"form": "wieghts"}, "form is 'wieghts'; it must be one of gather, before_softmax"),
        ("emanet", {"width": "wide"}, "models.emanet: does not fit phantom, or its options (width: wide) do not: "),
        (
            "knn",
            {"neighbours": 0},
            "models.knn: does not fit phantom, or its options (neighbours: 0) do not: The 'n_neighbors' parameter",
        ),
        ("knn", {"neighbors": 5}, "models.knn.options: no option 'neighbors'; did you mean 'neighbours'?"),
        ("regnetx_002", {"name": "regnetx_0002"}, "no model 'regnetx_0002' in timm; did you mean 'regnetx_002'?"),
    ],
)
def test_wrong_options_are_refused_before_any_compute(refused, model, options, reason):
    assert reason in refused(model, "options", options)


def test_an_estimator_that_gives_no_probabilities_is_refused_before_any_compute(refused, monkeypatch):
    monkeypatch.setattr("baselines.knn.knn", lambda seed: LinearSVC(random_state=seed))
    assert "models.knn: does not fit phantom: 'LinearSVC' object has no" in refused("knn", "label", "Margins")


@pytest.mark.parametrize("error", [AssertionError(), KeyError("width"), ZeroDivisionError("division by zero")])
def test_whatever_a_models_own_code_raises_is_told_in_one_line_before_any_compute(refused, monkeypatch, error):
    def fails(seed):
        raise error

    monkeypatch.setattr("baselines.knn.knn", fails)
    said = str(error) or "AssertionError"
    assert refused("knn", "label", "Fails").endswith(f"models.knn: does not fit phantom: {said}")


def test_a_run_whose_code_changed_while_the_command_ran_is_refused(small, run_of, leave, tmp_path):
    def play(waiting, folders, shared, tell):
        for run in waiting:
            leave(run, folders[run], inputs=inputs(run) | ({"code": "edited"} if run.number else {}))
            yield run, None

    done = []
    with pytest.raises(BadInput, match="knn run 1: its code, images or split changed while the command ran; start"):
        for run, _ in engine.train([run_of("knn", number) for number in range(2)], tmp_path, play):
            done.append(run.number)
    assert done == [0]


def test_what_models_share_lies_apart_for_other_code_and_other_versions(small, run_of, leave, monkeypatch, tmp_path):
    folders = []

    def play(waiting, places, shared, tell):
        folders.append(shared)
        for run in waiting:
            leave(run, places[run])
            yield run, None

    def train():
        list(engine.train([run_of("knn", len(folders))], tmp_path, play))

    train()
    train()
    versions = engine.provenance.versions() | {"scikit-image": "0"}
    monkeypatch.setattr(engine.provenance, "versions", lambda: versions)
    train()
    monkeypatch.setattr(engine, "code_digest", lambda paths: "of other code")
    train()
    assert folders[0] == folders[1]
    assert len(set(folders)) == 3


def test_first_weights_that_do_not_exist_are_refused_before_any_compute(refused):
    assert "models.cnn.init: no ImageNet weights for it" in refused("cnn", "init", "imagenet")


def test_work_in_scratch_is_taken_up_by_the_same_inputs_versions_and_machine_alone(
    small, edit, run_of, leave, monkeypatch, tmp_path
):
    played = []

    def play(waiting, folders, shared, tell):
        for run in waiting:
            played.append(run)
            leave(run, folders[run])
            yield run, None

    def trained_anew():
        played.clear()
        list(engine.train([run_of("knn")], tmp_path, play))
        return len(played)

    assert trained_anew() == 1
    assert trained_anew() == 0
    edit("models.knn.options", {"neighbours": 3})
    assert trained_anew() == 1
    versions = engine.provenance.versions() | {"numpy": "0"}
    monkeypatch.setattr(engine.provenance, "versions", lambda: versions)
    assert trained_anew() == 1
    monkeypatch.setattr(engine.provenance, "machine", lambda device: {"kind": "another"})
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


def ending(errors, leave):
    """Return an engine whose runs raise what ``errors`` has for their number, if anything."""

    def play(waiting, folders, shared, tell):
        for run in waiting:
            if run.number not in errors:
                leave(run, folders[run])
            yield run, errors.get(run.number)

    return play


def test_a_run_that_fails_stops_no_other_and_is_told_at_the_end(run_of, small, leave, tmp_path, capsys):
    runs = [run_of("cnn", number) for number in range(3)]
    why = "train loss is nan in epoch 3 of 9; try a smaller learning_rate"
    done = []
    with pytest.raises(TrainingFailed) as failed:
        for run, _ in engine.train(runs, tmp_path, ending({1: TrainingFailed(why)}, leave)):
            done.append(run.number)
    assert sorted(done) == [0, 2]
    assert str(failed.value) == f"{runs[1]}: {why}; its evidence is as it was"
    assert "Traceback" not in capsys.readouterr().err


def test_several_failures_are_told_together_and_those_of_code_leave_their_traceback(run_of, small, leave, tmp_path):
    runs = [run_of("cnn", number) for number in range(3)]
    told = r"2 runs failed, the others are done; phantom-cnn run 0: KeyError"
    with pytest.raises(TrainingFailed, match=told) as failed:
        list(engine.train(runs, tmp_path, ending({0: KeyError("width"), 2: MemoryError()}, leave)))
    [log] = tmp_path.rglob("*.failed.txt")
    assert str(log) in str(failed.value)
    assert "KeyError: 'width'" in log.read_text(encoding="utf-8")


def test_where_all_runs_fail_no_others_are_told_of(run_of, small, leave, tmp_path):
    runs = [run_of("cnn", number) for number in range(2)]
    with pytest.raises(TrainingFailed, match=r"^2 runs failed; phantom-cnn run 0: "):
        list(engine.train(runs, tmp_path, ending({0: KeyError("width"), 1: MemoryError()}, leave)))


def test_a_full_disk_stops_all(run_of, small, leave, tmp_path):
    runs = [run_of("cnn", number) for number in range(3)]
    with pytest.raises(TrainingFailed, match="no room is left on the disk"):
        list(engine.train(runs, tmp_path, ending({0: OSError(errno.ENOSPC, "No space left on device")}, leave)))
