"""Whether a network fits the images of a task, found out on the network itself before anything is trained."""

from collections.abc import Callable
from contextlib import suppress

import torch
from torch import Tensor, nn

from benchmark.errors import BadInput
from benchmark.training.explanations import last_feature_map

UNSEEN = 0.02  # of the pixels, at most: an outermost row or column that strides pass by
SIZES_TRIED = 40
IMAGES = 4

Build = Callable[[int], nn.Module]  # from a size in pixels


def require_fit(where: str, build: Build, classes: int, channels: int, size: int) -> None:
    """Raise :class:`BadInput`, which begins with ``where``, if a network does not fit images of ``size`` × ``size``.

    It must give one logit per class for images of ``channels``, have every pixel count, and name a last feature map
    that is N × C × H × W. ``build`` returns the network with first weights for a size in pixels.
    """
    network = build(size)
    shapes: list[tuple[int, ...]] = []
    if layer := last_feature_map(network):
        layer.register_forward_hook(lambda _, __, output: shapes.append(tuple(getattr(output, "shape", ()))))
    logits, gradient = _measured(network, channels, size)
    if tuple(logits.shape) != (IMAGES, classes):
        raise BadInput(f"{where}: puts out {tuple(logits.shape)} for {IMAGES} images; it must be N × {classes}, logits")
    if (logits >= 0).all() and torch.allclose(logits.sum(1), torch.ones(IMAGES), atol=1e-4):
        raise BadInput(f"{where}: puts out probabilities; it must put out logits, with no softmax at its end")
    if shapes and _channels_last(network, shapes[0]):
        raise BadInput(
            f"{where}: its last feature map is N × H × W × C, {shapes[0]}; Grad-CAM needs N × C × H × W: name a module "
            "that puts this out in the attribute last_feature_map, or '' for none"
        )
    if (unseen := _unseen(gradient)) > UNSEEN:
        raise BadInput(
            f"{where}: {100 * unseen:.0f} % of the pixels at {size} px have no influence on what it puts out; "
            f"{_enough(build, channels, size)}"
        )


def _measured(network: nn.Module, channels: int, size: int) -> tuple[Tensor, Tensor]:
    """Return the logits of noise, and by pixel how strongly they depend on it (H × W)."""
    generator = torch.Generator().manual_seed(0)
    for weights in network.parameters():
        if not weights.any():  # layers that start at zero would hide what lies before them
            weights.data = 0.02 * torch.randn(weights.shape, generator=generator)
    images = torch.randn(IMAGES, channels, size, size, generator=generator, requires_grad=True)
    logits = network.eval()(images)
    (logits * torch.randn(logits.shape, generator=generator)).sum().backward()
    return logits.detach(), images.grad.abs().sum((0, 1))


def _unseen(gradient: Tensor) -> float:
    return float((gradient == 0).float().mean())


def _enough(build: Build, channels: int, size: int) -> str:
    """Say at which larger size every pixel counts."""
    for larger in range(size + 1, size + 1 + SIZES_TRIED):
        with suppress(Exception):  # a size that the network refuses
            if _unseen(_measured(build(larger), channels, larger)[1]) <= UNSEEN:
                return f"at {larger} px they have: set the input_size of the task to {larger}, or take smaller patches"
    return f"nor at any size up to {size + SIZES_TRIED} px; take a network with smaller patches or strides"


def _channels_last(network: nn.Module, shape: tuple[int, ...]) -> bool:
    """Whether a feature map has its channels last, by the number of channels that timm says it has."""
    info = getattr(network, "feature_info", None)
    if len(shape) != 4 or not info or getattr(network, "last_feature_map", None) is not None:
        return False
    return shape[1] != info[-1]["num_chs"] == shape[3]
