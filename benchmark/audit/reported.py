"""What reported scores imply, without training anything: their rounding, their averages, their test set."""

import logging
import math
import re
from dataclasses import dataclass
from itertools import product
from typing import Any

from scipy.stats import binomtest

from benchmark.errors import BadInput, closest

SCORES = ("accuracy", "precision", "recall", "f1", "auc")
COUNTS = ("n", "positives")

_NUMBER = r"((?:[0-9]+(?:[.·∙⋅][0-9]+)?|[.·∙⋅][0-9]+))"  # some journals print the decimal point midline
_SPREAD = rf"(?:\s*(?:±|\+/-)\s*{_NUMBER}\s*(%?))?"
_INTERVAL = rf"(?:\s*[(\[]\s*{_NUMBER}\s*%?\s*(?:[-–—,;]|to)\s*{_NUMBER}\s*%?\s*[)\]])?"
_SCORE = re.compile(rf"\s*{_NUMBER}\s*(%?){_SPREAD}{_INTERVAL}\s*")

Bounds = tuple[float, float]


@dataclass(frozen=True)
class Reported:
    """A printed score as a share, and the bounds of what it may have been rounded from.

    ``per_cent`` is whether it was printed in per cent. ``spread`` is what stands after ±, as a share; None without one.
    """

    value: float
    low: float
    high: float
    per_cent: bool = False
    spread: float | None = None

    def __contains__(self, value: float) -> bool:
        return self.low - 1e-12 <= value <= self.high + 1e-12


def plain_number(text: str) -> float | None:
    """Return a number without sign or unit, such as ``42`` or ``0·97``; None if ``text`` is anything else."""
    return float(_with_point(text)) if re.fullmatch(_NUMBER, text) else None


def reported(text: str) -> Reported | None:
    """Return a printed score, such as ``96.9``, ``88.2%``, ``0·97``, ``96.9 ± 0.4`` or ``0.91 (0.88–0.94)``.

    A number above 1, or one followed by %, is read as per cent; its last digit was rounded. An interval in brackets is
    not read. None if ``text`` contains anything else: nothing is cut off.
    """
    match = _SCORE.fullmatch(text)
    if not match:
        return None
    number, after_number, spread, after_spread, _, _ = match.groups()
    number = _with_point(number)
    digits = len(number.partition(".")[2])
    per_cent = bool(after_number or after_spread) or float(number) > 1
    scale = 100 if per_cent else 1
    value, half = float(number) / scale, 0.5 * 10**-digits / scale
    deviation = float(_with_point(spread)) / scale if spread else None
    return Reported(value, max(value - half, 0.0), min(value + half, 1.0), per_cent, deviation)


def _with_point(number: str) -> str:
    return re.sub("[·∙⋅]", ".", number)


def prevalence(accuracy: Reported, precision: Reported, recall: Reported) -> Bounds:
    """Return the least and largest share of positives that three binary scores imply; above 1 is impossible.

    π = (1 − A) / ((1 − R) + R (1/P − 1)), over everything that the scores may have been rounded from.
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


def harmonic(precision: Reported, recall: Reported) -> Bounds:
    """Return the least and largest F1 of one class that its precision and recall allow."""

    def f1(p: float, r: float) -> float:
        return 2 * p * r / (p + r) if p + r else 0.0

    return f1(precision.low, recall.low), f1(precision.high, recall.high)


def least_auc(accuracy: Reported, precision: Reported, recall: Reported) -> float:
    """Return the least AUC that three scores of one binary test set allow, of the positive class or as means.

    The ROC curve passes through the point of the printed answers, so its area is at least sensitivity × specificity.
    """
    of_means = 2 * recall.low - 1  # one of the two is 1, the other the rest
    of_class = 1.0
    for a, p, r in product(*((score.low, score.high) for score in (accuracy, precision, recall))):
        wrong = (1 - r) + r * (1 / p - 1) if p else math.inf
        share = (1 - a) / wrong if wrong else 1.0
        false_positives = share * r * (1 / p - 1) / (1 - share) if p and share < 1 else 1.0
        of_class = min(of_class, r * (1 - min(false_positives, 1.0)))
    return max(0.0, min(of_means, of_class))


def reachable(score: Reported, answers: int) -> bool:
    """Return whether some count of right answers out of ``answers`` rounds to a printed accuracy."""
    return any(count / answers in score for count in _counts(score, answers))


def _counts(score: Reported, answers: int) -> range:
    """Return the counts out of ``answers`` that may round to a score, and at most one more on either side."""
    return range(max(0, math.floor(score.low * answers)), min(answers, math.ceil(score.high * answers)) + 1)


@dataclass(frozen=True)
class Averages:
    """What the scores of a table's rows imply about the averages behind them.

    ``recall_differs`` lists the rows whose recall cannot equal their accuracy, as it would if weighted by class size.
    ``prevalence`` maps a row to the least and largest share of positives if its scores were binary. ``f1_differs``
    lists the rows whose F1 is not the harmonic mean of precision and recall; None if no row has an F1. ``f1_above``
    lists those whose F1 exceeds it: no mean over classes, folds or datasets does, since F1 is concave in the two.
    ``auc_below`` lists the rows whose AUC is less than their scores allow on a binary test set.
    """

    recall_differs: tuple[str, ...]
    prevalence: dict[str, Bounds]
    f1_differs: tuple[str, ...] | None
    f1_above: tuple[str, ...] = ()
    auc_below: tuple[str, ...] = ()

    @property
    def common_prevalence(self) -> Bounds | None:
        """The shares of positives that all rows allow; None if there are none."""
        low = max(low for low, _ in self.prevalence.values())
        high = min(1.0, *(high for _, high in self.prevalence.values()))
        return (low, high) if low <= high else None


def averages(rows: dict[str, dict[str, Reported]]) -> Averages:
    """Return what rows imply; each has ``accuracy``, ``precision``, ``recall``, and may have ``f1`` and ``auc``."""
    with_f1 = {name: row for name, row in rows.items() if "f1" in row}
    return Averages(
        recall_differs=tuple(name for name, row in rows.items() if _apart(row["accuracy"], row["recall"])),
        prevalence={name: prevalence(row["accuracy"], row["precision"], row["recall"]) for name, row in rows.items()},
        f1_differs=tuple(
            name for name, row in with_f1.items() if not _meets(row["f1"], harmonic(row["precision"], row["recall"]))
        )
        if with_f1
        else None,
        f1_above=tuple(
            name for name, row in with_f1.items() if _exceeds(row["f1"], harmonic(row["precision"], row["recall"]))
        ),
        auc_below=tuple(
            name
            for name, row in rows.items()
            if "auc" in row and row["auc"].high < least_auc(row["accuracy"], row["precision"], row["recall"])
        ),
    )


@dataclass(frozen=True)
class Findings:
    """What bare scores imply, as far as they were given; None stands for what they do not decide.

    ``right`` is the fewest and most right answers out of ``images`` that round to the accuracy, None if no count does;
    ``wilson`` the interval (95 %, shares) that these counts give on new images. ``prevalence`` and ``f1`` are bounds of
    the share of positives and of F1 if the scores were binary, and ``f1_above`` is whether the F1 exceeds every mean.
    ``least_auc`` is the least AUC of a binary test set. ``consistent`` is whether a confusion matrix with ``positives``
    positive images has these scores.
    """

    printed: dict[str, str]
    scores: dict[str, Reported]
    images: int | None
    positives: int | None
    right: tuple[int, int] | None = None
    wilson: Bounds | None = None
    prevalence: Bounds | None = None
    f1: Bounds | None = None
    f1_fits: bool | None = None
    f1_above: bool = False
    least_auc: float | None = None
    consistent: bool | None = None


def examine(printed: dict[str, str]) -> Findings:
    """Return what reported scores imply, such as ``{"accuracy": "96.9", "n": "400"}``.

    Known are ``accuracy``, ``precision``, ``recall``, ``f1``, ``auc``, the number of test images ``n``, and how many of
    them are ``positives``. :class:`BadInput` names what cannot be read.
    """
    scores, counts = _read(printed)
    images, positives = counts.get("n"), counts.get("positives")
    implied: dict[str, Any] = {}
    single = {name: score for name, score in scores.items() if score.spread is None}  # with ±, means of runs
    if "accuracy" in single and images:
        implied["right"], implied["wilson"] = _right_answers(scores["accuracy"], images)
    if {"accuracy", "precision", "recall"} <= set(single):
        three = (single["accuracy"], single["precision"], single["recall"])
        implied |= {"prevalence": prevalence(*three), "least_auc": least_auc(*three)}
    if {"precision", "recall", "f1"} <= set(scores):
        implied["f1"] = harmonic(scores["precision"], scores["recall"])
        implied["f1_fits"] = _meets(scores["f1"], implied["f1"])
        implied["f1_above"] = _exceeds(scores["f1"], implied["f1"])
    if images and positives:
        implied["consistent"] = _consistent(single, positives, images - positives)
    return Findings(printed, scores, images, positives, **implied)


def _read(printed: dict[str, str]) -> tuple[dict[str, Reported], dict[str, int]]:
    """Return the scores and the counts among what was given."""
    scores, counts = {}, {}
    for name, text in printed.items():
        if name in COUNTS:
            if not re.fullmatch("[0-9]+", text) or int(text) < 1:
                raise BadInput(f"--score: {name} is {text!r}; it must be a whole number of test images")
            counts[name] = int(text)
        elif name not in SCORES:
            raise BadInput(f"--score: no score {name!r}; {closest(name, [*SCORES, *COUNTS])}")
        elif (score := reported(text)) is None or score.value > 1:
            hint = "it must be a number such as 96.9 or 0.969, with a decimal point"
            raise BadInput(f"--score: {name} is {text!r}; {hint}")
        else:
            scores[name] = score
    if counts.get("positives", 0) > counts.get("n", math.inf):
        raise BadInput(f"--score: positives is {counts['positives']}; it must be at most n, {counts['n']}")
    if not scores:
        raise BadInput(
            f"--score: no score among {', '.join(printed)}; at least one of {', '.join(SCORES)} must be given"
        )
    return scores, counts


def _right_answers(accuracy: Reported, images: int) -> tuple[tuple[int, int] | None, Bounds | None]:
    """Return the fewest and most right answers that round to an accuracy, and their Wilson interval; None if none."""
    counts = [count for count in _counts(accuracy, images) if count / images in accuracy]
    if not counts:
        return None, None
    low, high = (binomtest(count, images).proportion_ci(method="wilson") for count in (counts[0], counts[-1]))
    return (counts[0], counts[-1]), (low.low, high.high)


def _consistent(scores: dict[str, Reported], positives: int, negatives: int) -> bool | None:
    """Return whether some binary confusion matrix has all the scores (Kovács & Fazekas 2023, arXiv:2310.12527).

    None if there is no score that such a matrix decides.
    """
    from mlscorecheck.check.binary import check_1_testset_no_kfold

    logging.getLogger("mlscorecheck").setLevel(logging.WARNING)
    names = {"accuracy": "acc", "precision": "ppv", "recall": "sens", "f1": "f1p"}
    decided = {names[name]: score for name, score in scores.items() if name in names}
    if not decided:
        return None
    result = check_1_testset_no_kfold(
        testset={"p": positives, "n": negatives},
        scores={name: score.value for name, score in decided.items()},
        eps={name: max(score.value - score.low, score.high - score.value) + 1e-9 for name, score in decided.items()},
    )
    return not result["inconsistency"]


def _apart(first: Reported, second: Reported) -> bool:
    return first.high < second.low or second.high < first.low


def _exceeds(score: Reported, bounds: Bounds) -> bool:
    return score.low > bounds[1] + 1e-12


def _meets(score: Reported, bounds: Bounds) -> bool:
    return bounds[0] - 1e-12 <= score.high and score.low <= bounds[1] + 1e-12
