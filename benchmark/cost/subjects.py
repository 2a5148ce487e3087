"""What is measured at an input shape: which models, and what is counted and called of each.

Networks are measured as PyTorch runs them, unmodified but for their layout (channels-last), with first weights. A
network that masks its tokens is measured at a ladder of kept shares: what it keeps is a matter of training, and what it
costs at each share is not.
"""

import copy
import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.cost import counting, timing
from benchmark.data import preprocessing
from benchmark.params import Params, Shape
from benchmark.training import networks
from benchmark.training.dataset import Dataset
from benchmark.training.runs import Run

BATCH = {"cpu": 16, "cuda": 64}  # for the throughput
SHARES = tuple(fifths / 5 for fifths in range(1, 6))  # of its tokens that a masked network is made to keep

Key = tuple[str, float | None]  # a model, and the share of its tokens that its mask keeps


@dataclass(frozen=True)
class Subject:
    """A model as it is timed: what was counted, and ``calls``, which copies it and returns kind → call."""

    counts: dict[str, Any]
    calls: Callable[[], timing.Calls]


def models_at(params: Params, shape: Shape) -> list[str]:
    """Return the models that are measured at a shape: those with evidence at its size, and those that it names.

    A model that learns from fewer images, or whose first weights come from another task, costs what the whole one does;
    one that is told the lesion serves nobody. Estimators are measured on a CPU, at their task's own input size.
    """
    fits = shape.device == "cpu" and shape.size == params.task(shape.images).input_size
    at_this_size = {name for name, task in params.tasks.items() if task.input_size == shape.size}
    return [
        name
        for name, model in params.models.items()
        if (at_this_size & set(model.tasks) or name in shape.also)
        and not (model.train_parts or model.lesion or model.pretraining)
        and (model.kind == "network" or fits)
    ]


def subjects(run: Run, dataset: Dataset, shape: Shape) -> dict[Key, Subject]:
    """Return the model of a run as it is timed; a network that masks its tokens once for each share that it can keep.

    ``dataset`` has the images of the shape's task, at any size.
    """
    dataset = replace(dataset, task=dataset.task.model_copy(update={"input_size": shape.size}))
    if run.model.kind == "estimator":
        return {(run.model.name, None): _estimator(run, dataset)}
    by_share = _networks(run, dataset, shape.device)
    with torch.no_grad():
        next(iter(by_share.values())).calls()["throughput"]()  # what cannot run is known before any time is taken
    return by_share


def _networks(run: Run, dataset: Dataset, device: str) -> dict[Key, Subject]:
    dataset = replace(dataset, rows={"train": np.resize(dataset.rows["train"], BATCH[device])})
    train = dataset.part("train")
    levels = dataset.levels(train)
    pixels = dataset.images.pixels[dataset.rows["train"][:1]]
    torch.manual_seed(0)
    network = run.factory(
        num_classes=dataset.classes,
        in_chans=dataset.channels,
        img_size=dataset.task.input_size,
        **run.model.options,
    )
    network = network.eval().to(memory_format=torch.channels_last)

    def shown(images: np.ndarray, device: str) -> Tensor:
        seen = networks.normalised(torch.from_numpy(images).to(device), levels)
        return seen.contiguous(memory_format=torch.channels_last)

    batch, on_device = shown(train.images, "cpu"), shown(train.images, device)

    def prepared() -> Tensor:
        return shown(dataset.seen(pixels, "train"), device)

    by_share: dict[Key, Subject] = {}
    for share in SHARES if hasattr(network, "keep") else (None,):
        counted = _keeping(network, batch[:1], share)
        key = run.model.name, _kept_share(counted, batch[:1])
        if key not in by_share:  # not every mask can be moved
            single, batched = _keeping(network, on_device[:1], share), _keeping(network, on_device, share)
            counts = _counts(counted, batch[:1]) | {"kept_share": key[1]}
            by_share[key] = Subject(counts, partial(_calls, single, batched, on_device, prepared))
    return by_share


def _counts(network: nn.Module, image: Tensor) -> dict[str, Any]:
    """Return what is counted of a network for one image (1 × C × H × W); ``not_counted`` says why MACs are missing."""
    counts = {
        "params": counting.parameters(network),
        "macs": None,
        "memory_mib": counting.memory(network, image),
        "size_mib": counting.size(network),
    }
    try:
        return counts | {"macs": counting.macs(network, image)}
    except counting.NotCounted as reason:
        return counts | {"not_counted": str(reason)}


def _calls(single: nn.Module, batched: nn.Module, batch: Tensor, prepared: Callable[[], Tensor]) -> timing.Calls:
    """Return kind → call of copies of a network: one that is called for one image, one for the whole batch."""
    single, batched = copy.deepcopy(single), copy.deepcopy(batched)

    def labels() -> list[int]:
        return single(prepared()).argmax(1).tolist()

    return {"latency": partial(single, batch[:1]), "end_to_end": labels, "throughput": partial(batched, batch)}


def _keeping(network: nn.Module, images: Tensor, share: float | None) -> nn.Module:
    """Return a copy of a network where these images are; if it masks tokens, it keeps ``share`` of theirs."""
    copied = copy.deepcopy(network).to(images.device)
    if share is not None:
        copied.keep(images, share)
    return copied


def _kept_share(network: nn.Module, image: Tensor) -> float | None:
    with torch.no_grad():
        masks = network.masks(image) if hasattr(network, "masks") else None
    return None if masks is None else float(masks.float().mean())


def _estimator(run: Run, dataset: Dataset) -> Subject:
    """Return an estimator, fitted to the training images; its features are part of each call.

    It has no parameters or MACs that would compare with a network's; its size is that of its pickle.
    """
    from benchmark.training import estimators

    train, validation, features = dataset.part("train"), dataset.part("validation"), run.model.features
    levels = dataset.levels(train)

    def shown(images: np.ndarray) -> np.ndarray:
        return preprocessing.normalised(images, levels)

    def answered(fitted: Any, images: np.ndarray) -> np.ndarray:
        return estimators.predict(fitted, estimators.extract(images, features))

    estimator = run.factory(seed=run.number, **run.model.options)
    seen = [(estimators.extract(shown(part.images), features), part.labels) for part in (train, validation)]
    estimators.fit(estimator, *seen)
    pixels = dataset.images.pixels[dataset.rows["train"][:1]]
    batch = shown(train.images[np.resize(np.arange(len(train.images)), BATCH["cpu"])])

    def calls() -> timing.Calls:
        fitted = copy.deepcopy(estimator)
        return {
            "latency": lambda: answered(fitted, batch[:1]),
            "throughput": lambda: answered(fitted, batch),
            "end_to_end": lambda: answered(fitted, shown(dataset.seen(pixels, "train"))).argmax(1),
        }

    nothing = dict.fromkeys(("params", "macs", "kept_share", "memory_mib"))
    return Subject(nothing | {"size_mib": len(pickle.dumps(estimator)) / counting.MIB}, calls)
