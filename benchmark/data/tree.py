"""The files below a folder: pictures, told by their content, and what is skipped, counted by its kind."""

import os
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from PIL import Image

from benchmark import reading
from benchmark.data import dicom
from benchmark.data.images import composed
from benchmark.errors import BadInput

SYSTEM = {"thumbs.db", "desktop.ini", "__macosx", "dicomdir"}  # what systems put beside pictures
TEXT_OF_PICTURES = {".svg", ".mhd", ".nhdr"}  # text that is, or belongs to, a picture that cannot be read
LOOKED_AT = 4096  # bytes of a file, to see whether it is text


@dataclass(frozen=True)
class Tree:
    """What lies below a folder.

    ``pictures`` maps the name of each picture (its path relative to the folder, with ``/``, in NFC) to its path, in
    order; ``folders`` does the same for all folders that are not skipped; ``skipped`` counts the other files by kind.
    """

    pictures: dict[str, Path]
    folders: dict[str, Path]
    skipped: dict[str, int]


def read(top: Path, ignore: list[str], listed: Collection[str] = (), table: Path | None = None) -> Tree:
    """Return what lies below ``top``, its ``table`` aside.

    ``ignore`` are patterns of names of files and folders; they do not concern the names that are ``listed``.
    :class:`BadInput` names a file that is neither a picture nor anything known, names that cannot be told apart, and a
    pattern that fits nothing.
    """
    pictures: dict[str, Path] = {}
    folders: dict[str, Path] = {}
    skipped: Counter[str] = Counter()
    names: list[str] = []
    for place, subfolders, files in os.walk(top, onerror=_refuse, followlinks=True):
        if Path(place) != top and _kind_of_name(top, Path(place), ignore) is None:
            folders[_name(top, Path(place))] = Path(place)
        names += [composed(Path(place, name).relative_to(top).as_posix()) for name in (*subfolders, *files)]
        for subfolder in subfolders:
            if Path(place).resolve().is_relative_to(Path(place, subfolder).resolve()):
                raise BadInput(f"{Path(place, subfolder)}: a link to a folder that contains it; remove it")
        for file in files:
            path = Path(place, file)
            if path == table:
                continue
            kind = _kind_of_name(top, path, ignore, listed) or _kind_of_content(path)
            if kind:
                skipped[kind] += 1
                continue
            name = _name(top, path)
            if name in pictures:
                raise BadInput(f"{path}: another file has this name, in another form of Unicode; rename one of them")
            pictures[name] = path
    for pattern in ignore:
        _refuse_unfit(pattern, names, top)
    in_order = dict(sorted(pictures.items(), key=lambda picture: picture[0].split("/")))
    return Tree(in_order, dict(sorted(folders.items())), dict(sorted(skipped.items())))


def _refuse(error: OSError) -> None:
    raise BadInput(f"{error.filename}: {error.strerror}; it must be a folder that can be read")


def _refuse_unfit(pattern: str, names: list[str], top: Path) -> None:
    """Refuse a pattern that fits no name of a file or folder: what it should leave out would be taken."""

    def fits(one: str) -> bool:
        return any(fnmatchcase(name, composed(one)) for name in names)

    if fits(pattern):
        return
    bare = pattern.strip("/")
    near = next((repr(one) for one in (bare, f"*/{bare}") if fits(one)), None)
    right = f"did you mean {near}?" if near else "it must fit a path from there on, as '*/masks' or '*_mask.png' do"
    raise BadInput(f"{top}: `ignore` of the source: no file or folder is called {pattern!r}; {right}")


def _matches(name: str, patterns: list[str]) -> bool:
    """Whether a pattern fits a name or that of a folder it lies in; ``*`` stands for anything, ``/`` too."""
    steps = name.split("/")
    names = ["/".join(steps[:count]) for count in range(1, len(steps) + 1)]
    return any(fnmatchcase(one, composed(pattern)) for one in names for pattern in patterns)


def _name(top: Path, path: Path) -> str:
    name = path.relative_to(top).as_posix()
    try:
        name.encode()
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode("utf-8", "backslashreplace")
        raise BadInput(f"{shown}: its name is not UTF-8; rename it") from None
    return composed(name)


def _kind_of_name(top: Path, path: Path, ignore: list[str], listed: Collection[str] = ()) -> str | None:
    """Return what a file or folder is skipped as because of its name; None if it is not."""
    steps = path.relative_to(top).parts
    if any(step.lower() in SYSTEM for step in steps):
        return "of the system"
    if any(step.startswith(".") for step in steps):
        return "hidden"
    name = _name(top, path)
    return "ignored" if name not in listed and _matches(name, ignore) else None


def _kind_of_content(path: Path) -> str | None:
    """Return what a file is skipped as because of its content; None if it is a picture."""
    suffix = path.suffix.lower()
    if suffix in _suffixes() or suffix in dicom.SUFFIXES:
        return None  # if it is none, reading it says so
    reading.regular(path, "it must be a picture")
    if dicom.is_dicom(path) or _is_picture(path):
        return None
    if _is_text(path) and suffix not in TEXT_OF_PICTURES:
        return "text"
    raise BadInput(f"{path}: is neither a picture that can be read nor text; list it under `ignore` of the source")


@cache
def _suffixes() -> frozenset[str]:
    """Return the suffixes of pictures that Pillow reads."""
    return frozenset(suffix for suffix, kind in Image.registered_extensions().items() if kind in Image.OPEN)


def _is_picture(path: Path) -> bool:
    try:
        with Image.open(path):
            return True
    except Exception:  # as the decoders raise
        return False


def _is_text(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(LOOKED_AT)
    try:
        start.decode()
    except UnicodeDecodeError as error:
        is_cut = len(start) == LOOKED_AT and error.start >= LOOKED_AT - 3
        if not is_cut:
            return False
    return bool(start) and 0 not in start
