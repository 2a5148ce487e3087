"""Training of cells, task × model: which runs, side by side, and the swap into place.

Every run is computed in a scratch folder keyed by the digest of its inputs, the versions and the kind of machine. What
was finished or half done there under the same key is taken up again; what stands as evidence is replaced once a whole
cell is finished, and not before.
"""

import fcntl
import multiprocessing
import os
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from multiprocessing.process import BaseProcess
from multiprocessing.queues import SimpleQueue
from pathlib import Path

import numpy as np
from joblib import cpu_count
from tqdm import tqdm

from benchmark import evidence
from benchmark.errors import BadInput
from benchmark.params import Params
from benchmark.training import runs
from benchmark.training.runs import Run

SCRATCH = Path("scratch/runs")
SCRATCH_OF_COPIES = Path("scratch/copies")  # of runs that do not become evidence
_progress: "SimpleQueue[tuple[Run, int, int] | None]"


class TrainingFailed(Exception):  # noqa: N818
    """A run raised an exception; the message names it."""


def runs_of_cell(params: Params, task: str, model: str, module: str) -> list[Run]:
    """Return all runs that ``params.yaml`` asks of a cell."""
    return [Run(task, model, number, module) for number in range(params.task(task).runs)]


def train_cells(params: Params, wanted: list[list[Run]], force: bool) -> None:
    """Bring the evidence of cells up to date, each a list of its runs; runs whose inputs are unchanged are kept.

    With ``force``, a cell that has nothing to do is trained again, all its runs.
    """
    with ExitStack() as locks:
        for cell in wanted:
            locks.enter_context(_locked(cell[0]))
            evidence.recover(_finished(cell[0]), cell[0].folder.parent)
        todo = {run: cell for cell in wanted for run in _todo(params, cell, force)}
        left = {id(cell): sum(owner is cell for owner in todo.values()) for cell in wanted}
        folders: dict[Run, Path] = {}
        for run, folder in train(params, list(todo)):
            folders[run] = folder
            left[id(todo[run])] -= 1
            if not left[id(todo[run])]:
                _place(todo[run], folders)
        for cell in wanted:
            if not any(owner is cell for owner in todo.values()):  # only runs that are no longer wanted, if any
                _place(cell, {})


def train_into(params: Params, todo: list[Run], folder: Path) -> None:
    """Train runs, whatever evidence they have, and leave theirs below ``folder``, laid out like ``results/tasks``."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{folder}: {error.strerror}; it must be a folder that can be written to") from None
    with ExitStack() as locks:
        for cell in {(run.task, run.model): run for run in todo}.values():
            locks.enter_context(_locked(cell))
        for run, trained in dict(train(params, todo, SCRATCH_OF_COPIES)).items():
            target = folder / run.folder.relative_to(evidence.TASKS)
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(trained, target)
            shutil.rmtree(trained)


def train(params: Params, todo: list[Run], scratch: Path = SCRATCH) -> Iterator[tuple[Run, Path]]:
    """Train runs side by side, one thread each; yield each with the scratch folder that holds its evidence, when done.

    :class:`BadInput` comes before any compute; :class:`TrainingFailed` names the first run that raised.
    """
    folders = {run: scratch / run.task / run.model / f"run-{run.run}-{_key(params, run)}" for run in todo}
    for first in {(run.task, run.model): run for run in todo}.values():
        _check_options(params, first)
    waiting = []
    for run, folder in folders.items():
        if (folder / evidence.PROVENANCE).exists():
            print(f"{run}: was finished before the last command ended; taken up from {folder}", file=sys.stderr)
            yield run, folder
        else:
            waiting.append(run)
    if not waiting:
        return
    weight = _expected_seconds(params, waiting)
    waiting.sort(key=lambda run: -weight[run])  # the longest first, so that no core idles at the end
    context = multiprocessing.get_context("forkserver")
    if any(params.model(run.model).kind == "network" for run in waiting):
        context.set_forkserver_preload(["benchmark.training"])
    queue: SimpleQueue[tuple[Run, int, int] | None] = context.SimpleQueue()
    shown = threading.Thread(target=_show, args=(queue, weight), daemon=True)
    shown.start()
    workers = min(cpu_count(), len(waiting))
    with ProcessPoolExecutor(workers, context, _start_worker, (queue,)) as pool:
        try:
            with interrupts_held_back():
                futures = {pool.submit(_work, params, run, folders[run]): run for run in waiting}
            for future in as_completed(futures):
                run, error = futures[future], future.exception()
                if isinstance(error, BadInput):
                    raise error
                if error:
                    traceback.print_exception(error, file=sys.stderr)
                    raise TrainingFailed(f"{run}: {type(error).__name__}: {error}; its evidence is as it was")
                yield run, folders[run]
        except BaseException:
            _stop(pool)
            raise
    queue.put(None)
    shown.join()


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Let Ctrl-C wait until the block is done. Processes started in it never hear it: the command ends its workers."""
    heard = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))  # other threads hear it still
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # processes inherit this
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    if heard:
        raise KeyboardInterrupt


def _todo(params: Params, cell: list[Run], force: bool) -> list[Run]:
    changed = [run for run in cell if not _unchanged(params, run)]
    superfluous = len(evidence.runs_of(cell[0].task, cell[0].model)) > len(cell)
    return cell if force and not changed and not superfluous else changed


def _finished(run: Run) -> Path:
    return SCRATCH / run.task / run.model / "finished"


def _place(cell: list[Run], trained: dict[Run, Path]) -> None:
    """Swap a whole cell into its place: the runs just trained, and the kept ones."""
    finished = _finished(cell[0])
    shutil.rmtree(finished, ignore_errors=True)
    for run in cell:
        shutil.copytree(trained.get(run, run.folder), finished / run.folder.name)
    evidence.swap(finished, cell[0].folder.parent)
    shutil.rmtree(finished.parent)


@contextmanager
def _locked(cell: Run) -> Iterator[None]:
    """Keep a second command away from the cell."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    path = SCRATCH / f"{cell.task}-{cell.model}.lock"
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise BadInput(
                f"{cell.task}-{cell.model}: process {file.read()} is training it; wait for it, or end it"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _unchanged(params: Params, run: Run) -> bool:
    path = run.folder / evidence.PROVENANCE
    return path.exists() and evidence.read_json(path)["inputs"] == runs.inputs(params, run)


def _key(params: Params, run: Run) -> str:
    """Return what must be the same for work in scratch to be taken up: inputs, versions and kind of machine."""
    return evidence.digest([runs.inputs(params, run), runs.versions(), runs.machine()])[:16]


def _check_options(params: Params, run: Run) -> None:
    """Build the model and give it a little noise, so that a wrong value of an option is said at once."""
    model, build, task = params.model(run.model), runs.factory(params, run), params.task(run.task)
    if misfit := params.misfit(run.task, run.model):
        raise BadInput(f"params.yaml: models.{run.model} {misfit}")
    if not (model.options or model.lesion):
        return
    try:
        if model.kind == "estimator":
            build(seed=0, **model.options).fit(np.random.default_rng(0).random((40, 8)), np.arange(40) % 2)
        else:
            import torch

            with torch.device("meta"):  # no memory, no time
                network = build(num_classes=2, in_chans=1, img_size=task.input_size, **model.options)
                network(torch.zeros(2, 1 + model.lesion, task.input_size, task.input_size))
    except (TypeError, ValueError, RuntimeError, NotImplementedError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise BadInput(f"params.yaml: models.{run.model}: its options or lesion do not fit: {reason}") from None


def _expected_seconds(params: Params, todo: Iterable[Run]) -> dict[Run, float]:
    """Return what each run took before, by its evidence; where there is none, networks count more than estimators."""
    known = {}
    for run in todo:
        path = evidence.run_folder(run.task, run.model, 0) / evidence.PROVENANCE
        default = 100.0 if params.model(run.model).kind == "network" else 10.0
        known[run] = evidence.read_json(path)["seconds"] if path.exists() else default
    return known


def _start_worker(queue: "SimpleQueue[tuple[Run, int, int] | None]") -> None:
    global _progress
    _progress = queue
    threading.Thread(target=_end_with, args=(multiprocessing.parent_process(),), daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    """End this process when the command that started it is gone, however it went."""
    parent.join()
    os._exit(1)


def _work(params: Params, run: Run, folder: Path) -> None:
    """Perform a run in a worker process, with one thread."""
    if params.model(run.model).kind == "network":
        import torch

        torch.set_num_threads(1)
    runs.perform(params, run, folder, lambda done, epochs: _progress.put((run, done, epochs)))
    _progress.put((run, -1, 1))


def _show(queue: "SimpleQueue[tuple[Run, int, int] | None]", weight: dict[Run, float]) -> None:
    """Show how far the runs are, weighted by what each is expected to take; on a terminal with the time left."""
    style = "{desc} {percentage:3.0f}%|{bar}| {elapsed}, {remaining} left{postfix}"
    at, begun = dict.fromkeys(weight, 0.0), time.monotonic()
    with tqdm(total=sum(weight.values()), desc="training", bar_format=style, disable=None) as bar:
        while (heard := queue.get()) is not None:
            run, done, epochs = heard
            at[run] = weight[run] if done < 0 else 0.98 * weight[run] * done / epochs
            bar.n = sum(at.values())
            bar.set_postfix_str(f"{run}, epoch {done} of {epochs}" if done >= 0 else f"{run}, done")
            if done < 0:
                left = (time.monotonic() - begun) * (bar.total / bar.n - 1)
                bar.write(f"{run}: done; about {left / 60:.0f} min left", file=sys.stderr)


def _stop(pool: ProcessPoolExecutor) -> None:
    """End the pool's processes at once; what they had saved waits in scratch."""
    for process in list((pool._processes or {}).values()):
        process.terminate()
    pool.shutdown(wait=True, cancel_futures=True)
