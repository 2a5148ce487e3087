"""Somebody's own predictions on the test images of a task, compared with the models that have evidence."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark import evidence
from benchmark.audit import answers, predictions_file
from benchmark.audit.answers import Answers, Gap, Values
from benchmark.audit.predictions_file import Predictions
from benchmark.data import splits
from benchmark.errors import BadInput, closest
from benchmark.evidence import metrics
from benchmark.params import Params, Task
from benchmark.statistics import Estimate, holm

YOURS = "yours"


@dataclass(frozen=True)
class RunScores:
    """The scores of one run: measure → value, over how many test images, and class → share of its images right."""

    run: int
    images: int
    scores: dict[str, float]
    recalls: dict[str, float]


@dataclass(frozen=True)
class Comparison:
    """Scores of each complete run, how many images belong to incomplete ones, and gaps in accuracy to other models.

    ``mean`` is the mean accuracy over the runs; ``adjusted`` are Holm's p-values of ``gaps``, over all of them. Of one
    run, intervals and p-values cover other test images, not other training. ``notes`` say how the file was read.
    ``own_split``: the one run is set against the mean of the other models' runs.
    """

    runs: list[RunScores]
    left_out: int
    mean: Estimate
    gaps: list[Gap]
    adjusted: list[float]
    notes: list[str]
    own_split: bool


def compare(params: Params, task: str, path: Path, rows: list[str], logits: bool = False) -> Comparison:
    """Score a predictions file on the test images of ``task``; ``rows`` are the models of the papers' tables.

    The file contains all test images of one run or of several. Where the source has its own split there is one run,
    since all runs test on the same images. :class:`BadInput` names an image, label or probability that does not fit.
    """
    protocol = params.task(task)
    if protocol.sealed:
        opened = ", ".join(params.open_tasks)
        raise BadInput(f"--task: {task} is sealed ({protocol.sealed}); it must be an open one: {opened}")
    if not any((evidence.TASKS / task / "runs").glob(f"*/*/{evidence.PROVENANCE}")):
        raise BadInput(f"--task: {task} has no evidence; it must be a task that has some")
    classes = evidence.manifest(task)["classes"]
    mine = predictions_file.read(path, classes, logits)
    split = evidence.read_table(evidence.TASKS / task / "split.csv", "label", "cluster", sample_id=str, part=str)
    _check_images(path, protocol, mine.ids, split)
    _check_labels(path, task, split.set_index("sample_id")["label"].loc[mine.ids].to_numpy(), mine.labels)
    row_of = {name: row for row, name in enumerate(mine.ids)}
    values: Values = {measure: {} for measure in metrics.PER_IMAGE}
    runs, best, complete = [], 0, set()
    own_split = protocol.split == "official"  # all runs test on the same images
    for run in range(1 if own_split else protocol.runs):
        test_ids = split["sample_id"][splits.of_run(split, protocol, params.pooled_split, run)["test"]].tolist()
        best = max(best, len(set(test_ids) & set(row_of)))
        if not set(test_ids) <= set(row_of):
            continue
        complete |= set(test_ids)
        index = [row_of[name] for name in test_ids]
        runs.append(_score(run, mine, index, classes))
        for measure, per_image in metrics.per_image(mine.labels[index], mine.probabilities[index]).items():
            values[measure][run] = per_image
    if not runs:
        example = f"{evidence.TASKS / task}/runs/*/run-0/predictions.csv"
        raise BadInput(
            f"{path}: contains no run's test images completely, {best} of them at most; {example} lists those of run 0"
        )
    theirs = answers.load(params, task, rows)
    alone = replace(theirs, values=theirs.values | {YOURS: values})
    if own_split:  # one run of yours is set against the mean of their runs
        values = {measure: dict.fromkeys(range(protocol.runs), of_run[0]) for measure, of_run in values.items()}
    both = replace(theirs, values=theirs.values | {YOURS: values})
    gaps = [gap for model in theirs.values if (gap := _gap(both, model))]
    left_out = len(set(mine.ids) - complete)
    adjusted = holm([gap.estimate.two_sided() for gap in gaps])
    return Comparison(runs, left_out, alone.mean_or_one(YOURS, "accuracy"), gaps, adjusted, mine.notes, own_split)


def _score(run: int, mine: Predictions, index: list[int], classes: list[str]) -> RunScores:
    labels, probabilities = mine.labels[index], mine.probabilities[index]
    right = probabilities.argmax(1) == labels
    recalls = {
        name: float(right[labels == label].mean()) for label, name in enumerate(classes) if (labels == label).any()
    }
    return RunScores(run, len(index), metrics.score(labels, probabilities), recalls)


def _gap(both: Answers, model: str) -> Gap | None:
    """Return the gap to a model; of one run, with the variance of its images alone."""
    gap = both.gap(YOURS, model, "accuracy")
    return gap if gap is None or gap.runs > 1 else replace(gap, estimate=both.gap_over_images(YOURS, model, "accuracy"))


def _check_images(path: Path, task: Task, ids: list[str], split: pd.DataFrame) -> None:
    """Raise :class:`BadInput` if an image is repeated or does not belong to the task."""
    lists = f"{evidence.TASKS / task.name}/split.csv lists all"
    line_of: dict[str, int] = {}
    for line, name in enumerate(ids, start=2):
        if not name:
            raise BadInput(f"{path}: line {line}: has no sample_id; {lists}")
        if name in line_of:
            once = "it must be listed once" if task.split == "pooled" else "one file must contain one run"
            raise BadInput(f"{path}: line {line}: {name!r} is listed in line {line_of[name]} too; {once}")
        line_of[name] = line
    known = split["sample_id"].tolist()
    if unknown := sorted(line_of.keys() - set(known)):
        hint = closest(unknown[0], known, lists)
        others = f" (nor {len(unknown) - 1} others)" if unknown[1:] else ""
        raise BadInput(f"{path}: no image {unknown[0]!r} in {task.name}{others}; {hint}")


def _check_labels(path: Path, task: str, true: np.ndarray, labels: np.ndarray) -> None:
    """Raise :class:`BadInput` if labels are not those of the task."""
    if (true != labels).any():
        row = int(np.flatnonzero(true != labels)[0])
        raise BadInput(f"{path}: line {row + 2} has label {labels[row]}; in {task} it is {true[row]}")
