"""One trainer for every scikit-learn estimator, on pixels or on HOG features."""

from typing import Literal

import numpy as np
from skimage.feature import hog
from sklearn.base import BaseEstimator
from sklearn.metrics import f1_score, log_loss
from threadpoolctl import threadpool_limits

Features = Literal["pixels", "hog"]
HOG_CELL = 8  # pixels


def fit(
    estimator: BaseEstimator,
    train: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray],
    features: Features,
) -> list[dict[str, float]]:
    """Fit ``estimator`` in place; return its history of one row, with a network's columns where they have a meaning.

    ``train`` and ``validation`` are images (float32, N × C × H × W) and labels (int64, N).
    """
    with threadpool_limits(1):
        estimator.fit(extract(train[0], features), train[1])
    row: dict[str, float] = {"epoch": 1}
    for name, (images, labels) in (("train", train), ("validation", validation)):
        probabilities = predict(estimator, images, features)
        predicted = probabilities.argmax(1)
        row[f"{name}_loss"] = float(log_loss(labels, probabilities, labels=range(probabilities.shape[1])))
        row[f"{name}_accuracy"] = float((predicted == labels).mean())
        row[f"{name}_f1_macro"] = float(f1_score(labels, predicted, average="macro", zero_division=0))
    return [row]


def predict(estimator: BaseEstimator, images: np.ndarray, features: Features) -> np.ndarray:
    """Return class probabilities (float64, N × classes) of images (float32, N × C × H × W)."""
    with threadpool_limits(1):
        probabilities = np.asarray(estimator.predict_proba(extract(images, features)), np.float64)
    return probabilities / probabilities.sum(1, keepdims=True)  # XGBoost's, in float32, add up to 1 in 7 digits


def extract(images: np.ndarray, features: Features) -> np.ndarray:
    """Return one row of features per image: its pixels, or histograms of oriented gradients.

    HOG has 9 orientations, cells of 8 × 8 pixels and blocks of 2 × 2 cells (Dalal & Triggs 2005,
    doi 10.1109/CVPR.2005.177).
    """
    if features == "pixels":
        return images.reshape(len(images), -1)
    cell = (HOG_CELL, HOG_CELL)
    return np.stack([hog(image, 9, cell, (2, 2), channel_axis=0).astype(np.float32) for image in images])
