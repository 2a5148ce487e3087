"""What one task says of claims of quality: the test of each pair of models, and the verdict on a claim about several.

A claim about several pairs is true if it is true of each (an intersection-union test), and contradicted if one pair
shows the opposite. The pairs of a paper's headline, its claims on the accuracy of the proposed model, are tested
together: their p-values are adjusted by Holm's method over all pairs that the headline names. The same is done with the
paper's other claims on accuracy and robustness. Other measures of quality are described, not tested.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from benchmark.audit.answers import Answers, Gap
from benchmark.audit.claims import HEADLINE, OTHER, Claim, Models, QualityClaim, Verdict
from benchmark.audit.papers import Measure
from benchmark.statistics import holm

ALPHA = 0.05

Key = tuple[str | None, str, Measure, str | None, Models]  # family, rule, measure, task, pair


@dataclass(frozen=True)
class PairTest:
    """A pair of models on one task: the gap, and the p-values of the claim and of its opposite.

    For the rule ``better`` both are one-sided, and ``p_same`` is that of two one-sided tests against a difference
    beyond the paper's margin. For the rule ``same``, ``p_claim`` is the latter, and ``p_opposite`` the one-sided one of
    a difference beyond the margin. ``adjusted`` is Holm's two-sided p-value over ``adjusted_for`` pairs, and
    ``adjusted_same`` Holm's value of ``p_same`` over as many.
    """

    rule: str
    gap: Gap
    p_claim: float
    p_opposite: float
    p_same: float
    adjusted: float = math.nan
    adjusted_same: float = math.nan
    adjusted_for: int = 1

    @property
    def p_value(self) -> float:
        """The two-sided p-value: of the claim or its opposite."""
        return min(1.0, self.p_claim if self.rule == "same" else 2 * self.p_claim, 2 * self.p_opposite)

    @property
    def leans_to_claim(self) -> bool:
        """Whether the claim is more likely than its opposite."""
        return self.p_claim < self.p_opposite

    @property
    def verdict(self) -> Verdict:
        """The verdict on this pair: what is shown to be smaller than the margin is no difference, whatever its sign."""
        if self.rule == "better" and self.adjusted_same <= ALPHA:
            return "no difference"
        if self.adjusted <= ALPHA:
            return "supported" if self.leans_to_claim else "contradicted"
        return "inconclusive"

    @property
    def detectable(self) -> float:
        """The gap that would have been found with 80 % power, adjusted for as many pairs by Bonferroni."""
        return self.gap.estimate.detectable(ALPHA / self.adjusted_for)


@dataclass(frozen=True)
class TaskVerdict:
    """What one task says of a claim; ``missing`` are its models without two runs there, ``margin`` is the paper's."""

    answers: Answers
    pairs: tuple[PairTest, ...]
    missing: tuple[str, ...]
    margin: float

    @property
    def verdict(self) -> Verdict:
        """The verdict on this task alone."""
        verdicts = {pair.verdict for pair in self.pairs}
        if "contradicted" in verdicts:
            return "contradicted"
        if self.missing:
            return "no evidence"
        return verdicts.pop() if len(verdicts) == 1 else "inconclusive"

    @property
    def p_claim(self) -> float:
        """Holm's p-value of the claim; 1 where a pair leans to the opposite, is missing or shown to be too small."""
        possible = all(pair.leans_to_claim and pair.verdict != "no difference" for pair in self.pairs)
        possible = possible and not self.missing
        return max(pair.adjusted for pair in self.pairs) if possible else 1.0

    @property
    def p_opposite(self) -> float:
        """Holm's p-value of the opposite, over the pairs that are not shown to be too small."""
        against = [pair for pair in self.pairs if pair.p_opposite < pair.p_claim and pair.verdict != "no difference"]
        return min((pair.adjusted for pair in against), default=1.0)

    @property
    def decisive(self) -> PairTest:
        """The pair that decides: the one that shows the opposite most clearly, else the one least like the claim."""
        if self.verdict == "contradicted":
            return min(self.pairs, key=lambda pair: pair.p_opposite)
        return max(self.pairs, key=lambda pair: pair.p_claim)


def task_verdicts(claims: Iterable[Claim], answers: Answers, margin: float) -> dict[str, TaskVerdict]:
    """Return claim → what a task says of it, for the claims of quality on which the task has evidence.

    ``claims`` are all claims of a paper, with evidence or without: Holm's method counts them. ``margin`` (a share) is
    the difference below which the paper's scores count as the same.
    """
    concerned = [claim for claim in claims if isinstance(claim, QualityClaim) and claim.task in (None, answers.task)]
    keys: dict[str, list[Key]] = {
        claim.name: [(claim.family, claim.rule, claim.measure, claim.task, pair) for pair in claim.pairs]
        for claim in concerned
    }
    tests: dict[Key, PairTest] = {}
    for key in dict.fromkeys(key for of_claim in keys.values() for key in of_claim):
        _, rule, measure, _, pair = key
        gap = answers.gap(*pair, measure)
        if gap and gap.runs > 1:  # one run has no spread between runs, and so no test
            tests[key] = _test(rule, gap, margin)
    for family in (HEADLINE, OTHER):
        tests |= _adjusted(tests, [key for of_claim in keys.values() for key in of_claim if key[0] == family])
    verdicts = {}
    for claim in concerned:
        pairs = tuple(tests[key] for key in keys[claim.name] if key in tests)
        if pairs:
            missing = tuple(model for model in claim.models if len(answers.runs(model, measure=claim.measure)) < 2)
            verdicts[claim.name] = TaskVerdict(answers, pairs, missing, margin)
    return verdicts


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
    groups: dict[tuple, list[Key]] = {}
    for key in declared:
        _, rule, measure, task, pair = key
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
