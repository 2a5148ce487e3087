"""Decoded images, kept in the data folder under their digest, so a set is decoded once."""

import json
import os
from contextlib import suppress
from pathlib import Path

import numpy as np

from benchmark.data import files
from benchmark.data.images import Images

TEXTS = ("ids", "classes", "official", "groups")


def read(digest: str) -> Images | None:
    """Return the images of this digest; None if they are not kept or no longer have it."""
    path = _path(digest)
    try:
        with np.load(path) as arrays:
            texts = {name: arrays[name].tolist() for name in TEXTS}
            skipped = json.loads(arrays["skipped"].item())
            images = Images(arrays["pixels"], arrays["labels"], **texts, skipped=skipped)
    except Exception:  # zipfile and NumPy raise whatever the bytes make them
        return None
    return images if images.digest == digest else None


def write(images: Images) -> None:
    """Keep images; a folder that cannot be written to keeps none."""
    path = _path(images.digest)
    part = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            texts = {name: np.array(getattr(images, name)) for name in TEXTS}
            skipped = np.array(json.dumps(images.skipped))
            np.savez(file, pixels=images.pixels, labels=images.labels, **texts, skipped=skipped)
        part.replace(path)
    except OSError:
        with suppress(OSError):
            part.unlink()


def _path(digest: str) -> Path:
    return files.data_folder() / "decoded" / f"{digest}.npz"
