"""What can be counted of a network without running it against a clock: parameters, multiply-accumulates, memory."""

import warnings
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from benchmark.cost.operations import FREE

MIB = 2**20
COUNTED = ("conv", "linear", "addmm", "matmul", "bmm", "einsum")  # as fvcore names them
AGREE = 1e-3  # of two counters, as a share


class NotCounted(Exception):  # noqa: N818  (a reason, not an error)
    """Says in one line why the MACs of a network are not known."""


def parameters(network: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(weight.numel() for weight in network.parameters() if weight.requires_grad)


def size(network: nn.Module) -> float:
    """Return the size of weights and buffers (MiB)."""
    return sum(tensor.nbytes for tensor in [*network.parameters(), *network.buffers()]) / MIB


def macs(network: nn.Module, *inputs: Tensor) -> int:
    """Return the MACs of convolutions, linear layers and matrix products for some inputs, such as 1 × C × H × W.

    fvcore counts them (and calls them flops), and PyTorch's own counter must agree. :class:`NotCounted` if it does not,
    if fvcore is not installed or cannot trace the network, or if there is an operation that nobody counts and that is
    not known to need none.
    """
    try:
        with warnings.catch_warnings(action="ignore", category=FutureWarning):  # fvcore's own import
            from fvcore.nn import FlopCountAnalysis
    except ImportError:
        raise NotCounted("fvcore is not installed") from None
    from torch.utils.flop_counter import FlopCounterMode

    with _explicit_attention(network.eval()):
        try:
            with torch.no_grad():
                count = FlopCountAnalysis(network, inputs)
                count.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
                by_operator = count.by_operator()
        except RuntimeError as error:
            raise NotCounted(f"fvcore cannot trace it: {first_line(error)}") from None
        with FlopCounterMode(display=False) as second:  # asserts on a learned token where gradients are off
            network(*inputs)
    operators = set(count.unsupported_ops()) | {f"aten::{name}" for name in by_operator if name not in COUNTED}
    if unknown := sorted(operators - FREE):
        raise NotCounted(
            f"no rule counts {', '.join(unknown)}; if it costs nothing, list it in benchmark/cost/operations.py"
        )
    total, other = int(sum(by_operator[name] for name in COUNTED)), second.get_total_flops() // 2
    if abs(total - other) > AGREE * total:
        raise NotCounted(f"fvcore counts {total} MACs, PyTorch {other}; they must agree")
    return total


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, or its kind where it has none."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


@contextmanager
def _explicit_attention(network: nn.Module) -> Iterator[None]:
    """Have attention computed by matrix products for a while; no counter sees into the fused one."""
    fused = [module for module in network.modules() if getattr(module, "fused_attn", False)]
    for module in fused:
        module.fused_attn = False
    try:
        yield
    finally:
        for module in fused:
            module.fused_attn = True


def memory(network: nn.Module, image: Tensor) -> float:
    """Return the most memory (MiB) that tensors take while one image is classified: weights, buffers, image, maps.

    What a library takes inside one operation is not seen.
    """
    with torch.inference_mode(), _LiveBytes() as live:
        network(image)
    return size(network) + (image.nbytes + live.peak) / MIB


class _LiveBytes(TorchDispatchMode):
    """Adds up the bytes of the tensors that operations make, for as long as they live."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self.storages: set[int] = set()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        results = function(*args, **(kwargs or {}))
        # An operation did not make what it was given: in-place results, views.
        given = {tensor.untyped_storage()._cdata for tensor in tree_leaves((args, kwargs)) if _is_tensor(tensor)}
        for tensor in filter(_is_tensor, tree_leaves(results)):
            storage = tensor.untyped_storage()
            if storage._cdata not in self.storages | given:
                self.storages.add(storage._cdata)
                self.now += storage.nbytes()
                self.peak = max(self.peak, self.now)
                weakref.finalize(storage, self._free, storage._cdata, storage.nbytes())
        return results

    def _free(self, storage: int, size: int) -> None:
        self.storages.discard(storage)
        self.now -= size


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor)
