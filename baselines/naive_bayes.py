"""Gaussian naive Bayes (adaptive, Figure 8), which the prose names beside SVM and KNN as lowest, without a number.

The paper names it without features. Assumed: scikit-learn's defaults on HOG features (Dalal & Triggs 2005).
"""

import numpy as np
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer


def naive_bayes(seed: int) -> Pipeline:
    """Build the estimator; nothing in it is random, so ``seed`` goes unused."""
    # In float32 the sums over hundreds of features are too coarse for probabilities that add up to 1.
    return make_pipeline(FunctionTransformer(np.asarray, kw_args={"dtype": np.float64}), GaussianNB())
