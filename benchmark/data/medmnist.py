"""Sources of kind ``medmnist``: addresses, checksums and class names from the ``medmnist`` package."""

from benchmark.data import Images, files, npz
from benchmark.errors import BadInput, closest
from benchmark.params import MedMNIST


def load(source: MedMNIST, size: int) -> Images:
    """Return a MedMNIST dataset (its 28 px file) at ``size`` × ``size``; fetch the file if it is nowhere."""
    from medmnist import INFO  # slow: it imports torch

    if source.flag not in INFO:
        raise BadInput(
            f"sources.{source.name}.flag: no {source.flag!r} in medmnist; {closest(source.flag, list(INFO))}"
        )
    info = INFO[source.flag]
    if info["task"] not in ("binary-class", "multi-class"):
        raise BadInput(f"sources.{source.name}.flag: {source.flag} is {info['task']}; it must have one class an image")
    name = f"medmnist/{source.flag}.npz"
    if path := files.find(name):
        files.check(path, "md5", info["MD5"])
    else:
        path = files.download(info["url"], name, "md5", info["MD5"])
    return npz.read(path, [info["label"][str(index)] for index in range(len(info["label"]))], size)
