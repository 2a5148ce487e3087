"""Parameters and multiply-accumulates of the records of costs, counted again, without a clock."""

import torch
from torch import nn

from benchmark import evidence
from benchmark.cost import counting
from benchmark.cost.records import COSTS
from benchmark.evidence.checks import Check
from benchmark.params import Shape
from benchmark.training.runs import Run


def counts_are_the_networks(name: str, shape: Shape, runs: list[Run]) -> Check:
    """Return whether the records of an input shape have the counts of today's networks; ``runs`` are its models.

    A mask keeps as many tokens of noise as of images where it can be moved; the MACs of one that cannot are not
    counted again.
    """
    check = Check("parameters and multiply-accumulates are those of the networks")
    manifest = evidence.manifest(shape.images)
    torch.set_num_threads(1)
    image = torch.randn(1, manifest["channels"], shape.size, shape.size, generator=torch.Generator().manual_seed(0))
    for run in runs:
        path = COSTS / name / f"{run.model.name}.json"
        if run.model.kind != "network" or not path.exists():
            continue
        torch.manual_seed(0)
        options = {"num_classes": len(manifest["classes"]), "in_chans": manifest["channels"], "img_size": shape.size}
        network = run.factory(**options, **run.model.options).eval().to(memory_format=torch.channels_last)
        with check.reading(path):
            for measures in _few(evidence.read_json(path)["measures"]):
                _count(check, f"{path}: {run.model.name}", network, image, measures)
    return check


def _few(measures: list[dict]) -> list[dict]:
    """Return the measures at the least and the largest kept share; between them the MACs grow evenly."""
    return measures if len(measures) < 3 else [measures[0], measures[-1]]


def _count(check: Check, where: str, network: nn.Module, image: torch.Tensor, measures: dict) -> None:
    parameters = counting.parameters(network)
    told = f"{where}: {measures['params']} parameters; it must be {parameters}"
    check.expect(measures["params"] == parameters, told)
    share = measures["kept_share"]
    if share is not None and not _keeps(network, image, share):
        check.skipped.append(f"{where}: MACs at {100 * share:.0f} % of the tokens: the mask cannot be moved there")
        return
    try:
        macs = counting.macs(network, image)
    except counting.NotCounted:
        macs = None
    check.expect(measures["macs"] == macs, f"{where}: {measures['macs']} MACs; it must be {macs}")


def _keeps(network: nn.Module, image: torch.Tensor, share: float) -> bool:
    """Have a network keep a share of the tokens of an image; return whether it does."""
    if hasattr(network, "keep"):
        network.keep(image, share)
    with torch.no_grad():
        return abs(float(network.masks(image).float().mean()) - share) < 1e-6
