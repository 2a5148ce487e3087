"""Runs side by side on this machine: one process per core, one thread each."""

from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from multiprocessing.connection import Connection
from pathlib import Path

from joblib import cpu_count

from benchmark import workers
from benchmark.errors import BadInput
from benchmark.training import memory, perform
from benchmark.training.progress import DONE
from benchmark.training.runs import Run

RUNS_PER_CARD = 12
_progress: Connection


def outcomes(
    waiting: list[Run], folders: dict[Run, Path], shared: Path, tell: Connection
) -> Iterator[tuple[Run, BaseException | None]]:
    """Perform runs, in order; yield each when it ends, with what it raised, if anything."""
    preload = ["benchmark.training.networks"] if any(run.model.kind == "network" for run in waiting) else []
    with workers.pool(side_by_side(waiting), preload, _start_worker, tell) as pool:
        with workers.interrupts_held_back():
            futures = {pool.submit(_work, run, folders[run], shared): run for run in waiting}
        for future in as_completed(futures):
            yield futures[future], future.exception()


def side_by_side(runs: Sequence[Run]) -> int:
    """Return how many of some runs are performed at once: one per core, and not too many on a card."""
    most = RUNS_PER_CARD if any(run.task.device == "cuda" for run in runs) else len(runs)
    return min(cpu_count(), len(runs), most)


def _start_worker(tell: Connection) -> None:
    global _progress
    _progress = tell


def _work(run: Run, folder: Path, shared: Path) -> None:
    perform_alone(run, folder, shared, lambda done, epochs: _progress.send((str(run), done, epochs)))
    _progress.send((str(run), DONE, 1))


def perform_alone(run: Run, folder: Path, shared: Path, on_epoch: perform.OnEpoch) -> None:
    """Perform a run in this process, with one thread: other counts of threads give other numbers."""
    if run.model.kind == "network" or run.task.device == "cuda":
        import torch

        torch.set_num_threads(1)
        if run.task.device == "cuda" and not torch.cuda.is_available():
            where = f"params.yaml: tasks.{run.task.name}.device"
            raise BadInput(f"{where}: no CUDA device here; it must be cpu on this machine")
    with memory.recorded(folder):
        perform.perform(run, folder, shared, on_epoch)
