"""What EMANet's mask saves in the part of the network that it acts on: the mask itself, and masked attention.

Each form of masking is measured beside the same part without a mask, at several shares of kept tokens.
"""

from collections.abc import Callable
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmark import evidence
from benchmark.cost import counting, timing
from benchmark.cost.measure import TIMING_CODE, OnBlock, surroundings
from benchmark.cost.records import Record
from benchmark.cost.subjects import BATCH
from benchmark.evidence.digests import code_digest, digest
from benchmark.models.emanet import emanet
from benchmark.params import Shape, Timing
from benchmark.statistics import ratio
from benchmark.training.runs import with_imports

WITHOUT = ("none", None)
FORMS = {"gather": (0.25, 0.5, 0.75, 1.0), "before_softmax": (0.5,), "weights": (0.5,), "output": (0.5,)}
NETWORK = Path("benchmark/models/emanet.py")
CODE = ("benchmark/cost/saving.py", *TIMING_CODE)

Key = tuple[str, float | None]  # a form of masking, and the share of tokens that it keeps


class AttentionPart(nn.Module):
    """Mask and masked attention of an EMANet, from the features of its extractor on.

    The mean of the features over each patch is given, since the fusion needs it anyway.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.mask, self.attention = network.mask, network.attention

    def forward(self, features: Tensor, local: Tensor) -> Tensor:
        """Return F_att (N × D × rows × columns) of F_cnn (N × D × H × W) and its means (N × D × rows × columns)."""
        mask = None if self.mask is None else self.mask(local.flatten(2).transpose(1, 2))
        return self.attention(features, mask)


def is_current(path: Path, shape: Shape) -> bool:
    """Return whether there is a record of today's code."""
    return path.exists() and evidence.read_json(path)["digest"] == _digest(shape)


def _digest(shape: Shape) -> str:
    return digest([shape.device, shape.size, code_digest([*with_imports(NETWORK), *map(Path, CODE)])])


def record(shape: Shape, limits: Timing, progress: Callable[[str], OnBlock]) -> Record:
    """Return the record at a shape: for one image and for a batch, the MACs, time and speed-up of each form.

    ``progress`` is told what is measured next, and returns what hears how many blocks are done.
    """
    timing.compute_in_float32()
    batches = []
    for count in (1, BATCH[shape.device]):
        images = torch.randn(count, 1, shape.size, shape.size, generator=torch.Generator().manual_seed(0))
        given, by_form = parts(images.to(shape.device, memory_format=torch.channels_last))
        on_block = progress(f"attention part, batch {count}")
        batches.append({"batch": count} | _measured(by_form, given, shape, limits, on_block))
    return {"digest": _digest(shape)} | surroundings(shape) | {"size": shape.size, "batches": batches}


def parts(images: Tensor) -> tuple[tuple[Tensor, Tensor], dict[Key, nn.Module]]:
    """Return what the part of each form is given for images (N × 1 × H × W), and the parts."""
    torch.manual_seed(0)
    first = _network(WITHOUT[0], images)
    by_form: dict[Key, nn.Module] = {WITHOUT: AttentionPart(first)}
    with torch.no_grad():
        features, local, _ = first._seen(images)
        for form, shares in FORMS.items():
            for share in shares:
                network = _network(form, images)
                network.extractor = first.extractor
                network.keep(images, share)
                by_form[form, share] = AttentionPart(network)
    return (features, local), by_form


def _network(form: str, images: Tensor) -> nn.Module:
    return emanet(form=form).eval().to(images.device, memory_format=torch.channels_last)


def _measured(
    by_form: dict[Key, nn.Module],
    given: tuple[Tensor, Tensor],
    shape: Shape,
    limits: Timing,
    on_block: OnBlock,
) -> dict[str, Any]:
    """Return the number of blocks, and what was measured of each form."""

    def build() -> dict[str, timing.Calls]:
        return {"latency": {key: partial(deepcopy(part), *given) for key, part in by_form.items()}}

    times = timing.measure(build, shape.device, WITHOUT, limits, on_block)
    forms = []
    for key, part in by_form.items():
        faster = ratio(1 / np.array(timing.medians(times["ratio"], key)))
        form = {
            "form": key[0],
            "kept_share": key[1],
            "macs": _macs_of_one(part, given),
            "ms": round(float(np.median([time for laps in times["latency"][key] for time in laps])), 4),
            "times_as_fast": round(faster.value, 4),
            "interval": [round(faster.low, 4), round(faster.high, 4)],
        }
        forms.append(form)
    return {"blocks": len(times["latency"][WITHOUT]), "forms": forms}


def _macs_of_one(part: nn.Module, given: tuple[Tensor, Tensor]) -> int | None:
    """Return the MACs of one image, the mean over the batch; None if they cannot be counted."""
    try:
        return round(counting.macs(part, *given) / len(given[0]))
    except counting.NotCounted:
        return None
