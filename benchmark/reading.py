"""Reading of files that anybody may have written: regular ones alone, so a command never waits for a pipe or device."""

import stat
from pathlib import Path

from benchmark.errors import BadInput


def regular(path: Path, right: str) -> Path:
    """Return ``path`` if it is a regular file; :class:`BadInput` ends with what would be ``right``."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise BadInput(f"{path}: missing; {right}") from None
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte
        raise BadInput(f"{path}: {getattr(error, 'strerror', None) or error}; {right}") from None
    if not stat.S_ISREG(mode):
        raise BadInput(f"{path}: is no regular file; {right}")
    return path


def content(path: Path, right: str) -> bytes:
    """Return the bytes of a regular file; :class:`BadInput` ends with what would be ``right``."""
    try:
        return regular(path, right).read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}; {right}") from None


def text(path: Path, right: str) -> str:
    """Return the text of a regular file in UTF-8; :class:`BadInput` ends with what would be ``right``."""
    try:
        return regular(path, right).read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}; {right}") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: byte {error.start} is no UTF-8; {right}") from None
