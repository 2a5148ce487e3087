"""Costs as a command: what it measures, what it keeps, and whether a second measurement agrees."""

import json

import pandas as pd
import pytest

from benchmark import evidence
from benchmark.cost import cost
from benchmark.evidence import TASKS

PATH = TASKS / "phantom/cost.json"
INVENTORY = TASKS / "phantom/inventory.json"


@pytest.fixture
def quick(small, edit):
    """The workplace with its small phantom, where EMANet and k-NN have runs, and light_cnn is measured untrained."""
    edit("stages.cost.untrained", ["light_cnn"])
    edit("timing", {"least": 6, "most": 6, "seconds": 0.0, "precise": 0.03})
    for model in ("emanet", "knn", "adaptive_parts_1", "emanet_lesion_mask"):
        for run, kept in enumerate((2, 7)):
            folder = TASKS / "phantom/runs" / model / f"run-{run}"
            folder.mkdir(parents=True)
            evidence.write_json(folder / evidence.PROVENANCE, {})
            if model == "emanet":
                table = pd.DataFrame({"sample_id": ["a"], "tokens": [16], "kept": [kept]})
                table.to_csv(folder / "masks.csv", index=False)


@pytest.fixture
def small_papers(monkeypatch):
    """Have the second condition at 40 px, so that it takes no time."""
    monkeypatch.setattr(cost, "PAPERS_SIZE", 40)


def test_the_inventory_says_what_has_evidence_and_what_masks_keep_on_average(quick, command):
    assert command("inventory", "--task", "phantom")[0] == 0
    found = json.loads(INVENTORY.read_text())
    assert found == {
        "emanet": {"kept_share": 0.28},
        "knn": {"kept_share": None},
        "adaptive_parts_1": {"kept_share": None},
        "emanet_lesion_mask": {"kept_share": None},
    }


def test_costs_are_measured_under_each_condition_of_what_has_evidence_or_needs_none(quick, small_papers, command):
    command("inventory", "--task", "phantom")
    status, output, _ = command("cost", "--task", "phantom")
    assert status == 0
    assert "phantom, cpu, 32 px: block 6 of 6 to 6" in output
    own, other = json.loads(PATH.read_text())["conditions"]
    assert set(own["models"]) == {"emanet", "light_cnn", "knn"}
    assert set(other["models"]) == {"emanet", "light_cnn"}
    assert (own["input"], other["input"]) == ([1, 32, 32], [1, 40, 40])
    assert own["models"]["emanet"]["kept_share"] == 4 / 16  # of 16 tokens, the nearest to 28 %


def test_conditions_of_another_device_stay(quick, small_papers, command):
    command("inventory", "--task", "phantom")
    elsewhere = {"device": "cuda", "input": [1, 32, 32], "models": {}}
    evidence.write_json(PATH, {"conditions": [elsewhere]})
    command("cost", "--task", "phantom")
    found = json.loads(PATH.read_text())["conditions"]
    assert [of["device"] for of in found] == ["cpu", "cpu", "cuda"]
    assert found[2] == elsewhere


def test_verify_writes_nothing_and_counts_the_ratios_that_agree(quick, small_papers, command):
    command("inventory", "--task", "phantom")
    command("cost", "--task", "phantom")
    before = PATH.read_bytes()
    output = command("cost", "--task", "phantom", "--verify")[1]
    assert "5 ratios of latency: " in output
    assert PATH.read_bytes() == before


def test_verify_names_a_ratio_that_is_apart(quick, small_papers, command):
    command("inventory", "--task", "phantom")
    command("cost", "--task", "phantom")
    known = json.loads(PATH.read_text())
    known["conditions"][0]["models"]["light_cnn"] |= {"latency_ratio": 50.0, "latency_ratio_interval": [49.0, 51.0]}
    PATH.write_text(json.dumps(known))
    status, output, _ = command("cost", "--task", "phantom", "--verify")
    assert status == 1
    assert "cpu, 32 px: light_cnn: 50.000 [49.000, 51.000], now " in output


def test_verify_needs_costs_of_the_same_device(quick, command):
    evidence.write_json(PATH, {"conditions": [{"device": "cuda", "input": [1, 32, 32], "models": {}}]})
    errors = command("cost", "--task", "phantom", "--verify")[2]
    assert "cost.json: holds no costs of cpu; --device must be one that was measured" in errors


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "inventory.json: missing; make it by `python -m pipelines.inventory --task phantom`"),
        (["--verify"], "cost.json: missing; --verify compares with it"),
        (["--device", "cuda"], "--device: no CUDA device here; it must be cpu on this machine"),
        (["--device", "tpu"], "invalid choice: 'tpu'"),
    ],
)
def test_what_cannot_be_measured_is_said_in_one_line(small, command, monkeypatch, arguments, line):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    status, _, errors = command("cost", "--task", "phantom", *arguments)
    assert status not in (0, None)
    assert line in errors
    assert errors.count("\n") == 1


def test_a_task_without_evidence_says_how_to_get_some(small, edit, command):
    edit("stages.cost.untrained", [])
    command("inventory", "--task", "phantom")
    errors = command("cost", "--task", "phantom")[2]
    assert "no model has evidence; train one by `python -m pipelines.grid --task phantom`" in errors


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("stages.cost.untrained", ["emanett"], "stages.cost.untrained: unknown name 'emanett'"),
        ("timing.most", 7, "timing: most is 7; it must be least = 8 or more"),
        ("timing.least", 2, "timing.least"),
        ("timing.precise", 3.0, "timing.precise"),
        ("stages.cost.untrained", ["svm"], "stages.cost.untrained: 'svm' is no network"),
    ],
)
def test_a_wrong_setting_is_named(small, edit, command, key, value, line):
    edit(key, value)
    assert line in command("cost", "--task", "phantom")[2]
