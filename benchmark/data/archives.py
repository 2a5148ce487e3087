"""Archives (zip, and tar, compressed or not), unpacked safely: whole or not at all, and nothing outside the folder."""

import errno
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from benchmark.errors import BadInput

LARGEST_RATIO, ALWAYS_FINE = 200, 1 << 30  # of the unpacked bytes to the archive's; bytes that are no bomb
MOST_FILES = 2_000_000
CHUNK = 1 << 20
MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EACCES, errno.EPERM, errno.EROFS)  # no fault of an archive


@dataclass(frozen=True)
class Member:
    """A file of an archive: its name, the size that it declares, and how it is opened."""

    name: str
    size: int
    open: Callable[[], IO[bytes] | None]


class NoRoomError(Exception):
    """An archive needs more room than the disk has."""


def unpack(archive: Path, folder: Path, shown: str) -> None:
    """Unpack an archive, which messages call ``shown``, into an empty folder.

    :class:`BadInput` if it is none, if anything in it is unsafe, or if there is no room for it.
    """
    try:
        if tarfile.is_tarfile(archive):  # by its beginning; zip, by its end, would take a tar whose last file is a zip
            with tarfile.open(archive) as opened:
                _unpack(list(_of_tar(opened)), archive, folder)
        elif zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                _unpack(list(_of_zip(opened)), archive, folder)
        else:
            raise ValueError("it is neither zip nor tar")
    except NoRoomError as error:
        raise BadInput(f"{shown}: {error}; make room") from None
    except Exception as error:  # zipfile, tarfile and their decompressors raise a dozen kinds
        if isinstance(error, MemoryError) or getattr(error, "errno", None) in MACHINE:
            raise
        raise BadInput(f"{shown}: cannot be unpacked ({error}); it must be a whole zip or tar file") from None


def _of_zip(archive: zipfile.ZipFile) -> Iterator[Member]:
    for entry in archive.infolist():
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise ValueError(f"{entry.filename!r} is a link or a device")
        if not entry.is_dir():
            yield Member(entry.filename, entry.file_size, lambda entry=entry: archive.open(entry))


def _of_tar(archive: tarfile.TarFile) -> Iterator[Member]:
    for entry in archive:
        if not (entry.isreg() or entry.isdir()):
            raise ValueError(f"{entry.name!r} is a link or a device")
        if entry.isreg():
            yield Member(entry.name, entry.size, lambda entry=entry: archive.extractfile(entry))


def _unpack(members: list[Member], archive: Path, folder: Path) -> None:
    total = sum(member.size for member in members)
    room = shutil.disk_usage(folder).free
    if len(members) > MOST_FILES or total > max(ALWAYS_FINE, LARGEST_RATIO * archive.stat().st_size):
        raise ValueError(f"{len(members)} files of {total / 1e9:.1f} GB, more than an archive of its size can have")
    if total > room:
        raise NoRoomError(f"needs {total / 1e9:.1f} GB when unpacked, and {room / 1e9:.1f} GB are free")
    targets = [folder / _inside(member.name) for member in members]
    if len({*targets} - {parent for target in targets for parent in target.parents}) < len(members):
        raise ValueError("two of its files have one name")
    for member, target in zip(members, targets, strict=True):
        target.parent.mkdir(parents=True, exist_ok=True)
        with member.open() as source, target.open("xb") as file:
            left = member.size
            while chunk := source.read(CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise ValueError(f"{member.name!r} is larger than it declares")
                file.write(chunk)
        if left:
            raise ValueError(f"{member.name!r} is shorter than it declares")


def _inside(name: str) -> PurePosixPath:
    """Return a member's path below the folder; ValueError if it leads out of it."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or not path.parts or ":" in path.parts[0] or "\0" in name:
        raise ValueError(f"{name!r} leads out of the folder")
    return path
