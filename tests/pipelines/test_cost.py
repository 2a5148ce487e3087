"""Costs as a command: what it measures, what it keeps, and whether a second measurement agrees."""

import json
import re
import time
from pathlib import Path

import pytest
import torch

from benchmark import evidence
from benchmark.cost import measure, saving, subjects
from benchmark.errors import BadInput, NotHere
from benchmark.evidence import provenance

COSTS = Path("results/costs")
FOLDER = COSTS / "cpu-32"
FAST = {"reference": "emanet", "least": 6, "most": 6, "seconds": 0.0, "precise": 0.03}
MODELS = {
    "emanet": {"kind": "network", "init": "scratch", "tasks": ["phantom"]},
    "light_cnn": {"kind": "network", "init": "scratch", "tasks": ["phantom"]},
    "knn": {"kind": "estimator", "features": "hog", "tasks": ["phantom"]},
    "adaptive_parts_1": {
        "kind": "network",
        "of": "adaptive",
        "init": "scratch",
        "train_parts": 1,
        "tasks": ["phantom"],
    },
}


@pytest.fixture
def quick(describe, edit, monkeypatch):
    """The workplace with its small phantom and three models to measure, at two kept shares."""
    edit("notes", {})
    edit("models", MODELS)
    edit("costs", {"cpu-32": {"device": "cpu", "size": 32, "images": "phantom"}})
    edit("timing", FAST)
    monkeypatch.setattr(subjects, "SHARES", (0.25, 0.5))
    monkeypatch.setattr(saving, "FORMS", {"gather": (0.5,)})
    describe("phantom")


def names():
    return {path.stem for path in FOLDER.glob("*.json")}


def read(model):
    return json.loads((FOLDER / f"{model}.json").read_text())


def test_each_model_gets_a_record_a_masked_one_at_each_kept_share(quick, command):
    status, output, _ = command("cost", "--shape", "cpu-32")
    assert status == 0
    assert "cpu-32: 3 models, 4 with their kept shares, beside emanet" in output
    assert "cpu-32: block 6 of 6 to 6" in output
    assert "at most about 0.0 min left" in output
    assert names() == {"emanet", "light_cnn", "knn", "attention-part"}
    assert [measures["kept_share"] for measures in read("emanet")["measures"]] == [0.25, 0.5]
    record = read("light_cnn")
    assert (record["device"], record["input"], record["threads"], record["blocks"]) == ("cpu", [1, 32, 32], 1, 6)
    assert (record["reference"]["model"], record["reference"]["kept_share"]) == ("emanet", 0.5)
    (measures,) = record["measures"]
    assert len(measures["latency_ratio_blocks"]) == 6
    assert measures["latency_quartiles"][0] <= measures["latency_ms"] <= measures["latency_quartiles"][1]
    assert measures["latency_ratio_interval"][0] <= measures["latency_ratio"] <= measures["latency_ratio_interval"][1]
    assert measures["throughput_per_s"] > 0 and measures["end_to_end_ms"] > 0
    assert read("emanet")["measures"][1]["latency_ratio"] == 1


def test_without_the_images_a_new_network_is_shown_noise_and_an_estimator_is_not_measured(
    quick, edit, command, monkeypatch
):
    def missing(_):
        raise NotHere("data/x: missing")

    monkeypatch.setattr(measure.datasets, "load", missing)
    edit("models.knn.tasks", [])
    assert command("cost", "--shape", "cpu-32")[0] == 0
    record = read("light_cnn")
    assert (record["images"], record["input"]) == ("noise", [1, 32, 32])
    edit("models.knn.tasks", ["phantom"])
    status, output, _ = command("cost", "--shape", "cpu-32")
    assert status == 0
    assert "knn: not measured, since the images of phantom are not at hand" in output
    assert not (FOLDER / "knn.json").exists()


def test_damaged_images_are_not_replaced_by_noise(quick, command, monkeypatch):
    def damaged(_):
        raise BadInput("data/x: is damaged")

    monkeypatch.setattr(measure.datasets, "load", damaged)
    assert command("cost", "--shape", "cpu-32")[::2] == (2, "error: data/x: is damaged\n")


def test_at_another_size_networks_alone_are_measured(quick, edit, command):
    edit(
        "costs", {"cpu-40": {"device": "cpu", "size": 40, "images": "phantom", "also": ["emanet", "light_cnn", "knn"]}}
    )
    assert command("cost", "--shape", "cpu-40")[0] == 0
    assert {path.stem for path in (COSTS / "cpu-40").iterdir()} == {"emanet", "light_cnn", "attention-part"}


def test_a_new_model_is_measured_beside_the_reference_and_the_others_stay(quick, edit, command):
    command("cost", "--shape", "cpu-32")
    before = {name: (FOLDER / f"{name}.json").read_bytes() for name in names()}
    assert "every record is up to date" in command("cost", "--shape", "cpu-32")[1]
    added = {"kind": "network", "of": "light_cnn", "init": "scratch", "options": {"width": 12}, "tasks": ["phantom"]}
    edit("models.light_cnn_small", added)
    assert "cpu-32: 1 models, 2 with their kept shares, beside emanet" in command("cost", "--shape", "cpu-32")[1]
    assert {name: (FOLDER / f"{name}.json").read_bytes() for name in before} == before
    assert names() == {*before, "light_cnn_small"}


@pytest.mark.parametrize(
    ("model", "changed"),
    [("light_cnn", {"light_cnn"}), ("emanet", {"emanet", "light_cnn", "knn"})],
    ids=["a model alone", "the reference with all"],
)
def test_a_changed_model_is_measured_again(quick, edit, command, model, changed):
    command("cost", "--shape", "cpu-32")
    before = {name: read(name)["digest"] + read(name).get("reference", {}).get("digest", "") for name in names()}
    edit(f"models.{model}.options", {"width": 64})
    command("cost", "--shape", "cpu-32")
    after = {name: read(name)["digest"] + read(name).get("reference", {}).get("digest", "") for name in names()}
    assert {name for name in before if before[name] != after[name]} == changed


def test_training_and_evidence_change_no_record(quick, edit, command):
    command("cost", "--shape", "cpu-32")
    edit("models.light_cnn.recipe", {"epochs": 3})
    edit("models.light_cnn.init", "file:weights.pt")
    assert "every record is up to date" in command("cost", "--shape", "cpu-32")[1]


def test_force_measures_what_is_up_to_date_too(quick, command):
    command("cost", "--shape", "cpu-32")
    before = (FOLDER / "emanet.json").read_bytes(), (FOLDER / "knn.json").read_bytes()
    assert "1 models, 2 with" in command("cost", "--shape", "cpu-32", "--model", "knn", "--force")[1]
    assert (FOLDER / "emanet.json").read_bytes() == before[0]
    assert (FOLDER / "knn.json").read_bytes() != before[1]


def test_the_record_of_a_model_that_is_gone_goes(quick, edit, command):
    command("cost", "--shape", "cpu-32")
    edit("models", {name: model for name, model in MODELS.items() if name != "light_cnn"})
    assert "light_cnn.json: removed" in command("cost", "--shape", "cpu-32")[1]
    assert names() == {"emanet", "knn", "attention-part"}


def test_an_operation_without_a_rule_leaves_the_macs_of_that_model_empty(quick, command, monkeypatch):
    monkeypatch.setattr("benchmark.cost.counting.FREE", frozenset({"aten::batch_norm", "aten::clone"}))
    status, output, _ = command("cost", "--shape", "cpu-32", "--model", "light_cnn")
    assert status == 0
    assert re.search(r"cpu-32: light_cnn: MACs are not counted: no rule counts .*aten::mean", output)
    (measures,) = read("light_cnn")["measures"]
    assert measures["macs"] is None
    assert "no rule counts" in measures["not_counted"]
    assert measures["latency_ms"] > 0


def test_a_model_that_cannot_run_at_a_shape_does_not_stop_the_others(quick, command, monkeypatch):
    evidence.write_json(FOLDER / "light_cnn.json", {"digest": "of older code"})
    real = subjects.subjects

    def refuse(run, *arguments):
        if run.model.name == "light_cnn":
            raise RuntimeError("too small\nfor it")
        return real(run, *arguments)

    monkeypatch.setattr("benchmark.cost.measure.subjects", refuse)
    status, output, _ = command("cost", "--shape", "cpu-32")
    assert status == 0
    assert "cpu-32: light_cnn: cannot run at this shape (too small)" in output
    assert names() == {"emanet", "knn", "attention-part"}
    assert "block" not in command("cost", "--shape", "cpu-32", "--model", "light_cnn")[1]


def test_without_the_device_the_records_stay_and_it_is_said(quick, edit, command, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    edit("costs.cuda-32", {"device": "cuda", "size": 32, "images": "phantom"})
    path = COSTS / "cuda-32/emanet.json"
    evidence.write_json(path, {"digest": "of older code"})
    status, output, _ = command("cost", "--shape", "cuda-32")
    assert status == 0
    assert "cuda-32: no CUDA device here; a machine that has one must measure emanet, light_cnn" in output
    assert [path.name for path in path.parent.iterdir()] == ["emanet.json"]
    assert "must be verified on a machine that has one" in command("cost", "--shape", "cuda-32", "--verify")[2]


class Event:
    """A CUDA event by the clock of the processor."""

    def __init__(self, enable_timing):
        assert enable_timing

    def record(self):
        self.time = time.perf_counter()

    def synchronize(self):
        pass

    def elapsed_time(self, end):
        return 1000 * (end.time - self.time)


@pytest.fixture
def cuda(monkeypatch):
    """A CUDA device that is the processor in truth; returns the devices that tensors and networks were moved to."""
    moved = []

    def on_the_processor(move):
        def to(self, *places, **how):
            moved.append(places[0] if places else None)
            return move(self, *("cpu" if place == "cuda" else place for place in places), **how)

        return to

    for kind in (torch.Tensor, torch.nn.Module):
        monkeypatch.setattr(kind, "to", on_the_processor(kind.to))
    monkeypatch.setattr("torch.cuda.Event", Event)
    monkeypatch.setattr("torch.cuda.synchronize", lambda: None)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda: "a GPU")
    monkeypatch.setitem(subjects.BATCH, "cuda", 8)
    provenance.machine.cache_clear()
    yield moved
    provenance.machine.cache_clear()


def test_a_shape_on_cuda_is_measured_there_in_float32_with_larger_batches(quick, edit, command, cuda):
    edit("costs", {"cuda-32": {"device": "cuda", "size": 32, "images": "phantom"}})
    assert command("cost", "--shape", "cuda-32")[0] == 0
    assert {path.stem for path in (COSTS / "cuda-32").iterdir()} == {"emanet", "light_cnn", "attention-part"}
    record = json.loads((COSTS / "cuda-32/light_cnn.json").read_text())
    assert (record["device"], record["batch"], record["machine"]["accelerator"]) == ("cuda", 8, "a GPU")
    assert "cuda" in cuda
    assert not torch.backends.cudnn.allow_tf32


def test_verify_writes_nothing_and_counts_the_ratios_that_agree(quick, command):
    command("cost", "--shape", "cpu-32")
    before = {path: path.read_bytes() for path in FOLDER.iterdir()}
    said = command("cost", "--shape", "cpu-32", "--verify")[1]
    counts = re.search(r"cpu-32: 4 ratios of latency: (\d) within 3 %, (\d) within intervals, (\d) apart\n", said)
    near, within, apart = map(int, counts.groups())
    assert near + within + apart == 4
    assert near >= 1  # the reference, to itself
    assert {path: path.read_bytes() for path in FOLDER.iterdir()} == before


def test_verify_names_a_ratio_that_is_apart(quick, command):
    command("cost", "--shape", "cpu-32")
    record = read("light_cnn")
    record["measures"][0] |= {"latency_ratio": 50.0, "latency_ratio_interval": [49.0, 51.0]}
    evidence.write_json(FOLDER / "light_cnn.json", record)
    status, output, _ = command("cost", "--shape", "cpu-32", "--verify", "--model", "light_cnn")
    assert status == 1
    assert "cpu-32: light_cnn: 50.000 [49.000, 51.000], now " in output
    assert "cpu-32: 1 ratios of latency: 0 within 3 %, 0 within intervals, 1 apart\n" in output


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--shape", "cpu-23"], "params.yaml: no shape 'cpu-23' in costs; did you mean 'cpu-32'?"),
        (["--shape", "cpu-32", "--verify"], "results/costs/cpu-32: no record of these models"),
        (
            ["--shape", "cpu-32", "--model", "light_cn"],
            "'light_cn' is not measured at cpu-32; did you mean 'light_cnn'?",
        ),
        ([], "the following arguments are required: --shape"),
    ],
)
def test_what_cannot_be_measured_is_said_in_one_line(quick, command, arguments, line):
    status, _, errors = command("cost", *arguments)
    assert status not in (0, None)
    assert line in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("costs.cpu-32.images", "fantom", "costs.cpu-32.images: unknown name 'fantom'; did you mean 'phantom'?"),
        ("costs.cpu-32.device", "tpu", "costs.cpu-32.device"),
        ("timing.reference", "emanett", "timing.reference: unknown name 'emanett'; did you mean 'emanet'?"),
        ("timing.reference", "knn", "timing.reference: 'knn' is no network; it must be one"),
        ("timing.reference", "adaptive_parts_1", "timing.reference: adaptive_parts_1 is not measured itself"),
        ("timing.most", 5, "timing: most is 5; it must be least = 6 or more"),
        ("timing.least", 2, "timing.least"),
        ("timing.precise", 3.0, "timing.precise"),
    ],
)
def test_a_wrong_parameter_is_named(quick, edit, command, key, value, line):
    edit(key, value)
    assert line in command("cost", "--shape", "cpu-32")[2]
