"""The words for what reported scores imply."""

from benchmark.audit.reported import Averages, Findings


def averages(implied: Averages) -> str:
    """Say what the scores of a table's rows imply about their averages."""
    rows, differs = len(implied.prevalence), implied.recall_differs
    lines = [
        "the paper does not say how it averages over classes",
        f"if recall were weighted by class size it would equal accuracy: impossible for {len(differs)} of {rows} rows"
        if differs
        else "recall equals accuracy within rounding: averages weighted by class size are possible",
    ]
    shares = "; ".join(
        f"{name} {100 * low:.0f} to {100 * min(high, 1):.0f} %" if low <= 1 else f"{name} more than 100 %"
        for name, (low, high) in implied.prevalence.items()
    )
    common = implied.common_prevalence
    possible = f"possible with {100 * common[0]:.0f} to {100 * common[1]:.0f} %" if common else "impossible"
    lines.append(f"one binary test set would have one share of positives, and the rows imply {shares}: {possible}")
    if implied.f1_above:
        lines.append(
            f"F1 is above the harmonic mean of precision and recall in {', '.join(implied.f1_above)}: impossible, for "
            "one class and for any mean over classes, folds or datasets"
        )
    elif implied.f1_differs:
        names = ", ".join(implied.f1_differs)
        lines.append(
            f"F1 is not the harmonic mean of precision and recall in {names}: it is not the score of one class"
        )
    elif implied.f1_differs is not None:
        lines.append("F1 is the harmonic mean of the printed precision and recall in every row, as for one class")
    if implied.auc_below:
        names = ", ".join(implied.auc_below)
        lines.append(f"AUC is less than the other scores allow on a binary test set in {names}")
    if implied.f1_above:
        return "; ".join(lines)
    lines.append(
        "unweighted means over classes, or over datasets, remain possible; the paper does not say which it used"
    )
    return "; ".join(lines)


def findings(implied: Findings) -> list[str]:
    """Say what bare scores imply, one line per point."""
    lines = [
        f"{name} {implied.printed[name]}: rounded from {score.low:.5g} to {score.high:.5g}"
        for name, score in implied.scores.items()
    ]
    if "accuracy" in implied.scores:
        lines += _right_answers(implied)
    if implied.prevalence:
        low, high = implied.prevalence
        lines.append(
            f"read as binary, the share of positives is {100 * low:.1f} to {100 * min(high, 1):.1f} %"
            if low <= 1
            else "read as binary, more than all images would be positive: these are no scores of one binary test set"
        )
    if implied.f1:
        fits = "fits" if implied.f1_fits else "does not fit, so it is not the F1 of one class"
        if implied.f1_above:
            fits = "is above that, which no mean over classes, folds or datasets can be: the scores are inconsistent"
        least, most = (f"{100 * bound:.2f}" for bound in implied.f1)
        lines.append(f"read as scores of one class, F1 must lie between {least} and {most} %: it {fits}")
    if "auc" in implied.scores:
        lines += _auc(implied)
    if implied.images and implied.positives:
        lines.append(_confusion(implied.consistent, implied.positives, implied.images - implied.positives))
    return lines


def _auc(implied: Findings) -> list[str]:
    auc, lines = implied.scores["auc"], []
    if auc.high < 0.5:
        lines.append("AUC: below 0.5, so it ranks images worse than chance, or classes are swapped")
    if implied.least_auc is not None and auc.high < implied.least_auc:
        least = f"{implied.least_auc:.3f}"
        lines.append(f"AUC: the other scores allow at least {least} on one binary test set: these are not of one")
    elif auc.high < 0.5 and "accuracy" in implied.scores and (accuracy := implied.scores["accuracy"].low) > 0.9:
        least = f"at least {200 * accuracy - 100:.0f} % of its images in one class"  # AUC ≥ sensitivity × specificity
        lines.append(f"AUC: beside such an accuracy that needs a test set with {least}")
    return lines


def _right_answers(implied: Findings) -> list[str]:
    if not implied.images:
        return ["accuracy: without n, the number of test images, nothing can be said about how sure it is"]
    if implied.scores["accuracy"].spread is not None:
        return ["accuracy: with a spread it is a mean; whether ± is a deviation, an error or an interval must be said"]
    if not (implied.right and implied.wilson):
        another = "n or the accuracy is wrong, or it is a mean over runs or folds"
        return [f"no count of right answers out of {implied.images} rounds to it: {another}"]
    fewest, most = implied.right
    low, high = (f"{100 * bound:.1f}" for bound in implied.wilson)
    return [
        f"{fewest if fewest == most else f'{fewest} to {most}'} right answers out of {implied.images} round to it",
        f"for this trained model on other images: {low} to {high} % (Wilson, 95 %)",
    ]


def _confusion(consistent: bool | None, positives: int, negatives: int) -> str:
    if consistent is None:
        return "none of these scores can be checked against a binary confusion matrix"
    matrix = f"binary confusion matrix of {positives} positives and {negatives} negatives"
    return f"{'some' if consistent else 'no'} {matrix} has these scores (mlscorecheck)"
