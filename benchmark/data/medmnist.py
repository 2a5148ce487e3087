"""Sources of kind ``medmnist``: addresses, checksums and class names from the ``medmnist`` package."""

import re

from benchmark.data import Images, files, npz
from benchmark.errors import BadInput, closest
from benchmark.params import MedMNIST

ONE_CLASS = ("binary-class", "multi-class", "ordinal-regression")


def load(source: MedMNIST, size: int) -> Images:
    """Return a MedMNIST dataset, from its file of images of ``size`` px; fetch the file if it is nowhere.

    The classes of an ordinal dataset are its grades. :class:`BadInput` names a flag that does not fit.
    """
    from medmnist import INFO  # slow: it imports torch

    where = f"params.yaml: flag of source {source.name}"
    if source.flag not in INFO:
        sized = re.fullmatch(r"(\w+)_(28|64|128|224)", source.flag)
        right = f"`flag: {sized[1]}` with `size: {sized[2]}`" if sized and sized[1] in INFO else None
        raise BadInput(f"{where}: no {source.flag!r} in medmnist; {right or closest(source.flag, list(INFO))}")
    info = INFO[source.flag]
    if info["task"] not in ONE_CLASS:
        raise BadInput(f"{where}: {source.flag} is {info['task']}; it must have one class an image")
    if source.flag.endswith("3d"):
        raise BadInput(f"{where}: {source.flag} contains volumes; it must contain images")
    key = "" if source.size == 28 else f"_{source.size}"
    name = file_name(source)
    if path := files.find(name):
        files.check(path, "md5", info[f"MD5{key}"])
    else:
        path = files.download(info[f"url{key}"], name, "md5", info[f"MD5{key}"])
    return npz.read(path, [info["label"][str(index)] for index in range(len(info["label"]))], size)


def file_name(source: MedMNIST) -> str:
    """Return where the file of a source belongs, below the data folder."""
    return f"medmnist/{source.flag}.npz" if source.size == 28 else f"medmnist/{source.flag}_{source.size}.npz"
