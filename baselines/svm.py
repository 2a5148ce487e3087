"""Support vector machine (adaptive, Figure 8).

The paper names it without features, kernel or settings. Assumed: an RBF kernel on standardised HOG features (Dalal &
Triggs 2005), with scikit-learn's default width; probabilities by Platt scaling over five folds of the training split.
"""

from sklearn.calibration import CalibratedClassifierCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC


def svm(seed: int, C: float = 10.0) -> Pipeline:  # noqa: N803  (scikit-learn's name)
    """Build the estimator; ``C`` is the SVM's penalty."""
    return make_pipeline(StandardScaler(), CalibratedClassifierCV(SVC(C=C, random_state=seed), ensemble=False))
