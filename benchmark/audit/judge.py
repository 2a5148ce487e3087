"""The audit of one paper: a record for each of its claims."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from benchmark.audit import commands, costs, flips, quality, values, wording
from benchmark.audit.answers import Answers
from benchmark.audit.claims import HEADLINE, Claim, CostClaim, QualityClaim, SettledClaim, ValueClaim
from benchmark.audit.decisions import Decision, SettledDecision
from benchmark.audit.papers import Paper
from benchmark.audit.records import Nothing, ReadingVerdict, Record, numbers
from benchmark.audit.verdicts import TaskVerdict, task_verdicts


@dataclass(frozen=True)
class Judge:
    """Judges the ``claims`` of a paper, all of them given, by the answers and costs of all ``tasks``."""

    paper: Paper
    claims: Sequence[Claim]
    tasks: Sequence[Answers]

    def records(self) -> list[Record]:
        """Return a record for each claim."""
        return [self.record(claim) for claim in self.claims]

    def record(self, claim: Claim) -> Record:
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
            verdict=decision.verdict,
            scope=wording.scope(claim, decision),
            reason=wording.reason(claim, decision),
            command=commands.command(claim, decision),
            numbers=numbers(claim, decision),
            readings=self._readings(claim),
            response=claim.response,
        )

    def decide(self, claim: Claim) -> Decision:
        """Return the decision on a claim."""
        match claim:
            case SettledClaim():
                return SettledDecision(claim.verdict, claim.reason)
            case ValueClaim():
                return values.decide(claim, self.paper, self._tasks)
            case CostClaim():
                return costs.decide(claim, self._tasks)
            case QualityClaim():
                own = [on_task[claim.name] for on_task in self._task_verdicts if claim.name in on_task]
                return quality.decide(claim, own, self._tasks)

    @cached_property
    def _tasks(self) -> list[Answers]:
        """Return the tasks; how much runs usually vary is judged by this paper's rows, so no other paper has a say."""
        return [replace(task, rows=list(self.paper.systems.values())) for task in self.tasks]

    @cached_property
    def _task_verdicts(self) -> list[dict[str, TaskVerdict]]:
        return [task_verdicts(self.claims, task, self.paper.margin) for task in self._tasks]

    @cached_property
    def _headline_flips(self) -> dict[str, list[ReadingVerdict]]:
        headline = [claim for claim in self.claims if isinstance(claim, QualityClaim) and claim.family == HEADLINE]
        return flips.headline_flips(self.paper, headline, self._tasks)

    def _readings(self, claim: Claim) -> list[ReadingVerdict] | None:
        """Return the verdicts by other readings: on the headline, and on what the proposed model costs."""
        if isinstance(claim, QualityClaim) and claim.family == HEADLINE:
            return self._headline_flips[claim.name]
        if isinstance(claim, CostClaim) and self.paper.proposed in claim.models:
            return flips.cost_flips(self.paper, claim, self._tasks)
        return None
