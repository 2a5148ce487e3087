"""What bare scores say: rounding, prevalence, averages, counts."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score
from statsmodels.stats.proportion import proportion_confint

from benchmark.audit import wording_scores
from benchmark.audit.reported import (
    Reported,
    averages,
    examine,
    harmonic,
    least_auc,
    plain_number,
    prevalence,
    reported,
)
from benchmark.errors import BadInput


def row(**scores):
    return {name: reported(text) for name, text in scores.items()}


def bare(scores):
    return wording_scores.findings(examine(scores))


@pytest.mark.parametrize(
    ("text", "value", "low", "high"),
    [
        ("96.9", 0.969, 0.9685, 0.9695),
        ("88.2%", 0.882, 0.8815, 0.8825),
        ("0.97", 0.97, 0.965, 0.975),
        ("100", 1.0, 0.995, 1.0),
        ("0·97", 0.97, 0.965, 0.975),
        ("96∙9 %", 0.969, 0.9685, 0.9695),
        ("96.9 ± 0.4", 0.969, 0.9685, 0.9695),
        ("0·91 (0·88–0·94)", 0.91, 0.905, 0.915),
        ("0.5 %", 0.005, 0.0045, 0.0055),
    ],
)
def test_a_number_is_read_with_what_it_was_rounded_from(text, value, low, high):
    found = reported(text)
    assert (found.value, found.low, found.high) == pytest.approx((value, low, high))


@pytest.mark.parametrize(
    "text",
    [
        "High",
        "“.20%(80%)”",
        "",
        "9o.2",
        "-96.9",
        "1.2.3",
        "96,9",
        "0,97",
        "9 6.9",
        "96 .9",
        "96. 9",
        "90–93",
        "²",
        "٩٦",
        "0.98, “99%”",
        "96.9 0.4",
        "96.9 ±",
        "96.9*",
        "1,234",
        "nan",
        "inf",
        "96.9 (n = 40)",
    ],
)
def test_a_text_that_is_not_one_number_is_not_read_and_never_cut(text):
    assert reported(text) is None
    assert plain_number(text) is None


def test_a_spread_is_kept_and_an_accuracy_with_one_is_a_mean():
    assert reported("96.9 ± 0.4").spread == pytest.approx(0.004)
    assert reported("0.97").spread is None
    said = said_of(accuracy="96.9 ± 0.4", n="400")
    assert "with a spread it is a mean" in said
    assert "right answers" not in said


def binary(positives=40, negatives=60, hits=30, false=9):
    """Labels and answers of one binary test set."""
    labels = [1] * positives + [0] * negatives
    answers = [1] * hits + [0] * (positives - hits) + [1] * false + [0] * (negatives - false)
    return labels, answers


def test_the_implied_prevalence_holds_that_of_the_test_set():
    labels, answers = binary()
    right = sum(a == b for a, b in zip(labels, answers, strict=True))
    precision, recall = precision_score(labels, answers), recall_score(labels, answers)
    low, high = prevalence(*(reported(f"{100 * score:.1f}") for score in (right / 100, precision, recall)))
    assert low <= 0.4 <= high
    assert high - low < 0.02


def test_f1_of_one_class_lies_within_what_precision_and_recall_allow():
    labels, answers = binary()
    scores = (precision_score(labels, answers), recall_score(labels, answers))
    low, high = harmonic(*(reported(f"{100 * score:.1f}") for score in scores))
    assert low <= f1_score(labels, answers) <= high


def test_rows_that_imply_other_shares_of_positives_are_on_no_common_binary_test_set():
    rows = {
        "a": row(accuracy="88.2", precision="87.5", recall="86.9"),
        "b": row(accuracy="96.3", precision="95.7", recall="94.9"),
    }
    said = wording_scores.averages(averages(rows))
    assert "impossible for 2 of 2 rows" in said
    assert "a 46 to 47 %; b 39 to 40 %: impossible" in said


def test_more_positives_than_images_are_impossible():
    said = wording_scores.averages(averages({"a": row(accuracy="60", precision="90", recall="90")}))
    assert "the rows imply a more than 100 %: impossible" in said


def test_rows_of_one_test_set_are_possible():
    rows = {"a": row(accuracy="81.0", precision="76.9", recall="75.0", f1="75.9")}
    said = wording_scores.averages(averages(rows))
    assert "possible with" in said
    assert "F1 is the harmonic mean" in said


def test_an_f1_that_no_class_can_have_is_named():
    rows = {"a": row(accuracy="81.0", precision="76.9", recall="75.0", f1="70.0")}
    assert "F1 is not the harmonic mean of precision and recall in a" in wording_scores.averages(averages(rows))


def test_an_f1_above_the_harmonic_mean_is_impossible_as_any_mean():
    rows = {"a": row(accuracy="81.0", precision="76.9", recall="75.0", f1="76.1")}
    said = wording_scores.averages(averages(rows))
    assert "F1 is above the harmonic mean of precision and recall in a: impossible" in said
    assert "remain possible" not in said
    assert averages({"a": row(accuracy="81.0", precision="76.9", recall="75.0", f1="76.0")}).f1_above == ()
    assert "the scores are inconsistent" in said_of(precision="76.9", recall="75.0", f1="80")


def test_no_mean_over_classes_or_sets_has_an_f1_above_the_harmonic_mean():
    random = np.random.default_rng(1)
    for _ in range(200):
        labels, answers = random.integers(0, 3, 40), random.integers(0, 3, 40)
        for average in ("macro", "weighted", "micro"):
            p, r, f1 = (
                score(labels, answers, average=average, zero_division=0)
                for score in (precision_score, recall_score, f1_score)
            )
            assert f1 <= (2 * p * r / (p + r) if p + r else 0) + 1e-12


def test_no_binary_test_set_has_less_than_the_least_auc():
    random = np.random.default_rng(2)
    for _ in range(300):
        labels = np.r_[0, 1, random.integers(0, 2, 30)]
        scores = np.round(labels * random.uniform(0, 1) + random.normal(0, 0.4, 32), 1)
        answers = (scores > 0.5).astype(int)
        if answers.sum() in (0, 32):
            continue
        accuracy, auc = (labels == answers).mean(), roc_auc_score(labels, scores)
        for average in ("binary", "macro"):
            three = (
                accuracy,
                *(f(labels, answers, average=average, zero_division=0) for f in (precision_score, recall_score)),
            )
            assert least_auc(*(Reported(s, s, s) for s in three)) <= auc + 1e-9


def test_an_auc_below_what_the_other_scores_allow_is_named():
    rows = {"a": row(accuracy="98", precision="97", recall="97", auc="0.45")}
    assert "AUC is less than the other scores allow on a binary test set in a" in wording_scores.averages(
        averages(rows)
    )
    said = said_of(accuracy="98", auc="0.45")
    assert "worse than chance" in said
    assert "at least 95 % of its images in one class" in said
    assert "allow at least 0.9" in said_of(accuracy="98", precision="97", recall="97", auc="0.45")


def test_counts_that_round_to_an_accuracy_are_found():
    low, high = proportion_confint(387, 400, method="wilson")
    said = bare({"accuracy": "96.75", "n": "400"})
    assert "387 right answers out of 400 round to it" in said
    assert f"{100 * low:.1f} to {100 * high:.1f} %" in said[-1]


def test_an_accuracy_that_no_count_rounds_to_is_named():
    assert "no count of right answers out of 400 rounds to it: n or the accuracy is wrong" in said_of(
        accuracy="96.9", n="400"
    )


def test_an_accuracy_that_several_counts_round_to_has_the_bounds_of_all():
    low, _ = proportion_confint(50, 100, method="wilson")
    assert f"{100 * low:.1f} to 100.0 %" in said_of(accuracy="1", n="100")


def test_scores_without_an_error_imply_any_share_of_positives():
    assert "the share of positives is 0.0 to 100.0 %" in said_of(accuracy="100", precision="100", recall="100")


def test_scores_of_a_confusion_matrix_are_possible_and_others_are_not():
    sizes = {"n": "100", "positives": "40"}
    possible = bare({"accuracy": "81.0", "precision": "76.9", "recall": "75.0", "f1": "75.9"} | sizes)
    impossible = bare({"accuracy": "81.0", "precision": "76.9", "recall": "77.0"} | sizes)
    assert (
        possible[-1] == "some binary confusion matrix of 40 positives and 60 negatives has these scores (mlscorecheck)"
    )
    assert impossible[-1].startswith("no binary confusion matrix of 40 positives")


def said_of(**scores):
    return " ".join(bare(scores))


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ({"acuracy": "96.9"}, "no score 'acuracy'; did you mean 'accuracy'?"),
        ({"accuracy": "high"}, "accuracy is 'high'; it must be a number"),
        ({"accuracy": "969"}, "accuracy is '969'; it must be a number"),
        ({"accuracy": "0,97"}, "accuracy is '0,97'; it must be a number such as 96.9 or 0.969, with a decimal point"),
        ({"n": "²"}, "n is '²'; it must be a whole number"),
        ({"n": "4.5"}, "n is '4.5'; it must be a whole number"),
        ({"n": "10"}, "no score among n; at least one of accuracy, precision, recall, f1, auc must be given"),
        ({"n": "10", "positives": "11"}, "positives is 11; it must be at most n, 10"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(scores, said):
    with pytest.raises(BadInput) as caught:
        bare(scores)
    assert said in str(caught.value)
