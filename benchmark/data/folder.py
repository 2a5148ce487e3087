"""Sources of kind ``folder``: one folder a class, images of any size, below each part of the source's own split."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from benchmark.data import Images, files
from benchmark.data.resize import resize_one
from benchmark.errors import BadInput
from benchmark.params import Folder

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp"}


def load(source: Folder, size: int) -> Images:
    """Return all images below the source's folder at ``size`` × ``size``; the class is the folder's name."""
    top = files.require(source.path, source.obtain)
    parts = {"train": source.train, "test": source.test}
    classes = sorted({folder.name for part in parts.values() for folder in _class_folders(top / part)})
    if len(classes) < 2:
        raise BadInput(f"{top / source.train}: only the class {classes[0]!r}; there must be two classes at least")
    found: list[tuple[str, int, Path]] = []
    for part, name in parts.items():
        for label, class_name in enumerate(classes):
            files_here = (top / name / class_name).glob("[!.]*")
            paths = sorted(path for path in files_here if path.suffix.lower() in SUFFIXES)
            if not paths:
                raise BadInput(f"{top / name / class_name}: no images; every class folder must hold some")
            found += [(part, label, path) for path in paths]
    with ThreadPoolExecutor(2) as pool:  # Pillow decodes outside the interpreter's lock
        pixels = list(pool.map(lambda entry: _read(entry[2], size, source.channels), found))
    return Images(
        pixels=np.stack(pixels),
        labels=np.array([label for _, label, _ in found]),
        ids=[path.relative_to(top).as_posix() for _, _, path in found],
        classes=classes,
        official=[part for part, _, _ in found],
        groups=[_group(path.name, source.group_pattern) for _, _, path in found],
    )


def _class_folders(part: Path) -> list[Path]:
    if not part.is_dir():
        raise BadInput(f"{part}: missing; the source's train and test folders must be named as in params.yaml")
    folders = [path for path in part.glob("[!.]*") if path.is_dir()]
    if not folders:
        raise BadInput(f"{part}: no class folders; it must hold one folder a class")
    return folders


def _read(path: Path, size: int, channels: int) -> np.ndarray:
    try:
        with Image.open(path) as image:
            if image.mode.startswith(("I", "F")):
                raise ValueError(f"mode {image.mode}, not 8 bits a channel")
            return resize_one(image.convert("L" if channels == 1 else "RGB"), size)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError) as error:
        reason = str(error).replace(f" {str(path)!r}", "")
        raise BadInput(f"{path}: cannot be read ({reason}); it must be a whole 8-bit image") from None


def _group(name: str, pattern: str | None) -> str:
    if pattern is None:
        return ""
    if match := re.search(pattern, name):
        return match.group(1)
    raise BadInput(f"{name}: does not match group_pattern {pattern!r}; every file name must hold its group")
