"""Decides a claim on costs: under each condition, once per source, then over the conditions."""

from collections.abc import Sequence

from benchmark.audit.answers import Answers
from benchmark.audit.claims import CostClaim, Models, Verdict
from benchmark.audit.decisions import CostDecision, CostVerdict, find_lacking, part_verdict
from benchmark.cost.records import Costs
from benchmark.statistics import Ratio


def decide(claim: CostClaim, tasks: Sequence[Answers]) -> CostDecision:
    """Return what measured costs say, under each condition, once per source of real images."""
    conditions = [
        CostVerdict(task, costs, ratios, _verdict(claim, ratios))
        for task, costs in _once_per_source(claim, tasks)
        if (ratios := _ratios(claim, costs))
    ]
    verdicts = {condition.verdict for condition in conditions if condition.decides}
    if not verdicts:
        lacking = find_lacking(claim.models, tasks, lambda task, model: not _is_measured(claim, task, model))
        return CostDecision("no evidence", tuple(conditions), lacking)
    both = part_verdict(*(word in verdicts for word in ("supported", "contradicted", "no difference")))
    return CostDecision(verdicts.pop() if len(verdicts) == 1 else both, tuple(conditions), None)


def _once_per_source(claim: CostClaim, tasks: Sequence[Answers]) -> list[tuple[Answers, Costs]]:
    """Return each condition once per source of real images, on the task with most of a claim's pairs: a split changes
    no cost. Of several, a task of that input size knows what masks keep there."""

    def rank(task: Answers, costs: Costs) -> tuple[int, bool, bool]:
        return len(_ratios(claim, costs)), costs is task.costs[0], task.test_to_train > 0

    best: dict[tuple[str, str], tuple[Answers, Costs]] = {}
    for task in tasks:
        for costs in task.costs:
            key = task.task if task.synthetic else task.source, costs.condition
            if key not in best or rank(task, costs) > rank(*best[key]):
                best[key] = task, costs
    return list(best.values())


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
