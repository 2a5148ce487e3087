"""The audit of one paper: a record for each of its claims."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from benchmark.audit import commands, costs, flips, quality, values, wording
from benchmark.audit.answers import Answers
from benchmark.audit.claims import HEADLINE, AnyClaim, CostClaim, QualityClaim, SettledClaim, ValueClaim
from benchmark.audit.decisions import Decision, QualityDecision, ReadingVerdict, SettledDecision
from benchmark.audit.papers import Paper
from benchmark.audit.records import Nothing, Record, numbers


@dataclass(frozen=True)
class Judge:
    """Judges the ``claims`` of a paper, all of them given, by the answers and costs of all ``tasks``."""

    paper: Paper
    claims: Sequence[AnyClaim]
    tasks: Sequence[Answers]

    def records(self) -> list[Record]:
        """Return a record for each claim."""
        return [self.record(claim) for claim in self.claims]

    def record(self, claim: AnyClaim) -> Record:
        """Return what a claim says, its verdict, and what is behind it."""
        decision = self.decide(claim)
        return Record(
            claim=claim.name,
            paper=claim.paper,
            place=claim.place,
            kind=claim.kind,
            table=claim.table,
            says=claim.says,
            family=claim.family if isinstance(claim, QualityClaim) else None,
            claimed=claim.claimed or Nothing(),
            by_hand=isinstance(claim, SettledClaim) and claim.by_hand,
            verdict=decision.verdict,
            scope=wording.scope(claim, decision),
            reason=wording.reason(claim, decision),
            command=commands.command(claim, decision),
            numbers=numbers(claim, decision),
            readings=self._readings(claim),
            response=claim.response,
        )

    def decide(self, claim: AnyClaim) -> Decision:
        """Return the decision on a claim."""
        match claim:
            case SettledClaim():
                return SettledDecision(claim.verdict, claim.reason)
            case ValueClaim():
                return values.decide(claim, self.paper, self._tasks)
            case CostClaim():
                decision = costs.decide(claim, self._tasks)
                return replace(decision, flipped_by=tuple(flips.changed(self._cost_flips[claim.name])))
            case QualityClaim():
                return self._quality_decisions[claim.name]

    @cached_property
    def _tasks(self) -> list[Answers]:
        """Return the tasks; how much runs usually vary is judged by this paper's rows, so no other paper has a say."""
        return [replace(task, rows=list(self.paper.systems.values())) for task in self.tasks]

    @cached_property
    def _quality_decisions(self) -> dict[str, QualityDecision]:
        return quality.decide_all(self.claims, self._tasks, self.paper.margin)

    @cached_property
    def _headline_flips(self) -> dict[str, list[ReadingVerdict]]:
        headline = [claim for claim in self.claims if isinstance(claim, QualityClaim) and claim.family == HEADLINE]
        return flips.headline_flips(self.paper, headline, self._tasks)

    @cached_property
    def _cost_flips(self) -> dict[str, list[ReadingVerdict]]:
        on_costs = [claim for claim in self.claims if isinstance(claim, CostClaim)]
        return {claim.name: flips.cost_flips(self.paper, claim, self._tasks) for claim in on_costs}

    def _readings(self, claim: AnyClaim) -> list[ReadingVerdict] | None:
        """Return the verdicts by other readings: on the headline, and on costs."""
        if isinstance(claim, QualityClaim) and claim.family == HEADLINE:
            return self._headline_flips[claim.name]
        if isinstance(claim, CostClaim):
            return self._cost_flips[claim.name] or None
        return None
