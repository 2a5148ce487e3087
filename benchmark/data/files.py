"""Where files are looked for: the data folder, then a mirror folder, then, if the source allows it, a download.

The data folder is ``data/`` or ``RETABLE_DATA``; the mirror is ``RETABLE_MIRROR``, a folder laid out like the data
folder, or one that contains the file itself. Nothing is ever written to the mirror.
"""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from benchmark import reading
from benchmark.data import archives
from benchmark.errors import BadInput, NotHere
from benchmark.params import Pictures

TIMEOUT_S = 30
CHUNK = 1 << 20
BY_HAND = "put it there by hand, or name a folder that contains it with RETABLE_MIRROR"


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


def require(path: str, obtain: str, url: str | None = None, sha256: str = "") -> Path:
    """Return where a file lies; where it is missing, download it from ``url`` if there is one.

    :class:`NotHere` says where to put it and how to ``obtain`` it.
    """
    if found := find(path):
        return found
    if url:
        return download(url, path, "sha256", sha256)
    raise NotHere(f"{data_folder() / path}: missing; put it there, or name a folder with RETABLE_MIRROR: {obtain}")


def require_folder(source: Pictures) -> Path:
    """Return the folder of a source of picture files; where it is missing, download it if the source says from where.

    :class:`NotHere` says where to put it and how to obtain it.
    """
    target = data_folder() / source.path
    if find(source.path) or not (source.url or source.kaggle):
        found = require(source.path, source.obtain)
        if not found.is_dir():
            raise BadInput(f"{found}: is no folder; it must be one, unpacked")
        return found
    try:
        with _alone(target) as partial:
            if not target.exists():  # another command may have put it there meanwhile
                _fill(partial, source, target)
                _inner(partial).rename(target)
    except OSError as error:
        raise BadInput(f"{target}: cannot be made ({error.strerror or error}); {BY_HAND}: {source.obtain}") from None
    return target


def _fill(folder: Path, source: Pictures, target: Path) -> None:
    """Download the pictures of a source into an empty folder."""
    if source.kaggle:
        _from_kaggle(source.kaggle, folder, target, f"{BY_HAND}: {source.obtain}")
    else:
        archive = download(source.url, f".downloads/{source.sha256}", "sha256", source.sha256, str(target))
        archives.unpack(archive, folder, f"{target}, as downloaded from {source.url}")
        archive.unlink()


def _from_kaggle(name: str, folder: Path, target: Path, otherwise: str) -> None:
    try:
        import kagglehub
    except ImportError:
        raise NotHere(f"{target}: missing; {otherwise}; or have it downloaded: `pip install .[kaggle]`") from None
    try:
        kagglehub.dataset_download(name, output_dir=str(folder))
    except Exception as error:  # of its own, of requests and of the disk
        raise NotHere(
            f"{target}: missing; {otherwise}; Kaggle's {name} could not be downloaded ({error}): it may need an "
            "account, signed in as kagglehub says"
        ) from None


def _inner(folder: Path) -> Path:
    """Return the folder that contains more than a folder: an archive often has one around everything."""
    inside = [path for path in folder.iterdir() if path.name != "__MACOSX" and not path.name.startswith(".")]
    return _inner(inside[0]) if len(inside) == 1 and inside[0].is_dir() else folder


@contextmanager
def _alone(target: Path) -> Iterator[Path]:
    """Give an empty folder beside ``target`` to one command at a time; it is gone afterwards."""
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(target.parent, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".partial-", ignore_cleanup_errors=True) as partial:
            folder = Path(partial, "all")
            folder.mkdir()
            yield folder
    finally:
        os.close(lock)


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


def download(url: str, path: str, algorithm: str, expected: str, shown: str | None = None) -> Path:
    """Download ``url`` into the data folder as ``path``; it appears there whole and checked.

    What came before a break stays, and the next try goes on from there. ``shown`` is what an error names instead of
    the file. :class:`NotHere` if it cannot be had, :class:`BadInput` if it is another file.
    """
    target = data_folder() / path
    part = target.with_name(f".{target.name}.{expected[:16]}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with part.open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not target.exists():  # another command may have put it there meanwhile
                _receive_all(url, part, target.name)
                try:
                    check(part, algorithm, expected, origin=f"{shown or target}, as downloaded from {url}")
                except BadInput:
                    part.unlink()
                    raise
                part.replace(target)
    except (OSError, ValueError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise NotHere(f"{shown or target}: could not be downloaded from {url} ({reason}); {BY_HAND}") from None
    finally:
        if part.is_file() and not part.stat().st_size:
            part.unlink()
    return target


def _receive_all(url: str, part: Path, name: str) -> None:
    """Download what ``part`` lacks of ``url``, in as many tries as bring it further."""
    most = -1
    while True:
        try:
            return _receive(url, part, name)
        except (OSError, HTTPException):
            if part.stat().st_size <= max(most, 0):
                raise
            most = part.stat().st_size


def _receive(url: str, part: Path, name: str) -> None:
    from tqdm import tqdm

    begun = part.stat().st_size
    try:
        answer = urlopen(Request(url, headers={"Range": f"bytes={begun}-"} if begun else {}), timeout=TIMEOUT_S)
    except HTTPError as error:
        if error.code == 416:  # there is nothing behind what came before
            return
        raise
    with answer:
        begun = begun if getattr(answer, "status", None) == 206 else 0  # not every server can go on
        length = answer.headers.get("Content-Length")
        total = begun + int(length) if length else None
        with (
            part.open("ab" if begun else "wb") as file,
            tqdm(total=total, initial=begun, unit="B", unit_scale=True, desc=name) as bar,
        ):
            while chunk := answer.read(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
    if total and part.stat().st_size < total:
        raise ConnectionError(f"the connection ended after {part.stat().st_size} of {total} bytes")
