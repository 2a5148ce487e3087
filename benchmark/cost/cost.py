"""What a model costs: parameters, multiply-accumulates (MACs), memory, latency, throughput.

A cost holds under a condition: device, input size, batch. Conditions are never mixed. Networks are measured as
PyTorch runs them, unmodified but for their layout (channels-last), with first weights on images of the task. A network
that masks its tokens is held to the share of tokens that it kept of the test images once trained.
"""

import copy
import pickle
import platform
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib import metadata
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from benchmark.cost import timing
from benchmark.errors import BadInput
from benchmark.params import Params, Timing
from benchmark.statistics import ratio
from benchmark.training import estimators, runs
from benchmark.training.runs import Dataset, Run

PAPERS_SIZE = 224  # px; what adaptive resizes to, and what published costs are for
BATCH = {"cpu": 16, "cuda": 256}  # for the throughput
REFERENCE = "emanet"
UNTRAINED_SHARE = 0.5  # of tokens, where no run says what a mask keeps
MIB = 2**20

# Operations without multiplication by weights or attended values; normalisation and pooling are left out by custom.
NOT_COUNTED = {f"aten::{name}" for name in ("abs", "add", "add_", "amax", "argsort", "clamp", "clone", "cos", "div")}
NOT_COUNTED |= {f"aten::{name}" for name in ("exp", "expand_as", "gather", "ge", "gelu", "hardtanh_", "isinf", "max")}
NOT_COUNTED |= {f"aten::{name}" for name in ("meshgrid", "mul", "mul_", "neg", "pad", "pixel_shuffle", "pow", "rand")}
NOT_COUNTED |= {f"aten::{name}" for name in ("reciprocal", "relu", "rsub", "scatter", "sigmoid", "sin", "softmax")}
NOT_COUNTED |= {f"aten::{name}" for name in ("std", "sub", "sum", "adaptive_avg_pool2d", "avg_pool2d", "batch_norm")}
NOT_COUNTED |= {f"aten::{name}" for name in ("dropout_", "layer_norm", "max_pool2d", "mean", "upsample_nearest2d")}
NOT_COUNTED |= {f"aten::{name}" for name in ("ceil", "index_copy", "index_select", "nonzero", "std_mean", "cumsum")}
NOT_COUNTED |= {f"aten::{name}" for name in ("silu", "silu_", "hardswish", "hardswish_", "hardsigmoid", "hardsigmoid_")}
NOT_COUNTED |= {f"aten::{name}" for name in ("clamp_min", "linalg_vector_norm", "group_norm", "repeat", "reshape_as")}

COUNTED = ("conv", "linear", "addmm", "matmul", "bmm", "einsum")
AGREE = 1e-3  # of two counters, as a share

Counts = dict[str, float | None]


@dataclass(frozen=True)
class Subject:
    """A model to be timed: what was counted, and ``calls``, which copies it and returns kind → call."""

    counts: Counts
    calls: Callable[[], timing.Calls]


def parameters(network: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(weight.numel() for weight in network.parameters() if weight.requires_grad)


def macs(network: nn.Module, *inputs: Tensor) -> int:
    """Return the MACs of convolutions, linear layers and matrix products for some inputs, such as 1 × C × H × W.

    fvcore counts them (and calls them flops), and PyTorch's own counter must agree. :class:`BadInput` if it does not,
    or if there is an operation that nobody counts and that is not known to need none.
    """
    with warnings.catch_warnings(action="ignore", category=FutureWarning):  # fvcore's own import
        from fvcore.nn import FlopCountAnalysis
    from torch.utils.flop_counter import FlopCounterMode

    with _explicit_attention(network.eval()):
        with torch.no_grad():
            count = FlopCountAnalysis(network, inputs)
            count.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
            by_operator = count.by_operator()
        with FlopCounterMode(display=False) as second:  # asserts on a learned token where gradients are off
            network(*inputs)
    found = set(count.unsupported_ops()) | {f"aten::{name}" for name in by_operator if name not in COUNTED}
    if unknown := sorted(found - NOT_COUNTED):
        raise BadInput(f"no rule counts {', '.join(unknown)}; benchmark/cost/cost.py must say what each costs")
    total, other = int(sum(by_operator[name] for name in COUNTED)), second.get_total_flops() // 2
    if abs(total - other) > AGREE * total:
        raise BadInput(f"fvcore counts {total} MACs, PyTorch {other}; they must agree")
    return total


@contextmanager
def _explicit_attention(network: nn.Module) -> Iterator[None]:
    """Have attention computed by matrix products for a while; no counter sees into the fused one."""
    fused = [module for module in network.modules() if getattr(module, "fused_attn", False)]
    for module in fused:
        module.fused_attn = False
    yield
    for module in fused:
        module.fused_attn = True


def memory(network: nn.Module, image: Tensor) -> float:
    """Return the most memory (MiB) that tensors take while one image is classified: weights, buffers, image, maps.

    What a library takes inside one operation is not seen.
    """
    held = sum(tensor.nbytes for tensor in [*network.parameters(), *network.buffers(), image])
    with torch.inference_mode(), _Live() as live:
        network(image)
    return (held + live.peak) / MIB


class _Live(TorchDispatchMode):
    """Adds up the bytes of the tensors that operations make, for as long as they live."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self.known: set[int] = set()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = function(*args, **(kwargs or {}))
        # What an operation got in, it did not make: in-place results, views.
        before = {tensor.untyped_storage()._cdata for tensor in tree_leaves((args, kwargs)) if _is_tensor(tensor)}
        for tensor in filter(_is_tensor, tree_leaves(made)):
            storage = tensor.untyped_storage()
            if storage._cdata not in self.known | before:
                self.known.add(storage._cdata)
                self.now += storage.nbytes()
                self.peak = max(self.peak, self.now)
                weakref.finalize(storage, self._gone, storage._cdata, storage.nbytes())
        return made

    def _gone(self, storage: int, size: int) -> None:
        self.known.discard(storage)
        self.now -= size


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor)


def of_network(params: Params, run: Run, dataset: Dataset, share: float | None, device: str) -> Subject:
    """Return the network of a run as a subject, at the input size of ``dataset``, whose training images it is shown.

    ``share`` is what its mask kept once trained, if it has one and was trained.
    """
    model, build = params.model(run.model), runs.factory(params, run)
    (images, _), _, prepare = dataset.prepared()
    pixels = dataset.images.pixels[dataset.rows["train"]]
    size = {"num_classes": len(dataset.images.classes), "in_chans": pixels.shape[3], "img_size": images.shape[3]}
    torch.manual_seed(0)
    network = build(**size, **model.options).eval().to(memory_format=torch.channels_last)
    batch = torch.from_numpy(images).contiguous(memory_format=torch.channels_last)
    one, many = (_held(network, shown, share) for shown in (batch[:1], batch))
    counts = {
        "params": parameters(network),
        "macs": macs(one, batch[:1]),
        "kept_share": _kept(one, batch[:1]),
        "memory_mib": memory(one, batch[:1]),
        "size_mib": sum(tensor.nbytes for tensor in [*network.parameters(), *network.buffers()]) / MIB,
    }
    one, many, batch = one.to(device), many.to(device), batch.to(device, memory_format=torch.channels_last)

    def calls() -> timing.Calls:
        copies = copy.deepcopy(one), copy.deepcopy(many)
        return {
            "latency": partial(copies[0], batch[:1]),
            "end_to_end": lambda: _labelled(copies[0], prepare(pixels[:1]), device),
            "throughput": partial(copies[1], batch),
        }

    return Subject(counts, calls)


def _held(network: nn.Module, images: Tensor, share: float | None) -> nn.Module:
    """Return a copy of a network; if it masks tokens, it keeps ``share`` of those of these images."""
    held = copy.deepcopy(network)
    if hasattr(held, "keep"):
        held.keep(images, UNTRAINED_SHARE if share is None else share)
    return held


def _kept(network: nn.Module, image: Tensor) -> float | None:
    with torch.no_grad():
        masks = network.masks(image) if hasattr(network, "masks") else None
    return None if masks is None else float(masks.float().mean())


def _labelled(network: nn.Module, images: np.ndarray, device: str) -> list[int]:
    seen = torch.from_numpy(images).to(device, memory_format=torch.channels_last)
    return network(seen).argmax(1).tolist()


def of_estimator(params: Params, run: Run, dataset: Dataset) -> Subject:
    """Return the estimator of a run, fitted to its training images, as a subject; its features are part of each call.

    It has no parameters or MACs that would compare with a network's; its size is that of its pickle.
    """
    model = params.model(run.model)
    train, validation, prepare = dataset.prepared()
    estimator = runs.factory(params, run)(seed=run.run, **model.options)
    estimators.fit(estimator, train, validation, model.features)
    pixels, batch = dataset.images.pixels[dataset.rows["train"]], train[0][: BATCH["cpu"]]

    def calls() -> timing.Calls:
        fitted = copy.deepcopy(estimator)
        return {
            "latency": lambda: estimators.predict(fitted, batch[:1], model.features),
            "throughput": lambda: estimators.predict(fitted, batch, model.features),
            "end_to_end": lambda: estimators.predict(fitted, prepare(pixels[:1]), model.features).argmax(1),
        }

    nothing = dict.fromkeys(("params", "macs", "kept_share", "memory_mib"))
    return Subject(nothing | {"size_mib": len(pickle.dumps(estimator)) / MIB}, calls)


def subjects(
    params: Params, models: list[Run], dataset: Dataset, shares: dict[str, float | None], size: int, device: str
) -> dict[str, Subject]:
    """Return the models that a condition has: networks at any size, estimators at the task's own on a CPU."""
    few = {part: rows[: BATCH[device]] for part, rows in dataset.rows.items()}
    shown = replace(dataset, task=dataset.task.model_copy(update={"input_size": size}), rows=few)
    found = {}
    for run in models:
        if params.model(run.model).kind == "network":
            try:
                found[run.model] = of_network(params, run, shown, shares[run.model], device)
            except BadInput as error:
                raise BadInput(f"{run.model}: {error}") from None
        elif size == dataset.task.input_size and device == "cpu":
            found[run.model] = of_estimator(params, run, dataset)
    return found


def condition(
    found: dict[str, Subject], channels: int, size: int, device: str, how: Timing, on_block: Callable[[int], None]
) -> dict[str, Any]:
    """Return the record of one condition, with a record of each model that was measured under it."""

    def build() -> dict[str, timing.Calls]:
        calls = {name: subject.calls() for name, subject in found.items()}
        return {kind: {name: of[kind] for name, of in calls.items()} for kind in timing.KINDS}

    reference = REFERENCE if REFERENCE in found else next(iter(found))
    taken = timing.measure(build, device, reference, how, on_block)
    return {
        "device": device,
        "input": [channels, size, size],
        "batch": BATCH[device],
        "threads": 1,
        "precision": "float32",
        "layout": "channels-last",
        "reference": reference,
        "blocks": len(taken["latency"][reference]),
        "machine": _machine(device),
        "versions": {package: metadata.version(package) for package in ("torch", "scikit-learn", "fvcore")}
        | {"python": platform.python_version()},
        "models": {name: subject.counts | _timed(taken, name, device) for name, subject in found.items()},
    }


def _timed(taken: dict[str, timing.Times], name: str, device: str) -> dict[str, Any]:
    """Return the times of a model; ``latency_ratio_blocks`` holds the ratio to the reference in each block."""
    found: dict[str, Any] = {}
    for kind in timing.KINDS:
        low, middle, high = np.percentile([time for laps in taken[kind][name] for time in laps], [25, 50, 75])
        found[f"{kind}_ms"] = middle
        found[f"{kind}_quartiles"] = [low, high]
    found["throughput_per_s"] = 1000 * BATCH[device] / found.pop("throughput_ms")
    found.pop("throughput_quartiles")
    blocks = timing.medians(taken["ratio"], name)
    of_reference = ratio(blocks)
    found["latency_ratio"] = of_reference.value
    found["latency_ratio_interval"] = [of_reference.low, of_reference.high]
    found["latency_ratio_blocks"] = blocks
    return {key: np.round(value, 4).tolist() for key, value in found.items()}


def _machine(device: str) -> dict[str, str]:
    return runs.machine() | ({"accelerator": torch.cuda.get_device_name()} if device == "cuda" else {})
