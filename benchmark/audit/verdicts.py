"""What one task says of claims of quality: the test of each pair of models, and the verdict on a claim about several.

A claim over several pairs holds if it holds of each (an intersection-union test), and fails if one pair shows the
opposite. The pairs of a paper's headline, its claims on the proposed model's accuracy, are tested together, with
p-values adjusted by Holm's method over all pairs that the paper's headline names; so are those of its other claims on
accuracy and on robustness. Other measures of quality are described, not tested.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from benchmark.audit.answers import Answers, Gap
from benchmark.audit.claims import HEADLINE, OTHER, Claim
from benchmark.statistics import holm

ALPHA = 0.05

Key = tuple[str | None, str, str, str | None, tuple[str, str]]  # family, rule, measure, task, pair


@dataclass(frozen=True)
class Tested:
    """A pair of models on one task: the gap, and the p-values of the claim and of its opposite.

    For the rule ``better`` both are one-sided, and ``same`` is that of two one-sided tests against a difference beyond
    the paper's margin. For the rule ``same``, ``holds`` is the latter, ``fails`` the one-sided one of a difference
    beyond the margin. ``adjusted`` is Holm's two-sided p-value, over ``among`` pairs, and ``adjusted_same`` Holm's of
    ``same``, over as many.
    """

    rule: str
    gap: Gap
    holds: float
    fails: float
    same: float
    adjusted: float = math.nan
    adjusted_same: float = math.nan
    among: int = 1

    @property
    def p_value(self) -> float:
        """The two-sided p-value: of the claim or its opposite."""
        return min(1.0, self.holds if self.rule == "same" else 2 * self.holds, 2 * self.fails)

    @property
    def verdict(self) -> str:
        """The verdict on this pair."""
        if self.adjusted <= ALPHA:
            return "supported" if self.holds < self.fails else "contradicted"
        return "no difference" if self.rule == "better" and self.adjusted_same <= ALPHA else "inconclusive"


@dataclass(frozen=True)
class Outcome:
    """What one task says of a claim; ``missing`` are its models without two runs there, ``margin`` is the paper's."""

    answers: Answers
    pairs: tuple[Tested, ...]
    missing: tuple[str, ...]
    margin: float

    @property
    def verdict(self) -> str:
        """The verdict on this task alone."""
        found = {pair.verdict for pair in self.pairs}
        if "contradicted" in found:
            return "contradicted"
        if self.missing:
            return "no evidence"
        return found.pop() if len(found) == 1 else "inconclusive"

    @property
    def holds(self) -> float:
        """Holm's p-value of the claim; 1 where a pair leans to the opposite or is missing."""
        leans = all(pair.holds < pair.fails for pair in self.pairs) and not self.missing
        return max(pair.adjusted for pair in self.pairs) if leans else 1.0

    @property
    def fails(self) -> float:
        """Holm's p-value of the opposite."""
        return min((pair.adjusted for pair in self.pairs if pair.fails < pair.holds), default=1.0)

    @property
    def decisive(self) -> Tested:
        """The pair that the verdict hangs on: the surest opposite where the claim fails, else the least sure one."""
        if self.verdict == "contradicted":
            return min(self.pairs, key=lambda pair: pair.fails)
        return max(self.pairs, key=lambda pair: pair.holds)


def tested(claims: Iterable[Claim], task: Answers, margin: float) -> dict[str, Outcome]:
    """Return claim → what ``task`` says of it, for the claims of quality that it has evidence on.

    ``claims`` are all of a paper, whatever has evidence: Holm's method counts them.
    """
    of_quality = [claim for claim in claims if claim.rule in ("better", "same") and claim.task in (None, task.task)]
    keys = {
        claim.name: [(claim.family, claim.rule, claim.measure, claim.task, pair) for pair in claim.pairs]
        for claim in of_quality
    }
    found: dict[Key, Tested] = {}
    for key in dict.fromkeys(key for of_claim in keys.values() for key in of_claim):
        gap = task.gap(*key[4], key[2])
        if gap and gap.runs > 1:  # one run has no spread between runs, and so no test
            found[key] = _tested(key[1], gap, margin)
    for family in (HEADLINE, OTHER):
        declared = [key for of_claim in keys.values() for key in of_claim if key[0] == family]
        _adjust(found, declared)
    outcomes = {}
    for claim in of_quality:
        pairs = tuple(found[key] for key in keys[claim.name] if key in found)
        if pairs:
            missing = tuple(model for model in claim.models if len(task.runs(model)) < 2)
            outcomes[claim.name] = Outcome(task, pairs, missing, margin)
    return outcomes


def _tested(rule: str, gap: Gap, margin: float) -> Tested:
    one, same = gap.estimate, gap.estimate.within(margin)
    if rule == "same":
        return Tested(rule, gap, same, min(one.above(margin), one.below(-margin)), same)
    return Tested(rule, gap, one.above(), one.below(), same)


def _adjust(found: dict[Key, Tested], declared: list[Key]) -> None:
    """Put Holm's p-values into ``found``, over all ``declared`` pairs; one without evidence counts as p = 1."""
    tests: dict[tuple, list[Key]] = {}
    for key in declared:
        _, rule, measure, task, pair = key
        tests.setdefault((rule, measure, task, frozenset(pair)), []).append(key)  # a pair and its reverse are one test
    known = [found.get(keys[0]) for keys in tests.values()]
    adjusted = holm([pair.p_value if pair else 1.0 for pair in known])
    of_same = holm([pair.same if pair else 1.0 for pair in known])
    for keys, p_value, same in zip(tests.values(), adjusted, of_same, strict=True):
        for key in keys:
            if key in found:
                found[key] = replace(found[key], adjusted=p_value, adjusted_same=same, among=len(tests))
