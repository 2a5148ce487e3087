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
from benchmark.params import Model, Params, Shape
from benchmark.training import estimators
from benchmark.training.runs import Dataset

BATCH = {"cpu": 16, "cuda": 64}  # for the throughput
SHARES = tuple(tenths / 10 for tenths in range(1, 11))  # of its tokens that a masked network is made to keep

Key = tuple[str, float | None]  # a model, and the share of its tokens that its mask keeps


@dataclass(frozen=True)
class Candidate:
    """A model to be measured: its entry in params.yaml, the function that builds it, and the file of that function."""

    name: str
    model: Model
    factory: Callable[..., Any]
    file: str


@dataclass(frozen=True)
class Subject:
    """A model as it is timed: what was counted, and ``calls``, which copies it and returns kind → call."""

    counts: dict[str, Any]
    calls: Callable[[], timing.Calls]


def models_at(params: Params, shape: Shape) -> list[str]:
    """Return the models that are measured at a shape.

    A model that learns from fewer images, or whose first weights come from another task, costs what the whole one does;
    one that is told the lesion serves nobody. Estimators are measured on a CPU, at their task's own input size.
    """
    fits = shape.device == "cpu" and shape.size == params.task(shape.images).input_size
    return [
        name
        for name, model in params.models.items()
        if not (model.train_parts or model.lesion or model.pretraining) and (model.kind == "network" or fits)
    ]


def subjects(candidate: Candidate, dataset: Dataset, shape: Shape) -> dict[Key, Subject]:
    """Return a model as it is timed; a network that masks its tokens once for each share that it can keep."""
    dataset = replace(dataset, task=dataset.task.model_copy(update={"input_size": shape.size}))
    if candidate.model.kind == "estimator":
        return {(candidate.name, None): _estimator(candidate, dataset)}
    by_share = _networks(candidate, dataset, shape.device)
    with torch.inference_mode():
        next(iter(by_share.values())).calls()["throughput"]()  # what cannot run is known before any time is taken
    return by_share


def _networks(candidate: Candidate, dataset: Dataset, device: str) -> dict[Key, Subject]:
    few = {part: np.resize(rows, BATCH[device]) for part, rows in dataset.rows.items()}
    dataset = replace(dataset, rows=few)
    (images, _), _, prepare = dataset.prepared()
    pixels = dataset.images.pixels[few["train"]]
    torch.manual_seed(0)
    network = candidate.factory(
        num_classes=len(dataset.images.classes),
        in_chans=pixels.shape[3],
        img_size=images.shape[3],
        **candidate.model.options,
    )
    network = network.eval().to(memory_format=torch.channels_last)
    batch = torch.from_numpy(images).contiguous(memory_format=torch.channels_last)
    on_device, prepared = batch.to(device), partial(prepare, pixels[:1])
    by_share: dict[Key, Subject] = {}
    for share in SHARES if hasattr(network, "keep") else (None,):
        counted = _keeping(network, batch[:1], share)
        key = candidate.name, _kept_share(counted, batch[:1])
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


def _calls(single: nn.Module, batched: nn.Module, batch: Tensor, prepared: Callable[[], np.ndarray]) -> timing.Calls:
    """Return kind → call of copies of a network: one that is called for one image, one for the whole batch."""
    single, batched = copy.deepcopy(single), copy.deepcopy(batched)

    def labels() -> list[int]:
        image = torch.from_numpy(prepared()).to(batch.device, memory_format=torch.channels_last)
        return single(image).argmax(1).tolist()

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


def _estimator(candidate: Candidate, dataset: Dataset) -> Subject:
    """Return an estimator, fitted to the training images; its features are part of each call.

    It has no parameters or MACs that would compare with a network's; its size is that of its pickle.
    """
    features = candidate.model.features
    train, validation, prepare = dataset.prepared()
    estimator = candidate.factory(seed=0, **candidate.model.options)
    estimators.fit(estimator, train, validation, features)
    pixels = dataset.images.pixels[dataset.rows["train"][:1]]
    batch = np.resize(train[0], (BATCH["cpu"], *train[0].shape[1:]))

    def calls() -> timing.Calls:
        fitted = copy.deepcopy(estimator)
        return {
            "latency": lambda: estimators.predict(fitted, batch[:1], features),
            "throughput": lambda: estimators.predict(fitted, batch, features),
            "end_to_end": lambda: estimators.predict(fitted, prepare(pixels), features).argmax(1),
        }

    nothing = dict.fromkeys(("params", "macs", "kept_share", "memory_mib"))
    return Subject(nothing | {"size_mib": len(pickle.dumps(estimator)) / counting.MIB}, calls)
