"""Sets a printed number beside ours, and compares it with ours where the paper names the images."""

import math
from collections.abc import Sequence

import numpy as np

from benchmark.audit.answers import Answers
from benchmark.audit.claims import ValueClaim, Verdict
from benchmark.audit.decisions import CalibrationDecision, MeasuredCost, MeasuredScore, SettledDecision, ValueDecision
from benchmark.audit.papers import QUALITY, Paper
from benchmark.audit.reported import reachable, reported
from benchmark.audit.verdicts import ALPHA
from benchmark.statistics import Estimate


def decide(
    claim: ValueClaim, paper: Paper, tasks: Sequence[Answers]
) -> ValueDecision | CalibrationDecision | SettledDecision:
    """Return the values measured on all tasks, or the comparison on the one task that the paper names."""
    if not (claim.task and paper.trials):  # a paper that names the images gives the number of its runs
        return ValueDecision(tuple(value for task in tasks for value in _measured(claim, task)))
    answers = next((task for task in tasks if task.task == claim.task), None)
    too_fine = _too_fine(claim, answers, paper.trials)
    return too_fine or _calibrate(claim, claim.task, answers, paper.trials, paper.margin)


def _measured(claim: ValueClaim, task: Answers) -> Sequence[MeasuredScore | MeasuredCost]:
    """Return the mean score of a model on a task, or its cost under each condition."""
    if claim.measure in QUALITY:
        score = task.mean(claim.model, claim.measure)
        return [MeasuredScore(task, score)] if score else []
    measured = [(costs, costs.models.get(claim.model, {}).get(claim.measure)) for costs in task.costs]
    return [MeasuredCost(task, cost, costs) for costs, cost in measured if cost is not None]


def _too_fine(claim: ValueClaim, task: Answers | None, trials: int) -> SettledDecision | None:
    """Return that a printed accuracy is inconsistent if no count of right answers on the named images rounds to it."""
    score = reported(claim.claimed.printed)
    if claim.measure != "accuracy" or score is None or task is None or not task.clusters:
        return None
    images = len(next(iter(task.clusters.values())))
    if reachable(score, images * trials):
        return None
    runs = f" in {trials} runs" if trials > 1 else ""
    reason = f"no count of right answers on the {images} test images of {claim.task}{runs} rounds to it"
    return SettledDecision("inconsistent", reason)


def _calibrate(
    claim: ValueClaim, task: str, answers: Answers | None, trials: int, margin: float
) -> CalibrationDecision:
    """Compare a published mean with ours.

    It is a mean over ``trials`` runs on the same images; their spread is taken to be that of our runs.
    """
    published, title = claim.claimed.value, answers.title if answers else None
    if published is None:
        return CalibrationDecision("not testable", task, title, None)
    means = _means(claim, answers) if answers else ()
    if len(means) < 2:
        return CalibrationDecision("no evidence", task, title, published, means)
    error = float(np.std(means, ddof=1)) * math.sqrt(1 / trials + 1 / len(means))
    gap = Estimate(float(np.mean(means)) - published, error, len(means) - 1)
    return CalibrationDecision(_verdict(gap, margin), task, title, published, means, gap, margin)


def _means(claim: ValueClaim, answers: Answers) -> tuple[float, ...]:
    """Return the mean of each of our runs."""
    runs = answers.runs(claim.model)
    return tuple(float(answers.per_image(claim.model, claim.measure, run).mean()) for run in runs)


def _verdict(gap: Estimate, margin: float) -> Verdict:
    if gap.within(margin) <= ALPHA:
        return "supported"
    return "contradicted" if 2 * min(gap.above(margin), gap.below(-margin)) <= ALPHA else "inconclusive"
