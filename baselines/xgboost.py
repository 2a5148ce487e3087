"""Gradient-boosted trees (beyond the papers): Chen & Guestrin 2016, doi 10.1145/2939672.2939785.

The strongest of the usual estimators on features, to set beside the paper ``adaptive``'s random forest. Each of its
trees sees 80 % of the images and 20 % of the features.
"""

from xgboost import XGBClassifier


def xgboost(seed: int, trees: int = 300, learning_rate: float = 0.1, depth: int = 6) -> XGBClassifier:
    """Build the estimator; ``seed`` draws the images and the features of each tree."""
    return XGBClassifier(
        n_estimators=trees,
        learning_rate=learning_rate,
        max_depth=depth,
        subsample=0.8,
        colsample_bytree=0.2,
        tree_method="hist",
        n_jobs=1,
        random_state=seed,
    )
