"""k nearest neighbours (adaptive, Figure 8).

The paper names it without features, distance or k. Assumed: five neighbours by Euclidean distance on HOG features
(Dalal & Triggs 2005), weighted by distance.
"""

from sklearn.neighbors import KNeighborsClassifier


def knn(seed: int, neighbours: int = 5) -> KNeighborsClassifier:
    """Build the estimator; nothing in it is random, so ``seed`` goes unused."""
    return KNeighborsClassifier(neighbours, weights="distance")
