"""Files as they were at a commit of this repository."""

import io
import re
import subprocess
import tarfile
from functools import cache
from pathlib import Path


@cache
def is_here() -> bool:
    """Return whether the present folder is the top of a git repository."""
    return _git("rev-parse", "--show-prefix") == b"\n"


@cache
def has_commit(commit: str) -> bool:
    """Return whether ``commit``, 40 hexadecimal digits, is a commit of this repository."""
    return bool(re.fullmatch(r"[0-9a-f]{40}", commit)) and _git("cat-file", "-e", f"{commit}^{{commit}}") is not None


@cache
def files_at(commit: str, folder: Path) -> dict[str, bytes]:
    """Return path → content of the files below a folder at a commit; nothing where there is no such folder."""
    archive = _git("archive", "--format=tar", commit, "--", str(folder))
    if archive is None:
        return {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {member.name: file.read() for member in tar if member.isfile() and (file := tar.extractfile(member))}


def _git(*call: str) -> bytes | None:
    """Return what git puts out; None if it fails or is not there."""
    try:
        done = subprocess.run(["git", *call], capture_output=True, check=False)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None
