"""Decoded images, kept in the data folder: while its files stay as they are, a set is decoded once."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from benchmark.data import files
from benchmark.data.images import Images
from benchmark.evidence.digests import digest
from benchmark.params import Task

TEXTS = ("ids", "classes", "official", "groups")


def state(task: Task) -> str | None:
    """Return the digest of what decoded images hang on: the source's entry, the size, and its files.

    A file is looked at by its name, size and time. It is None for sources that are not kept decoded.
    :class:`NotHere` if the files are missing.
    """
    if task.source.kind not in ("folder", "table"):
        return None
    top = files.require_folder(task.source)
    return digest([task.source.model_dump(), task.native_size, *sorted(_files(top))])


def _files(top: Path) -> Iterator[tuple[str, int, int]]:
    for place, subfolders, names in os.walk(top, followlinks=True):
        inside = Path(place).resolve()
        subfolders[:] = [name for name in subfolders if not inside.is_relative_to(Path(place, name).resolve())]
        for name in names:
            with suppress(OSError):  # a link to nowhere
                facts = os.stat(Path(place, name))
                yield os.path.relpath(Path(place, name), top), facts.st_size, facts.st_mtime_ns


def read(wanted: str, of: str) -> Images | None:
    """Return the images of the digest ``wanted``; None if none are kept of the state ``of``, or they are damaged."""
    path = _path(wanted)
    try:
        with np.load(path) as arrays:
            if arrays["state"].item() != of:
                return None
            texts = {name: arrays[name].tolist() for name in TEXTS}
            skipped = json.loads(arrays["skipped"].item())
            images = Images(arrays["pixels"], arrays["labels"], **texts, skipped=skipped)
    except Exception:  # zipfile and NumPy raise whatever the bytes make them
        return None
    return images if images.digest == wanted else None


def write(images: Images, of: str) -> None:
    """Keep images, decoded from files of the state ``of``; a folder that cannot be written to keeps none."""
    path = _path(images.digest)
    part = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            texts = {name: np.array(getattr(images, name)) for name in TEXTS}
            skipped = np.array(json.dumps(images.skipped))
            np.savez(file, pixels=images.pixels, labels=images.labels, **texts, skipped=skipped, state=np.array(of))
        part.replace(path)
    except OSError:
        with suppress(OSError):
            part.unlink()


def _path(wanted: str) -> Path:
    return files.data_folder() / "decoded" / f"{wanted}.npz"
