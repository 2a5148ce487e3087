"""Sources of kind ``npz``: one MedMNIST-shaped file.

It contains ``{train,val,test}_images`` (uint8, N × H × W or N × H × W × 3), ``…_labels`` (N × 1) and, where groups of
images belong together, ``…_groups`` (N).
"""

import math
import os
import zipfile
from pathlib import Path

import numpy as np

from benchmark.data import PARTS, Images, files
from benchmark.data.images import group_name, padded
from benchmark.data.resize import resize
from benchmark.errors import BadInput
from benchmark.params import Npz, Resize

KEYS = {"train": "train", "validation": "val", "test": "test"}
MEMORY = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")  # bytes of this machine


def load(source: Npz, size: int) -> Images:
    """Return the images of a checked file at ``size`` × ``size``."""
    path = files.require(source.path, f"a file with sha256 {source.sha256}", source.url, source.sha256)
    return read(files.check(path, "sha256", source.sha256), source.classes, size, source.resize)


def read(path: Path, classes: list[str], size: int, how: Resize = "stretch") -> Images:
    """Read a MedMNIST-shaped file whose checksum was found right."""
    arrays = _arrays(path)
    try:
        pixels = {part: _images(path, KEYS[part], arrays[f"{KEYS[part]}_images"]) for part in PARTS}
        labels = {part: _labels(path, KEYS[part], arrays[f"{KEYS[part]}_labels"]) for part in PARTS}
    except KeyError as error:
        raise BadInput(
            f"{path}: {error.args[0]} is missing; it must contain images and labels of train, val and test"
        ) from None
    groups = _groups(path, arrays, labels)
    for part in PARTS:
        counts = {len(pixels[part]), len(labels[part]), len(groups[part])}
        if len(counts) > 1:
            raise BadInput(
                f"{path}: {KEYS[part]}_images, _labels and _groups differ in length; each image needs one each"
            )
        if labels[part].size and not 0 <= labels[part].min() <= labels[part].max() < len(classes):
            reach = f"from {labels[part].min()} to {labels[part].max()}"
            raise BadInput(f"{path}: {KEYS[part]}_labels reach {reach}; they must be 0 to {len(classes) - 1}")
    if len({images.shape[3] for images in pixels.values()}) > 1:
        raise BadInput(f"{path}: some parts are grey and some in colour; all must have the same channels")
    if (longer := max(max(images.shape[1:3]) for images in pixels.values())) < size:
        raise BadInput(
            f"{path}: native_size is {size}, and its images have {longer} px; native_size must be a size that they "
            "have, input_size may be larger"
        )
    if how == "pad":
        pixels = {part: padded(images) for part, images in pixels.items()}
    return Images(
        pixels=np.concatenate([resize(pixels[part], size) for part in PARTS]),
        labels=np.concatenate([labels[part] for part in PARTS]),
        ids=[f"{part}/{index}" for part in PARTS for index in range(len(labels[part]))],
        classes=classes,
        official=[part for part in PARTS for _ in labels[part]],
        groups=[group for part in PARTS for group in groups[part]],
    )


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of the file that belong to a part; what they declare to be is checked before it is read."""
    wanted = {f"{key}_{what}" for key in KEYS.values() for what in ("images", "labels", "groups")}
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
            entries = {name: entry for name, entry in entries.items() if name in wanted}
            declared = sum(entry.file_size for entry in entries.values())
            if declared > MEMORY:
                raise ValueError(f"it declares {declared / 1e9:.0f} GB, this machine has {MEMORY / 1e9:.0f} GB")
            return {name: _array(archive, entry) for name, entry in entries.items()}
    except MemoryError:
        raise
    except Exception as error:  # zipfile, its decompressors and numpy raise a dozen kinds
        raise BadInput(f"{path}: cannot be read ({error}); it must be an .npz file of arrays") from None


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(entry) as file:
        version = np.lib.format.read_magic(file)
        header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, _, dtype = header[version](file)
    if math.prod(shape) * dtype.itemsize > entry.file_size:
        raise ValueError(f"{entry.filename} is shorter than its header says")
    with archive.open(entry) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _labels(path: Path, name: str, labels: np.ndarray) -> np.ndarray:
    if not np.issubdtype(labels.dtype, np.integer):
        raise BadInput(f"{path}: {name}_labels are {labels.dtype}; they must be whole numbers")
    if labels.ndim > 1 and labels.size != len(labels):
        raise BadInput(f"{path}: {name}_labels is {labels.shape}, several an image; each image must have one label")
    return labels.reshape(-1).astype(np.int64)


def _groups(path: Path, arrays: dict[str, np.ndarray], labels: dict[str, np.ndarray]) -> dict[str, list[str]]:
    """Return the group of each image of each part, empty where none is named; all parts name groups, or none does."""
    named = [part for part in PARTS if f"{KEYS[part]}_groups" in arrays]
    if not named:
        return {part: [""] * len(labels[part]) for part in PARTS}
    for part in PARTS:
        if part not in named:
            without = f"{KEYS[part]}_groups is missing, and {KEYS[named[0]]}_groups is there"
            raise BadInput(f"{path}: {without}; all parts must name groups, or none")
        if arrays[f"{KEYS[part]}_groups"].ndim not in (1, 2):
            raise BadInput(f"{path}: {KEYS[part]}_groups must have one entry per image")
    return {
        part: [group_name(group) for group in arrays[f"{KEYS[part]}_groups"].reshape(-1).tolist()] for part in PARTS
    }


def _images(path: Path, name: str, images: np.ndarray) -> np.ndarray:
    """Return images as N × H × W × C, or refuse them."""
    shape = images.shape
    fits = len(shape) == 3 or (len(shape) == 4 and shape[3] in (1, 3))
    if images.dtype != np.uint8 or not fits or 0 in shape[1:]:
        raise BadInput(f"{path}: {name}_images is {images.dtype} {shape}; it must be uint8, N × H × W or N × H × W × 3")
    return images[..., np.newaxis] if len(shape) == 3 else images
