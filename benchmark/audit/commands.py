"""The command lines that the audit names: each makes the evidence for a claim again, makes it, or shows the claim."""

from collections.abc import Iterable

from benchmark.audit.claims import Claim, CostClaim, QualityClaim, ValueClaim
from benchmark.audit.decisions import CalibrationDecision, CostDecision, Decision, Lacking, QualityDecision
from benchmark.statistics import Estimate

NO_TASK = "TASK"  # stands for a task of real images where params.yaml has none
MEASURE = "dvc repro cost"  # measures what models cost at every input shape of params.yaml


def command(claim: Claim, decision: Decision) -> str:
    """Return the command that stands beside a claim."""
    match claim, decision:
        case _, QualityDecision(lacking=Lacking() as lacking):
            return train(lacking)
        case QualityClaim(), QualityDecision():
            return _verify_claim(claim, decision)
        case _, CostDecision(lacking=Lacking()):
            return MEASURE
        case CostClaim(), CostDecision():
            return _show(claim) if claim.measure == "macs" else _verify_costs(decision)
        case ValueClaim(), CalibrationDecision(verdict="no evidence"):
            return train(Lacking(decision.task, (claim.model,)))
        case ValueClaim(), CalibrationDecision(gap=Estimate()):
            return _verify([decision.task], [claim.model])
        case _:
            return _show(claim)


def train(lacking: Lacking) -> str:
    """Return the command that trains what is lacking."""
    return f"python -m pipelines.train --task {lacking.task or NO_TASK} --model {' '.join(lacking.models)}"


def _show(claim: Claim) -> str:
    return f"python -m pipelines.audit --claim {claim.name}"


def _verify(tasks: Iterable[str], models: Iterable[str]) -> str:
    return f"python -m pipelines.verify --task {' '.join(tasks)} --model {' '.join(models)}"


def _verify_claim(claim: QualityClaim, decision: QualityDecision) -> str:
    """Return the commands that train again what a claim on scores rests on, one per set of models."""
    tasks: dict[tuple[str, ...], list[str]] = {}
    for verdict in (*decision.deciding, *decision.not_counting):
        models = tuple(model for model in claim.models if model not in verdict.missing)
        tasks.setdefault(models, []).append(verdict.answers.task)
    return " && ".join(_verify(names, models) for models, names in tasks.items())


def _verify_costs(decision: CostDecision) -> str:
    """Return the commands that measure latencies again, at each input shape that a verdict rests on."""
    shapes = dict.fromkeys(condition.costs.shape for condition in decision.deciding)
    return " && ".join(f"python -m pipelines.cost --shape {shape} --verify" for shape in shapes)
