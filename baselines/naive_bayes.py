"""Gaussian naive Bayes (adaptive, Figure 8), which the prose names beside SVM and KNN as lowest, without a number.

The paper names it without features. Assumed: scikit-learn's defaults on HOG features (Dalal & Triggs 2005).
"""

from sklearn.naive_bayes import GaussianNB


def naive_bayes(seed: int) -> GaussianNB:
    """Build the estimator; nothing in it is random, so that ``seed`` goes unused."""
    return GaussianNB()
