"""One trainer for every scikit-learn estimator, on pixels or on HOG features."""

from pathlib import Path
from typing import Literal

import numpy as np
from joblib import Memory
from skimage.feature import hog
from sklearn.base import BaseEstimator
from sklearn.metrics import f1_score, log_loss
from threadpoolctl import threadpool_limits

Features = Literal["pixels", "hog"]
HOG_CELL = 8  # pixels


def fit(
    estimator: BaseEstimator, train: tuple[np.ndarray, np.ndarray], validation: tuple[np.ndarray, np.ndarray]
) -> list[dict[str, float]]:
    """Fit ``estimator`` in place; return its history of one row, with a network's columns where they have a meaning.

    ``train`` and ``validation`` are features (float32, N × features) and labels (int64, N).
    """
    with threadpool_limits(1):
        estimator.fit(*train)
    row: dict[str, float] = {"epoch": 1}
    for name, (features, labels) in (("train", train), ("validation", validation)):
        probabilities = predict(estimator, features)
        predicted = probabilities.argmax(1)
        row[f"{name}_loss"] = float(log_loss(labels, probabilities, labels=range(probabilities.shape[1])))
        row[f"{name}_accuracy"] = float((predicted == labels).mean())
        row[f"{name}_f1_macro"] = float(f1_score(labels, predicted, average="macro", zero_division=0))
    return [row]


def predict(estimator: BaseEstimator, features: np.ndarray) -> np.ndarray:
    """Return class probabilities (float64, N × classes) by features (float32, N × features)."""
    with threadpool_limits(1):
        probabilities = np.asarray(estimator.predict_proba(features), np.float64)
    return probabilities / probabilities.sum(1, keepdims=True)  # XGBoost's, in float32, add up to 1 in 7 digits


def extract(images: np.ndarray, features: Features) -> np.ndarray:
    """Return one row of features per image (float32, N × C × H × W): its pixels, or histograms of oriented gradients.

    HOG has 9 orientations, cells of 8 × 8 pixels and blocks of 2 × 2 cells (Dalal & Triggs 2005,
    doi 10.1109/CVPR.2005.177).
    """
    if features == "pixels":
        return images.reshape(len(images), -1)
    cell = (HOG_CELL, HOG_CELL)
    return np.stack([hog(image, 9, cell, (2, 2), channel_axis=0).astype(np.float32) for image in images])


def extract_once(images: np.ndarray, features: Features, folder: Path) -> np.ndarray:
    """Return what :func:`extract` does; HOG, which takes longer than most estimators do, is kept in ``folder``."""
    if features == "pixels":
        return extract(images, features)
    return Memory(folder, verbose=0).cache(extract)(images, features)
