"""Metrics of a predictions file, by scikit-learn; no framework is needed to score evidence."""

import math

import numpy as np
import pandas as pd
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    precision_recall_fscore_support,
    roc_auc_score,
)

ECE_BINS = 15


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
