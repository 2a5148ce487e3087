"""Which runs of a cell are trained, and when their evidence is put in place; the training itself is played here."""

import fcntl
import os
import shutil
from itertools import count
from pathlib import Path

import pytest

from benchmark import evidence
from benchmark.errors import BadInput, TrainingFailed
from benchmark.evidence import provenance
from benchmark.training import cells, engine, local
from benchmark.training import runs as resolving


@pytest.fixture
def cell(small, edit, run_of):
    """Return a function that returns so many runs of the k-NN cell."""

    def runs(number):
        edit("tasks.phantom.runs", number)
        return [run_of("knn", index) for index in range(number)]

    return runs


@pytest.fixture
def played(monkeypatch, leave):
    """Play the training: keep the list of what was trained; a run of number ``fail_at`` raises."""
    state = {"runs": [], "fail_at": None, "after": lambda folder: None}

    def play(waiting, folders, shared, tell):
        shared.mkdir(parents=True, exist_ok=True)
        (shared / "images.npy").touch()
        for run in waiting:
            if run.number == state["fail_at"]:
                yield run, TrainingFailed("no memory")
                continue
            state["runs"].append(run.number)
            leave(run, folders[run], "new")
            state["after"](folders[run])
            yield run, None

    monkeypatch.setattr(local, "outcomes", play)
    return state


@pytest.fixture
def stand(leave):
    """Return a function that leaves whole, older evidence of runs in its place."""

    def write(runs):
        for run in runs:
            leave(run, run.folder, "old")

    return write


def train(runs, force=False, still_wanted=lambda run: True):
    return cells.train_cells([runs], force, still_wanted, local.outcomes)


def texts(runs):
    return {path.parent.name: path.read_text() for path in runs[0].folder.parent.glob("*/predictions.csv")}


def in_scratch():
    return [path for path in cells.SCRATCH.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_a_cell_without_evidence_is_trained_whole(cell, played):
    runs = cell(3)
    assert train(runs) == runs
    assert texts(runs) == {"run-0": "new", "run-1": "new", "run-2": "new"}
    assert all(cells.is_up_to_date(run) for run in runs)


def test_an_unchanged_cell_is_left_alone_unless_forced(cell, played, stand):
    runs = cell(2)
    stand(runs)
    assert train(runs) == []
    assert played["runs"] == []
    assert train(runs, force=True) == runs
    assert texts(runs) == {"run-0": "new", "run-1": "new"}


def test_more_runs_are_added_to_those_that_stand(cell, played, stand):
    stand(cell(2))
    runs = cell(3)
    assert train(runs) == runs[2:]
    assert texts(runs) == {"run-0": "old", "run-1": "old", "run-2": "new"}


def test_runs_that_are_no_longer_wanted_are_taken_away_without_training(cell, played, stand):
    stand(cell(3))
    runs = cell(2)
    assert train(runs) == []
    assert texts(runs) == {"run-0": "old", "run-1": "old"}


def test_changed_inputs_train_every_run_again(cell, edit, played, stand):
    stand(cell(2))
    edit("models.knn.options", {"neighbours": 3})
    runs = cell(2)
    train(runs)
    assert texts(runs) == {"run-0": "new", "run-1": "new"}


def test_a_failing_run_leaves_the_whole_cell_as_it_was_and_the_finished_run_waits(cell, edit, played, stand):
    stand(cell(2))
    edit("models.knn.options", {"neighbours": 3})
    runs = cell(2)
    played["fail_at"] = 1
    with pytest.raises(TrainingFailed):
        train(runs)
    assert texts(runs) == {"run-0": "old", "run-1": "old"}
    played["fail_at"] = None
    train(runs)
    assert played["runs"] == [0, 1]
    assert texts(runs) == {"run-0": "new", "run-1": "new"}


def change_a_byte(folder):
    (folder / "history.csv").write_text("nex", encoding="utf-8")


def lose_a_file(folder):
    (folder / "robustness.csv").unlink()


def tear(folder):
    path = folder / evidence.PROVENANCE
    path.write_bytes(path.read_bytes()[:-20])


def lose_the_digests(folder):
    facts = evidence.read_json(folder / evidence.PROVENANCE)
    del facts["files"]
    evidence.write_json(folder / evidence.PROVENANCE, facts)


DAMAGES = {
    "a changed byte": change_a_byte,
    "a missing file": lose_a_file,
    "a torn provenance": tear,
    "a provenance without digests": lose_the_digests,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_evidence_is_trained_again(cell, played, stand, damage):
    runs = cell(2)
    stand(runs)
    DAMAGES[damage](runs[1].folder)
    assert [cells.is_up_to_date(run) for run in runs] == [True, False]
    assert train(runs) == runs[1:]
    assert texts(runs) == {"run-0": "old", "run-1": "new"}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_work_in_scratch_is_not_taken_up_but_trained(cell, edit, played, damage):
    runs = cell(2)
    played["fail_at"] = 1
    with pytest.raises(TrainingFailed):
        train(runs)
    (folder,) = cells.SCRATCH.glob("phantom/knn/run-0-*")
    DAMAGES[damage](folder)
    played["fail_at"] = None
    train(runs)
    assert played["runs"] == [0, 0, 1]
    assert all(provenance.is_whole(run.folder) for run in runs)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_run_that_is_damaged_before_it_is_placed_is_refused(cell, played, stand, damage):
    runs = cell(2)
    stand(runs)
    played["after"] = DAMAGES[damage]
    with pytest.raises(BadInput, match="a file of the run is missing or damaged; train it again"):
        train(runs, force=True)
    assert texts(runs) == {"run-0": "old", "run-1": "old"}
    assert all(cells.is_up_to_date(run) for run in runs)


def test_a_cell_whose_parameters_changed_meanwhile_is_not_placed(cell, played, stand):
    runs = cell(2)
    stand(runs)
    with pytest.raises(BadInput, match=r"phantom-knn run 1: params.yaml changed while it trained; start the .* again"):
        train(runs, force=True, still_wanted=lambda run: run.number == 0)
    assert texts(runs) == {"run-0": "old", "run-1": "old"}


def test_evidence_that_a_kill_left_half_swapped_comes_back(cell, played, stand):
    runs = cell(1)
    stand(runs)
    aside = cells.SCRATCH / "phantom/knn/finished.old"
    aside.parent.mkdir(parents=True)
    runs[0].folder.parent.rename(aside)
    train(runs)
    assert played["runs"] == []
    assert texts(runs) == {"run-0": "old"}


class Stops:
    """Stops the program at its N-th file operation: before it, halfway through it, or after it."""

    def __init__(self, monkeypatch):
        self.left, self.when = None, "before"
        for module, name, half in (
            (os, "replace", lambda *_: None),
            (shutil, "rmtree", self._delete_some),
            (shutil, "copytree", self._copy_some),
        ):
            monkeypatch.setattr(module, name, self._wrapped(getattr(module, name), half))

    def at(self, operation, when):
        self.left, self.when = operation, when

    def _wrapped(self, real, half):
        def operation(*arguments, **options):
            stop = self.left == 0
            if self.left is not None:
                self.left -= 1
            if stop and self.when == "before":
                raise KeyboardInterrupt
            if stop and self.when == "halfway":
                half(*arguments)
                raise KeyboardInterrupt
            real(*arguments, **options)
            if stop:
                raise KeyboardInterrupt

        return operation

    @staticmethod
    def _delete_some(folder, *_):
        for path in sorted(path for path in Path(folder).rglob("*") if path.is_file())[::2]:
            path.unlink()

    @staticmethod
    def _copy_some(source, target, *_):
        Path(target).mkdir(parents=True)
        for path in sorted(Path(source).iterdir())[::2]:
            (Path(target) / path.name).write_bytes(path.read_bytes()[:10])


@pytest.mark.parametrize("when", ["before", "halfway", "after"])
@pytest.mark.parametrize("older", [True, False], ids=["in place of older evidence", "where there is none"])
def test_a_kill_at_any_file_operation_never_leaves_a_torn_run_in_place(
    cell, edit, played, stand, monkeypatch, when, older
):
    outdated = cell(2)
    edit("models.knn.options", {"neighbours": 3})
    runs = cell(2)
    digests = {run: resolving.inputs(run) for run in (*outdated, *runs)}
    for module in (resolving, engine, cells):
        monkeypatch.setattr(module, "inputs", digests.get)  # not computed again hundreds of times
    monkeypatch.setattr(os, "fsync", lambda _: None)
    stops = Stops(monkeypatch)
    for operation in count():
        stops.at(None, when)
        for folder in (cells.SCRATCH, evidence.TASKS / "phantom/runs"):
            shutil.rmtree(folder, ignore_errors=True)
        if older:
            stand(outdated)
        stops.at(operation, when)
        try:
            train(runs)
        except KeyboardInterrupt:
            pass
        else:
            break
        stops.at(None, when)
        standing = [run for run in runs if run.folder.exists()]
        assert len(standing) in (0, 2)
        assert all(provenance.is_whole(run.folder) for run in standing)
        assert len(set(texts(runs).values())) == (1 if standing else 0)
        train(runs)
        assert texts(runs) == {"run-0": "new", "run-1": "new"}
        assert all(cells.is_up_to_date(run) for run in runs)
    assert operation > 15


def test_a_cell_that_another_command_trains_is_refused(cell, played):
    runs = cell(1)
    cells.SCRATCH.mkdir(parents=True)
    with (cells.SCRATCH / "phantom-knn.lock").open("w") as file:
        file.write("4711")
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(BadInput, match="phantom-knn: process 4711 is training it"):
            train(runs)
    assert played["runs"] == []


def test_maps_of_the_untrained_network_go_when_another_first_run_is_placed(cell, played, stand):
    runs = cell(2)
    path = evidence.untrained_file(*runs[0].cell)
    for force, is_kept in ((False, True), (True, False)):
        stand(runs)
        evidence.write_json(path, {})
        train(runs, force=force)
        assert path.exists() == is_kept


def test_scratch_is_empty_when_a_cell_is_done(cell, played):
    train(cell(2))
    assert in_scratch() == []


def test_copies_of_runs_leave_the_evidence_as_it_is(cell, played, stand, tmp_path):
    runs = cell(2)
    stand(runs)
    for _ in range(2):  # what lies there is replaced
        cells.train_into(runs[1:], tmp_path / "copies", local.outcomes)
        copy = tmp_path / "copies/phantom/runs/knn/run-1"
        assert provenance.is_whole(copy)
        assert (copy / "predictions.csv").read_text() == "new"
    assert not (tmp_path / "copies/phantom/runs/knn/run-0").exists()
    assert texts(runs) == {"run-0": "old", "run-1": "old"}
    assert [path for path in cells.SCRATCH_OF_COPIES.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("place", ["results/tasks", "results/tasks/phantom", "link"])
def test_copies_among_the_evidence_are_refused(cell, played, stand, place):
    runs = cell(1)
    stand(runs)
    Path("link").symlink_to("results/tasks")
    with pytest.raises(BadInput, match=f"{place}: lies in the evidence"):
        cells.train_into(runs, Path(place), local.outcomes)
    assert played["runs"] == []


def test_a_folder_for_copies_that_cannot_be_made_is_named(cell, played):
    Path("file").touch()
    with pytest.raises(BadInput, match=r"file/copies: .*; it must be a folder that can be written to"):
        cells.train_into(cell(1), Path("file/copies"), local.outcomes)
