"""From a run to its evidence.

The test split is touched once, after the best epoch was chosen on validation: for the predictions, and for those under
corruption.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark import evidence
from benchmark.data.preprocessing import Levels, normalised
from benchmark.errors import BadInput
from benchmark.evidence import metrics, provenance
from benchmark.training import dataset as datasets
from benchmark.training.corrupted import corrupted
from benchmark.training.corruptions import CORRUPTIONS
from benchmark.training.dataset import Dataset, Part
from benchmark.training.runs import Run, code_files, inputs

Predict = Callable[[np.ndarray], np.ndarray]  # images as a model is given them → probabilities (float64, N × classes)
OnEpoch = Callable[[int, int], None]  # hears how many epochs are done, and of how many
UNDER_CORRUPTION = ("accuracy", "balanced_accuracy", "f1_macro", "auc", "log_loss")


@dataclass(frozen=True)
class Trained:
    """What training gives: how images are classified, the history, and, of a network, itself and its levels."""

    predict: Predict
    history: list[dict[str, float]]
    network: Any = None
    levels: Levels | None = None


def perform(run: Run, scratch: Path, shared: Path, on_epoch: OnEpoch) -> None:
    """Train, predict, and leave the evidence in ``scratch``, ``provenance.json`` last.

    A checkpoint in ``scratch`` is resumed. What all models of a task share is kept in the folder ``shared``.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    digests, commit = inputs(run), provenance.commit(code_files(run))
    dataset = datasets.load(run)
    scratch.mkdir(parents=True, exist_ok=True)
    fit = _fit_estimator if run.model.kind == "estimator" else _fit_network
    trained = fit(run, dataset, scratch, shared, on_epoch)
    training_seconds = time.monotonic() - clock
    _write_answers(run, dataset, trained, scratch, shared)
    if inputs(run) != digests:
        raise BadInput(f"{run}: its code or data changed while it trained; start it again")
    for checkpoint in scratch.glob("*.pt"):
        checkpoint.unlink()
    facts = {
        "task": run.task.name,
        "model": run.model.name,
        "run": run.number,
        "synthetic": run.task.synthetic,
        "images": {name: len(index) for name, index in dataset.rows.items()},
        "inputs": digests,
        "robustness": {name: kind.digest for name, kind in CORRUPTIONS.items()},
        "commit": commit,
        "started": started.isoformat(timespec="seconds"),
        "training_seconds": round(training_seconds, 1),
        "seconds": round(time.monotonic() - clock, 1),
        "device": run.task.device,
        "threads": 1,
        "machine": provenance.machine(run.task.device),
        "versions": provenance.versions(),
    }
    provenance.write(scratch, facts)


def _write_answers(run: Run, dataset: Dataset, trained: Trained, scratch: Path, shared: Path) -> None:
    """Write what a trained model answers on the test images, its history, and what explains its answers."""
    images, rows = dataset.images, dataset.rows["test"]
    ids, digests = ([names[row] for row in rows] for names in (images.ids, images.digests))
    test = dataset.part("test")
    evidence.write_predictions(scratch / "predictions.csv", ids, test.labels, trained.predict(test.images))
    _, labels, probabilities = evidence.read_predictions(scratch / "predictions.csv")
    evidence.write_json(scratch / "metrics.json", metrics.score(labels, probabilities))
    pd.DataFrame(trained.history).to_csv(scratch / "history.csv", index=False, float_format=evidence.DIGITS)
    robustness = _robustness(trained.predict, dataset, digests, shared)
    robustness.to_csv(scratch / "robustness.csv", index=False, float_format=evidence.DIGITS)
    if trained.network is not None:
        lesions = None if images.masks is None else dataset.lesions("test")
        _explain(scratch, trained, test, probabilities.argmax(1), ids, digests, lesions)


def _fit_estimator(run: Run, dataset: Dataset, scratch: Path, shared: Path, on_epoch: OnEpoch) -> Trained:
    from benchmark.training import estimators

    train, validation = dataset.part("train"), dataset.part("validation")
    levels = dataset.levels(train)

    def features(images: np.ndarray) -> np.ndarray:
        return estimators.extract_once(normalised(images, levels), run.model.features, shared)

    estimator = run.factory(seed=run.number, **run.model.options)
    history = estimators.fit(estimator, *((features(part.images), part.labels) for part in (train, validation)))
    on_epoch(1, 1)
    return Trained(lambda images: estimators.predict(estimator, features(images)), history)


def _fit_network(run: Run, dataset: Dataset, scratch: Path, shared: Path, on_epoch: OnEpoch) -> Trained:
    from benchmark.training import networks, weights

    network, before, total = _built(run, dataset), 0, run.recipe.epochs
    if run.pretraining:
        other = datasets.load_pretraining(run, dataset)
        before = run.pretraining.recipe.epochs
        total += before
        teacher = _built(run, other)
        weights.hand_over(run.model.name, teacher, network, dataset.classes)  # what does not fit is said at once
        checkpoint = scratch / "pretraining.pt"
        _train(run, teacher, other, run.pretraining.recipe, checkpoint, lambda done: on_epoch(done, total))
        weights.hand_over(run.model.name, teacher, network, dataset.classes)
    checkpoint = scratch / "checkpoint.pt"
    levels, history = _train(run, network, dataset, run.recipe, checkpoint, lambda done: on_epoch(before + done, total))
    precision = run.recipe.precision
    return Trained(lambda images: networks.predict(network, images, levels, precision), history, network, levels)


def _built(run: Run, dataset: Dataset) -> Any:
    """Return the network of a run with its first weights, for the images of ``dataset``."""
    import torch

    from benchmark.training import weights

    if run.task.device == "cuda" and not torch.cuda.is_available():
        where = f"params.yaml: tasks.{run.task.name}.device"
        raise BadInput(f"{where}: no CUDA device here; it must be cpu on this machine")
    torch.manual_seed(run.number)
    shape = {"num_classes": dataset.classes, "in_chans": dataset.channels, "img_size": dataset.task.input_size}
    return weights.build(run.model, run.factory, shape)


def _train(
    run: Run, network: Any, dataset: Dataset, recipe: Any, checkpoint: Path, on_epoch: Callable[[int], None]
) -> tuple[Levels, list[dict[str, float]]]:
    """Train a network on a dataset; return how its images are normalised, and its history."""
    from benchmark.training import networks

    train, validation = dataset.part("train"), dataset.part("validation")
    levels = dataset.levels(train)
    device = dataset.task.device
    return levels, networks.fit(network, train, validation, levels, recipe, run.number, device, checkpoint, on_epoch)


def _explain(
    scratch: Path,
    trained: Trained,
    test: Part,
    predicted: np.ndarray,
    ids: list[str],
    digests: list[str],
    lesions: np.ndarray | None,
) -> None:
    """Write what explains a network's answers for some test images, and what its mask keeps of all of them."""
    from benchmark.training import explanations

    shown = explanations.chosen(test.labels, digests)
    maps = explanations.maps(trained.network, normalised(test.images[shown], trained.levels), predicted[shown])
    kept = explanations.masks(trained.network, test.images, trained.levels)
    explained: dict[str, dict[str, Any]] = {}
    for place, index in enumerate(shown):
        explained[ids[index]] = {"label": test.labels[index], "predicted": predicted[index]}
        explained[ids[index]] |= {name: arrays[place] for name, arrays in maps.items()}
        if kept is not None:
            explained[ids[index]]["mask"] = kept[index]
    explanations.write(scratch / "explanations.json", explained)
    if kept is not None:
        touched = None if lesions is None else explanations.on_tokens(lesions, trained.network.token_size)
        explanations.mask_table(ids, kept, touched).to_csv(scratch / "masks.csv", index=False)


def _robustness(predict: Predict, dataset: Dataset, digests: list[str], shared: Path) -> pd.DataFrame:
    """Return one row per corruption and strength: metrics, and of each test image whether its class is right (0, 1)."""
    labels = dataset.images.labels[dataset.rows["test"]]
    table = []
    for name, kind in CORRUPTIONS.items():
        for strength in kind.strengths:
            probabilities = predict(corrupted(dataset, digests, name, strength, shared))
            scores = metrics.score(labels, probabilities)
            row = {"corruption": name, "strength": strength, "unit": kind.unit}
            row |= {measure: scores[measure] for measure in UNDER_CORRUPTION}
            right = probabilities.argmax(1) == labels
            table.append(row | {"right": "r" + "".join("01"[int(hit)] for hit in right)})
    return pd.DataFrame(table)
