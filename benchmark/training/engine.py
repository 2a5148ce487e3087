"""What is to be trained, in which order, and what becomes of each run; an engine says where runs are performed.

An engine takes runs in order, run → the folder to leave its evidence in, a folder that runs share, and a pipe to tell
progress to (:mod:`benchmark.training.progress`). It yields each run when it ends, with what it raised, if anything.
"""

import errno
import sys
import traceback
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from benchmark import evidence
from benchmark.errors import BadInput, TrainingFailed, Unreachable, failure, one_line
from benchmark.evidence import provenance
from benchmark.evidence.digests import code_digest, digest
from benchmark.training import progress
from benchmark.training.corruptions import corruption_digests
from benchmark.training.runs import SHARED_CODE, Run, inputs

SHARED = "shared"  # the folder, beside those of the runs, of what all models of a task share
Decides = tuple[dict[str, str], dict[str, str]]  # the inputs of a run, and the digests of the corruptions
MAKES_SHARED = (*SHARED_CODE, "benchmark/training/corrupted.py", "benchmark/training/estimators.py")
Engine = Callable[[list[Run], dict[Run, Path], Path, Connection], Iterator[tuple[Run, BaseException | None]]]


def train(todo: list[Run], scratch: Path, engine: Engine) -> Iterator[tuple[Run, Path]]:
    """Train runs; yield each, when it is done, with the folder below ``scratch`` that contains its evidence.

    What was finished or half done there by the same inputs, versions and kind of machine is taken up again.
    :class:`BadInput` comes before any compute. A run that fails stops no other; at the end :class:`TrainingFailed`
    names those that failed.
    """
    corruptions = corruption_digests()
    asked = {run: (inputs(run), corruptions) for run in todo}
    folders = {run: scratch / Path(*run.cell) / f"run-{run.number}-{_key(run, asked[run])}" for run in todo}
    for first in {run.cell: run for run in todo}.values():
        _check_model(first)
    waiting, failed = [], []
    for run, folder in folders.items():
        if provenance.is_whole(folder):
            print(f"{run}: was finished before the last command ended; taken up from {folder}", file=sys.stderr)
            yield run, folder
        else:
            (folder / evidence.PROVENANCE).unlink(missing_ok=True)
            _set_torn_checkpoints_aside(run, folder)
            waiting.append(run)
    for run, error in _ended(engine, waiting, folders, _shared(scratch)) if waiting else ():
        if error is None and not _is_of(folders[run], asked[run]):  # a worker keeps the code that it has imported
            error = BadInput(f"{run}: its code, images or split changed while the command ran; start the command again")
        if error is None:
            yield run, folders[run]
            continue
        failed.append(_told(run, error, folders[run].with_suffix(".failed.txt")))
        if _stops_all(error):
            raise failed[-1]
        if not isinstance(error, BadInput):
            print(one_line(str(failed[-1])), file=sys.stderr)
    if failed:
        raise _all_told(failed, len(todo))


def _ended(
    engine: Engine, waiting: list[Run], folders: dict[Run, Path], shared: Path
) -> Iterator[tuple[Run, BaseException | None]]:
    """Yield runs as they end, with what they raised; the longest begin first, so no core idles at the end."""
    seconds = {run: _expected_seconds(run) for run in waiting}
    with progress.shown({str(run): weight for run, weight in seconds.items()}) as tell:
        yield from engine(sorted(waiting, key=lambda run: -seconds[run]), folders, shared, tell)


def _stops_all(error: BaseException) -> bool:
    """Whether no other run can be expected to end well."""
    return isinstance(error, BrokenProcessPool | Unreachable) or (
        isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    )


def _told(run: Run, error: BaseException, log: Path) -> Exception:
    """Return what a run's exception means to a person; the traceback of one in a model's code is left in ``log``."""
    if isinstance(error, BadInput | Unreachable):
        return error
    if isinstance(error, BrokenProcessPool):
        why = "its process or another worker's was killed, as for lack of memory"
    elif isinstance(error, OSError | MemoryError | TrainingFailed):
        why = failure(error)
    else:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        why = f"{type(error).__name__}: {error}; {log} has the traceback"
    return TrainingFailed(f"{run}: {why}; its evidence is as it was")


def _all_told(failed: list[Exception], runs: int) -> Exception:
    """Return the failures of some of so many runs as one exception."""
    if len({*map(str, failed)}) == 1:  # as where images are gone
        return failed[0]
    others = ", the others are done" if len(failed) < runs else ""
    return TrainingFailed(f"{len(failed)} runs failed{others}; " + "; ".join(map(str, failed)))


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


def _shared(scratch: Path) -> Path:
    """Return the folder of what models share, below ``scratch``; other code and versions have another one."""
    return scratch / SHARED / digest([code_digest([Path(path) for path in MAKES_SHARED]), provenance.versions()])[:16]


def _is_of(folder: Path, decides: Decides) -> bool:
    """Whether the evidence in a folder is of these inputs and corruptions; placing refuses what is damaged."""
    try:
        facts = provenance.read(folder)
    except BadInput:
        return True
    return (facts.get("inputs"), facts.get("robustness")) == decides


def _key(run: Run, decides: Decides) -> str:
    """Return what must be the same for work in scratch to be taken up: inputs, corruptions, versions, machine."""
    device = run.task.device
    try:
        machine = provenance.machine(device)
    except (RuntimeError, AssertionError):  # no such device here, which the run itself says
        machine = {"device": device}
    return digest([*decides, provenance.versions(), machine])[:16]


def _check_model(run: Run) -> None:
    """Build the model and give it a little noise, so what does not fit is told at once."""
    model, factory, where = run.model, run.factory, f"params.yaml: models.{run.model.name}"
    try:
        if model.kind == "estimator":
            noise, labels = np.random.default_rng(0).random((40, 8)), np.arange(40) % 2
            factory(seed=0, **model.options).fit(noise, labels).predict_proba(noise)
            return
        from benchmark.training import network_checks, weights

        weights.check(model, factory)
        described = evidence.manifest(run.task.name)
        classes, channels = len(described["classes"]), described["channels"]

        def build(size: int) -> Any:
            return factory(num_classes=classes, in_chans=channels, img_size=size, **model.options)

        network_checks.require_fit(where, build, classes, channels + model.lesion, run.task.input_size)
    except (BadInput, MemoryError, OSError, ImportError):
        raise
    except Exception as error:  # whatever the model's own code raises
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        options = ", ".join(f"{name}: {value}" for name, value in model.options.items())
        other = f", or its options ({options}) do not" if options else ""
        raise BadInput(f"{where}: does not fit {run.task.name}{other}: {reason}") from None


def _expected_seconds(run: Run) -> float:
    """Return what a run took before, by its evidence; where there is none, networks count more than estimators."""
    path = evidence.run_folder(*run.cell, 0) / evidence.PROVENANCE
    with suppress(BadInput, TypeError, ValueError):  # a damaged one is trained again like a missing one
        return float(evidence.read_json(path)["seconds"])
    return 100.0 if run.model.kind == "network" else 10.0
