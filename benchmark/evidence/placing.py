"""Finished folders put in their place whole, so a kill or a power cut leaves the old one or the new one."""

import os
import shutil
from pathlib import Path


def swap(finished: Path, target: Path) -> None:
    """Put the ``finished`` folder in the place of ``target``, whole; both lie on one file system."""
    target.parent.mkdir(parents=True, exist_ok=True)
    old = finished.with_name(finished.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        os.replace(target, old)
    os.replace(finished, target)
    _sync_one(target.parent)
    shutil.rmtree(old, ignore_errors=True)


def sync(folder: Path) -> None:
    """Write the files of a folder, and their names, to the disk before anything else relies on them."""
    for path in [*folder.rglob("*"), folder]:
        _sync_one(path)


def _sync_one(path: Path) -> None:
    """Write a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def recover(finished: Path, target: Path) -> None:
    """Bring ``target`` back, if a kill fell between the two renames of :func:`swap`."""
    old = finished.with_name(finished.name + ".old")
    if old.exists() and not target.exists():
        os.replace(old, target)


def keep(folder: Path) -> None:
    """Make git keep the output folder of a stage, empty or not."""
    folder.mkdir(parents=True, exist_ok=True)
    if not any(path.name != ".gitkeep" for path in folder.iterdir()):
        (folder / ".gitkeep").touch()
    else:
        (folder / ".gitkeep").unlink(missing_ok=True)
