"""Faults at the n-th file operation of a process: the process is killed, or the disk is full from there on.

Operations are counted that change what lies below a folder: a file is opened for writing, has been opened, is written
to (each write is one operation, cut in the middle), is synced; a file or folder is made, renamed, changed or deleted.
Python's audit hooks report most of them; opening and writing go through a stand-in for the file.
"""

import builtins
import errno
import io
import os
import shutil
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.utime"}
REMOVALS = {"os.remove", "os.rmdir"}  # a full disk still has room for these
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


@dataclass
class Fault:
    """What happens at operation ``number`` (from 1) below ``folder``: ``kill`` or ``full``; 0 only counts them.

    ``name`` counts only operations on paths that contain it.
    """

    folder: Path
    kind: str = "kill"
    number: int = 0
    name: str = ""
    count: int = 0

    def install(self) -> None:
        """Watch this process from now on; it cannot be undone."""
        shutil._USE_CP_SENDFILE = False  # copies are written as other files are
        real_open, real_fsync = io.open, os.fsync

        def opening(path, mode="r", *args, **kwargs):
            file = real_open(path, mode, *args, **kwargs)
            if set(mode) & set("wax+") and not isinstance(path, int) and self._is_watched(path):
                self.meet("opened", path)
                return _Watched(file, self, path)
            return file

        def syncing(descriptor):
            path = os.readlink(f"/proc/self/fd/{descriptor}")
            if self._is_watched(path):
                self.meet("fsync", path)
            real_fsync(descriptor)

        builtins.open = io.open = opening
        os.fsync = syncing
        sys.addaudithook(self._hear)

    def meet(self, event: str, path: object) -> None:
        """Count an operation; at the chosen one, do what is to happen."""
        self.count += 1
        if not self.number:
            return
        if self.kind == "kill" and self.count == self.number:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.kind == "full" and self.count >= self.number and event not in REMOVALS:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    def is_next(self) -> bool:
        """Whether the next operation meets the fault."""
        return bool(self.number) and self.count + 1 >= self.number

    def _hear(self, event: str, arguments: tuple) -> None:
        if event == "open":
            path, _, flags = arguments
            if not isinstance(path, int) and flags & WRITING and self._is_watched(path):
                self.meet(event, path)
        elif event in CHANGES:
            descriptor = arguments[-1] if event in ("os.remove", "os.rmdir") else -1
            path = arguments[1] if event == "os.rename" else arguments[0]
            if isinstance(path, int):
                return
            if descriptor != -1:
                path = os.path.join(os.readlink(f"/proc/self/fd/{descriptor}"), os.fsdecode(path))
            if self._is_watched(path):
                self.meet(event, path)

    def _is_watched(self, path: object) -> bool:
        whole = os.path.abspath(os.fsdecode(path))
        return whole.startswith(f"{self.folder}{os.sep}") and self.name in whole


class _Watched:
    """A file whose writes are counted."""

    def __init__(self, file, fault: Fault, path: object) -> None:
        self._file, self._fault, self._path = file, fault, path

    def write(self, data):
        """Write; where the fault is met, only a half."""
        if self._fault.is_next():
            self._file.write(data[: len(data) // 2])
            self._file.flush()
        self._fault.meet("write", self._path)
        return self._file.write(data)

    def __getattr__(self, name):
        return getattr(self._file, name)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return self._file.__exit__(*error)

    def __iter__(self):
        return iter(self._file)
