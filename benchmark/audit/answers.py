"""What the runs of a task answered, image by image, and by how much two models differ on the same images."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark import evidence
from benchmark.cost.records import Costs, costs_of_task
from benchmark.data import splits
from benchmark.errors import BadInput
from benchmark.evidence import metrics
from benchmark.params import Params
from benchmark.statistics import Design, Estimate, Usual, crossed, resampled, usual
from benchmark.training.corruptions import CORRUPTIONS

Values = dict[str, dict[int, np.ndarray]]  # measure → run → a value an image (float, N)


@dataclass(frozen=True)
class Gap:
    """By how much the first of two models exceeds the second in a measure, over how many runs and test images.

    ``resampled`` is the same by the corrected resampled t-test, on the runs' means alone.
    """

    first: str
    second: str
    estimate: Estimate
    resampled: Estimate
    runs: int
    images: int


@dataclass(frozen=True)
class Answers:
    """What the runs of a task answered: model → measure → run → a value for each test image.

    ``clusters`` holds the cluster of each test image of a run (int, N). The measures are those of
    :data:`benchmark.metrics.PER_IMAGE`, and ``kept:CORRUPTION``: right under corruption, on average over strengths,
    less right without it. ``test_to_train`` is the ratio of the parts' sizes, 0 where every run has the same parts.
    ``costs`` holds what models cost, a condition each; the first is the task's own input size. ``rows`` are the
    models of the papers' tables, ``kinds`` holds the kind of every model, ``notes`` what a reader must know of one, or
    of TASK-MODEL. ``pixels`` is the size at which images are shown, ``split`` how they are split.
    """

    task: str
    source: str
    title: str
    synthetic: bool
    test_to_train: float
    clusters: dict[int, np.ndarray]
    values: dict[str, Values]
    costs: list[Costs] = field(default_factory=list)
    rows: Sequence[str] = ()
    kinds: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    pixels: str = "size unknown"
    split: str = "split unknown"

    def kind(self, model: str) -> str:
        """Return the kind of a model; one that params.yaml does not know is a network."""
        return self.kinds.get(model, "network")

    def runs(self, *models: str) -> list[int]:
        """Return the runs that all of some models have evidence of."""
        return sorted(set.intersection(*(set(self.values.get(model, {}).get("accuracy", {})) for model in models)))

    def of(self, model: str, measure: str, run: int) -> np.ndarray:
        """Return a model's values; ``kept:a+b`` is the mean over several corruptions."""
        if not measure.startswith("kept:"):
            return self.values[model][measure][run]
        kinds = measure.removeprefix("kept:").split("+")
        return np.mean([self.values[model][f"kept:{kind}"][run] for kind in kinds], 0)

    def mean(self, model: str, measure: str) -> Estimate | None:
        """Return a model's mean in a measure; None without evidence."""
        runs = self.runs(model)
        if not runs:
            return None
        values = np.concatenate([self.of(model, measure, run) for run in runs])
        return crossed(values, self._design(runs), self._usual((model,), runs, measure))

    def gap(self, first: str, second: str, measure: str) -> Gap | None:
        """Return by how much one model exceeds another; None if they have no run in common."""
        runs = self.runs(first, second)
        if not runs:
            return None
        apart = [self.of(first, measure, run) - self.of(second, measure, run) for run in runs]
        estimate = crossed(np.concatenate(apart), self._design(runs), self._usual((first, second), runs, measure))
        by_means = resampled([float(values.mean()) for values in apart], self.test_to_train)
        return Gap(first, second, estimate, by_means, len(runs), sum(map(len, apart)))

    def _design(self, runs: list[int]) -> Design:
        if tuple(runs) not in self._designs:
            numbers = np.concatenate([np.full(len(self.clusters[run]), run) for run in runs])
            self._designs[tuple(runs)] = Design(numbers, np.concatenate([self.clusters[run] for run in runs]))
        return self._designs[tuple(runs)]

    def _usual(self, models: tuple[str, ...], runs: list[int], measure: str) -> Usual | None:
        """Return by how much runs of models of these kinds usually vary, from those of the papers' rows.

        Of a pair it is the mean of both kinds': networks vary, most estimators hardly.
        """
        of_kinds = [self._of_kind(self.kind(model), tuple(runs), measure, len(models) > 1) for model in models]
        if not all(of_kinds):
            return None
        variance = sum(usual.variance for usual in of_kinds) / len(of_kinds)
        return Usual(variance, min(usual.freedom for usual in of_kinds))

    def _of_kind(self, kind: str, runs: tuple[int, ...], measure: str, paired: bool) -> Usual | None:
        key = (kind, runs, measure, paired)
        if key not in self._known:
            models = [model for model in self.rows if self.kind(model) == kind and set(runs) <= set(self.runs(model))]
            columns = [np.concatenate([self.of(model, measure, run) for run in runs]) for model in models]
            self._known[key] = usual(columns, self._design(list(runs)), paired)
        return self._known[key]

    @cached_property
    def _designs(self) -> dict[tuple[int, ...], Design]:
        return {}

    @cached_property
    def _known(self) -> dict[tuple[str, tuple[int, ...], str, bool], Usual | None]:
        return {}


def load(params: Params, task: str, rows: Sequence[str], folder: Path | None = None) -> Answers:
    """Read the evidence of ``task``, as far as there is some; ``rows`` are the models of the papers' tables.

    ``folder`` holds its runs, if not the committed ones. :class:`BadInput` if two models were tested on other images.
    """
    home, protocol = evidence.TASKS / task, params.task(task)
    tested: dict[int, list[str]] = {}
    values: dict[str, Values] = {}
    for path in sorted((folder or home / "runs").glob("*/run-*/predictions.csv")):
        model, run = path.parts[-3], int(path.parts[-2].removeprefix("run-"))
        ids, labels, probabilities = evidence.read_predictions(path)
        if tested.setdefault(run, ids) != ids:
            raise BadInput(f"{path}: lists other test images than other models' run {run}; train it again")
        found = metrics.per_image(labels, probabilities)
        found |= _kept(path.with_name("robustness.csv"), found["accuracy"])
        for measure, of_images in found.items():
            values.setdefault(model, {}).setdefault(measure, {})[run] = of_images
    samples, shares = home / "samples.csv", params.pooled_split
    cluster = pd.read_csv(samples, dtype={"sample_id": str}).set_index("sample_id")["cluster"] if tested else None
    pooled = protocol.split == "pooled"
    return Answers(
        task=task,
        source=protocol.source.name,
        title=protocol.source.title,
        synthetic=protocol.synthetic,
        test_to_train=shares.test / shares.train if pooled else 0.0,
        clusters={run: cluster.loc[ids].to_numpy() for run, ids in tested.items()},
        values=values,
        costs=costs_of_task(task),
        rows=rows,
        kinds={name: model.kind for name, model in params.models.items()},
        notes=params.notes,
        pixels=protocol.pixels,
        split=f"pooled {shares}" if pooled else "the source's own split",
    )


def _kept(path: Path, right: np.ndarray) -> Values:
    """Return, for each corruption, right under it (mean over strengths) less right without it."""
    table = pd.read_csv(path)
    under = table["right"].str[1:].map(lambda text: np.frombuffer(text.encode(), np.uint8) - ord("0"))
    kinds = [kind for kind in CORRUPTIONS if (table["corruption"] == kind).any()]
    return {f"kept:{kind}": np.mean(under[table["corruption"] == kind].tolist(), 0) - right for kind in kinds}


def beside(params: Params, task: str, path: Path, rows: list[str]) -> str:
    """Return the scores of somebody's predictions on the test images of ``task``, and the gap to each known model.

    The file holds the test images of one run or of several, all of each; one of a source's own split is of one run,
    since all runs test on the same images. :class:`BadInput` if it holds another image, or not all of any run.
    """
    protocol = params.task(task)
    if not (evidence.TASKS / task / "runs").exists():
        raise BadInput(f"--task: {task} has no evidence; it must be a task with some")
    ids, labels, probabilities = evidence.read_predictions(path)
    known = load(params, task, rows)
    split = pd.read_csv(evidence.TASKS / task / "split.csv", dtype={"sample_id": str, "part": str})
    place = {name: index for index, name in enumerate(ids)}
    if len(place) < len(ids):
        twice = next(name for name in ids if ids.count(name) > 1)
        raise BadInput(f"{path}: {twice!r} stands there twice; it must hold each image once")
    if strange := sorted(set(ids) - set(split["sample_id"])):
        raise BadInput(f"{path}: no image {strange[0]!r} in {task}; results/tasks/{task}/split.csv lists all")
    _check(path, task, split.set_index("sample_id")["label"].loc[ids].to_numpy(), labels, probabilities)
    values: Values = {measure: {} for measure in metrics.PER_IMAGE}
    lines = []
    for run in range(protocol.runs if protocol.split == "pooled" else 1):
        of_run = split["sample_id"][splits.of_run(split, protocol, params.pooled_split, run)["test"]].tolist()
        if not set(of_run) <= set(place):
            continue
        index = [place[name] for name in of_run]
        scores = metrics.score(labels[index], probabilities[index])
        lines.append(f"run {run}, {len(index)} images: " + ", ".join(f"{k} {v:.4f}" for k, v in scores.items()))
        for measure, found in metrics.per_image(labels[index], probabilities[index]).items():
            values[measure][run] = found
    if not lines:
        file = f"{evidence.TASKS / task}/runs/*/run-0/predictions.csv lists those of run 0"
        raise BadInput(f"{path}: holds no run's test images whole; {file}")
    if left := len(ids) - sum(len(found) for found in values["accuracy"].values()):
        lines.append(f"{left} images are left out: of their run's test images, others are missing")
    mine = replace(known, values=known.values | {"yours": values})
    for model in known.values:
        if gap := mine.gap("yours", model, "accuracy"):
            low, high = gap.estimate.interval()
            sure = f"[{100 * low:+.1f}, {100 * high:+.1f}]" if gap.runs > 1 else "(one run: no interval)"
            lines.append(f"yours − {model}: accuracy {100 * gap.estimate.value:+.1f} points {sure}, {gap.runs} runs")
    return "\n".join(lines)


def _check(path: Path, task: str, true: np.ndarray, labels: np.ndarray, probabilities: np.ndarray) -> None:
    """Raise :class:`BadInput` if labels are not those of the task, or rows are no probabilities."""
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
