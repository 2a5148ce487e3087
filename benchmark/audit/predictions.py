"""Somebody's own predictions on the test images of a task, compared with the models that have evidence."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark import evidence
from benchmark.audit import answers
from benchmark.audit.answers import Gap, Values
from benchmark.data import splits
from benchmark.errors import BadInput
from benchmark.evidence import metrics
from benchmark.params import Params

YOURS = "yours"


@dataclass(frozen=True)
class RunScores:
    """The scores of one run: measure → value, over how many test images."""

    run: int
    images: int
    scores: dict[str, float]


@dataclass(frozen=True)
class Comparison:
    """Scores of each complete run, how many images belong to incomplete ones, and gaps in accuracy to other models."""

    runs: list[RunScores]
    left_out: int
    gaps: list[Gap]


def compare(params: Params, task: str, path: Path, rows: list[str]) -> Comparison:
    """Score a predictions file on the test images of ``task``; ``rows`` are the models of the papers' tables.

    The file contains all test images of one run or of several. Where the source has its own split there is one run,
    since all runs test on the same images. :class:`BadInput` names an image, label or probability that does not fit.
    """
    protocol = params.task(task)
    if not (evidence.TASKS / task / "runs").exists():
        raise BadInput(f"--task: {task} has no evidence; it must be a task that has some")
    ids, labels, probabilities = evidence.read_predictions(path)
    theirs = answers.load(params, task, rows)
    split = evidence.read_table(evidence.TASKS / task / "split.csv", "label", "cluster", sample_id=str, part=str)
    _check_images(path, task, ids, split)
    _check_rows(path, task, split.set_index("sample_id")["label"].loc[ids].to_numpy(), labels, probabilities)
    row_of = {name: row for row, name in enumerate(ids)}
    values: Values = {measure: {} for measure in metrics.PER_IMAGE}
    runs = []
    for run in range(protocol.runs if protocol.split == "pooled" else 1):
        test_ids = split["sample_id"][splits.of_run(split, protocol, params.pooled_split, run)["test"]].tolist()
        if not set(test_ids) <= set(row_of):
            continue
        index = [row_of[name] for name in test_ids]
        runs.append(RunScores(run, len(index), metrics.score(labels[index], probabilities[index])))
        for measure, per_image in metrics.per_image(labels[index], probabilities[index]).items():
            values[measure][run] = per_image
    if not runs:
        example = f"{evidence.TASKS / task}/runs/*/run-0/predictions.csv"
        raise BadInput(f"{path}: contains no run's test images completely; {example} lists those of run 0")
    both = replace(theirs, values=theirs.values | {YOURS: values})
    gaps = [gap for model in theirs.values if (gap := both.gap(YOURS, model, "accuracy"))]
    return Comparison(runs, len(ids) - sum(run.images for run in runs), gaps)


def _check_images(path: Path, task: str, ids: list[str], split: pd.DataFrame) -> None:
    """Raise :class:`BadInput` if an image is repeated or does not belong to the task."""
    if len(set(ids)) < len(ids):
        repeated = next(name for name in ids if ids.count(name) > 1)
        raise BadInput(f"{path}: {repeated!r} is listed twice; each image must be listed once")
    if unknown := sorted(set(ids) - set(split["sample_id"])):
        raise BadInput(f"{path}: no image {unknown[0]!r} in {task}; results/tasks/{task}/split.csv lists all")


def _check_rows(path: Path, task: str, true: np.ndarray, labels: np.ndarray, probabilities: np.ndarray) -> None:
    """Raise :class:`BadInput` if labels are not those of the task, or if rows are no probabilities."""
    if (true != labels).any():
        row = int(np.flatnonzero(true != labels)[0])
        raise BadInput(f"{path}: line {row + 2} has label {labels[row]}; in {task} it is {true[row]}")
    classes = len(evidence.read_json(evidence.TASKS / task / "manifest.json")["classes"])
    if probabilities.shape[1] != classes:
        raise BadInput(f"{path}: has {probabilities.shape[1]} columns p0, p1, …; {task} has {classes} classes")
    with np.errstate(invalid="ignore"):
        right = (probabilities >= 0).all(1) & (abs(probabilities.sum(1) - 1) < 1e-3)
    if not right.all():
        raise BadInput(f"{path}: line {int(np.argmin(right)) + 2}: p0, p1, … must be probabilities that add up to 1")
