"""Random forest (adaptive, Figure 8): Breiman 2001, doi 10.1023/A:1010933404324.

The paper names it without features or settings. Assumed: 300 trees with scikit-learn's defaults on HOG features (Dalal
& Triggs 2005).
"""

from sklearn.ensemble import RandomForestClassifier


def random_forest(seed: int, trees: int = 300) -> RandomForestClassifier:
    """Build the estimator; ``seed`` draws the bootstrap samples and the features of each split."""
    return RandomForestClassifier(trees, random_state=seed)
