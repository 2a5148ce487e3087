"""Sources of kind ``folder``: images of any size in one folder per class, below each part of the source's own split."""

import re
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path

import numpy as np
from PIL import Image

from benchmark import reading
from benchmark.data import Images, files
from benchmark.data.images import group_name
from benchmark.data.resize import resize_one
from benchmark.errors import BadInput
from benchmark.params import Folder

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp"}


def load(source: Folder, size: int) -> Images:
    """Return all images below the source's folder at ``size`` × ``size``."""
    top = files.require(source.path, source.obtain)
    parts = {"train": source.train, "validation": source.validation, "test": source.test}
    part_folders = {part: top / name for part, name in parts.items() if name is not None}
    _refuse_same(source, part_folders)
    folders = {part: _class_folders(folder) for part, folder in part_folders.items()}
    class_of = _class_of(source, folders)
    classes = list(source.classes) if source.classes else sorted(set(class_of.values()))
    if len(classes) < 2:
        raise BadInput(f"{top / source.train}: only the class {classes[0]!r}; there must be at least two classes")
    entries: list[tuple[str, int, Path]] = []
    for part, folders_of_part in folders.items():
        if missing := set(classes) - {class_of[folder.name] for folder in folders_of_part}:
            raise BadInput(f"{part_folders[part]}: no folder of class {min(missing)!r}; every part needs every class")
        for folder in sorted(folders_of_part, key=lambda folder: (classes.index(class_of[folder.name]), folder.name)):
            paths = sorted(path for path in folder.glob("[!.]*") if path.suffix.lower() in SUFFIXES)
            if not paths:
                raise BadInput(f"{folder}: no images; every class folder must contain some")
            entries += [(part, classes.index(class_of[folder.name]), path) for path in paths]
    with ThreadPoolExecutor(2) as pool:  # Pillow decodes outside the interpreter's lock
        pixels = list(pool.map(lambda entry: _read(entry[2], size, source.channels), entries))
    return Images(
        pixels=np.stack(pixels),
        labels=np.array([label for _, label, _ in entries]),
        ids=[path.relative_to(top).as_posix() for _, _, path in entries],
        classes=classes,
        official=[part for part, _, _ in entries],
        groups=[_group(path.name, source.group_pattern) for _, _, path in entries],
    )


def _refuse_same(source: Folder, folders: dict[str, Path]) -> None:
    """Refuse two parts that are one folder: what is tested on would be trained on."""
    for one, other in combinations(folders, 2):
        if folders[one].resolve() == folders[other].resolve():
            raise BadInput(
                f"{source.name}: {one} and {other} are the same folder, {folders[one]}; each part needs its own"
            )


def _class_of(source: Folder, folders: dict[str, list[Path]]) -> dict[str, str]:
    """Return the class that each folder name stands for; :class:`BadInput` names a folder that no class lists."""
    names = [folder.name for folders_of_part in folders.values() for folder in folders_of_part]
    if source.classes is None:
        return {name: name for name in names}
    listed = {name: label for label, names_of_class in source.classes.items() for name in names_of_class}
    for name in names:
        if name not in listed:
            raise BadInput(f"{source.name}: folder {name!r} belongs to no class; list it under the source's classes")
    return listed


def _class_folders(part: Path) -> list[Path]:
    if not part.is_dir():
        raise BadInput(f"{part}: missing; the folders of the source's parts must be named as in params.yaml")
    folders = [path for path in part.glob("[!.]*") if path.is_dir()]
    if not folders:
        raise BadInput(f"{part}: no class folders; it must contain one folder per class")
    return folders


def _read(path: Path, size: int, channels: int) -> np.ndarray:
    try:
        with Image.open(reading.regular(path, "it must be an image")) as image:
            if image.mode.startswith(("I", "F")):
                raise ValueError(f"mode {image.mode}, not 8 bits a channel")
            if image.has_transparency_data and image.convert("RGBA").getchannel("A").getextrema()[0] < 255:
                raise ValueError("it has transparent pixels")
            return resize_one(image.convert("L" if channels == 1 else "RGB"), size)
    except (BadInput, MemoryError):
        raise
    except Exception as error:  # the decoders of a damaged image raise a dozen kinds
        reason = str(error).replace(f" {str(path)!r}", "")
        raise BadInput(f"{path}: cannot be read ({reason}); it must be a whole, opaque 8-bit image") from None


def _group(name: str, pattern: str | None) -> str:
    if pattern is None:
        return ""
    if (match := re.search(pattern, name)) and match.group(1) is not None:
        return group_name(match.group(1))
    raise BadInput(f"{name}: does not match group_pattern {pattern!r}; every file name must contain its group")
