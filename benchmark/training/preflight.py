"""What a machine must offer before training starts, told at once and not after hours of it."""

import errno
import multiprocessing
import os
import shutil
from pathlib import Path

from benchmark import data, evidence
from benchmark.errors import BadInput
from benchmark.training.corruptions import CORRUPTIONS
from benchmark.training.runs import Run, read_split

CHECKPOINTS = 500_000_000  # bytes, for those of the runs side by side


def check(todo: list[Run], scratch: Path, target: Path | None) -> None:
    """Raise :class:`BadInput` if ``todo`` cannot be trained below ``scratch``, or not be renamed to ``target``."""
    require_images(todo)
    _require_workers()
    scratch.mkdir(parents=True, exist_ok=True)
    if target:
        _require_renaming(scratch, target)
    _require_room(todo, scratch)


def require_images(todo: list[Run]) -> None:
    """Raise :class:`BadInput` if the images of a run, or those that its first weights are trained on, are not here."""
    for task in {one.name: one for run in todo for one in run.tasks}.values():
        data.load(task, evidence.manifest(task.name)["digest"])


def _require_workers() -> None:
    try:
        multiprocessing.get_context("forkserver").Lock()
    except (OSError, ImportError) as error:
        raise BadInput(f"/dev/shm: {error}; it must be writable, since worker processes share locks there") from None


def _require_renaming(scratch: Path, target: Path) -> None:
    """Raise :class:`BadInput` if finished work below ``scratch`` cannot be put in place by a rename."""
    probe, placed = (folder / f".probe-{os.getpid()}" for folder in (scratch, target))
    try:
        target.mkdir(parents=True, exist_ok=True)
        probe.mkdir()
        probe.rename(placed)
        placed.rmdir()
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        right = "both must be writable, and lie on one file system, since finished evidence is put in place by a rename"
        raise BadInput(f"{scratch}, {target}: {error.strerror}; {right}") from None
    finally:
        for folder in (probe, placed):
            if folder.exists():
                folder.rmdir()


def _require_room(todo: list[Run], scratch: Path) -> None:
    """Raise :class:`BadInput` if there is no room for checkpoints, corrupted test images and HOG features."""
    sets = {(run.task.name, run.number if run.task.split == "pooled" else 0): run for run in todo}
    with_hog = {key: run for key, run in sets.items() if any(_shares_hog(run, other) for other in todo)}
    needed = CHECKPOINTS + sum(map(_corrupted_bytes, sets.values())) + sum(map(_hog_bytes, with_hog.values()))
    free = shutil.disk_usage(scratch).free
    if free < needed:
        raise BadInput(f"{scratch}: {free / 1e9:.1f} GB are free on its disk; training needs {needed / 1e9:.1f} GB")


def _corrupted_bytes(run: Run) -> int:
    channels = evidence.manifest(run.task.name)["channels"] + run.model.lesion
    strengths = sum(len(kind.strengths) for kind in CORRUPTIONS.values())
    return len(read_split(run)[1]["test"]) * channels * run.task.input_size**2 * strengths


def _shares_hog(run: Run, other: Run) -> bool:
    return other.model.features == "hog" and other.task is run.task


def _hog_bytes(run: Run) -> int:
    """Return the size of the features of all images, and of the test images under each corruption."""
    rows = read_split(run)[1]
    strengths = sum(len(kind.strengths) for kind in CORRUPTIONS.values())
    blocks = max(run.task.input_size // 8 - 1, 0) ** 2
    return (sum(map(len, rows.values())) + strengths * len(rows["test"])) * blocks * 36 * 4
