"""Sets a printed number beside ours, and compares it with ours where the paper names the images."""

import math
from collections.abc import Sequence

import numpy as np

from benchmark.audit.answers import Answers
from benchmark.audit.claims import ValueClaim, Verdict
from benchmark.audit.decisions import CalibrationDecision, MeasuredValue, SettledDecision, ValueDecision
from benchmark.audit.papers import QUALITY, Paper
from benchmark.audit.reported import reachable, reported
from benchmark.audit.verdicts import ALPHA
from benchmark.statistics import Estimate


def decide(
    claim: ValueClaim, paper: Paper, tasks: Sequence[Answers]
) -> ValueDecision | CalibrationDecision | SettledDecision:
    """Return the values measured on all tasks, or the comparison on the one task that the paper names."""
    if claim.task:
        task = next((task for task in tasks if task.task == claim.task), None)
        return _too_fine(claim, paper, task) or _calibrate(claim, paper, task)
    return ValueDecision(tuple(value for task in tasks for value in _measured(claim, task)))


def _measured(claim: ValueClaim, task: Answers) -> list[MeasuredValue]:
    """Return the mean score of a model on a task, or its cost under each condition."""
    if claim.measure in QUALITY:
        score = task.mean(claim.model, claim.measure)
        return [MeasuredValue(task, score=score)] if score else []
    measured = [(costs, costs.models.get(claim.model, {}).get(claim.measure)) for costs in task.costs]
    return [MeasuredValue(task, cost=cost, costs=costs) for costs, cost in measured if cost is not None]


def _too_fine(claim: ValueClaim, paper: Paper, task: Answers | None) -> SettledDecision | None:
    """Return that a printed accuracy is inconsistent if no count of right answers on the named images rounds to it."""
    score = reported(claim.claimed.printed)
    if claim.measure != "accuracy" or score is None or task is None or not task.clusters:
        return None
    images = len(next(iter(task.clusters.values())))
    if reachable(score, images * paper.trials):
        return None
    runs = f" in {paper.trials} runs" if paper.trials > 1 else ""
    reason = f"no count of right answers on the {images} test images of {claim.task}{runs} rounds to it"
    return SettledDecision("inconsistent", reason)


def _calibrate(claim: ValueClaim, paper: Paper, task: Answers | None) -> CalibrationDecision:
    """Compare a published mean with ours.

    It is a mean over ``paper.trials`` runs on the same images; their spread is taken to be that of our runs.
    """
    published, title = claim.claimed.value, task.title if task else None
    if published is None:
        return CalibrationDecision("not testable", claim.task, title, None)
    runs = task.runs(claim.model) if task else []
    means = tuple(float(task.per_image(claim.model, claim.measure, run).mean()) for run in runs)
    if len(means) < 2:
        return CalibrationDecision("no evidence", claim.task, title, published, means)
    error = float(np.std(means, ddof=1)) * math.sqrt(1 / paper.trials + 1 / len(means))
    gap = Estimate(float(np.mean(means)) - published, error, len(means) - 1)
    return CalibrationDecision(_verdict(gap, paper.margin), claim.task, title, published, means, gap, paper.margin)


def _verdict(gap: Estimate, margin: float) -> Verdict:
    if gap.within(margin) <= ALPHA:
        return "supported"
    return "contradicted" if 2 * min(gap.above(margin), gap.below(-margin)) <= ALPHA else "inconclusive"
