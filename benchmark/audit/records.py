"""The records of ``results/audit.json``: one per claim, with its verdict and the numbers behind it.

These classes are the schema of that file; the field names are its keys. Shares and gaps lie within −1 and 1, latencies
are in milliseconds, and p-values are two-sided unless a field says otherwise.
"""

from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from benchmark.audit.answers import Answers
from benchmark.audit.claims import Claim, ClaimedGap, ClaimedValue, GapComparison, Models, QualityClaim, Verdict
from benchmark.audit.decisions import (
    CalibrationDecision,
    CostDecision,
    CostVerdict,
    Decision,
    MeasuredCost,
    MeasuredScore,
    QualityDecision,
    ReadingVerdict,
    ValueDecision,
)
from benchmark.audit.papers import QUALITY, Measure
from benchmark.audit.verdicts import ALPHA, Evidence, PairTest, TaskVerdict

OPTIONAL = {"optional": True}  # a field that a record may lack; JSON then has no key for it


@dataclass(frozen=True)
class Nothing:
    """An object without keys: no number was claimed, or none is behind the verdict."""


@dataclass(frozen=True)
class PairNumbers:
    """The gap between two models on one task, with its 95 % interval.

    ``p_same`` is the p-value of two one-sided tests against a gap beyond the paper's margin. ``p_resampled`` is that of
    the corrected resampled t-test, None where all runs share one split. ``verdict`` to ``detectable`` belong to claims
    that are tested, ``first`` to ``error_ratio`` to measures of quality on clean images, ``claimed`` to claimed gaps.
    ``p_of_all`` is the p-value of a claim about several pairs that this one follows from, ``i_squared`` the share of
    the spread over the sources that is not chance, for the mean over them.
    """

    pair: Models
    gap: float
    low: float
    high: float
    degrees_of_freedom: float
    p: float
    p_same: float
    p_resampled: float | None
    runs: int
    images: int
    verdict: Verdict | None = field(default=None, metadata=OPTIONAL)
    p_adjusted: float | None = field(default=None, metadata=OPTIONAL)
    adjusted_for: int | None = field(default=None, metadata=OPTIONAL)
    p_same_adjusted: float | None = field(default=None, metadata=OPTIONAL)
    p_of_all: float | None = field(default=None, metadata=OPTIONAL)
    i_squared: float | None = field(default=None, metadata=OPTIONAL)
    detectable: float | None = field(default=None, metadata=OPTIONAL)
    first: float | None = field(default=None, metadata=OPTIONAL)
    second: float | None = field(default=None, metadata=OPTIONAL)
    error_ratio: float | None = field(default=None, metadata=OPTIONAL)
    claimed: GapComparison | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True)
class SecondaryNumbers:
    """What another measure says of a claim of the headline, adjusted over all its pairs in all such measures."""

    measure: str
    verdict: Verdict
    pairs: list[PairNumbers]


@dataclass(frozen=True)
class TaskNumbers:
    """What one task says of a claim on scores; ``missing`` are the models without two runs there."""

    task: str
    source: str
    synthetic: bool
    counted: bool
    verdict: Verdict | None
    missing: tuple[str, ...]
    pairs: list[PairNumbers]
    secondary: list[SecondaryNumbers] | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True)
class RatioNumbers:
    """The ratio of two models' costs with its 95 % interval, and the share of tokens that masked models keep."""

    pair: Models
    ratio: float
    low: float
    high: float
    kept_share: dict[str, float]


@dataclass(frozen=True)
class ConditionNumbers:
    """What costs measured under one condition say of a claim."""

    task: str
    synthetic: bool
    condition: str
    verdict: Verdict
    ratios: list[RatioNumbers]


@dataclass(frozen=True)
class ScoreNumbers:
    """The mean score of a model on one task with its 95 % interval, clipped to 0 and 1; one run has no bounds."""

    task: str
    synthetic: bool
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class CostNumbers:
    """What a model costs under one condition."""

    task: str
    synthetic: bool
    condition: str
    value: float


@dataclass(frozen=True)
class MeanNumbers:
    """What the mean over several sources says of a claim on scores."""

    verdict: Verdict
    missing: tuple[str, ...]
    pairs: list[PairNumbers]
    secondary: list[SecondaryNumbers] | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True)
class TaskList:
    """The numbers of each task, or of each condition; of scores on several sources also those of the mean over them."""

    tasks: list[TaskNumbers] | list[ConditionNumbers] | list[ScoreNumbers | CostNumbers]
    mean: MeanNumbers | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True)
class CalibrationNumbers:
    """The means of our runs, and by how much they exceed a published mean, with a 90 % interval."""

    runs: tuple[float, ...]
    gap: float
    low_90: float
    high_90: float
    p_same: float


@dataclass(frozen=True)
class Record:
    """A claim with its verdict (None: described, not tested), and why, in what scope, and how to make it again.

    ``table`` names the table or figure of the paper's file that it follows from, None for a statement.
    ``by_hand`` is whether the verdict stands in the paper's file, typed by whoever read the paper.
    """

    claim: str
    paper: str
    place: str
    kind: str
    table: str | None
    says: str
    family: str | None
    claimed: ClaimedValue | ClaimedGap | Nothing
    by_hand: bool
    verdict: Verdict | None
    scope: list[str]
    reason: list[str]
    command: str
    numbers: TaskList | CalibrationNumbers | Nothing
    readings: list[ReadingVerdict] | None = field(default=None, metadata=OPTIONAL)
    response: str | None = field(default=None, metadata=OPTIONAL)


def as_json(record: Any) -> Any:
    """Return a record, or any part of one, as JSON has it: objects as dicts, without the optional keys they lack."""
    if is_dataclass(record):
        values = [(part, getattr(record, part.name)) for part in fields(record)]
        return {
            part.name: as_json(value) for part, value in values if value is not None or "optional" not in part.metadata
        }
    if isinstance(record, list | tuple):
        return [as_json(part) for part in record]
    return record


def numbers(claim: Claim, decision: Decision) -> TaskList | CalibrationNumbers | Nothing:
    """Return the numbers behind a decision."""
    match claim, decision:
        case QualityClaim(), QualityDecision():
            names = {verdict.answers.task for verdict in decision.counting}
            tasks = [_task_numbers(claim, task, task.answers.task in names) for task in decision.tasks]
            return TaskList(tasks, _mean_numbers(claim, decision))
        case _, CostDecision():
            return TaskList([_condition_numbers(condition) for condition in decision.conditions])
        case _, ValueDecision():
            return TaskList([_value_numbers(value) for value in decision.values])
        case _, CalibrationDecision() if decision.gap:
            low, high = decision.gap.interval(1 - 2 * ALPHA)
            p_same = decision.gap.within(decision.margin)
            return CalibrationNumbers(decision.means, decision.gap.value, low, high, p_same)
        case _:
            return Nothing()


def _task_numbers(claim: QualityClaim, verdict: TaskVerdict[Answers], counted: bool) -> TaskNumbers:
    return TaskNumbers(
        task=verdict.answers.task,
        source=verdict.answers.source,
        synthetic=verdict.answers.synthetic,
        counted=counted,
        verdict=verdict.verdict if claim.family else None,
        missing=verdict.missing,
        pairs=[_pair_numbers(claim, verdict, test, {}) for test in verdict.pairs],
        secondary=_secondary_numbers(claim, verdict),
    )


def _secondary_numbers(claim: QualityClaim, verdict: TaskVerdict[Evidence]) -> list[SecondaryNumbers] | None:
    """Return the numbers of the other measures, on one task or on the mean over the sources."""
    return [
        SecondaryNumbers(
            measure,
            other.verdict,
            [_pair_numbers(replace(claim, measure=measure, claimed=None), other, test, {}) for test in other.pairs],
        )
        for measure, other in verdict.secondary.items()
    ] or None


def _mean_numbers(claim: QualityClaim, decision: QualityDecision) -> MeanNumbers | None:
    mean = decision.sources.mean if decision.sources else None
    if len(decision.counting) < 2 or mean is None:
        return None
    pairs = [_pair_numbers(claim, mean, test, decision.heterogeneity) for test in mean.pairs]
    return MeanNumbers(mean.verdict, mean.missing, pairs, _secondary_numbers(claim, mean))


def _pair_numbers(
    claim: QualityClaim,
    verdict: TaskVerdict[Evidence],
    test: PairTest,
    heterogeneity: dict[Models, float],
) -> PairNumbers:
    """Return the numbers of a pair on one task or, with its I² over the sources, on the mean over them."""
    answers = verdict.answers if isinstance(verdict.answers, Answers) else None
    gap, (low, high) = test.gap, test.gap.interval()
    resampled = gap.resampled.within(verdict.margin) if test.rule == "same" else gap.resampled.two_sided()
    more: dict[str, Any] = {}
    if claim.family:
        more |= {"verdict": test.verdict, "p_adjusted": test.adjusted, "adjusted_for": test.adjusted_for}
        more |= {"p_same_adjusted": test.adjusted_same, "detectable": test.detectable}
        more |= {"p_of_all": test.p_of_all if test.p_of_all < 1 else None}
    if answers is None:
        more["i_squared"] = heterogeneity.get((gap.first, gap.second))
    elif claim.measure in QUALITY:
        first, second = (_mean(answers, model, claim.measure) for model in (gap.first, gap.second))
        more |= {"first": first, "second": second}
        more["error_ratio"] = (1 - first) / (1 - second) if second < 1 else None
    if claim.claimed:
        more["claimed"] = claim.claimed.compare(low, high)
    return PairNumbers(
        pair=(gap.first, gap.second),
        gap=gap.estimate.value,
        low=low,
        high=high,
        degrees_of_freedom=gap.estimate.freedom,
        p=test.p_value,
        p_same=test.p_same,
        p_resampled=resampled if answers and answers.test_to_train else None,
        runs=gap.runs,
        images=gap.images,
        **more,
    )


def _mean(answers: Answers, model: str, measure: Measure) -> float:
    return answers.mean_over(model, measure, answers.runs(model, measure=measure)).value


def _condition_numbers(condition: CostVerdict) -> ConditionNumbers:
    costs, ratios = condition.costs, []
    for pair, ratio in condition.ratios.items():
        shares = {model: costs.models[model].get("kept_share") for model in pair}
        kept = {model: share for model, share in shares.items() if share is not None}
        ratios.append(RatioNumbers(pair, ratio.value, ratio.low, ratio.high, kept))
    task = condition.answers
    return ConditionNumbers(task.task, task.synthetic, costs.condition, condition.verdict, ratios)


def _value_numbers(measured: MeasuredScore | MeasuredCost) -> ScoreNumbers | CostNumbers:
    task = measured.answers
    if isinstance(measured, MeasuredScore):
        return ScoreNumbers(task.task, task.synthetic, *measured.score.of_share())
    return CostNumbers(task.task, task.synthetic, measured.costs.condition, measured.cost)


def changed_readings(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the other readings of the proposed model or of a rival under which a claim gets another verdict."""
    return [
        entry
        for entry in record.get("readings", [])
        if "no evidence" not in (entry["verdict"], entry["chosen"]) and entry["verdict"] != entry["chosen"]
    ]
