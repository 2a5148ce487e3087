"""Metrics of a predictions file, by scikit-learn; no framework is needed to score evidence."""

import math

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    precision_recall_fscore_support,
    roc_auc_score,
)

ECE_BINS = 15
PER_IMAGE = ("accuracy", "precision_macro", "recall_macro", "f1_macro", "auc")


def score(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Return the metrics of probabilities (N × classes) against labels (int, N, 0 to classes - 1); all lie in 0 to 1
    but ``log_loss`` (nats).

    Precision, recall and F1 are means over classes; ``auc`` takes class 1 as positive where there are two classes, else
    it is the mean over one-vs-rest; ``ece`` is the expected calibration error of the predicted class over 15 bins of
    equal width (Guo et al. 2017, arXiv:1706.04599).
    """
    classes = probabilities.shape[1]
    predicted = probabilities.argmax(1)
    precision, recall, f1, _ = precision_recall_fscore_support(
        labels, predicted, labels=range(classes), average="macro", zero_division=0
    )
    true = np.clip(probabilities[np.arange(len(labels)), labels], np.finfo(float).eps, 1)
    return {
        "accuracy": float(accuracy_score(labels, predicted)),
        "balanced_accuracy": float(balanced_accuracy_score(labels, predicted)),
        "precision_macro": float(precision),
        "recall_macro": float(recall),
        "f1_macro": float(f1),
        "auc": float(roc_auc_score(labels, probabilities[:, 1] if classes == 2 else probabilities, multi_class="ovr")),
        "log_loss": float(-np.log(true).mean()),
        "ece": calibration_error(labels, probabilities),
    }


def calibration_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the expected calibration error of the predicted class."""
    confidence = probabilities.max(1)
    right = probabilities.argmax(1) == labels
    bins = np.minimum((confidence * ECE_BINS).astype(int), ECE_BINS - 1)
    gaps = np.bincount(bins, right - confidence, minlength=ECE_BINS)
    return float(np.abs(gaps).sum() / len(labels))


def of_masks(table: pd.DataFrame) -> dict[str, float]:
    """Return what a mask keeps, from a row an image: ``tokens``, ``kept`` and, where lesions are known, those on them.

    ``kept_share`` is the mean over images, ``kept_share_min`` and ``kept_share_max`` the range. Over the images that
    have a lesion: ``on_lesion`` is the share of kept tokens that touch it, ``chance`` the share of all tokens that do,
    ``lesion_kept`` the share of the lesion's tokens that are kept. All within 0 and 1; nan where nothing is kept.
    """
    shares = table["kept"] / table["tokens"]
    found = {"kept_share": shares.mean(), "kept_share_min": shares.min(), "kept_share_max": shares.max()}
    if "lesion_tokens" in table:
        ill = table[table["lesion_tokens"] > 0].drop(columns="sample_id").sum()
        found["on_lesion"] = ill["kept_lesion_tokens"] / ill["kept"] if ill["kept"] else math.nan
        found["chance"] = ill["lesion_tokens"] / ill["tokens"]
        found["lesion_kept"] = ill["kept_lesion_tokens"] / ill["lesion_tokens"]
    return {name: float(value) for name, value in found.items()}


def per_image(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, np.ndarray]:
    """Return, for each measure of :data:`PER_IMAGE`, a value an image (float, N) whose mean is the measure.

    For accuracy it is 0 or 1. Else it is the measure plus the image's influence on it (the infinitesimal jackknife;
    Efron 1982), for the AUC that of DeLong et al. (1988, doi 10.2307/2531595): the spread of these values over images
    is the spread of the measure over samples of images.
    """
    count, classes = probabilities.shape
    predicted = probabilities.argmax(1)
    right = (predicted == labels).astype(float)
    found = {"accuracy": right} | {name: np.zeros(count) for name in PER_IMAGE if name != "accuracy"}
    for k in range(classes):
        true, called = (labels == k).astype(float), (predicted == k).astype(float)
        hit = true * called
        for name, top, bottom in (
            ("recall_macro", hit, true),
            ("precision_macro", hit, called),
            ("f1_macro", 2 * hit, true + called),
        ):
            found[name] += _ratio(top, bottom) / classes
    of_class = [1] if classes == 2 else range(classes)
    for k in of_class:
        found["auc"] += _auc(labels == k, probabilities[:, k]) / len(of_class)
    return found


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """Return sum(top) / sum(bottom), 0 where nothing is below, plus the influence of each image on it."""
    if not bottom.sum():
        return np.zeros(len(top))
    ratio = top.sum() / bottom.sum()
    return ratio + (top - ratio * bottom) / bottom.mean()


def _auc(positive: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the AUC of ``scores`` plus the influence of each image on it."""
    ranks, placements = rankdata(scores), np.empty(len(scores))
    for group in (positive, ~positive):  # the share of the others that each is ranked above
        placements[group] = (ranks[group] - rankdata(scores[group])) / (~group).sum()
    placements[~positive] = 1 - placements[~positive]
    auc = placements[positive].mean()
    share = np.where(positive, positive.mean(), 1 - positive.mean())
    return auc + (placements - auc) / share
