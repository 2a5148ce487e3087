"""Counts of the records of costs, made again."""

import torch

from benchmark import evidence
from benchmark.cost import counting, recount
from benchmark.cost.records import COSTS
from benchmark.params import Shape
from tests.benchmark.cost.made_records import measures, write


def test_counts_that_are_not_the_networks_are_told(small, run_of):
    run, classes = run_of("light_cnn"), evidence.read_json(evidence.TASKS / "phantom/manifest.json")["classes"]
    network = run.factory(num_classes=len(classes), in_chans=1, img_size=32, **run.model.options).eval()
    params, macs = counting.parameters(network), counting.macs(network, torch.zeros(1, 1, 32, 32))

    def failures(**counts):
        write("cpu-32", "light_cnn", measures(**counts))
        shape = Shape(device="cpu", size=32, images="phantom")
        return recount.counts_are_the_networks("cpu-32", shape, [run]).failures

    assert failures(params=params, macs=macs) == []
    where = f"{COSTS}/cpu-32/light_cnn.json: light_cnn"
    assert failures(params=params + 1, macs=macs + 1) == [
        f"{where}: {params + 1} parameters; it must be {params}",
        f"{where}: {macs + 1} MACs; it must be {macs}",
    ]


def test_of_several_kept_shares_the_least_and_the_largest_are_counted(small, run_of):
    write("cpu-32", "emanet", *(measures(share, params=0) for share in (0.25, 0.5, 1.0)))
    shape = Shape(device="cpu", size=32, images="phantom")
    check = recount.counts_are_the_networks("cpu-32", shape, [run_of("emanet")])
    assert check.count == 4  # parameters and MACs of each
    assert sum("0 parameters; it must be" in failure for failure in check.failures) == 2
