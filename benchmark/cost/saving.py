"""What EMANet's mask saves in the part of the network that it acts on: the mask itself, and masked attention.

Each form of masking is set against the same part without a mask, at several shares of kept tokens.
"""

from collections.abc import Callable
from copy import deepcopy
from functools import partial
from importlib import metadata
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from tabulate import tabulate
from torch import Tensor, nn

from benchmark.cost import cost, timing
from benchmark.models.emanet import emanet
from benchmark.params import Timing
from benchmark.statistics import ratio
from benchmark.training import runs

CONDITIONS = (64, 1), (64, 16), (224, 1)  # input size (px) and batch
WITHOUT = "none"
FORMS = {"gather": (0.25, 0.5, 0.75, 1.0), "before_softmax": (0.5,), "weights": (0.5,), "output": (0.5,)}


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


def parts(images: Tensor) -> tuple[tuple[Tensor, Tensor], dict[str, nn.Module]]:
    """Return what the part of each form is given for images (N × 1 × H × W), and the parts by name."""
    torch.manual_seed(0)
    first = emanet(form=WITHOUT).eval().to(memory_format=torch.channels_last)
    found = {WITHOUT: AttentionPart(first)}
    with torch.no_grad():
        features = first.extractor(images)
        for form, shares in FORMS.items():
            for share in shares:
                network = emanet(form=form).eval().to(memory_format=torch.channels_last)
                network.extractor = first.extractor
                network.keep(images, share)
                found[f"{form}, {100 * share:.0f} % kept"] = AttentionPart(network)
    return (features, F.avg_pool2d(features, first.patch)), found


def measure(how: Timing, on_block: Callable[[str, int], None]) -> dict[str, Any]:
    """Return the record: under each condition, the MACs, time and speed-up of each form."""
    conditions = []
    for size, batch in CONDITIONS:
        images = torch.randn(batch, 1, size, size, generator=torch.Generator().manual_seed(0))
        given, found = parts(images.contiguous(memory_format=torch.channels_last))
        blocks, forms = _measured(found, given, how, partial(on_block, f"{size} px, batch {batch}"))
        conditions.append({"input": size, "batch": batch, "blocks": blocks, "forms": forms})
    return {
        "device": "cpu",
        "threads": 1,
        "precision": "float32",
        "layout": "channels-last",
        "machine": runs.machine(),
        "versions": {"torch": metadata.version("torch")},
        "conditions": conditions,
    }


def _measured(
    found: dict[str, nn.Module], given: tuple[Tensor, Tensor], how: Timing, on_block: Callable[[int], None]
) -> tuple[int, dict[str, Any]]:
    """Return the number of blocks, and what was measured of each form."""

    def build() -> dict[str, timing.Calls]:
        return {"latency": {name: partial(deepcopy(part), *given) for name, part in found.items()}}

    taken = timing.measure(build, "cpu", WITHOUT, how, on_block)
    record = {}
    for name, part in found.items():
        faster = ratio(1 / np.array(timing.medians(taken["ratio"], name)))
        record[name] = {
            "macs": round(cost.macs(part, *given) / len(given[0])),
            "ms": round(float(np.median([time for laps in taken["latency"][name] for time in laps])), 4),
            "times_as_fast": round(faster.value, 4),
            "interval": [round(faster.low, 4), round(faster.high, 4)],
        }
    return len(taken["latency"][WITHOUT]), record


def page(record: dict[str, Any]) -> str:
    """Return the record as a page in Markdown."""
    rows = []
    for of in record["conditions"]:
        for name, form in of["forms"].items():
            low, high = form["interval"]
            faster = f"{form['times_as_fast']:.2f} [{low:.2f}, {high:.2f}]"
            rows.append(
                [f"{of['input']} px", of["batch"], name, f"{form['macs'] / 1e6:.1f}", f"{form['ms']:.3f}", faster]
            )
    headings = ["Input", "Batch", "Form", "MACs (millions)", "Time (ms)", "Times as fast as without a mask [95 %]"]
    table = tabulate(rows, headings, tablefmt="github", disable_numparse=True)
    machine, torch_version = record["machine"]["processor"], record["versions"]["torch"]
    blocks = " to ".join(str(count) for count in sorted({of["blocks"] for of in record["conditions"]}))
    return (
        "**What EMANet's mask saves in the attention part**\n\n"
        f"{table}\n\n"
        "The part that the mask acts on: the mask itself, patch embedding and attention, without extractor, fusion and "
        f"classifier; MACs: the mean of an image. First weights, images of noise, one thread of {machine}, float32, "
        f"channels-last, torch {torch_version}; forms in turn, in random order, in {blocks} blocks with copies of "
        "their own.\n"
    )
