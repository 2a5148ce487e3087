"""Where files are looked for: the data folder, then a mirror folder, then, if the source allows it, a download.

The data folder is ``data/`` or ``RETABLE_DATA``; the mirror is ``RETABLE_MIRROR``, a folder laid out like the data
folder, or one that contains the file itself. Nothing is ever written to the mirror.
"""

import hashlib
import os
import tempfile
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

from benchmark import reading
from benchmark.errors import BadInput

TIMEOUT_S = 30
CHUNK = 1 << 20


def data_folder() -> Path:
    """Return the folder that data is kept in."""
    return Path(os.environ.get("RETABLE_DATA") or "data")


def find(path: str) -> Path | None:
    """Return where ``path`` lies: below the data folder, else below the mirror folder, else nowhere."""
    places = [data_folder() / path]
    if mirror := os.environ.get("RETABLE_MIRROR"):
        if not Path(mirror).is_dir():
            raise BadInput(f"RETABLE_MIRROR={mirror}: no such folder; it must name one that contains {path}")
        places += [Path(mirror) / path, Path(mirror) / Path(path).name]
    return next((place for place in places if place.exists()), None)


def require(path: str, obtain: str) -> Path:
    """Return where ``path`` lies; :class:`BadInput` says where to put it and how to ``obtain`` it."""
    if found := find(path):
        return found
    raise BadInput(f"{data_folder() / path}: missing; put it there, or name a folder with RETABLE_MIRROR: {obtain}")


def check(path: Path, algorithm: str, expected: str, origin: str | None = None) -> Path:
    """Return ``path`` if its checksum is ``expected``, else refuse it with :class:`BadInput` that names its origin."""
    try:
        with reading.regular(path, "it must be a readable file").open("rb") as file:
            found = hashlib.file_digest(file, algorithm).hexdigest()
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}; it must be a readable file") from None
    if found != expected:
        raise BadInput(f"{origin or path}: {algorithm} is {found}, it must be {expected}; another file belongs here")
    return path


def download(url: str, path: str, algorithm: str, expected: str) -> Path:
    """Download ``url`` into the data folder as ``path``, with a progress bar; it appears there whole and checked."""
    from tqdm import tqdm

    target = data_folder() / path
    by_hand = "put the file there by hand, or name a folder that contains it with RETABLE_MIRROR"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".partial-") as partial:
            part = Path(partial) / target.name
            with urlopen(url, timeout=TIMEOUT_S) as answer, part.open("wb") as file:
                size = int(answer.headers.get("Content-Length") or 0)
                with tqdm(total=size or None, unit="B", unit_scale=True, desc=target.name) as bar:
                    while chunk := answer.read(CHUNK):
                        file.write(chunk)
                        bar.update(len(chunk))
            check(part, algorithm, expected, origin=f"{target}, as downloaded from {url}").replace(target)
    except (OSError, ValueError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise BadInput(f"{target}: could not be downloaded from {url} ({reason}); {by_hand}") from None
    return target
