"""The words of the audit: what verdicts mean, and the reason and scope of each decision.

Nothing is decided here. Gaps are in points (per cent of the images), intervals are 95 % unless they say otherwise.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from benchmark.audit.answers import Answers
from benchmark.audit.claims import (
    Claim,
    ClaimedAccuracyGap,
    CostClaim,
    PairsClaim,
    QualityClaim,
    ValueClaim,
)
from benchmark.audit.commands import NO_TASK
from benchmark.audit.decisions import (
    CalibrationDecision,
    CostDecision,
    CostVerdict,
    Decision,
    Lacking,
    MeasuredCost,
    MeasuredScore,
    QualityDecision,
    SettledDecision,
    SourcesVerdict,
    ValueDecision,
)
from benchmark.audit.papers import Robustness
from benchmark.audit.points import points, points_between
from benchmark.audit.reported import Averages
from benchmark.audit.verdicts import ALPHA, Evidence, PairTest, TaskVerdict
from benchmark.audit.wording_scores import averages
from benchmark.cost.records import HALF
from benchmark.statistics import Ratio

SCOPE = (
    "A verdict concerns the images, the protocol and the reading of the paper that stand beside it. The authors' own "
    "data are not published, and no verdict is about them. Where a source does not name its patients, images of one "
    "patient may lie on both sides of a split, which flatters every model; as a warning, the tables show how well the "
    "nearest neighbour on pixels scores."
)
COUNTED = (
    "A verdict on scores is that on the mean gap over the sources of real images, with equal weight. Each source "
    "counts once, by a pooled 70/15/15 split (which one of the papers calls typical), where that has evidence. What "
    "the source's own split shows is not counted; where it says otherwise, the reason begins with it. "
    "Intervals are 95 % and unadjusted; p-values are adjusted where they say so."
)
VERDICTS = {
    "supported": "shown by the test",
    "contradicted": "the opposite is shown, for at least one rival",
    "no difference": "shown to be smaller than the paper's margin, whatever its sign; for counts of operations, equal",
    "inconclusive": "none of these on the mean over the sources, nor clearly enough on single sources; the reason says "
    "which gap would have been found",
    "supported in part": "open on the mean over the sources, shown in single ones; or under some conditions of cost",
    "contradicted in part": "the same of the opposite",
    "no difference in part": "the same of a difference smaller than the margin",
    "mixed": "open on the mean over the sources, shown in some and the opposite in others; or so for costs",
    "depends on the reading": "of a claim on costs: another reading of a model, which the paper's words allow, gets "
    "another verdict, not merely one in part; the reason says which. Of claims on scores, other readings are reported "
    "beside the verdict",
    "inconsistent": "the paper contradicts itself",
    "no evidence": "what would decide it is not trained or measured yet; the command beside it does that",
    "not testable": "it names nothing that evidence could decide, or no evidence made here can",
    "not comparable": "no dataset or hardware is named",
    "described": "measured, not tested",
}
MEASURES = {"recall_macro": "balanced accuracy", "auc": "AUC"}
CALIBRATION = {
    "supported": "calibrated",
    "contradicted": "not calibrated",
    "inconclusive": "undecided: the interval crosses the margin",
}


def reason(claim: Claim, decision: Decision) -> list[str]:
    """Return why a decision came out as it did, one line per point."""
    match claim, decision:
        case _, SettledDecision():
            why = decision.reason
            return [averages(why) if isinstance(why, Averages) else why]
        case QualityClaim(), QualityDecision():
            return _quality_reason(claim, decision)
        case CostClaim(), CostDecision():
            return _cost_reason(claim, decision)
        case ValueClaim(), ValueDecision():
            return _value_reason(claim, decision)
        case ValueClaim(), CalibrationDecision():
            return _calibration_reason(claim, decision)
    raise TypeError(f"{claim.name}: decided as a claim of another kind")


def scope(claim: Claim, decision: Decision) -> list[str]:
    """Return on what a decision rests: tasks, conditions, and what a reader must know of the models."""
    match claim, decision:
        case _, SettledDecision() | CalibrationDecision(published=None):
            return ["the paper alone"]
        case _, QualityDecision():
            return _quality_scope(decision)
        case CostClaim(), CostDecision():
            return _cost_scope(claim, decision)
        case _, CalibrationDecision():
            title = f" ({decision.title})" if decision.title else ""
            return [f"{decision.task}, {len(decision.means)} runs{title}"]
        case _:
            return []


# Scores


def _quality_reason(claim: QualityClaim, decision: QualityDecision) -> list[str]:
    sources = decision.sources
    if sources is None:
        described = [f"{task.answers.task}: {', '.join(map(gap, task.pairs))}" for task in decision.counting]
        return ["described, not tested: papers are tested on accuracy", *described]
    if decision.lacking:
        lines = [_no_runs(claim, decision.lacking)]
        lines += [f"{task.answers.task}: {_other_pairs(task)}" for task in decision.counting]
    else:
        lines = _over_sources(decision, sources)
        if isinstance(claim.measure, Robustness):
            favours = "which favours models with little to lose"
            lines.insert(0, f"judged by accuracy under corruption minus accuracy without it, {favours}")
    if isinstance(claim.claimed, ClaimedAccuracyGap):
        lines.append(_claimed_gap(claim.claimed, decision.deciding))
    lines += [
        f"not counted: {task.answers.task}, another task on the same images: {task.verdict}: {_task_reason(task)}"
        for task in decision.not_counting
    ]
    return lines


def _no_runs(claim: QualityClaim, lacking: Lacking) -> str:
    nowhere = "" if claim.task else "; no task of real images has two runs of every model"
    return f"fewer than two runs of {', '.join(lacking.models)} on {lacking.task or NO_TASK}{nowhere}"


def _over_sources(decision: QualityDecision, sources: SourcesVerdict) -> list[str]:
    """Return what another task on the same images says otherwise, the mean over the sources, and one line per source.

    A single source repeats no verdict.
    """
    tasks = decision.counting
    lines = [
        f"but {task.answers.task}, {task.answers.split}, by itself: {task.verdict}"
        for task in decision.not_counting
        if task.verdict not in (sources.verdict.removesuffix(" in part"), "inconclusive")
    ]
    secondary = _secondary(sources.mean) if sources.mean else []
    if sources.mean is None or len(tasks) < 2:
        return [
            *lines,
            *(f"{task.answers.task}: {_task_reason(task)}" for task in tasks),
            *secondary,
        ]
    return [
        *lines,
        *_mean_reason(decision, sources, sources.mean),
        *secondary,
        *(f"{task.answers.task}: {task.verdict}: {_task_reason(task)}" for task in tasks),
    ]


def _mean_reason(decision: QualityDecision, sources: SourcesVerdict, mean: TaskVerdict[Evidence]) -> list[str]:
    """Say what the mean over the sources shows, how much they differ, and what single ones show where it is open."""
    test = mean.decisive
    share = decision.heterogeneity[test.gap.first, test.gap.second]
    opposites = {"supported": "contradicted", "contradicted": "supported"}
    opposite = opposites.get(mean.verdict)
    against = [task.answers.task for task in decision.counting if task.verdict == opposite]
    lines = [
        f"the mean over {_sources(decision.counting)}: {mean.verdict}: {_test_reason(mean)}; I² = {100 * share:.0f} %, "
        "the share of the spread over the sources that is not due to chance"
        + (f"; the opposite by itself: {', '.join(against)}" if against else "")
    ]
    if any(sources.counts):
        names = ("shown", "the opposite", "no difference")
        parts = [
            f"{name} in at least {count}" if count else f"{name} in none"
            for name, count in zip(names, sources.counts, strict=True)
        ]
        lines.append(f"of {len(decision.counting)} sources by themselves, {', '.join(parts)}")
    if sources.least_p is not None:
        lines.append(f"the least p over {len(decision.counting)} sources, after Bonferroni, is {sources.least_p:.3f}")
    return lines


def _secondary(mean: TaskVerdict[Evidence]) -> list[str]:
    """Say what the other measures show of a claim of the headline, by the mean over the sources."""
    return [
        f"in {MEASURES[measure]}, tested besides: {other.verdict}: {_test_reason(other)}"
        for measure, other in mean.secondary.items()
    ]


def _task_reason(task: TaskVerdict[Answers]) -> str:
    """Say what decides a claim on one task, with the corrected resampled t-test where runs have splits of their own."""
    text, pooled = _test_reason(task), task.answers.test_to_train
    if task.verdict == "no evidence" or task.decisive.rule == "same":
        return text
    if pooled:
        return f"{text} (corrected resampled t-test: {p_text(task.decisive.gap.resampled.two_sided())}, unadjusted)"
    return f"{text}; all runs test on the same images"


def _test_reason(task: TaskVerdict[Evidence]) -> str:
    """Say what decides a claim on one task, or on the mean over the sources."""
    test, margin = task.decisive, task.margin
    if task.verdict == "no evidence":
        return f"fewer than two runs of {', '.join(task.missing)}; {_other_pairs(task)}{_after_holm(test)}"
    text = f"{gap(test)}{_how_sure(task)}"
    if test.rule == "same":
        low, high = test.gap.estimate.interval(1 - 2 * ALPHA)
        kind = "by two one-sided tests" if test.leans_to_claim else "of a gap beyond the margin"
        return f"{text}, {kind}; the 90 % interval is [{100 * low:.1f}, {100 * high:.1f}], the margin ±{100 * margin:g}"
    if task.verdict == "no difference":
        p_same = p_text(test.adjusted_same)
        text += f"; within ±{100 * margin:g} points, {p_same} after Holm, by two one-sided tests"
    elif task.verdict == "inconclusive":
        smallest = test.detectable if len(task.pairs) == 1 else test.gap.estimate.detectable(ALPHA)
        found = f"a gap of {100 * smallest:.1f} points" if smallest < 1 else "no gap at all"
        text += f"; {found} would have been found with 80 % power"
    return text


def _how_sure(task: TaskVerdict[Evidence]) -> str:
    """Return the p-value that decides: after Holm, or of the weakest pair of a claim that must be true of each."""
    test = task.decisive
    if len(task.pairs) == 1 or task.verdict in ("contradicted", "no difference"):
        part = ", and shown as part of a claim about several rivals" if test.p_of_all <= ALPHA < test.adjusted else ""
        return _after_holm(test) + part
    return f", {p_text(test.p_value)} for the weakest of {len(task.pairs)} pairs, each tested at 5 %"


def _after_holm(test: PairTest) -> str:
    return f", {p_text(test.adjusted)} after Holm over {test.adjusted_for} pairs"


def _other_pairs(task: TaskVerdict[Evidence]) -> str:
    """Say what is known of a claim on a task that lacks some of its models."""
    return f"the weakest of the other pairs: {gap(task.decisive)}"


def gap(test: PairTest) -> str:
    """Return the gap between two models with its interval."""
    value, interval = test.gap.estimate.value, points_between(*test.gap.interval())
    return f"{test.gap.first} − {test.gap.second} is {points(value)} points {interval}"


def _claimed_gap(claimed: ClaimedAccuracyGap, tasks: Sequence[TaskVerdict[Answers]]) -> str:
    """Set the claimed gap beside the measured ones, and say how many test images would show it."""
    compared = [f"{task.answers.task}: {claimed.compare(*task.pairs[0].gap.interval())}" for task in tasks]
    measured = f" (by the unadjusted intervals, {', '.join(compared)})" if compared else ""
    least, most = claimed.images_needed
    return (
        f"the paper claims {points(claimed.gap)} points{measured}; {least} to {most} test images would show this "
        "with 80 % power, by an unadjusted McNemar's test of one run of each model"
    )


def _quality_scope(decision: QualityDecision) -> list[str]:
    """Name the tasks that decide and the others, how they test, and what a reader must know of the models."""
    gaps = [test.gap for task in decision.deciding for test in task.pairs]
    models = list(dict.fromkeys(model for pair in gaps for model in (pair.first, pair.second)))
    lines = [_task_scope(task, models) for task in decision.deciding]
    if len(lines) > 1:
        lines.insert(0, f"the mean over {_sources(decision.deciding)}, each with equal weight")
    lines += [f"not counted: {_task_scope(task, models)}" for task in decision.not_counting]
    return lines + _notes(models, decision.deciding[0].answers) if lines else []


def _sources(tasks: Sequence[TaskVerdict[Answers]]) -> str:
    """Say over how many sources the mean of each pair is: some have no evidence on some pairs."""
    counts = Counter((test.gap.first, test.gap.second) for task in tasks for test in task.pairs)
    numbers = sorted({min(counts.values()), max(counts.values())})
    return f"{' to '.join(map(str, numbers))} source{'s' if numbers[-1] > 1 else ''}"


def _task_scope(task: TaskVerdict[Answers], models: Sequence[str]) -> str:
    answers, decisive = task.answers, task.decisive.gap
    notes = {model: answers.notes.get(f"{answers.task}-{model}") for model in models}
    parts = [answers.pixels, answers.split, f"{decisive.runs} runs, {decisive.images} answers to test images"]
    more = [f"without {', '.join(task.missing)}"] if task.missing else []
    more += [f"{model}: {note}" for model, note in notes.items() if note]
    return f"{answers.task} ({'; '.join([', '.join(parts), *more])})"


def _notes(models: Iterable[str], task: Answers) -> list[str]:
    """Return what a reader must know of some models on any task."""
    return [f"{model}: {note}" for model in models if (note := task.notes.get(model))]


def p_text(value: float) -> str:
    """Return a p-value as text, to three decimals."""
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


# Costs


def _cost_reason(claim: CostClaim, decision: CostDecision) -> list[str]:
    if decision.lacking:
        task, models = decision.lacking.task or NO_TASK, ", ".join(decision.lacking.models)
        return [f"no {_unit(claim)} measured for {models} on {task}"]
    lines = [f"as chosen {flip.chosen}, with {flip.reading} {flip.verdict}" for flip in decision.flipped_by]
    return lines + [
        f"{condition.answers.task}, {condition.costs.size} px: {_condition_reason(claim, condition)}"
        for condition in decision.deciding
    ]


def _condition_reason(claim: CostClaim, condition: CostVerdict) -> str:
    """Name the pair that speaks most against a claim under one condition, and how many pairs are as claimed."""
    ratios, costs = condition.ratios, condition.costs
    first, second = max(ratios, key=lambda pair: ratios[pair].value)
    text = f"{first} takes {_times(ratios[first, second])} the {_unit(claim)} of {second}"
    of_first, of_second = (costs.models[model].get("throughput_per_s") for model in (first, second))
    if claim.measure == "latency_ms" and of_first and of_second:
        text += f" ({of_second / of_first:.2f} times per image in batches)"
    if len(ratios) > 1:
        text += f"; {sum(ratio.high < 1 for ratio in ratios.values())} of {len(ratios)} pairs are as claimed"
    return text


def _unit(claim: CostClaim) -> str:
    return "MACs" if claim.measure == "macs" else "latency"


def _times(ratio: Ratio) -> str:
    if ratio.low == ratio.high:
        return f"{ratio.value:.{4 if 0 < abs(ratio.value - 1) < 0.01 else 2}f} times"
    return f"{ratio.value:.2f} [{ratio.low:.2f}, {ratio.high:.2f}] times"


def _cost_scope(claim: CostClaim, decision: CostDecision) -> list[str]:
    if not decision.deciding:
        return []
    differ = len({condition.verdict for condition in decision.deciding}) > 1
    lines = []
    for condition in decision.deciding:
        kept = "".join(f", {text}" for text in _kept_shares(claim, condition))
        text = f"{condition.answers.task} ({condition.costs.condition}{kept})"
        lines.append(f"{condition.verdict}: {text}" if differ else text)
    return lines + _notes(claim.models, decision.deciding[0].answers)


def _kept_shares(claim: PairsClaim, condition: CostVerdict) -> list[str]:
    """Say what share of its tokens each masked network keeps, since its cost depends on it."""
    task, costs, lines = condition.answers, condition.costs, []
    for model in claim.models:
        if (measured := costs.models.get(model, {}).get("kept_share")) is None:
            continue
        known = costs.kept.get(model)
        keeps = "keeps" if known is not None and costs is task.costs[0] else "is assumed to keep"
        source = "" if known is None or costs is task.costs[0] else f", as at {task.costs[0].size} px"
        share, nearest = (f"{100 * value:.0f} %" for value in (HALF if known is None else known, measured))
        nearest = "" if nearest == share else f", measured at {nearest}"
        lines.append(f"{model} {keeps} {share}{source}{nearest}")
    return lines


# Values


def _value_reason(claim: ValueClaim, decision: ValueDecision) -> list[str]:
    unnamed = {"macs": "input size or number of operations", "latency_ms": "hardware"}.get(claim.measure, "dataset")
    real = [value for value in decision.values if not value.answers.synthetic]
    return [f"the paper names no {unnamed}", *(f"{value.answers.task}: {_value(claim, value)}" for value in real)]


def _value(claim: ValueClaim, measured: MeasuredScore | MeasuredCost) -> str:
    if isinstance(measured, MeasuredCost):
        cost = measured.cost
        text = f"{cost / 1e6:.1f} million MACs" if claim.measure == "macs" else f"{cost:.2f} ms"
        return f"{text} ({measured.costs.condition})"
    mean, low, high = measured.score.of_share()
    text = _score(claim, mean) + ("" if claim.measure == "auc" else " %")
    return (
        f"{text} (one run: no interval)" if math.isnan(low) else f"{text} [{_score(claim, low)}, {_score(claim, high)}]"
    )


def _score(claim: ValueClaim, value: float, sign: str = "") -> str:
    """Return a score as the tables show it: an AUC as it is, the others in per cent."""
    return f"{value:{sign}.3f}" if claim.measure == "auc" else f"{100 * value:{sign}.1f}"


def _calibration_reason(claim: ValueClaim, decision: CalibrationDecision) -> list[str]:
    if decision.published is None:
        return ["the paper prints no number"]
    if decision.gap is None:
        return [f"{claim.model} has fewer than two runs on {decision.task}"]
    ours = _score(claim, decision.mean)
    low, high = (_score(claim, bound) for bound in decision.gap.interval(1 - 2 * ALPHA))
    return [
        CALIBRATION[decision.verdict],
        f"ours {ours}, published {_score(claim, decision.published)}: a difference of "
        f"{_score(claim, decision.gap.value, '+')}, 90 % interval [{low}, {high}], margin ±"
        f"{_score(claim, decision.margin)}",
    ]
