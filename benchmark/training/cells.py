"""Training of cells, task × model: which of their runs, and the swap into place.

Every run is computed in a scratch folder keyed by the digest of its inputs, the versions and the kind of machine. What
stands as evidence is replaced once a whole cell is finished, and not before.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmark import evidence
from benchmark.errors import BadInput
from benchmark.evidence import placing, provenance
from benchmark.training import preflight
from benchmark.training.corruptions import CORRUPTIONS
from benchmark.training.engine import SHARED, Engine, train
from benchmark.training.runs import Run, inputs

SCRATCH = Path("scratch/runs")
SCRATCH_OF_COPIES = Path("scratch/copies")  # of runs that do not become evidence
Cell = list[Run]  # all runs of a task and a model, from 0 on


def train_cells(cells: list[Cell], force: bool, still_wanted: Callable[[Run], bool], engine: Engine) -> list[Run]:
    """Bring the evidence of cells up to date; runs whose inputs are unchanged are kept. Return what was trained.

    With ``force``, every run of the cells is trained. Before a cell is put in place, ``still_wanted`` is asked for each
    of its runs, since params.yaml may have changed meanwhile.
    """
    with ExitStack() as locks:
        for cell in cells:
            locks.enter_context(_locked(cell[0]))
            placing.recover(_finished(cell[0]), cell[0].folder.parent)
        todo = {run: cell for cell in cells for run in cell if force or not is_up_to_date(run)}
        left = {cell[0].cell: sum(run.cell == cell[0].cell for run in todo) for cell in cells}
        for task in {run.task.name for run in todo}:
            preflight.check([run for run in todo if run.task.name == task], SCRATCH, evidence.TASKS / task)
        folders: dict[Run, Path] = {}
        for run, folder in train(list(todo), SCRATCH, engine):
            folders[run] = folder
            left[run.cell] -= 1
            if not left[run.cell]:
                _place(todo[run], folders, still_wanted)
        for cell in cells:
            if len(evidence.runs_of(*cell[0].cell)) > len(cell):  # runs that params.yaml no longer asks for
                _place(cell, {}, still_wanted)
    _discard(SCRATCH / SHARED)
    return list(todo)


def train_into(todo: list[Run], folder: Path, engine: Engine) -> None:
    """Train runs, whatever evidence they have, and leave theirs below ``folder``, laid out like ``results/tasks``."""
    if folder.resolve().is_relative_to(evidence.TASKS.resolve()):
        raise BadInput(f"{folder}: lies in the evidence, which is replaced by whole cells; name a folder elsewhere")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{folder}: {error.strerror}; it must be a folder that can be written to") from None
    with ExitStack() as locks:
        for first in {run.cell: run for run in todo}.values():
            locks.enter_context(_locked(first))
        preflight.check(todo, SCRATCH_OF_COPIES, None)
        for run, trained in dict(train(todo, SCRATCH_OF_COPIES, engine)).items():
            target = folder / run.folder.relative_to(evidence.TASKS)
            _discard(target)
            part = target.with_name(f".{target.name}.{os.getpid()}.part")
            shutil.rmtree(part, ignore_errors=True)  # of a killed command that had the same number
            shutil.copytree(trained, part)
            os.replace(part, target)  # a kill leaves no half of a run under its name
            _discard(trained)
    _discard(SCRATCH_OF_COPIES / SHARED)


def is_up_to_date(run: Run) -> bool:
    """Whether the evidence of a run is whole and was made from what its inputs are now."""
    if not provenance.is_whole(run.folder):
        return False
    return provenance.read(run.folder).get("inputs") == inputs(run)


def stale_corruptions(run: Run) -> list[str]:
    """Return the corruptions that the run has not met as they are now: other code, other strengths, or new."""
    met = provenance.read(run.folder).get("robustness", {})
    return [name for name, kind in CORRUPTIONS.items() if met.get(name) != kind.digest]


def _finished(run: Run) -> Path:
    return SCRATCH / run.task.name / run.model.name / "finished"


def _place(cell: Cell, trained: dict[Run, Path], still_wanted: Callable[[Run], bool]) -> None:
    """Swap a whole cell into its place: the runs just trained, and the kept ones."""
    for run in cell:
        if not still_wanted(run):
            raise BadInput(f"{run}: params.yaml changed while it trained; start the command again")
    finished = _finished(cell[0])
    _discard(finished)
    for run in cell:
        source, target = trained.get(run, run.folder), finished / run.folder.name
        shutil.copytree(source, target)
        if not provenance.is_whole(target):
            raise BadInput(f"{source}: a file of the run is missing or damaged; train it again with --force")
    placing.sync(finished)
    if (
        cell[0] in trained
    ):  # maps of the untrained network are of its predictions; they are made anew when all is placed
        evidence.untrained_file(*cell[0].cell).unlink(missing_ok=True)
    placing.swap(finished, cell[0].folder.parent)
    _discard(finished.parent)


def _discard(folder: Path) -> None:
    """Delete a folder. It is renamed first, so a kill leaves nothing that looks like finished work."""
    if not folder.exists():
        return
    aside = folder.with_name(f".{folder.name}.{os.getpid()}.discarded")
    shutil.rmtree(aside, ignore_errors=True)  # of a killed command that had the same number
    os.replace(folder, aside)
    shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def _locked(cell: Run) -> Iterator[None]:
    """Keep a second command away from the cell."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    name = "-".join(cell.cell)
    with (SCRATCH / f"{name}.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise BadInput(f"{name}: process {file.read()} is training it; wait for it, or end it") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
