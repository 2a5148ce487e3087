"""Which runs of a cell are trained, and when their evidence is put in place; the training itself is played here."""

import fcntl
import os
import signal
import subprocess
import sys

import pytest

from benchmark import evidence, params
from benchmark.errors import BadInput
from benchmark.training import cells, runs


@pytest.fixture
def cell(small, edit):
    """Return a function that gives the settings with so many runs, and the k-NN cell's runs."""

    def of(count):
        edit("tasks.phantom.runs", count)
        settings = params.load()
        return settings, cells.runs_of_cell(settings, "phantom", "knn", "baselines.knn")

    return of


@pytest.fixture
def trained(monkeypatch, tmp_path):
    """Play the training: keep the list of what was trained; a run of number ``fail_at`` raises."""
    played = {"runs": [], "fail_at": None}

    def train(settings, todo):
        for run in todo:
            if run.run == played["fail_at"]:
                raise cells.TrainingFailed(f"{run}: no memory")
            played["runs"].append(run.run)
            yield run, leave(settings, run, tmp_path / f"trained-{len(played['runs'])}", "new")

    monkeypatch.setattr(cells, "train", train)
    return played


def leave(settings, run, folder, text):
    evidence.write_json(folder / evidence.PROVENANCE, {"inputs": runs.inputs(settings, run)})
    evidence.replace_text(folder / "predictions.csv", text)
    return folder


def stand(settings, cell):
    for run in cell:
        leave(settings, run, run.folder, "old")


def texts(cell):
    return {path.parent.name: path.read_text() for path in cell[0].folder.parent.glob("*/predictions.csv")}


def test_a_cell_without_evidence_is_trained_whole(cell, trained):
    settings, wanted = cell(3)
    cells.train_cells(settings, [wanted], force=False)
    assert texts(wanted) == {"run-0": "new", "run-1": "new", "run-2": "new"}


def test_an_unchanged_cell_is_left_alone_unless_forced(cell, trained):
    settings, wanted = cell(2)
    stand(settings, wanted)
    cells.train_cells(settings, [wanted], force=False)
    assert trained["runs"] == []
    cells.train_cells(settings, [wanted], force=True)
    assert trained["runs"] == [0, 1]
    assert texts(wanted) == {"run-0": "new", "run-1": "new"}


def test_more_runs_are_added_to_those_that_stand_even_by_force(cell, trained):
    stand(*cell(2))
    settings, wanted = cell(3)
    cells.train_cells(settings, [wanted], force=True)
    assert texts(wanted) == {"run-0": "old", "run-1": "old", "run-2": "new"}


def test_runs_that_are_no_longer_wanted_are_taken_away_without_training(cell, trained):
    stand(*cell(3))
    settings, wanted = cell(2)
    cells.train_cells(settings, [wanted], force=True)
    assert texts(wanted) == {"run-0": "old", "run-1": "old"}


def test_changed_inputs_train_every_run_again(cell, edit, trained):
    stand(*cell(2))
    edit("models.knn.options", {"neighbours": 3})
    settings, wanted = cell(2)
    cells.train_cells(settings, [wanted], force=False)
    assert texts(wanted) == {"run-0": "new", "run-1": "new"}


def test_a_failing_run_leaves_the_whole_cell_as_it_was(cell, edit, trained):
    stand(*cell(2))
    edit("models.knn.options", {"neighbours": 3})
    settings, wanted = cell(2)
    trained["fail_at"] = 1
    with pytest.raises(cells.TrainingFailed):
        cells.train_cells(settings, [wanted], force=False)
    assert trained["runs"] == [0]
    assert texts(wanted) == {"run-0": "old", "run-1": "old"}


def test_evidence_that_a_kill_left_half_swapped_comes_back(cell, trained):
    settings, wanted = cell(1)
    stand(settings, wanted)
    aside = cells.SCRATCH / "phantom/knn/finished.old"
    aside.parent.mkdir(parents=True)
    wanted[0].folder.parent.rename(aside)
    cells.train_cells(settings, [wanted], force=False)
    assert trained["runs"] == []
    assert texts(wanted) == {"run-0": "old"}


def test_a_cell_that_another_command_trains_is_refused(cell, trained):
    settings, wanted = cell(1)
    cells.SCRATCH.mkdir(parents=True)
    with (cells.SCRATCH / "phantom-knn.lock").open("w") as file:
        file.write("4711")
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(BadInput, match="phantom-knn: process 4711 is training it"):
            cells.train_cells(settings, [wanted], force=False)
    assert trained["runs"] == []


def test_scratch_is_empty_when_a_cell_is_done(cell, trained):
    settings, wanted = cell(2)
    cells.train_cells(settings, [wanted], force=False)
    assert [path for path in cells.SCRATCH.rglob("*") if path.is_file() and path.suffix != ".lock"] == []


def test_ctrl_c_waits_until_workers_have_started_and_never_reaches_them():
    code = "import os, signal; os.kill(os.getpid(), signal.SIGINT); print('works on')"
    said = []
    with pytest.raises(KeyboardInterrupt), cells.interrupts_held_back():
        os.kill(os.getpid(), signal.SIGINT)
        said.append(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert said == ["works on\n"]
