"""The measures of quality, one record each, computed from the predictions of a run; no framework is needed.

To add a measure, add a record to :data:`MEASURES`: the table of all models then shows it, computed from the predictions
in evidence, without any training.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TypedDict

import numpy as np
import pandas as pd

from benchmark.errors import BadInput, closest

ECE_BINS = 15
METRICS_JSON = (
    "accuracy",
    "balanced_accuracy",
    "precision_macro",
    "recall_macro",
    "f1_macro",
    "auc",
    "log_loss",
    "ece",
)  # what metrics.json contains: a contract with its readers, whatever else is registered

Score = Callable[[np.ndarray, np.ndarray], float]
ScorePerImage = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Measure:
    """One measure of quality: how it is computed, how tables show it, and who uses it.

    ``function`` takes labels (int, N, 0 to classes - 1) and probabilities (N × classes); its value lies within
    ``bounds``. ``per_image`` takes the same and returns one value per image (float, N) whose mean is the measure;
    without it an interval is over runs alone. Tables show the value times ``scale`` with ``digits`` decimals, and
    ``heading`` and ``unit`` above it. A ``tested`` measure is one that papers may claim and the audit tests.
    ``shown_in`` names the outputs that show it: ``models``, the table of all models, and ``summary``, which
    ``dvc metrics`` shows.
    """

    name: str
    heading: str
    function: Score
    unit: str = ""
    scale: float = 1
    digits: int = 3
    bounds: tuple[float, float] = (0, 1)
    higher_is_better: bool = True
    per_image: ScorePerImage | None = None
    tested: bool = False
    shown_in: tuple[str, ...] = ("models",)

    def __post_init__(self) -> None:
        """Refuse a tested measure that the audit cannot test: it compares means over images, and more is better."""
        if self.tested and not (self.per_image and self.higher_is_better):
            raise ValueError(f"measure {self.name!r}: a tested one needs per_image, and higher must be better")


def measure(name: str) -> Measure:
    """Return the measure of this name; :class:`BadInput` names the registered ones."""
    if name not in MEASURES:
        raise BadInput(f"benchmark/evidence/metrics.py: no measure {name!r}; {closest(name, list(MEASURES))}")
    return MEASURES[name]


def score(labels: np.ndarray, probabilities: np.ndarray, names: Iterable[str] = METRICS_JSON) -> dict[str, float]:
    """Return measures of probabilities (N × classes) against labels (int, N, 0 to classes - 1), by default those of
    ``metrics.json``; :class:`BadInput` if one is not registered.

    All of ``metrics.json`` lie in 0 to 1 but ``log_loss`` (nats).
    """
    return {name: float(measure(name).function(labels, probabilities)) for name in names}


def per_image(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, np.ndarray]:
    """Return, for each measure that has one, a value per image (float, N) whose mean is the measure.

    For accuracy it is 0 or 1. Else it is the measure plus the image's influence on it (the infinitesimal jackknife;
    Efron 1982), for the AUC that of DeLong et al. (1988, doi 10.2307/2531595): the spread of these values over images
    is the spread of the measure over samples of images.
    """
    return {name: entry.per_image(labels, probabilities) for name, entry in MEASURES.items() if entry.per_image}


def accuracy(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the share of images whose likeliest class is the true one."""
    from sklearn.metrics import accuracy_score  # imported where it is used: the registry is read far more often

    return accuracy_score(labels, probabilities.argmax(1))


def balanced_accuracy(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the mean over the classes in ``labels`` of the share of their images that are right."""
    from sklearn.metrics import balanced_accuracy_score

    return balanced_accuracy_score(labels, probabilities.argmax(1))


def _macro(labels: np.ndarray, probabilities: np.ndarray, place: int) -> float:
    """Return precision (``place`` 0), recall (1) or F1 (2), each the mean over all classes; 0 where undefined."""
    from sklearn.metrics import precision_recall_fscore_support

    return precision_recall_fscore_support(
        labels, probabilities.argmax(1), labels=range(probabilities.shape[1]), average="macro", zero_division=0
    )[place]


def auc(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the area under the ROC curve: class 1 is positive where there are two, else the mean of one-vs-rest."""
    from sklearn.metrics import roc_auc_score

    scores = probabilities[:, 1] if probabilities.shape[1] == 2 else probabilities
    return roc_auc_score(labels, scores, multi_class="ovr")


def log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the mean negative logarithm of the true class's probability (nats); a probability of 0 counts as 2e-16."""
    true = np.clip(probabilities[np.arange(len(labels)), labels], np.finfo(float).eps, 1)
    return -np.log(true).mean()


def calibration_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the expected calibration error of the predicted class, over 15 bins of equal width (Guo et al. 2017,
    arXiv:1706.04599)."""
    confidence = probabilities.max(1)
    right = probabilities.argmax(1) == labels
    bins = np.minimum((confidence * ECE_BINS).astype(int), ECE_BINS - 1)
    gaps = np.bincount(bins, right - confidence, minlength=ECE_BINS)
    return float(np.abs(gaps).sum() / len(labels))


def _right(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return 1 for each image whose likeliest class is the true one, else 0."""
    return (probabilities.argmax(1) == labels).astype(float)


def _macro_per_image(labels: np.ndarray, probabilities: np.ndarray, of_true: int, of_predicted: int) -> np.ndarray:
    """Return precision, recall or F1 plus the influence of each image on it, as means over classes.

    In each class it is the share of hits among the true images (recall: 1, 0), the predicted ones (precision: 0, 1) or
    both together, where a hit counts twice (F1: 1, 1).
    """
    classes, predicted = probabilities.shape[1], probabilities.argmax(1)
    values = np.zeros(len(labels))
    for k in range(classes):
        true, called = (labels == k).astype(float), (predicted == k).astype(float)
        top = (of_true + of_predicted) * true * called
        values += _ratio_per_image(top, of_true * true + of_predicted * called) / classes
    return values


def _ratio_per_image(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """Return sum(top) / sum(bottom) plus the influence of each image on it; 0 where ``bottom`` is 0 everywhere."""
    if not bottom.sum():
        return np.zeros(len(top))
    ratio = top.sum() / bottom.sum()
    return ratio + (top - ratio * bottom) / bottom.mean()


def _auc_per_image(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return the AUC plus the influence of each image on it, as :func:`auc` takes the classes."""
    classes = probabilities.shape[1]
    positives = [1] if classes == 2 else range(classes)
    values = np.zeros(len(labels))
    for k in positives:
        values += _one_auc_per_image(labels == k, probabilities[:, k]) / len(positives)
    return values


def _one_auc_per_image(positive: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the AUC of ``scores`` (float, N) for ``positive`` (bool, N) plus the influence of each image on it."""
    from scipy.stats import rankdata

    ranks, placements = rankdata(scores), np.empty(len(scores))
    for group in (positive, ~positive):  # the share of the others that each is ranked above
        placements[group] = (ranks[group] - rankdata(scores[group])) / (~group).sum()
    placements[~positive] = 1 - placements[~positive]
    area = placements[positive].mean()
    share = np.where(positive, positive.mean(), 1 - positive.mean())
    return area + (placements - area) / share


class _Shown(TypedDict):
    unit: str
    scale: float
    digits: int


_PER_CENT: _Shown = {"unit": "%", "scale": 100, "digits": 1}

MEASURES = {
    entry.name: entry
    for entry in (
        Measure(
            "accuracy", "Accuracy", accuracy, **_PER_CENT, per_image=_right, tested=True, shown_in=("models", "summary")
        ),
        Measure("balanced_accuracy", "Balanced accuracy", balanced_accuracy, **_PER_CENT, shown_in=("summary",)),
        Measure(
            "precision_macro",
            "Precision",
            partial(_macro, place=0),
            **_PER_CENT,
            per_image=partial(_macro_per_image, of_true=0, of_predicted=1),
            tested=True,
            shown_in=(),
        ),
        Measure(
            "recall_macro",
            "Recall",
            partial(_macro, place=1),
            **_PER_CENT,
            per_image=partial(_macro_per_image, of_true=1, of_predicted=0),
            tested=True,
            shown_in=(),
        ),
        Measure(
            "f1_macro",
            "F1",
            partial(_macro, place=2),
            **_PER_CENT,
            per_image=partial(_macro_per_image, of_true=1, of_predicted=1),
            tested=True,
            shown_in=("models", "summary"),
        ),
        Measure("auc", "AUC", auc, per_image=_auc_per_image, tested=True, shown_in=("models", "summary")),
        Measure(
            "log_loss", "Log loss", log_loss, unit="nats", bounds=(0, math.inf), higher_is_better=False, shown_in=()
        ),
        Measure(
            "ece",
            "Calibration error",
            calibration_error,
            **_PER_CENT,
            higher_is_better=False,
            shown_in=("models", "summary"),
        ),
    )
}
PER_IMAGE = tuple(name for name, entry in MEASURES.items() if entry.per_image)
TESTED = tuple(name for name, entry in MEASURES.items() if entry.tested)


def mask_scores(table: pd.DataFrame) -> dict[str, float]:
    """Return what a mask keeps, from one row per image: ``tokens``, ``kept`` and, if lesions are known, those on them.

    ``kept_share`` is the mean over images, ``kept_share_min`` and ``kept_share_max`` the range. Over the images that
    have a lesion: ``on_lesion`` is the share of kept tokens that touch it, ``chance`` the share of all tokens that do,
    ``lesion_kept`` the share of the lesion's tokens that are kept. All within 0 and 1; nan where nothing is kept.
    """
    shares = table["kept"] / table["tokens"]
    scores = {"kept_share": shares.mean(), "kept_share_min": shares.min(), "kept_share_max": shares.max()}
    if "lesion_tokens" in table:
        ill = table[table["lesion_tokens"] > 0].drop(columns="sample_id").sum()
        scores["on_lesion"] = ill["kept_lesion_tokens"] / ill["kept"] if ill["kept"] else math.nan
        scores["chance"] = ill["lesion_tokens"] / ill["tokens"]
        scores["lesion_kept"] = ill["kept_lesion_tokens"] / ill["lesion_tokens"]
    return {name: float(value) for name, value in scores.items()}
