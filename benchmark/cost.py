"""What one image costs: parameters, multiply-accumulates (MACs), latency.

All models of a task are timed in one process, in turn and in random order, so that a drift of the machine meets all
alike.
"""

import random
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from threadpoolctl import threadpool_limits
from torch import nn

from benchmark import classical, runs
from benchmark.params import Params
from benchmark.runs import Dataset, Run

WARM_UP, ROUNDS = 10, 100

# Operations without multiplication by weights or attended values; normalisation and pooling are left out by custom.
NOT_COUNTED = {f"aten::{name}" for name in ("abs", "add", "add_", "amax", "argsort", "clamp", "clone", "cos", "div")}
NOT_COUNTED |= {f"aten::{name}" for name in ("exp", "expand_as", "gather", "ge", "gelu", "hardtanh_", "isinf", "max")}
NOT_COUNTED |= {f"aten::{name}" for name in ("meshgrid", "mul", "mul_", "neg", "pad", "pixel_shuffle", "pow", "rand")}
NOT_COUNTED |= {f"aten::{name}" for name in ("reciprocal", "relu", "rsub", "scatter", "sigmoid", "sin", "softmax")}
NOT_COUNTED |= {f"aten::{name}" for name in ("std", "sub", "sum", "adaptive_avg_pool2d", "avg_pool2d", "batch_norm")}
NOT_COUNTED |= {f"aten::{name}" for name in ("dropout_", "layer_norm", "max_pool2d", "mean", "upsample_nearest2d")}

COUNTED = ("conv", "linear", "addmm", "matmul", "bmm", "einsum")


def parameters(network: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(weight.numel() for weight in network.parameters() if weight.requires_grad)


def macs(network: nn.Module, shape: tuple[int, int, int]) -> int:
    """Return the MACs of convolutions, linear layers and matrix products for one image of ``shape`` (C, H, W).

    fvcore calls them flops. An operation that it cannot count raises ValueError, unless it is known to need none.
    """
    with warnings.catch_warnings(action="ignore", category=FutureWarning):  # fvcore's own import
        from fvcore.nn import FlopCountAnalysis

    with _explicit_attention(network.eval()):
        count = FlopCountAnalysis(network, _image(shape))
        count.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
        by_operator = count.by_operator()
    found = set(count.unsupported_ops()) | {f"aten::{name}" for name in by_operator if name not in COUNTED}
    if unknown := sorted(found - NOT_COUNTED):
        raise ValueError(f"no rule counts {', '.join(unknown)}; benchmark/cost.py must say what each costs")
    return int(sum(by_operator[name] for name in COUNTED))


def _image(shape: tuple[int, int, int]) -> torch.Tensor:
    """Return one image of noise; of an even one, a mask that goes by differences would keep everything."""
    return torch.randn(1, *shape, generator=torch.Generator().manual_seed(0))


@contextmanager
def _explicit_attention(network: nn.Module) -> Iterator[None]:
    """Have timm's attention computed by matrix products for a while; no counter sees into the fused one."""
    fused = [module for module in network.modules() if getattr(module, "fused_attn", False)]
    for module in fused:
        module.fused_attn = False
    yield
    for module in fused:
        module.fused_attn = True


def latencies(calls: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Return the median time (ms) of each call, all interleaved, on one thread."""
    torch.set_num_threads(1)
    order, taken = list(calls), {name: [] for name in calls}
    shuffle = random.Random(0)
    with threadpool_limits(1), torch.inference_mode():
        for lap in range(WARM_UP + ROUNDS):
            shuffle.shuffle(order)
            for name in order:
                start = time.perf_counter()
                calls[name]()
                if lap >= WARM_UP:
                    taken[name].append(1000 * (time.perf_counter() - start))
    return {name: statistics.median(times) for name, times in taken.items()}


def price(params: Params, run: Run, dataset: Dataset) -> tuple[dict[str, int | None], Callable[[], Any]]:
    """Return parameters and MACs of a run's model, and the call that classifies one image.

    Networks are measured with fresh weights, on noise; what a mask keeps then is not what it keeps once trained.
    Estimators are fitted to the run's training images, and their features are part of the call; their parameters and
    MACs are not counted.
    """
    model, build = params.model(run.model), runs.factory(params, run)
    channels, side = dataset.images.pixels.shape[3], dataset.task.input_size
    if model.kind == "network":
        shape = (channels + model.lesion, side, side)
        size = {"num_classes": len(dataset.images.classes), "in_chans": channels, "img_size": side}
        network = build(**size, **model.options).eval().to(memory_format=torch.channels_last)
        image = _image(shape).contiguous(memory_format=torch.channels_last)
        return {"params": parameters(network), "macs": macs(network, shape)}, lambda: network(image)
    train, validation, _ = dataset.prepared()
    estimator = build(seed=run.run, **model.options)
    classical.fit(estimator, train, validation, model.features)
    return {"params": None, "macs": None}, lambda: classical.predict(estimator, train[0][:1], model.features)
