"""How far evidence may differ on another processor: forged parts of a cell are outside, another seed is within."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from benchmark import evidence
from benchmark.evidence import metrics, provenance
from benchmark.training import reproduction
from benchmark.training.corruptions import CORRUPTIONS
from benchmark.training.runs import resolve
from pipelines.listed import code_of

IMAGES = 200
RUNS = range(3)


def leave(folder, seed, skill, processor="one"):
    """Leave the evidence of a made-up network: ``skill`` is by how much the logit of the true class is larger."""
    draw, labels = np.random.default_rng(seed), np.arange(IMAGES) % 2
    logits = draw.normal(size=(IMAGES, 2)) + skill * np.eye(2)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    ids = [str(index) for index in range(IMAGES)]
    evidence.replace_text(folder / "masks.csv", "")
    evidence.write_predictions(folder / "predictions.csv", ids, labels, probabilities)
    _, labels, probabilities = evidence.read_predictions(folder / "predictions.csv")
    evidence.write_json(folder / "metrics.json", metrics.score(labels, probabilities))
    rows = [robustness_row(draw, skill, *key) for key in strengths()]
    pd.DataFrame(rows).to_csv(folder / "robustness.csv", index=False)
    losses = {"epoch": range(1, 9), "validation_loss": 1 / (1 + skill) + draw.uniform(0, 0.1, 8)}
    pd.DataFrame(losses).to_csv(folder / "history.csv", index=False)
    masks = {"sample_id": ids, "tokens": 64, "kept": draw.integers(20, 44, IMAGES)}
    pd.DataFrame(masks).to_csv(folder / "masks.csv", index=False)
    evidence.write_json(folder / "explanations.json", {"0": {"label": 0, "predicted": int(probabilities[0].argmax())}})
    machine = {"processor": processor, "kind": processor, "system": "Linux"}
    provenance.write(folder, {"machine": machine, "device": "cpu", "threads": 1, "versions": {"torch": "2"}})


def strengths():
    return [(name, strength, kind.unit) for name, kind in CORRUPTIONS.items() for strength in kind.strengths]


def robustness_row(draw, skill, corruption, strength, unit):
    right = "r" + "".join(map(str, (draw.normal(size=IMAGES) < skill).astype(int)))
    return {"corruption": corruption, "strength": strength, "unit": unit, "right": right}


@pytest.fixture
def compared(settings, tmp_path):
    """Return a function that compares a cell of three runs of skill 1 with one made again on another processor.

    ``forge`` changes each folder of the first; ``claims`` is the processor that this one names.
    """

    def compare(forge=lambda folder: None, claims="another", skill=1.0):
        runs = [resolve(settings, "phantom", "cnn", number, code_of(settings, "cnn")) for number in RUNS]
        one, again = tmp_path / "one", tmp_path / "again"
        for number, run in enumerate(runs):
            folders = [place / run.folder.relative_to(evidence.TASKS) for place in (one, again)]
            leave(folders[0], number, skill, claims)
            forge(folders[0])
            leave(folders[1], 100 + number, 1.0)
        return reproduction.compare(runs, settings.other_processor, one, again)[0]

    return compare


def test_another_seed_is_within_and_the_sentence_says_what_was_not_compared(compared):
    outcome = compared()
    assert outcome.passed, str(outcome)
    assert "0 of 3 runs came out the same" in str(outcome)
    assert "bytes could not be compared, because the evidence says it was made on another" in str(outcome)
    for part in ("McNemar's p", "under jpeg", "AUC by", "log loss by", "the kept share by", "the best validation loss"):
        assert part in str(outcome).split("within what it may: ")[1]


def test_a_wholly_forged_cell_is_outside(compared):
    outcome = compared(skill=3.0)
    assert not outcome.passed
    outside = [part.what.split(" by ")[0] for part in outcome.parts if not part.within]
    assert {"AUC", "log loss", "the best validation loss"} <= set(outside)
    assert any(name.startswith("under gaussian_blur") for name in outside)


def test_on_the_same_processor_every_byte_must_agree(compared):
    outcome = compared(claims="one")
    assert not outcome.passed
    assert "on the same kind of processor and versions, every byte must agree" in str(outcome)


def claim_a_device(folder):
    facts = json.loads((folder / evidence.PROVENANCE).read_text(encoding="utf-8"))
    evidence.write_json(folder / evidence.PROVENANCE, facts | {"device": "cuda", "threads": 8})


def test_a_claim_of_another_device_excuses_nothing(compared):
    assert not compared(claim_a_device, claims="one").passed


def more_robust(folder):
    path = folder / "robustness.csv"
    table = pd.read_csv(path)
    jpeg = table["corruption"] == "jpeg"
    table.loc[jpeg, "right"] = "r" + "1" * IMAGES
    table.to_csv(path, index=False)


def sparser(folder):
    path = folder / "masks.csv"
    pd.read_csv(path, dtype={"sample_id": str}).assign(kept=8).to_csv(path, index=False)


def better_validated(folder):
    path = folder / "history.csv"
    table = pd.read_csv(path)
    table.assign(validation_loss=table["validation_loss"] / 20).to_csv(path, index=False)


def more_certain(folder):
    ids, labels, probabilities = evidence.read_predictions(folder / "predictions.csv")
    probabilities = probabilities**9 / (probabilities**9).sum(1, keepdims=True)
    evidence.write_predictions(folder / "predictions.csv", ids, labels, probabilities)
    _, _, probabilities = evidence.read_predictions(folder / "predictions.csv")
    evidence.write_json(folder / "metrics.json", metrics.score(labels, probabilities))


def other_metrics(folder):
    path = folder / "metrics.json"
    evidence.write_json(path, evidence.read_json(path) | {"accuracy": 1.0})


def other_images(folder):
    path = folder / "masks.csv"
    pd.read_csv(path, dtype={"sample_id": str})[::-1].to_csv(path, index=False)


@pytest.mark.parametrize(
    ("forge", "named"),
    [
        (more_robust, "under jpeg"),
        (sparser, "the kept share"),
        (better_validated, "the best validation loss"),
        (more_certain, "log loss"),
        (other_metrics, "metrics.json: is not what its predictions give"),
        (other_images, "masks.csv: sample_id differs"),
    ],
)
def test_one_forged_file_is_outside_whatever_the_machine_claimed(compared, forge, named):
    outcome = compared(forge)
    assert not outcome.passed
    assert named in str(outcome).split("more than another processor may change: ")[1].split("within what it may")[0]


def round_otherwise(folder):
    path = folder / "metrics.json"
    scores = evidence.read_json(path)
    evidence.write_json(path, {name: float(np.nextafter(value, 1e9)) for name, value in scores.items()})


def test_scores_that_another_processor_rounds_otherwise_are_within(compared):
    outcome = compared(round_otherwise)
    assert outcome.passed, str(outcome)


def test_without_a_second_run_numbers_must_agree(settings, tmp_path):
    run = resolve(settings, "phantom", "cnn", 0, code_of(settings, "cnn"))
    folders = [tmp_path / place / run.folder.relative_to(evidence.TASKS) for place in ("one", "again")]
    leave(folders[0], 0, 1.0, "another")
    shutil.copytree(folders[0], folders[1])
    sparser(folders[0])
    leave(tmp_path / "here", 0, 1.0)
    shutil.copy(tmp_path / "here" / evidence.PROVENANCE, folders[1])
    outcome = reproduction.compare([run], settings.other_processor, tmp_path / "one", tmp_path / "again")[0]
    assert not outcome.passed
