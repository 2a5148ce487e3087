"""Runs side by side on this machine: one process per core, one thread each."""

import sys
import threading
import time
import traceback
import zipfile
from collections.abc import Iterator
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from joblib import cpu_count
from tqdm import tqdm

from benchmark import evidence, workers
from benchmark.errors import BadInput, TrainingFailed, failure
from benchmark.evidence import provenance
from benchmark.evidence.digests import digest
from benchmark.training import perform
from benchmark.training.corruptions import CORRUPTIONS
from benchmark.training.runs import Run, inputs

SHARED = "corrupted"  # the folder, beside those of the runs, of what all models of a task share
RUNS_PER_CARD = 12
_progress: Connection  # takes a run, how many of its epochs are done (-1: the run is), of how many; at the end None


def train(todo: list[Run], scratch: Path) -> Iterator[tuple[Run, Path]]:
    """Train runs; yield each, when it is done, with the folder below ``scratch`` that contains its evidence.

    What was finished or half done there by the same inputs, versions and kind of machine is taken up again.
    :class:`BadInput` comes before any compute; :class:`TrainingFailed` names the first run that raised.
    """
    folders = {run: scratch / run.task.name / run.model.name / f"run-{run.number}-{_key(run)}" for run in todo}
    for first in {run.cell: run for run in todo}.values():
        _check_model(first)
    waiting = []
    for run, folder in folders.items():
        if provenance.is_whole(folder):
            print(f"{run}: was finished before the last command ended; taken up from {folder}", file=sys.stderr)
            yield run, folder
        else:
            (folder / evidence.PROVENANCE).unlink(missing_ok=True)
            _set_torn_checkpoints_aside(run, folder)
            waiting.append(run)
    if waiting:
        yield from _side_by_side(waiting, folders, scratch / SHARED)


def _side_by_side(waiting: list[Run], folders: dict[Run, Path], shared: Path) -> Iterator[tuple[Run, Path]]:
    seconds = {run: _expected_seconds(run) for run in waiting}
    waiting = sorted(waiting, key=lambda run: -seconds[run])  # the longest first, so no core idles at the end
    # A pipe without a lock: a short message is written whole or not at all, whenever its writer is killed.
    heard, tell = workers.CONTEXT.Pipe(duplex=False)
    weights = {str(run): weight for run, weight in seconds.items()}
    shown = threading.Thread(target=_show, args=(heard, weights), daemon=True)
    shown.start()
    count = min(cpu_count(), len(waiting))
    if any(run.task.device == "cuda" for run in waiting):
        count = min(count, RUNS_PER_CARD)
    preload = ["benchmark.training.networks"] if any(run.model.kind == "network" for run in waiting) else []
    try:
        with workers.pool(count, preload, _start_worker, tell) as pool:
            with workers.interrupts_held_back():
                futures = {pool.submit(_work, run, folders[run], shared): run for run in waiting}
            for future in as_completed(futures):
                run, error = futures[future], future.exception()
                if error:
                    raise _told(run, error)
                yield run, folders[run]
    finally:
        tell.send(None)
        shown.join()


def _told(run: Run, error: BaseException) -> Exception:
    """Return what a run's exception means to a person; of one in a model's code the traceback is shown."""
    if isinstance(error, BadInput):
        return error
    if isinstance(error, BrokenProcessPool):
        why = "its process or another worker's was killed, as for lack of memory"
    elif isinstance(error, OSError | MemoryError | TrainingFailed):
        why = failure(error)
    else:
        traceback.print_exception(error, file=sys.stderr)
        why = f"{type(error).__name__}: {error}"
    return TrainingFailed(f"{run}: {why}; its evidence is as it was")


def _set_torn_checkpoints_aside(run: Run, folder: Path) -> None:
    """Move checkpoints away that are not whole, as a power cut leaves them; their training starts anew."""
    for checkpoint in folder.glob("*.pt"):
        try:
            with zipfile.ZipFile(checkpoint) as archive:
                torn = archive.testzip()
        except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError):
            torn = checkpoint.name
        if torn:
            aside = folder.with_name(f"{folder.name}.torn.pt")
            checkpoint.replace(aside)
            print(f"{run}: {checkpoint} is torn; set aside as {aside.name}, training starts anew", file=sys.stderr)


def _key(run: Run) -> str:
    """Return what must be the same for work in scratch to be taken up: inputs, corruptions, versions, machine."""
    corruptions = {name: kind.digest for name, kind in CORRUPTIONS.items()}
    return digest([inputs(run), corruptions, provenance.versions(), provenance.machine()])[:16]


def _check_model(run: Run) -> None:
    """Build the model and give it a little noise, so what does not fit is told at once."""
    model, factory, where = run.model, run.factory, f"params.yaml: models.{run.model.name}"
    try:
        if model.kind == "estimator":
            if model.options:
                factory(seed=0, **model.options).fit(np.random.default_rng(0).random((40, 8)), np.arange(40) % 2)
            return
        from benchmark.training import network_checks, weights

        weights.check(model, factory)
        described = evidence.read_json(evidence.TASKS / run.task.name / "manifest.json")
        classes, channels = len(described["classes"]), described["channels"]

        def build(size: int) -> Any:
            return factory(num_classes=classes, in_chans=channels, img_size=size, **model.options)

        network_checks.require_fit(where, build, classes, channels + model.lesion, run.task.input_size)
    except (TypeError, ValueError, AttributeError, RuntimeError, NotImplementedError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise BadInput(f"{where}: does not fit {run.task.name}, or its options do not: {reason}") from None


def _expected_seconds(run: Run) -> float:
    """Return what a run took before, by its evidence; where there is none, networks count more than estimators."""
    path = evidence.run_folder(*run.cell, 0) / evidence.PROVENANCE
    with suppress(BadInput, TypeError, ValueError):  # a damaged one is trained again like a missing one
        return float(evidence.read_json(path)["seconds"])
    return 100.0 if run.model.kind == "network" else 10.0


def _start_worker(tell: Connection) -> None:
    global _progress
    _progress = tell


def _work(run: Run, folder: Path, shared: Path) -> None:
    """Perform a run in a worker process, with one thread."""
    if run.model.kind == "network":
        import torch

        torch.set_num_threads(1)
    perform.perform(run, folder, shared, lambda done, epochs: _progress.send((str(run), done, epochs)))
    _progress.send((str(run), -1, 1))


def _show(heard: Connection, weights: dict[str, float]) -> None:
    """Show how far the runs are, weighted by what each is expected to take; on a terminal with the time left."""
    style = "{desc} {percentage:3.0f}%|{bar}| {elapsed}, {remaining} left{postfix}"
    at, begun = dict.fromkeys(weights, 0.0), time.monotonic()
    with suppress(OSError), tqdm(total=sum(weights.values()), desc="training", bar_format=style, disable=None) as bar:
        while (message := heard.recv()) is not None:
            run, done, epochs = message
            at[run] = weights[run] if done < 0 else 0.98 * weights[run] * done / epochs
            bar.n = sum(at.values())
            bar.set_postfix_str(f"{run}, epoch {done} of {epochs}" if done >= 0 else f"{run}, done")
            if done < 0:
                left = (time.monotonic() - begun) * (bar.total / max(bar.n, 1e-9) - 1)
                bar.write(f"{run}: done; about {left / 60:.0f} min left", file=sys.stderr)
        return
    while heard.recv() is not None:  # nobody reads standard error any more; the runs must not wait for it
        pass
