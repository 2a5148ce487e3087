"""Records of what models cost at an input shape: when one is out of date, and how it is measured.

Models are timed together, beside a reference: a new one is measured beside it alone, and the records of others stay.
Everything is computed in float32, on CUDA without TF32.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmark import evidence
from benchmark.cost import timing
from benchmark.cost.counting import first_line
from benchmark.cost.records import COSTS, HALF, Record
from benchmark.cost.subjects import BATCH, Key, Subject, subjects
from benchmark.data import Images
from benchmark.errors import BadInput, NotHere
from benchmark.evidence import provenance
from benchmark.evidence.digests import code_digest, digest
from benchmark.params import Shape, Timing
from benchmark.statistics import ratio
from benchmark.training import dataset as datasets
from benchmark.training.dataset import Dataset
from benchmark.training.runs import Run, with_imports

TIMING_CODE = ("benchmark/cost/counting.py", "benchmark/cost/timing.py")
PREPARING_CODE = ("benchmark/data/preprocessing.py", "benchmark/data/resize.py")
CALLING_CODE = {"network": (), "estimator": ("benchmark/training/estimators.py",)}

NOISE = "noise"
OnBlock = Callable[[int], None]  # hears how many blocks are done


@dataclass(frozen=True)
class Session:
    """The models that are measured at the input shape ``name``, each as a run on the task of the shape's images.

    The reference of ``limits`` is one of them.
    """

    name: str
    shape: Shape
    limits: Timing
    runs: dict[str, Run]

    def path(self, model: str) -> Path:
        """Return where the record of a model belongs."""
        return COSTS / self.name / f"{model}.json"

    def is_current(self, model: str) -> bool:
        """Return whether a model has a record of today's code and parameters, beside today's reference."""
        path = self.path(model)
        if not path.exists():
            return False
        record = evidence.read_json(path)
        return record["digest"] == self._digest(model) and self._is_beside(record["reference"])

    def _is_beside(self, reference: dict[str, Any]) -> bool:
        model = self.limits.reference
        return reference["model"] == model and reference["digest"] == self._digest(model)

    def _digest(self, model: str) -> str:
        """Return the digest of what a model's cost depends on: its entry in params.yaml, the shape, the code."""
        run = self.runs[model]
        entry = run.model.model_dump(include={"kind", "features", "options"})
        shared = (*CALLING_CODE[run.model.kind], *PREPARING_CODE, *TIMING_CODE)
        code = code_digest([*with_imports(run.code), *map(Path, shared)])
        return digest([entry, self.shape.model_dump(), code])

    @property
    def has_device(self) -> bool:
        """Whether the shape's device is here."""
        return self.shape.device == "cpu" or torch.cuda.is_available()

    def measure(
        self, models: Collection[str], progress: Callable[[str], OnBlock]
    ) -> tuple[dict[str, Record], dict[str, str]]:
        """Return the records of some models, and why others cannot run at this shape.

        ``progress`` is told what is measured, and returns what hears how many blocks are done. :class:`BadInput` if
        the reference cannot run.
        """
        timing.compute_in_float32()
        reference = self.limits.reference
        dataset, shown = self._dataset
        timed, failures = self._subjects(dict.fromkeys([reference, *models]), dataset)
        if failures.keys() >= set(models):
            return {}, failures
        beside = _half([key for key in timed if key[0] == reference])
        timed = {key: subject for key, subject in timed.items() if key[0] in models or key == beside}
        told = f"{len(models)} models, {len(timed)} with their kept shares, beside {reference}"
        times = _times(timed, beside, self.shape.device, self.limits, progress(told))
        condition = surroundings(self.shape) | {
            "images": shown,
            "input": [dataset.channels, self.shape.size, self.shape.size],
            "batch": BATCH[self.shape.device],
            "reference": {"model": reference, "kept_share": beside[1], "digest": self._digest(reference)},
            "blocks": len(times["latency"][beside]),
        }
        records = {model: {"digest": self._digest(model)} | condition | {"measures": []} for model in models}
        for key, subject in timed.items():
            if key[0] in models:
                records[key[0]]["measures"].append(subject.counts | _measures(times, key, self.shape.device))
        return {model: record for model, record in records.items() if model not in failures}, failures

    def lacking_images(self, models: Iterable[str]) -> list[str]:
        """Return the estimators among some models, if the images that they are to be fitted to are not at hand."""
        estimators = [model for model in models if self.runs[model].model.kind == "estimator"]
        return estimators if estimators and self._dataset[1] == NOISE else []

    @cached_property
    def _dataset(self) -> tuple[Dataset, str]:
        """Return the images that models are shown, and what they are: those of the shape's task.

        Where these are not at hand, networks are shown noise: what one costs does not depend on what it sees.
        """
        run = self.runs[self.limits.reference]
        try:
            return datasets.load(run), self.shape.images
        except NotHere:
            return _noise(run), NOISE

    def _subjects(self, models: Iterable[str], dataset: Dataset) -> tuple[dict[Key, Subject], dict[str, str]]:
        """Return models as they are timed, and why others cannot run at this shape."""
        timed: dict[Key, Subject] = {}
        failures = {}
        for model in models:
            try:
                timed |= subjects(self.runs[model], dataset, self.shape)
            except BadInput:
                raise
            except Exception as error:  # a model may raise anything where an input does not suit it
                failures[model] = first_line(error)
        if why := failures.get(self.limits.reference):
            raise BadInput(
                f"params.yaml: timing.reference: {self.limits.reference} cannot run at {self.name} ({why}); it must be "
                "a model that can"
            )
        return timed, failures


def _noise(run: Run) -> Dataset:
    """Return a batch of noise in place of the images of a run's task."""
    described = evidence.manifest(run.task.name)
    count, size = max(BATCH.values()), run.task.native_size
    pixels = np.random.default_rng(0).integers(0, 256, (count, size, size, described["channels"]), np.uint8)
    nameless = [""] * count
    images = Images(pixels, np.zeros(count, np.int64), nameless, described["classes"], nameless, nameless)
    return Dataset(run.task, images, {"train": np.arange(count)})


def _half(keys: list[Key]) -> Key:
    """Return the key whose kept share is nearest to a half."""
    return min(keys, key=lambda key: abs((key[1] or 0.0) - HALF))


def surroundings(shape: Shape) -> dict[str, Any]:
    """Return what a record says of where it was measured."""
    return {
        "device": shape.device,
        "images": shape.images,
        "threads": 1,
        "precision": "float32",
        "layout": "channels-last",
        "machine": provenance.machine(shape.device),
        "versions": provenance.versions(),
    }


def _times(
    timed: dict[Key, Subject], beside: Key, device: str, limits: Timing, on_block: OnBlock
) -> dict[str, timing.Times]:
    def build() -> dict[str, timing.Calls]:
        calls = {key: subject.calls() for key, subject in timed.items()}
        return {kind: {key: kinds[kind] for key, kinds in calls.items()} for kind in timing.KINDS}

    return timing.measure(build, device, beside, limits, on_block)


def _measures(times: dict[str, timing.Times], key: Key, device: str) -> dict[str, Any]:
    """Return the times of a subject; ``latency_ratio_blocks`` has the ratio to the reference in each block."""
    measures: dict[str, Any] = {}
    for kind in timing.KINDS:
        low, middle, high = np.percentile([time for laps in times[kind][key] for time in laps], [25, 50, 75])
        measures[f"{kind}_ms"] = middle
        measures[f"{kind}_quartiles"] = [low, high]
    measures["throughput_per_s"] = 1000 * BATCH[device] / measures.pop("throughput_ms")
    measures.pop("throughput_quartiles")
    blocks = timing.medians(times["ratio"], key)
    to_reference = ratio(blocks)
    measures["latency_ratio"] = to_reference.value
    measures["latency_ratio_interval"] = [to_reference.low, to_reference.high]
    measures["latency_ratio_blocks"] = blocks
    return {name: np.round(value, 4).tolist() for name, value in measures.items()}
