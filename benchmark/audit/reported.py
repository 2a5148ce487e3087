"""What can be said of reported scores without training anything: their rounding, and what they imply."""

import logging
import math
import re
from dataclasses import dataclass
from itertools import product

from scipy.stats import binomtest

from benchmark.errors import BadInput, closest

SCORES = ("accuracy", "precision", "recall", "f1", "auc")
COUNTS = ("n", "positives")


@dataclass(frozen=True)
class Reported:
    """A printed score as a share, and the bounds that it may have been rounded from."""

    value: float
    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low - 1e-12 <= value <= self.high + 1e-12


def reported(text: str) -> Reported | None:
    """Return the number at the start of ``text``, such as ``96.9``, ``88.2%`` or ``0.97``; None if there is none.

    What is above 1, or ends in %, is read as per cent; its last digit was rounded.
    """
    found = re.match(r"\s*(\d*\.?\d+)\s*(%?)(?![\w.]|,\d)", text)
    if not found:
        return None
    digits = len(found[1].partition(".")[2])
    scale = 100 if found[2] or float(found[1]) > 1 else 1
    value, half = float(found[1]) / scale, 0.5 * 10**-digits / scale
    return Reported(value, max(value - half, 0.0), min(value + half, 1.0))


def prevalence(accuracy: Reported, precision: Reported, recall: Reported) -> tuple[float, float]:
    """Return the least and largest share of positives that three binary scores imply.

    π = (1 − A) / ((1 − R) + R (1/P − 1)), over all that the scores may have been rounded from.
    """
    corners = product(*((score.low, score.high) for score in (accuracy, precision, recall)))
    implied = []
    for a, p, r in corners:
        wrong = (1 - r) + r * (1 / p - 1) if p else math.inf
        if wrong:
            implied.append((1 - a) / wrong)
        else:  # no error: any share if accuracy has none either, else no share at all
            implied += [0.0, 1.0] if a == 1 else [math.inf]
    return min(implied), max(implied)


def harmonic(precision: Reported, recall: Reported) -> tuple[float, float]:
    """Return the least and largest F1 of one class that its precision and recall allow."""

    def f1(p: float, r: float) -> float:
        return 2 * p * r / (p + r) if p + r else 0.0

    return f1(precision.low, recall.low), f1(precision.high, recall.high)


def averaging(rows: dict[str, dict[str, Reported]]) -> list[str]:
    """Return what the scores of a table's rows say of the averages behind them, a sentence each.

    Each row holds ``accuracy``, ``precision`` and ``recall``, perhaps ``f1``.
    """
    said = []
    apart = [name for name, row in rows.items() if _apart(row["accuracy"], row["recall"])]
    said.append(
        f"recall weighted by class size equals accuracy: impossible for {len(apart)} of {len(rows)} rows"
        if apart
        else "recall equals accuracy within rounding: averages weighted by class size are possible"
    )
    implied = {name: prevalence(row["accuracy"], row["precision"], row["recall"]) for name, row in rows.items()}
    low, high = max(low for low, _ in implied.values()), min(1.0, *(high for _, high in implied.values()))
    shares = "; ".join(
        f"{name} {100 * a:.0f} to {100 * min(b, 1):.0f} %" if a <= 1 else f"{name} more than 100 %"
        for name, (a, b) in implied.items()
    )
    said.append(
        f"one binary test set would need one share of positives, and the rows imply {shares}: "
        + ("impossible" if low > high else f"possible with {100 * low:.0f} to {100 * high:.0f} %")
    )
    with_f1 = {name: row for name, row in rows.items() if "f1" in row}
    if with_f1:
        off = [
            name for name, row in with_f1.items() if not _meets(harmonic(row["precision"], row["recall"]), row["f1"])
        ]
        said.append(
            f"F1 is not the harmonic mean of precision and recall in {', '.join(off)}: no score of one class"
            if off
            else "F1 is the harmonic mean of the printed precision and recall in every row, as for one class"
        )
    said.append("unweighted means over classes, or over datasets, stay possible; the paper does not say which it took")
    return said


def bare(scores: dict[str, str]) -> list[str]:
    """Return what can be said of reported scores, such as ``{"accuracy": "96.9", "n": "400"}``, a sentence each.

    Known are ``accuracy``, ``precision``, ``recall``, ``f1``, ``auc``, the number of test images ``n`` and how many of
    them are ``positives``. :class:`BadInput` names what cannot be read.
    """
    found, counts = _read(scores)
    said = [f"{name} {scores[name]}: rounded from {one.low:.5g} to {one.high:.5g}" for name, one in found.items()]
    if "accuracy" in found and "n" in counts:
        said += _of_count(found["accuracy"], counts["n"])
    elif "accuracy" in found:
        said.append("accuracy: without n, the number of test images, nothing can be said of how sure it is")
    if {"accuracy", "precision", "recall"} <= set(found):
        low, high = prevalence(found["accuracy"], found["precision"], found["recall"])
        said.append(
            f"read as binary, the share of positives is {100 * low:.1f} to {100 * min(high, 1):.1f} %"
            if low <= 1
            else "read as binary, more than all images would be positive: these are no scores of one binary test set"
        )
    if {"precision", "recall", "f1"} <= set(found):
        low, high = harmonic(found["precision"], found["recall"])
        fits = "fits" if _meets((low, high), found["f1"]) else "does not fit; it is no F1 of one class"
        said.append(
            f"read as scores of one class, F1 must lie within {100 * low:.2f} and {100 * high:.2f} %: it {fits}"
        )
    if not found:
        raise BadInput(f"--score: no score among {', '.join(scores)}; it must hold one of {', '.join(SCORES)}")
    if {"n", "positives"} <= set(counts):
        said.append(_consistent(found, counts))
    return said


def _read(scores: dict[str, str]) -> tuple[dict[str, Reported], dict[str, int]]:
    found, counts = {}, {}
    for name, text in scores.items():
        if name in COUNTS:
            if not text.isdigit() or int(text) < 1:
                raise BadInput(f"--score: {name} is {text!r}; it must be a whole number of test images")
            counts[name] = int(text)
        elif name not in SCORES:
            raise BadInput(f"--score: no score {name!r}; {closest(name, [*SCORES, *COUNTS])}")
        elif (one := reported(text)) is None or one.value > 1:
            raise BadInput(f"--score: {name} is {text!r}; it must be a number such as 96.9 or 0.969")
        else:
            found[name] = one
    if counts.get("positives", 0) > counts.get("n", math.inf):
        raise BadInput(f"--score: positives is {counts['positives']}; it must be at most n, {counts['n']}")
    return found, counts


def _of_count(accuracy: Reported, n: int) -> list[str]:
    counts = [count for count in range(math.ceil(accuracy.low * n), math.floor(accuracy.high * n) + 1)]
    counts = [count for count in counts if count / n in accuracy]
    if not counts:
        return [
            f"no count of right answers out of {n} rounds to it: n or the accuracy is another one, or it is a mean "
            "over runs or folds"
        ]
    right = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    low, high = (binomtest(count, n).proportion_ci(method="wilson") for count in (counts[0], counts[-1]))
    return [
        f"{right} right answers out of {n} round to it",
        f"of new images alone (Wilson, 95 %), without any other draw of training: "
        f"{100 * low.low:.1f} to {100 * high.high:.1f} %",
    ]


def _consistent(found: dict[str, Reported], counts: dict[str, int]) -> str:
    """Say whether some binary confusion matrix has all the scores (Kovács & Fazekas 2023, arXiv:2310.12527)."""
    from mlscorecheck.check.binary import check_1_testset_no_kfold

    logging.getLogger("mlscorecheck").setLevel(logging.WARNING)
    names = {"accuracy": "acc", "precision": "ppv", "recall": "sens", "f1": "f1p"}
    scores = {names[name]: one for name, one in found.items() if name in names}
    if not scores:
        return "no score that a binary confusion matrix decides"
    test = {"p": counts["positives"], "n": counts["n"] - counts["positives"]}
    widest = {name: (one.high - one.low) / 2 + 1e-9 for name, one in scores.items()}
    result = check_1_testset_no_kfold(testset=test, scores={k: one.value for k, one in scores.items()}, eps=widest)
    what = f"{test['p']} positives and {test['n']} negatives"
    if result["inconsistency"]:
        return f"no binary confusion matrix of {what} has these scores (mlscorecheck)"
    return f"some binary confusion matrix of {what} has these scores (mlscorecheck)"


def _apart(one: Reported, other: Reported) -> bool:
    return one.high < other.low or other.high < one.low


def _meets(bounds: tuple[float, float], score: Reported) -> bool:
    return bounds[0] - 1e-12 <= score.high and score.low <= bounds[1] + 1e-12
