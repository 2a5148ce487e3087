"""What one task says of claims of quality: the test of each pair of models, and the verdict on a claim about several.

A pair is tested once, however many claims name it. The pairs of a paper form families by kind
(:data:`benchmark.audit.claims.FAMILIES`); p-values are adjusted by Holm's method over all pairs of a family, with
evidence or without. A claim about several pairs is true if it is true of each: an intersection-union test (Berger 1982,
doi 10.1080/00401706.1982.10487790), so each pair is tested at 5 % without adjustment, and what follows from a claim
that is shown is shown as well. It is contradicted if one pair shows the opposite after Holm. Measures other than
accuracy and robustness are described, not tested; but the headline is tested in balanced accuracy and AUC besides, as
one more family, since accuracy hides a model that misses a rare class. That changes no verdict.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, Protocol, TypeVar

from benchmark.audit.answers import Gap
from benchmark.audit.claims import (
    FAMILIES,
    HEADLINE,
    SECONDARY,
    SECONDARY_MEASURES,
    Claim,
    Models,
    QualityClaim,
    Verdict,
)
from benchmark.audit.papers import Measure
from benchmark.statistics import holm

ALPHA = 0.05

Key = tuple[str, Measure, str | None, Models]  # rule, measure, task, pair


class Evidence(Protocol):
    """What claims of quality are judged by: the answers of one task, or of several sources as one."""

    @property
    def task(self) -> str:
        """The name of the task."""

    def gap(self, first: str, second: str, measure: Measure) -> Gap | None:
        """Return by how much one model exceeds another; None without evidence."""

    def runs(self, *models: str, measure: Measure = "accuracy") -> list[int]:
        """Return the runs in which all ``models`` have a measure."""


Judged = TypeVar("Judged", bound=Evidence)
JudgedCo = TypeVar("JudgedCo", bound=Evidence, covariant=True)


@dataclass(frozen=True)
class PairTest:
    """A pair of models: the gap, and the p-values of the claim and of its opposite.

    For the rule ``better`` both are one-sided, and ``p_same`` is that of two one-sided tests against a difference
    beyond the paper's margin. For the rule ``same``, ``p_claim`` is the latter, and ``p_opposite`` the one-sided one of
    a difference beyond the margin. ``adjusted`` is Holm's two-sided p-value over ``adjusted_for`` pairs, and
    ``adjusted_same`` Holm's value of ``p_same`` over as many. ``p_of_all`` is the least p-value of a claim about
    several pairs of which this is one, 1 if there is none.
    """

    rule: str
    gap: Gap
    p_claim: float
    p_opposite: float
    p_same: float
    adjusted: float = math.nan
    adjusted_same: float = math.nan
    adjusted_for: int = 1
    p_of_all: float = 1.0

    @property
    def p_value(self) -> float:
        """The two-sided p-value: of the claim or its opposite."""
        return min(1.0, self.p_claim if self.rule == "same" else 2 * self.p_claim, 2 * self.p_opposite)

    @property
    def leans_to_claim(self) -> bool:
        """Whether the claim is more likely than its opposite."""
        return self.p_claim < self.p_opposite

    @property
    def is_small(self) -> bool:
        """Whether the difference is shown to be smaller than the margin, where more was claimed."""
        return self.rule == "better" and self.adjusted_same <= ALPHA

    @property
    def p_shown(self) -> float:
        """The p-value of what the gap leans to: Holm's, or that of a claim about several pairs that it follows from."""
        return min(self.adjusted, self.p_of_all)

    @property
    def verdict(self) -> Verdict:
        """The verdict on this pair: what is shown to be smaller than the margin is no difference, whatever its sign."""
        if self.is_small:
            return "no difference"
        if self.p_shown <= ALPHA:
            return "supported" if self.leans_to_claim else "contradicted"
        return "inconclusive"

    @property
    def detectable(self) -> float:
        """The gap that would have been found with 80 % power, adjusted for as many pairs by Bonferroni."""
        return self.gap.estimate.detectable(ALPHA / self.adjusted_for)


@dataclass(frozen=True)
class TaskVerdict(Generic[JudgedCo]):
    """What one task says of a claim; ``missing`` are its models without evidence there, ``margin`` is the paper's.

    ``secondary`` maps other measures to what the task says of the same claim in them.
    """

    answers: JudgedCo
    pairs: tuple[PairTest, ...]
    missing: tuple[str, ...]
    margin: float
    secondary: "dict[str, TaskVerdict[JudgedCo]]" = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """The verdict on this task alone."""
        if self.p_opposite <= ALPHA:
            return "contradicted"
        if self.missing:
            return "no evidence"
        if self.p_claim <= ALPHA:
            return "supported"
        return "no difference" if self.p_no_difference <= ALPHA else "inconclusive"

    @property
    def p_claim(self) -> float:
        """The p-value of the claim; 1 where a pair leans to the opposite, is missing or shown to be too small."""
        if self.missing or not all(pair.leans_to_claim and not pair.is_small for pair in self.pairs):
            return 1.0
        return self.pairs[0].p_shown if len(self.pairs) == 1 else max(pair.p_value for pair in self.pairs)

    @property
    def p_opposite(self) -> float:
        """The p-value of the opposite: the least over the pairs that are not shown to be too small."""
        return min((pair.p_shown for pair in self._against), default=1.0)

    @property
    def _against(self) -> list[PairTest]:
        """The pairs that lean to the opposite and are not shown to be too small."""
        return [pair for pair in self.pairs if pair.p_opposite < pair.p_claim and not pair.is_small]

    @property
    def p_no_difference(self) -> float:
        """Holm's p-value of a difference smaller than the margin in every pair; 1 for a claim of sameness."""
        small = not self.missing and all(pair.rule == "better" for pair in self.pairs)
        return max(pair.adjusted_same for pair in self.pairs) if small else 1.0

    @property
    def decisive(self) -> PairTest:
        """The pair that decides: that which shows the opposite best, or sameness or the claim least."""
        if self.verdict == "contradicted":
            return min(self._against, key=lambda pair: (pair.p_shown, pair.p_opposite))
        if self.verdict == "no difference":
            return max(self.pairs, key=lambda pair: pair.adjusted_same)
        return max(self.pairs, key=lambda pair: pair.p_claim)


def task_verdicts(claims: Iterable[Claim], answers: Judged, margin: float) -> dict[str, TaskVerdict[Judged]]:
    """Return claim → what a task says of it, for the claims of quality on which the task has evidence.

    ``claims`` are all claims of a paper, with evidence or without: Holm's method counts them. ``margin`` (a share) is
    the difference below which the paper's scores count as the same.
    """
    primary = [claim for claim in claims if isinstance(claim, QualityClaim) and claim.task in (None, answers.task)]
    secondary = {claim.name: _in_other_measures(claim) for claim in primary}
    concerned = [*primary, *(other for others in secondary.values() for other in others.values())]
    keys = {claim.name: _keys(claim) for claim in concerned}
    tests: dict[Key, PairTest] = {}
    for key in dict.fromkeys(key for of_claim in keys.values() for key in of_claim):
        rule, measure, _, pair = key
        gap = answers.gap(*pair, measure)
        if gap and gap.runs > 1:  # one run has no spread between runs, and so no test
            tests[key] = _test(rule, gap, margin)
    for family in (*FAMILIES, SECONDARY):
        in_family = [
            key
            for claim in concerned
            for key, of_key in zip(keys[claim.name], claim.families, strict=False)
            if of_key == family
        ]
        tests |= _adjusted(tests, in_family)
    tests |= _shown_with_others(tests, [keys[claim.name] for claim in concerned if claim.families])
    verdicts: dict[str, TaskVerdict[Judged]] = {}
    for claim in concerned:
        pairs = tuple(tests[key] for key in keys[claim.name] if key in tests)
        if pairs:
            missing = _missing(claim, answers, [key[3] for key in keys[claim.name] if key not in tests])
            verdicts[claim.name] = TaskVerdict(answers, pairs, missing, margin)
    return {
        name: replace(
            verdicts[name],
            secondary={measure: verdicts[other.name] for measure, other in others.items() if other.name in verdicts},
        )
        for name, others in secondary.items()
        if name in verdicts
    }


def _in_other_measures(claim: QualityClaim) -> dict[str, QualityClaim]:
    """Return secondary measure → what a claim of the headline says in it."""
    if claim.family != HEADLINE or claim.rule != "better":
        return {}
    families = (SECONDARY,) * len(claim.pairs)
    return {
        measure: replace(claim, name=f"{claim.name}/{measure}", measure=measure, families=families)
        for measure in SECONDARY_MEASURES
    }


def _keys(claim: QualityClaim) -> list[Key]:
    return [(claim.rule, claim.measure, claim.task, pair) for pair in claim.pairs]


def _missing(claim: QualityClaim, answers: Evidence, untested: Sequence[Models]) -> tuple[str, ...]:
    """Return the models without two runs, else those of the pairs that have none in common."""
    missing = tuple(model for model in claim.models if len(answers.runs(model, measure=claim.measure)) < 2)
    return missing or tuple(dict.fromkeys(model for pair in untested for model in pair))


def _test(rule: str, gap: Gap, margin: float) -> PairTest:
    estimate, p_same = gap.estimate, gap.estimate.within(margin)
    if rule == "same":
        p_beyond = min(estimate.above(margin), estimate.below(-margin))
        return PairTest(rule, gap, p_same, p_beyond, p_same)
    return PairTest(rule, gap, estimate.above(), estimate.below(), p_same)


def _adjusted(tests: dict[Key, PairTest], declared: Sequence[Key]) -> dict[Key, PairTest]:
    """Return the tests of a family with Holm's p-values over all its ``declared`` pairs.

    A pair without evidence counts as p = 1. A pair and its reverse are one test.
    """
    groups: dict[tuple[str, Measure, str | None, frozenset[str]], list[Key]] = {}
    for key in declared:
        rule, measure, task, pair = key
        groups.setdefault((rule, measure, task, frozenset(pair)), []).append(key)
    firsts = [tests.get(keys[0]) for keys in groups.values()]
    adjusted = holm([test.p_value if test else 1.0 for test in firsts])
    adjusted_same = holm([test.p_same if test else 1.0 for test in firsts])
    return {
        key: replace(tests[key], adjusted=p_value, adjusted_same=p_same, adjusted_for=len(groups))
        for keys, p_value, p_same in zip(groups.values(), adjusted, adjusted_same, strict=True)
        for key in keys
        if key in tests
    }


def _shown_with_others(tests: dict[Key, PairTest], several: Sequence[Sequence[Key]]) -> dict[Key, PairTest]:
    """Return the tests of pairs that follow from a claim about several, with the least p-value of such a claim."""
    followed = dict(tests)
    for keys in several:
        if len(keys) > 1 and all(
            key in tests and tests[key].leans_to_claim and not tests[key].is_small for key in keys
        ):
            p_of_all = max(tests[key].p_value for key in keys)
            followed |= {key: replace(followed[key], p_of_all=min(p_of_all, followed[key].p_of_all)) for key in keys}
    return followed
