"""Where a network's first weights come from: ``init`` of its entry in params.yaml.

``scratch``: drawn from the run's seed. ``imagenet``: from timm's hub. ``file:PATH``: a file of weights, such as
``torch.save`` of a ``state_dict``, or ``.safetensors``. ``task:NAME``: trained first, inside the run, on the training
split of the same run of that task, by its recipe; refused where the images of both tasks share a cluster.
"""

import inspect
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.data import Images, duplicates
from benchmark.data.resize import resize
from benchmark.errors import BadInput
from benchmark.evidence.digests import file_digest
from benchmark.params import Duplicates, Model


def check(model: Model, factory: Callable[..., Any]) -> None:
    """Raise :class:`BadInput` if ``init`` cannot be met by what ``factory`` takes."""
    if model.init == "imagenet" and "pretrained" not in inspect.signature(factory).parameters:
        raise BadInput(f"{_key(model)}: no ImageNet weights for it; it must be scratch, file:PATH or task:NAME")


def file_digest_of(model: Model) -> str:
    """Return the digest of the file of weights that a model with ``init: file:PATH`` starts from."""
    path = Path(model.init.removeprefix("file:"))
    if not path.is_file():
        raise BadInput(f"{_key(model)}: {path}: no such file; it must be one of the network's weights (a state_dict)")
    return file_digest(path)


def _key(model: Model) -> str:
    return f"params.yaml: models.{model.name}.init"


def build(model: Model, factory: Callable[..., nn.Module], shape: dict[str, int]) -> nn.Module:
    """Return the network of ``shape`` (``num_classes``, ``in_chans``, ``img_size``) with its first weights.

    Those of ``task:NAME`` come later, by :func:`hand_over`.
    """
    key, init = _key(model), model.init or ""
    if init == "imagenet":
        try:
            return factory(**shape, **model.options, pretrained=True)
        except Exception as error:  # the hub's client has many kinds
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise BadInput(
                f"{key}: timm's hub gave no ImageNet weights ({reason}); it needs the network once"
            ) from None
    network = factory(**shape, **model.options)
    if init.startswith("file:"):
        path = Path(init.removeprefix("file:"))
        try:
            _load(network, _read(path), shape["num_classes"])
        except Exception as error:  # torch.load raises whatever the bytes make it
            why = _first_line(error)
            raise BadInput(f"{key}: {path}: {why}; it must contain the weights of this network") from None
    return network


def hand_over(name: str, teacher: nn.Module, network: nn.Module, classes: int) -> None:
    """Give ``network``, of so many classes, the weights of ``teacher``, the same but for its classes."""
    try:
        _load(network, teacher.state_dict(), classes)
    except ValueError as error:
        raise BadInput(f"params.yaml: models.{name}.init: weights of the other task do not fit: {error}") from None


def refuse_shared(images: Images, others: Images, threshold: Duplicates, where: str) -> None:
    """Raise :class:`BadInput` if an image of one source is a near-duplicate of one of the other."""
    small = np.concatenate([resize(one.pixels, duplicates.SIDE) for one in (images, others)])
    found, _ = duplicates.pairs(replace(images, pixels=small, ids=[*images.ids, *others.ids]), threshold)
    across = (found[:, 0] < len(images)) & (found[:, 1] >= len(images))
    if across.any():
        one, other = found[across][0]
        raise BadInput(
            f"{where}: {across.sum()} pairs of near-duplicates lie in both sources, such as {images.ids[one]} and "
            f"{others.ids[other - len(images)]}; it must be a task with other images"
        )


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _read(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    return torch.load(path, map_location="cpu", weights_only=True)


def _load(network: nn.Module, weights: dict[str, Tensor], classes: int) -> None:
    """Load all weights, but those of a classifier that is for other classes; ValueError names one that does not fit."""
    fitting = {}
    for name, own in network.state_dict().items():
        if name not in weights:
            raise ValueError(f"{name} is missing there")
        found = weights[name].shape
        if found == own.shape:
            fitting[name] = weights[name]
        elif len(own.shape) == 0 or own.shape[0] != classes or found[1:] != own.shape[1:]:
            raise ValueError(f"{name} has shape {tuple(found)} there; the network's has {tuple(own.shape)}")
    network.load_state_dict(fitting, strict=False)
