"""What each other reading of the proposed model would make of a claim, one at a time.

Beside its verdict stands that of the chosen reading on the same sources, those that have evidence on the other one:
fewer sources may decide otherwise.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from benchmark.audit import costs, quality
from benchmark.audit.answers import Answers
from benchmark.audit.claims import CostClaim, PairsClaim, QualityClaim, Verdict
from benchmark.audit.decisions import ReadingVerdict
from benchmark.audit.papers import Paper

Compared = TypeVar("Compared", bound=PairsClaim)


def headline_flips(
    paper: Paper, headline: Sequence[QualityClaim], tasks: Sequence[Answers]
) -> dict[str, list[ReadingVerdict]]:
    """Return claim → its verdict by each other reading, for the claims of a headline, which are tested together."""
    flips: dict[str, list[ReadingVerdict]] = {claim.name: [] for claim in headline}
    for reading in paper.readings:
        trained = [task for task in tasks if not task.synthetic and len(task.runs(reading)) > 1]
        chosen = _headline_verdicts(paper, headline, trained)
        other = _headline_verdicts(paper, [_replaced(claim, paper.proposed, reading) for claim in headline], trained)
        for name, entries in flips.items():
            entries.append(ReadingVerdict(reading, other[name], chosen[name], _sources(trained)))
    return flips


def cost_flips(paper: Paper, claim: CostClaim, tasks: Sequence[Answers]) -> list[ReadingVerdict]:
    """Return the verdict on a claim on costs by each other reading of the proposed model, and of a rival."""
    readings = {paper.proposed: paper.readings} | paper.rivals
    pairs = [(model, reading) for model, others in readings.items() if model in claim.models for reading in others]
    flips = []
    for model, reading in pairs:
        measured = [
            task
            for task in tasks
            if not task.synthetic and any(reading in condition.models for condition in task.costs)
        ]
        chosen = costs.decide(claim, measured).verdict
        other = costs.decide(_replaced(claim, model, reading), measured).verdict
        flips.append(ReadingVerdict(reading, other, chosen, _sources(measured)))
    return flips


def _headline_verdicts(paper: Paper, headline: Sequence[QualityClaim], tasks: Sequence[Answers]) -> dict[str, Verdict]:
    decisions = quality.decide_all(headline, tasks, paper.margin)
    return {name: decision.verdict for name, decision in decisions.items() if decision.verdict}


def changed(flips: Sequence[ReadingVerdict]) -> list[ReadingVerdict]:
    """Return the readings that turn a decided verdict into another decided one."""
    open_verdicts = ("no evidence", "inconclusive")
    return [
        flip for flip in flips if flip.verdict != flip.chosen and not {flip.verdict, flip.chosen} & set(open_verdicts)
    ]


def _replaced(claim: Compared, model: str | None, reading: str) -> Compared:
    """Return a claim with another reading in the place of a model."""
    swap = {model: reading}
    return replace(claim, pairs=tuple((swap.get(one, one), swap.get(other, other)) for one, other in claim.pairs))


def _sources(tasks: Sequence[Answers]) -> list[str]:
    return list(dict.fromkeys(task.source for task in tasks))
