"""What the runs of a task answered, image by image, and by how much two models differ on the same images."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from benchmark import evidence, reading
from benchmark.audit.papers import Measure, Robustness
from benchmark.cost.records import Costs, costs_of_task, kept_shares
from benchmark.errors import BadInput
from benchmark.evidence import metrics
from benchmark.params import Params
from benchmark.statistics import Design, Estimate, RunVariance, crossed, over_images, resampled, usual_variance

Values = dict[Measure, dict[int, np.ndarray]]  # measure → run → one value per test image (float, N)


@dataclass(frozen=True)
class ClassRecall:
    """A measure: the share of the images of a class, counted from 0, that are right (with two classes, of class 1 the
    sensitivity and of class 0 the specificity)."""

    label: int


Asked = Measure | ClassRecall  # what answers can be asked for


@dataclass(frozen=True)
class Gap:
    """By how much the first of two models exceeds the second in a measure, over how many runs and test images.

    ``resampled`` estimates the same from the means of the runs alone, by the corrected resampled t-test.
    """

    first: str
    second: str
    estimate: Estimate
    resampled: Estimate
    runs: int
    images: int

    def interval(self) -> tuple[float, float]:
        """Return the bounds of the gap's 95 % interval: no two scores lie further apart than −1 and 1."""
        low, high = self.estimate.interval()
        return max(low, -1.0), min(high, 1.0)


@dataclass(frozen=True)
class Answers:
    """What the runs of a task answered: model → measure → run → one value per test image.

    The measures are those of :data:`benchmark.evidence.metrics.PER_IMAGE`, and robustness to each single corruption.
    ``clusters`` and ``labels`` map a run to the cluster and the true class of each of its test images (int, N);
    without labels classes are not told apart. ``test_to_train`` is the ratio of the
    sizes of the two parts, 0 where every run has the same parts. ``costs`` are what the models cost, one record per
    condition; the first is at the task's own input size. ``rows`` are the models of a paper's tables, ``kinds`` maps
    a model to its kind, and ``notes`` maps MODEL, or TASK-MODEL, to what a reader must know of it. ``pixels`` and
    ``split`` say at which size the models see the images, and how the images are split.
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
    labels: dict[int, np.ndarray] = field(default_factory=dict)

    def kind(self, model: str) -> str:
        """Return the kind of a model; one that params.yaml does not know is a network."""
        return self.kinds.get(model, "network")

    def runs(self, *models: str, measure: Asked = "accuracy") -> list[int]:
        """Return the runs in which every one of ``models`` has a measure."""
        measured = [self.values.get(model, {}).get(single, {}) for model in models for single in _singles(measure)]
        return sorted(set.intersection(*map(set, measured)))

    def per_image(self, model: str, measure: Asked, run: int) -> np.ndarray:
        """Return one value per test image (float, N), of those of a class for its recall; for several corruptions the
        mean over them."""
        if isinstance(measure, ClassRecall):
            return self.values[model]["accuracy"][run][self.labels[run] == measure.label]
        return np.mean([self.values[model][single][run] for single in _singles(measure)], 0)

    def mean(self, model: str, measure: Asked) -> Estimate | None:
        """Return a model's mean in a measure; None without evidence."""
        runs = self.runs(model, measure=measure)
        return self.mean_over(model, measure, runs) if runs else None

    def mean_over(self, model: str, measure: Asked, runs: list[int]) -> Estimate:
        """Return a model's mean in a measure over some of its runs."""
        values = np.concatenate([self.per_image(model, measure, run) for run in runs])
        return crossed(values, self._design(runs, measure), self._usual((model,), runs, measure))

    def gap(self, first: str, second: str, measure: Asked) -> Gap | None:
        """Return by how much one model exceeds another; None if they have no run in common."""
        key = (first, second, measure)
        if key not in self._gaps:
            self._gaps[key] = self._measure_gap(*key)
        return self._gaps[key]

    def _measure_gap(self, first: str, second: str, measure: Asked) -> Gap | None:
        runs = self.runs(first, second, measure=measure)
        if not runs:
            return None
        gaps = [self.per_image(first, measure, run) - self.per_image(second, measure, run) for run in runs]
        usual = self._usual((first, second), runs, measure)
        estimate = crossed(np.concatenate(gaps), self._design(runs, measure), usual)
        from_means = resampled([float(values.mean()) for values in gaps], self.test_to_train)
        return Gap(first, second, estimate, from_means, len(runs), sum(map(len, gaps)))

    def mean_or_one(self, model: str, measure: Asked) -> Estimate:
        """Return a model's mean in a measure; of one run, with the variance of its images alone."""
        runs = self.runs(model, measure=measure)
        if len(runs) > 1:
            return self.mean_over(model, measure, runs)
        return over_images(self.per_image(model, measure, runs[0]), self._design(runs, measure))

    def gap_over_images(self, first: str, second: str, measure: Asked) -> Estimate:
        """Return by how much one model exceeds another in their common runs, with the variance of images alone."""
        runs = self.runs(first, second, measure=measure)
        gaps = [self.per_image(first, measure, run) - self.per_image(second, measure, run) for run in runs]
        return over_images(np.concatenate(gaps), self._design(runs, measure))

    def _design(self, runs: list[int], measure: Asked) -> Design:
        of_class = measure.label if isinstance(measure, ClassRecall) else None
        key = (tuple(runs), of_class)
        if key not in self._designs:
            label = np.concatenate([self.labels[run] for run in runs]) if self.labels else None
            columns = (
                np.concatenate([np.full(len(self.clusters[run]), run) for run in runs]),
                np.concatenate([self.clusters[run] for run in runs]),
            )
            if label is not None and of_class is not None:
                columns, label = tuple(column[label == of_class] for column in columns), None
            self._designs[key] = Design(*columns, label)
        return self._designs[key]

    def _usual(self, models: tuple[str, ...], runs: list[int], measure: Asked) -> RunVariance | None:
        """Return by how much runs of models of these kinds usually vary, judged by the models of ``rows``.

        For a pair it is the mean of both kinds: networks vary, most estimators hardly do.
        """
        of_each = [self._usual_of_kind(self.kind(model), tuple(runs), measure, len(models) > 1) for model in models]
        by_kind = [usual for usual in of_each if usual]
        if len(by_kind) < len(models):
            return None
        variance = sum(usual.variance for usual in by_kind) / len(by_kind)
        return RunVariance(variance, min(usual.freedom for usual in by_kind))

    def _usual_of_kind(self, kind: str, runs: tuple[int, ...], measure: Asked, paired: bool) -> RunVariance | None:
        key = (kind, runs, measure, paired)
        if key not in self._usual_variations:
            of_kind = [model for model in self.rows if self.kind(model) == kind]
            models = [model for model in of_kind if set(runs) <= set(self.runs(model, measure=measure))]
            columns = [np.concatenate([self.per_image(model, measure, run) for run in runs]) for model in models]
            self._usual_variations[key] = usual_variance(columns, self._design(list(runs), measure), paired)
        return self._usual_variations[key]

    @cached_property
    def _gaps(self) -> dict[tuple[str, str, Asked], Gap | None]:
        return {}

    @cached_property
    def _designs(self) -> dict[tuple[tuple[int, ...], int | None], Design]:
        return {}

    @cached_property
    def _usual_variations(self) -> dict[tuple[str, tuple[int, ...], Asked, bool], RunVariance | None]:
        return {}


def _singles(measure: Asked) -> list[Measure]:
    """Return the measures that a measure is made of: robustness to each corruption, else accuracy or itself."""
    if isinstance(measure, ClassRecall):
        return ["accuracy"]
    if isinstance(measure, Robustness):
        return [Robustness((corruption,)) for corruption in measure.corruptions]
    return [measure]


def load(params: Params, task: str, rows: Sequence[str], folder: Path | None = None) -> Answers:
    """Read the evidence of ``task``, as far as there is any; ``rows`` are the models of the papers' tables.

    ``folder`` contains the runs, if not the committed ones. :class:`BadInput` if two models were tested on different
    images in the same run.
    """
    home, protocol = evidence.TASKS / task, params.task(task)
    sample_ids, labels, values = _read_runs(folder or home / "runs")
    pooled, shares = protocol.split == "pooled", params.pooled_split
    return Answers(
        task=task,
        source=protocol.source.name,
        title=protocol.source.title,
        synthetic=protocol.synthetic,
        test_to_train=shares.test / shares.train if pooled else 0.0,
        clusters=_read_clusters(home / "samples.csv", sample_ids) if sample_ids else {},
        values=values,
        costs=costs_of_task(params, task, kept_shares(folder or home / "runs")),
        rows=rows,
        kinds={name: model.kind for name, model in params.models.items()},
        notes=params.notes,
        pixels=protocol.pixels,
        split=f"pooled {shares}" if pooled else "the source's own split",
        labels=labels,
    )


def _read_runs(folder: Path) -> tuple[dict[int, list[str]], dict[int, np.ndarray], dict[str, Values]]:
    """Return run → ids of its test images, run → their labels, and model → measure → run → one value per image."""
    sample_ids: dict[int, list[str]] = {}
    labels_of_run: dict[int, np.ndarray] = {}
    values: dict[str, Values] = {}
    found = [(cell.name, *of_run) for cell in sorted(folder.glob("*")) for of_run in evidence.run_folders(cell).items()]
    for model, run, of_run in found:
        path = of_run / "predictions.csv"
        if not path.exists():
            continue
        ids, labels, probabilities = evidence.read_predictions(path)
        if sample_ids.setdefault(run, ids) != ids:
            raise BadInput(f"{path}: lists other test images than other models' run {run}; train it again")
        labels_of_run[run] = labels
        by_measure: dict[Measure, np.ndarray] = {
            name: per_image for name, per_image in metrics.per_image(labels, probabilities).items()
        }
        by_measure |= _read_robustness(path.with_name("robustness.csv"), by_measure["accuracy"])
        for measure, per_image in by_measure.items():
            values.setdefault(model, {}).setdefault(measure, {})[run] = per_image
    return sample_ids, labels_of_run, values


def _read_clusters(path: Path, sample_ids: dict[int, list[str]]) -> dict[int, np.ndarray]:
    """Return run → cluster of each of its test images."""
    clusters = evidence.read_table(path, "cluster", sample_id=str).set_index("sample_id")["cluster"]
    try:
        return {run: clusters.loc[ids].to_numpy() for run, ids in sample_ids.items()}
    except KeyError as error:
        raise BadInput(f"{path}: lacks test images of the runs ({error}); {evidence.RESTORE}") from None


def _read_robustness(path: Path, right: np.ndarray) -> dict[Measure, np.ndarray]:
    """Return robustness to each corruption: right under it (mean over strengths) minus ``right`` without it."""
    under: dict[str, list[np.ndarray]] = {}
    try:
        for row in csv.DictReader(io.StringIO(reading.text(path, evidence.RESTORE))):
            bits = np.frombuffer(row["right"][1:].encode(), np.uint8) - ord("0")
            if len(bits) != len(right) or bits.max(initial=0) > 1:
                raise ValueError(f"right must have an r, then 0 or 1 for each of {len(right)} images")
            under.setdefault(row["corruption"], []).append(bits)
    except (csv.Error, KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path}: is not as it was written ({error}); {evidence.RESTORE}") from None
    return {Robustness((name,)): np.mean(rows, 0) - right for name, rows in under.items()}
