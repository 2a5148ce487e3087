"""Sources of kind ``npz``: one MedMNIST-shaped file.

It holds ``{train,val,test}_images`` (uint8, N × H × W or N × H × W × 3), ``…_labels`` (N × 1) and, where groups of
images belong together, ``…_groups`` (N).
"""

import zipfile
from pathlib import Path

import numpy as np

from benchmark.data import PARTS, Images, files
from benchmark.data.resize import resize
from benchmark.errors import BadInput
from benchmark.params import Npz

KEYS = {"train": "train", "validation": "val", "test": "test"}


def load(source: Npz, size: int) -> Images:
    """Return the images of a checked file at ``size`` × ``size``."""
    path = files.require(source.path, f"a file with sha256 {source.sha256}")
    return read(files.check(path, "sha256", source.sha256), source.classes, size)


def read(path: Path, classes: list[str], size: int) -> Images:
    """Read a MedMNIST-shaped file whose checksum was found right."""
    try:
        with np.load(path) as archive:
            arrays = dict(archive)
        pixels = {part: arrays[f"{KEYS[part]}_images"] for part in PARTS}
        labels = {part: arrays[f"{KEYS[part]}_labels"].reshape(-1).astype(np.int64) for part in PARTS}
    except (zipfile.BadZipFile, ValueError, EOFError, OSError) as error:
        raise BadInput(f"{path}: cannot be read ({error}); it must be an .npz file of arrays") from None
    except KeyError as error:
        raise BadInput(f"{path}: {error.args[0]}; it must hold images and labels of train, val and test") from None
    for part in PARTS:
        shape = pixels[part].shape
        if pixels[part].dtype != np.uint8 or len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] not in (1, 3)):
            raise BadInput(f"{path}: {KEYS[part]}_images is {pixels[part].dtype} {shape}; it must be uint8, N×H×W[×3]")
        if len(labels[part]) != len(pixels[part]):
            raise BadInput(f"{path}: {KEYS[part]} has {len(pixels[part])} images and {len(labels[part])} labels")
        if labels[part].size and not 0 <= labels[part].min() <= labels[part].max() < len(classes):
            raise BadInput(f"{path}: {KEYS[part]}_labels reach {labels[part].max()}; there are {len(classes)} classes")
    groups = [str(group) for p in PARTS for group in arrays.get(f"{KEYS[p]}_groups", [""] * len(labels[p]))]
    return Images(
        pixels=np.concatenate([resize(pixels[part], size) for part in PARTS]),
        labels=np.concatenate([labels[part] for part in PARTS]),
        ids=[f"{part}/{index}" for part in PARTS for index in range(len(labels[part]))],
        classes=classes,
        official=[part for part in PARTS for _ in labels[part]],
        groups=groups,
    )
