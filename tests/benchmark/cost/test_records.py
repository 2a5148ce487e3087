"""Records of costs as tasks refer to them: at which shape, at which kept share, beside which reference."""

import json
import subprocess
import sys

import pandas as pd
import pytest

from benchmark.cost.records import COSTS, costs_of_task, kept_shares
from benchmark.params import Shape
from tests.benchmark.cost.made_records import MACHINE, measures, write


@pytest.fixture
def shapes(settings, workplace):
    """The committed parameters with shapes of three sizes and one GPU, in an empty workplace."""
    sizes = {"cpu-32": ("cpu", 32), "cpu-64": ("cpu", 64), "cpu-224": ("cpu", 224), "cuda-224": ("cuda", 224)}
    costs = {name: Shape(device=device, size=size, images="phantom") for name, (device, size) in sizes.items()}
    return settings.model_copy(update={"costs": costs})


def test_a_tasks_own_size_comes_first_and_sizes_of_no_task_follow(shapes):
    for shape in shapes.costs:
        write(shape, "cnn", measures())
    assert [costs.shape for costs in costs_of_task(shapes, "phantom", {})] == ["cpu-32", "cpu-224"]
    own, at_224 = costs_of_task(shapes, "brain-mri", {})
    assert (own.shape, own.size, at_224.size) == ("cpu-64", 64, 224)
    assert own.condition == "64 px, one image at a time, one thread of a processor"
    on_cuda, on_cpu = costs_of_task(shapes, "brain-mri-224", {})
    assert on_cuda.condition == "224 px, one image at a time, a GPU"
    assert on_cpu.shape == "cpu-224"
    (COSTS / "cuda-224/cnn.json").unlink()
    assert [costs.shape for costs in costs_of_task(shapes, "brain-mri-224", {})] == ["cpu-224"]
    assert own.how.endswith("in batches of 16; models as built for `phantom`, estimators fitted to its training images")


def test_without_records_at_its_own_size_a_task_has_no_costs(shapes):
    assert costs_of_task(shapes, "phantom", {}) == []
    write("cpu-224", "cnn", measures())
    assert costs_of_task(shapes, "phantom", {}) == []


def test_a_mask_costs_what_it_does_at_the_share_nearest_to_what_it_kept(shapes):
    write("cpu-32", "emanet", *(measures(share, macs=1000 * share) for share in (0.25, 0.5, 0.75)))
    write("cpu-32", "cnn", measures(macs=7))

    def emanet(kept):
        return costs_of_task(shapes, "phantom", kept)[0].models["emanet"]

    assert (emanet({"emanet": 0.31})["kept_share"], emanet({"emanet": 0.31})["macs"]) == (0.25, 250)
    assert emanet({"emanet": 0.9})["kept_share"] == 0.75
    assert emanet({})["kept_share"] == 0.5  # not trained: half


def test_ratios_are_to_the_reference_at_the_share_that_it_keeps_on_the_task(shapes):
    write("cpu-32", "emanet", measures(0.25, 0.8), measures(0.5, 1.0))
    write("cpu-32", "cnn", measures(ratio=2.0))
    costs = costs_of_task(shapes, "phantom", {"emanet": 0.25})[0]
    assert costs.reference == "emanet"
    assert costs.models["emanet"]["latency_ratio_interval"] == [1, 1]
    assert costs.models["cnn"]["latency_ratio"] == pytest.approx(2 / 0.8)
    assert costs.ratio("cnn", "emanet", "latency_ms").value == pytest.approx(2 / 0.8)


def test_a_model_measured_later_compares_in_as_many_blocks_as_both_have(shapes):
    write("cpu-32", "emanet", measures(0.5, blocks=12), blocks=12)
    write("cpu-32", "cnn", measures(ratio=2.0, blocks=7), blocks=7)
    costs = costs_of_task(shapes, "phantom", {})[0]
    assert len(costs.models["cnn"]["latency_ratio_blocks"]) == 7
    assert costs.ratio("emanet", "cnn", "latency_ms").value == pytest.approx(0.5)
    assert "in 7 to 12 blocks" in costs.how


def test_what_another_machine_or_another_reference_gave_is_a_condition_of_its_own(shapes):
    for model in ("emanet", "cnn"):
        write("cpu-32", model, measures())
    write("cpu-32", "vit", measures(), machine=MACHINE | {"processor": "another"})
    write("cpu-32", "adaptive", measures(), digest="of an older reference")
    conditions = costs_of_task(shapes, "phantom", {})
    assert [set(costs.models) for costs in conditions] == [{"emanet", "cnn"}, {"adaptive"}, {"vit"}]
    assert conditions[2].machine == "one thread of another"


def test_a_model_that_params_yaml_does_not_name_has_no_cost(shapes):
    write("cpu-32", "cnn", measures())
    write("cpu-32", "strange", measures())
    assert set(costs_of_task(shapes, "phantom", {})[0].models) == {"cnn"}


def test_kept_shares_are_the_means_over_runs_of_the_means_over_images(tmp_path):
    for run, kept in enumerate(([2, 4], [8, 10])):
        folder = tmp_path / f"emanet/run-{run}"
        folder.mkdir(parents=True)
        table = pd.DataFrame({"sample_id": ["a", "b"], "tokens": [16, 16], "kept": kept})
        table.to_csv(folder / "masks.csv", index=False)
    assert kept_shares(tmp_path) == {"emanet": 6 / 16}
    assert kept_shares(tmp_path / "nothing") == {}


def test_records_are_read_without_torch():
    code = "import json, sys, benchmark.cost.records; print(json.dumps('torch' in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) is False
