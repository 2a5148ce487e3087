"""The evidence of one task, as tables and figures need it."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmark import evidence
from benchmark.audit import answers, papers
from benchmark.audit.answers import Answers
from benchmark.audit.papers import Paper
from benchmark.evidence import metrics
from benchmark.params import Params
from benchmark.statistics import Estimate, resampled

SIZE_OPTIONS = {"width", "heads"}
OTHER_FIELDS = ("kind", "init", "features", "lesion", "train_parts", "recipe")


@dataclass(frozen=True)
class Results:
    """What the evidence of one task says: model → scores of each run and of its masks, and what the images are.

    ``answers`` contains the same runs image by image, and what models cost. ``best_epochs`` gives the epoch of each
    run, counted from 1, whose weights are tested, for models that learn in epochs.
    """

    task: str
    answers: Answers
    scores: dict[str, list[dict[str, float]]]
    masks: dict[str, list[dict[str, float]]]
    manifest: dict[str, Any]
    best_epochs: dict[str, list[int]]

    @property
    def class_shares(self) -> np.ndarray:
        """The share of each class in the test images, the mean over runs (float, classes)."""
        classes = len(self.manifest["classes"])
        counts = [np.bincount(of_run, minlength=classes) for of_run in self.answers.labels.values()]
        return np.mean([count / count.sum() for count in counts], 0)

    def cost(self, model: str) -> dict[str, Any]:
        """Return what a model costs at the task's own input size; nothing if that was not measured."""
        return self.answers.costs[0].models.get(model, {}) if self.answers.costs else {}

    def by_rows_of(self, paper: Paper) -> "Results":
        """Return the same, with how much runs usually vary judged by the paper's own rows, as in the audit."""
        return replace(self, answers=replace(self.answers, rows=list(paper.systems.values())))

    def mean(self, model: str, measure: str) -> Estimate | None:
        """Return a model's mean in a measure; None without evidence.

        Without values per image the interval is over runs alone.
        """
        if metrics.measure(measure).per_image:
            return self.answers.mean(model, measure)
        scores = [scores_of_run[measure] for scores_of_run in self.scores.get(model, [])]
        return resampled(scores, self.answers.test_to_train) if scores else None


def read(params: Params, task: str, runs: Path | None = None) -> Results:
    """Return the evidence of ``task``; ``runs`` is the folder of its runs, if not the committed one."""
    folder = evidence.TASKS / task
    manifest, runs = evidence.read_json(folder / "manifest.json"), runs or folder / "runs"
    answered = answers.load(params, task, papers.rows(papers.load_all()), runs)
    scores: dict[str, list[dict[str, float]]] = {}
    masks: dict[str, list[dict[str, float]]] = {}
    best_epochs: dict[str, list[int]] = {}
    for path in _of_runs(params, runs, "predictions.csv"):
        scores.setdefault(path.parts[-3], []).append(_scores(path))
    for path in _of_runs(params, runs, "masks.csv"):
        masks.setdefault(path.parts[-3], []).append(metrics.mask_scores(evidence.read_table(path, "kept", "tokens")))
    for path in _of_runs(params, runs, "history.csv"):
        if len(history := evidence.read_table(path)) > 1:
            criterion = params.recipe(params.task(task), params.model(path.parts[-3])).best_epoch_by
            per_epoch = history[f"validation_{criterion}"] * (-1 if criterion == "loss" else 1)
            best_epochs.setdefault(path.parts[-3], []).append(int(per_epoch.argmax()) + 1)
    return Results(task, answered, scores, masks, manifest, best_epochs)


def _of_runs(params: Params, runs: Path, name: str) -> list[Path]:
    """Return a file of each run of the models of params.yaml, in the order of the runs."""
    folders = [folder for model in sorted(params.models) for folder in evidence.run_folders(runs / model).values()]
    return [path for folder in folders if (path := folder / name).exists()]


def _scores(predictions: Path) -> dict[str, float]:
    """Return a run's metrics.json, and what other registered measures its predictions give."""
    scores = evidence.read_json(predictions.with_name("metrics.json"))
    others = [name for name in metrics.MEASURES if name not in scores]
    if not others:
        return scores
    _, labels, probabilities = evidence.read_predictions(predictions)
    return scores | metrics.score(labels, probabilities, others)


def sizes(params: Params, rows: Collection[str]) -> dict[str, str]:
    """Return each smaller or larger network of a row of the papers → that row.

    It is a model of the same factory whose options change only the width and, with it, the number of heads.
    """
    return {
        name: row
        for name in params.models
        for row in rows
        if name not in rows and _changes_size_alone(params, row, name)
    }


def _changes_size_alone(params: Params, row: str, name: str) -> bool:
    """Return whether a model is a row at another size."""
    one, other = params.models[row], params.models[name]
    changed = {key for key in one.options | other.options if one.options.get(key) != other.options.get(key)}
    same_factory = (one.of or row) == (other.of or name)
    same_otherwise = all(getattr(one, field) == getattr(other, field) for field in OTHER_FIELDS)
    return same_factory and same_otherwise and "width" in changed and changed <= SIZE_OPTIONS
