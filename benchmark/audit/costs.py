"""Decides a claim on costs: under each condition of one task per source, then over the conditions."""

from collections.abc import Sequence

from benchmark.audit.answers import Answers
from benchmark.audit.claims import CostClaim, Models, Verdict
from benchmark.audit.decisions import CostDecision, CostVerdict, find_lacking, part_verdict
from benchmark.cost.records import Costs
from benchmark.statistics import Ratio


def decide(claim: CostClaim, tasks: Sequence[Answers]) -> CostDecision:
    """Return what measured costs say, under each condition of one task per source of real images."""
    conditions = [
        CostVerdict(task, costs, ratios, _verdict(claim, ratios))
        for task in _one_per_source(claim, tasks)
        for costs in task.costs
        if (ratios := _ratios(claim, costs))
    ]
    verdicts = {condition.verdict for condition in conditions if condition.decides}
    if not verdicts:
        lacking = find_lacking(claim.models, tasks, lambda task, model: not _is_measured(claim, task, model))
        return CostDecision("no evidence", tuple(conditions), lacking)
    both = part_verdict(*(word in verdicts for word in ("supported", "contradicted", "no difference")))
    return CostDecision(verdicts.pop() if len(verdicts) == 1 else both, tuple(conditions), None)


def _one_per_source(claim: CostClaim, tasks: Sequence[Answers]) -> list[Answers]:
    """Return one task per source of real images, the one with most of a claim's pairs: a split changes no cost."""

    def rank(task: Answers) -> tuple[int, bool]:
        return sum(len(_ratios(claim, costs)) for costs in task.costs), task.test_to_train > 0

    best = {task.task if task.synthetic else task.source: task.task for task in sorted(tasks, key=rank)}
    return [task for task in tasks if task.task in best.values()]


def _ratios(claim: CostClaim, costs: Costs) -> dict[Models, Ratio]:
    """Return the ratio of each pair of a claim of which both models were measured."""
    return {pair: ratio for pair in claim.pairs if (ratio := costs.ratio(*pair, claim.measure))}


def _is_measured(claim: CostClaim, task: Answers, model: str) -> bool:
    return any(costs.models.get(model, {}).get(claim.measure) for costs in task.costs)


def _verdict(claim: CostClaim, ratios: dict[Models, Ratio]) -> Verdict:
    """Return the verdict under one condition, by the intervals of all pairs' ratios."""
    if any(ratio.low > 1 for ratio in ratios.values()):
        return "contradicted"
    if len(ratios) < len(claim.pairs):
        return "no evidence"
    if all(ratio.high < 1 for ratio in ratios.values()):
        return "supported"
    if claim.measure == "macs":  # counts are exact: some are equal
        return "no difference" if all(ratio.value == 1 for ratio in ratios.values()) else "contradicted"
    return "inconclusive"
