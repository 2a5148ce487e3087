"""The audit: a record for each claim of a paper, with its verdict and the numbers behind it.

A claim is decided on each source of real images by itself (see :mod:`benchmark.audit.verdicts`), on the task that
splits it as the papers do if that has evidence, then over the sources. Synthetic images are shown and never counted.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from benchmark.audit.answers import Answers
from benchmark.audit.claims import HEADLINE, Claim
from benchmark.audit.papers import QUALITY, Paper
from benchmark.audit.verdicts import ALPHA, Outcome, Tested, tested
from benchmark.cost.records import Costs
from benchmark.statistics import Estimate, Ratio, holds_in


def judge(paper: Paper, claims: Sequence[Claim], tasks: Sequence[Answers]) -> list[dict[str, Any]]:
    """Return a record for each claim: what it is, its verdict, and the numbers behind it."""
    outcomes = {task.task: tested(claims, task, paper.margin) for task in tasks}
    flips = _flips(paper, claims, tasks)
    records = []
    for claim in claims:
        found = [of_task[claim.name] for of_task in outcomes.values() if claim.name in of_task]
        record = {
            "claim": claim.name,
            "paper": claim.paper,
            "place": claim.place,
            "kind": claim.kind,
            "says": claim.says,
            "family": claim.family,
            "claimed": claim.claimed,
        }
        record |= _decided(paper, claim, tasks, found)
        if claim.name in flips:
            record["readings"] = flips[claim.name]
        if claim.response:
            record["response"] = claim.response
        records.append(record)
    return records


def _decided(paper: Paper, claim: Claim, tasks: Sequence[Answers], outcomes: list[Outcome]) -> dict[str, Any]:
    """Return verdict, reason, scope, command and numbers of a claim."""
    if claim.rule == "settled":
        return _record(claim.verdict, [claim.reason], ["the paper alone"], _show(claim), {})
    if claim.rule == "cheaper":
        return _of_cost(claim, tasks)
    if claim.rule == "value":
        return _of_value(paper, claim, tasks)
    found = counted(outcomes)
    counting = {outcome.answers.task for outcome in found}
    of_tasks = [_numbers(claim, outcome, outcome.answers.task in counting) for outcome in outcomes]
    numbers = {"tasks": of_tasks}
    if claim.family is None and found:
        said = ["described, not tested: accuracy is the one measure that a paper is tested on", *map(_described, found)]
        return _record(None, said, _scope(found), _again(claim, found, tasks), numbers)
    verdict, said = _over_sources(found)
    # Beside a source that decides, one that lacks models counts too.
    deciding = [] if verdict == "no evidence" else found
    if not deciding:
        known = [f"{outcome.answers.task}: {_of_the_rest(outcome)}" for outcome in found]
        said = [_lacking(claim, tasks)[1], *known]
    elif claim.measure.startswith("kept:"):
        said.insert(
            0, "judged by accuracy under corruption less that without it, which favours models with little to lose"
        )
    if "images_needed" in claim.claimed:
        said.append(_of_claimed(claim.claimed, deciding))
    beside = _not_counted(outcomes, found) if deciding else []
    said += [
        f"not counted, {outcome.answers.task}, the same images by another split: {outcome.verdict}: {_why(outcome)}"
        for outcome in beside
    ]
    return _record(verdict, said, _scope(deciding, beside), _again(claim, deciding + beside, tasks), numbers)


def counted(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return the outcomes that count: of each source of real images one, that of the pooled split if there is one."""
    best: dict[str, Outcome] = {}
    for outcome in sorted(outcomes, key=lambda one: not one.answers.test_to_train):
        if not outcome.answers.synthetic:
            best.setdefault(outcome.answers.source, outcome)
    return list(best.values())


def _not_counted(outcomes: Sequence[Outcome], counted: Sequence[Outcome]) -> list[Outcome]:
    """Return what other splits of counted sources say, where they decide."""
    taken = {outcome.answers.task for outcome in counted}
    return [
        outcome
        for outcome in outcomes
        if not outcome.answers.synthetic and outcome.answers.task not in taken and outcome.verdict != "no evidence"
    ]


def _over_sources(outcomes: Sequence[Outcome]) -> tuple[str, list[str]]:
    """Return the verdict over the sources, and why.

    Beside one that decides, a source that lacks models is inconclusive unless it shows the opposite: a claim about
    several rivals is never surer than one about some of them.
    """
    verdicts = {outcome.verdict for outcome in outcomes}
    if verdicts <= {"no evidence"}:
        return "no evidence", []
    verdicts = {"inconclusive" if verdict == "no evidence" else verdict for verdict in verdicts}
    several = len(outcomes) > 1  # of one, the verdict stands beside the claim
    said = [f"{one.answers.task}: {f'{one.verdict}: ' if several else ''}{_why(one)}" for one in outcomes]
    holds, fails = (holds_in([getattr(one, what) for one in outcomes], ALPHA) for what in ("holds", "fails"))
    if len(verdicts) == 1:
        return verdicts.pop(), said
    if not holds and not fails:
        least = len(outcomes) * min(min(one.holds, one.fails) for one in outcomes)
        if verdicts & {"supported", "contradicted"}:
            said.insert(0, f"the least p over {len(outcomes)} sources, after Bonferroni, is {_p(least)}")
        return "inconclusive", said
    shown, opposite = (f"at least {count} of {len(outcomes)} sources" if count else "none" for count in (holds, fails))
    return _of_both(bool(holds), bool(fails)), [f"shown in {shown}, the opposite in {opposite}", *said]


def _of_both(shown: bool, opposite: bool) -> str:
    """Return the verdict where some sources or conditions show a claim, or its opposite, and others do not."""
    if shown and opposite:
        return "mixed"
    return "supported in part" if shown else "contradicted in part"


def _why(outcome: Outcome) -> str:
    """Say what decides a claim on one task."""
    pair = outcome.decisive
    if outcome.verdict == "no evidence":
        return f"fewer than two runs of {', '.join(outcome.missing)}; {_of_the_rest(outcome)}{_after_holm(pair)}"
    gap, estimate, margin = pair.gap, pair.gap.estimate, outcome.margin
    text = f"{_gap(pair)}{_after_holm(pair)}"
    if pair.rule == "same":
        low, high = estimate.interval(1 - 2 * ALPHA)
        bounds = f"[{100 * low:.1f}, {100 * high:.1f}]"
        tests = "of two one-sided tests" if pair.holds < pair.fails else "of a gap beyond the margin"
        return f"{text}, {tests}; the 90 % interval is {bounds}, the margin ±{100 * margin:.0f}"
    if outcome.answers.test_to_train:
        text += f" (corrected resampled t-test {_p(gap.resampled.two_sided())}, unadjusted)"
    if outcome.verdict == "no difference":
        text += f"; within ±{100 * margin:.0f} points, p {_p(pair.adjusted_same)} after Holm, by two one-sided tests"
    elif outcome.verdict == "inconclusive":
        shown = 100 * estimate.detectable(ALPHA / pair.among)
        text += f"; here alone, a gap of {shown:.1f} points would have shown with 80 % power"
    return text if outcome.answers.test_to_train else f"{text}; all runs test on the same images"


def _after_holm(pair: Tested) -> str:
    return f", p {_p(pair.adjusted)} after Holm over {pair.among}"


def _of_the_rest(outcome: Outcome) -> str:
    """Say what is known of a claim on a task that lacks some of its models."""
    return f"of the other pairs, the weakest: {_gap(outcome.decisive)}"


def _described(outcome: Outcome) -> str:
    return f"{outcome.answers.task}: " + ", ".join(_gap(pair) for pair in outcome.pairs)


def _gap(pair: Tested) -> str:
    low, high = pair.gap.estimate.interval()
    value = 100 * pair.gap.estimate.value
    return f"{pair.gap.first} − {pair.gap.second} is {value:+.1f} points [{100 * low:.1f}, {100 * high:.1f}]"


def _of_claimed(claimed: dict[str, Any], outcomes: Sequence[Outcome]) -> str:
    """Set the claimed gap beside the measured ones, and say how many test images would show it."""
    measured = [
        f"{outcome.answers.task}: {_against_claimed(claimed, *outcome.pairs[0].gap.estimate.interval())}"
        for outcome in outcomes
    ]
    by = f" (by the unadjusted intervals, {', '.join(measured)})" if measured else ""
    least, most = claimed["images_needed"]
    text = f"claimed are {100 * claimed['gap']:+.1f} points{by}"
    by_test = "by one unadjusted McNemar's test of one run of each"
    return f"{text}; {least} to {most} test images would show them with 80 % power, {by_test}"


def _against_claimed(claimed: dict[str, Any], low: float, high: float) -> str:
    """Set a claimed gap against the interval of the measured one."""
    if high < 0:
        return "opposite to what is claimed"
    if low > claimed["gap"]:
        return "larger than claimed"
    return "smaller than claimed" if high < claimed["gap"] else "compatible with the claimed gap"


def _numbers(claim: Claim, outcome: Outcome, counts: bool) -> dict[str, Any]:
    """Return the numbers of one task, for programs."""
    pairs = []
    for pair in outcome.pairs:
        gap, (low, high) = pair.gap, pair.gap.estimate.interval()
        of_means = gap.resampled.within(outcome.margin) if pair.rule == "same" else gap.resampled.two_sided()
        found: dict[str, Any] = {
            "pair": [gap.first, gap.second],
            "gap": gap.estimate.value,
            "low": low,
            "high": high,
            "degrees_of_freedom": gap.estimate.freedom,
            "p": pair.p_value,
            "p_same": pair.same,
            "p_resampled": of_means if outcome.answers.test_to_train else None,
            "runs": gap.runs,
            "images": gap.images,
        }
        if claim.family:
            found |= {"verdict": pair.verdict, "p_adjusted": pair.adjusted, "adjusted_for": pair.among}
            found["p_same_adjusted"] = pair.adjusted_same
            found["detectable"] = gap.estimate.detectable(ALPHA / pair.among)
        if claim.measure in QUALITY:
            first, second = (outcome.answers.mean(model, claim.measure).value for model in (gap.first, gap.second))
            ratio = (1 - first) / (1 - second) if second < 1 else None
            found |= {"first": first, "second": second, "error_ratio": ratio}
        if claim.claimed:
            found["claimed"] = _against_claimed(claim.claimed, low, high)
        pairs.append(found)
    task, verdict = outcome.answers, outcome.verdict if claim.family else None
    told = {"task": task.task, "source": task.source, "synthetic": task.synthetic, "counted": counts}
    told["verdict"] = verdict
    return told | {"missing": list(outcome.missing), "pairs": pairs}


def _of_value(paper: Paper, claim: Claim, tasks: Sequence[Answers]) -> dict[str, Any]:
    """Return what is said of one printed number: set beside ours, and compared where the paper names the images."""
    model = claim.models[0]
    if claim.task:
        return _calibration(paper, claim, next((task for task in tasks if task.task == claim.task), None))
    numbers, beside = [], []
    for task in tasks:
        for found, text in _values(task, model, claim.measure):
            numbers.append({"task": task.task, "synthetic": task.synthetic} | found)
            if not task.synthetic:
                beside.append(f"{task.task}: {text}")
    lacks = {"macs": "input size or number of operations", "latency_ms": "hardware"}.get(claim.measure, "dataset")
    said = [f"the paper names no {lacks}", *beside]
    return _record("not comparable", said, [], _show(claim), {"tasks": numbers})


def _values(task: Answers, model: str, measure: str) -> list[tuple[dict[str, Any], str]]:
    """Return what a task measured of a model, for programs and for people: a mean, or a cost under each condition."""
    if measure not in QUALITY:
        known = [(of.condition, of.models.get(model, {}).get(measure)) for of in task.costs]
        return [
            ({"condition": condition, "value": value}, f"{_cost(value, measure)} ({condition})")
            for condition, value in known
            if value is not None
        ]
    if (estimate := task.mean(model, measure)) is None:
        return []
    value, low, high = estimate.of_share()
    text = _score(value, measure) + ("" if measure == "auc" else " %")
    text += " (one run: no interval)" if math.isnan(low) else f" [{_score(low, measure)}, {_score(high, measure)}]"
    return [({"value": value, "low": low, "high": high}, text)]


def _score(value: float, measure: str, sign: str = "") -> str:
    """Return a score as the tables show it: an AUC as it is, the others in per cent."""
    return f"{value:{sign}.3f}" if measure == "auc" else f"{100 * value:{sign}.1f}"


def _cost(value: float, measure: str) -> str:
    return f"{value / 1e6:.1f} million MACs" if measure == "macs" else f"{value:.2f} ms"


def _calibration(paper: Paper, claim: Claim, task: Answers | None) -> dict[str, Any]:
    """Return whether a published number on known images came out again.

    The published mean is over ``trials`` runs on the same images; its spread is taken to be that of ours.
    """
    if claim.claimed["value"] is None:
        return _record("not testable", ["the paper prints no number"], ["the paper alone"], _show(claim), {})
    model, runs = claim.models[0], task.runs(claim.models[0]) if task else []
    scope = [f"{claim.task}, {len(runs)} runs" + (f" ({task.title})" if task else "")]
    if len(runs) < 2:
        command = f"python -m pipelines.grid --task {claim.task} --model {model}"
        return _record("no evidence", [f"{model} has fewer than two runs on {claim.task}"], scope, command, {})
    means = [float(task.of(model, claim.measure, run).mean()) for run in runs]
    error = float(np.std(means, ddof=1)) * math.sqrt(1 / paper.trials + 1 / len(means))
    gap = Estimate(float(np.mean(means)) - claim.claimed["value"], error, len(means) - 1)
    low, high = gap.interval(1 - 2 * ALPHA)
    verdict, word = "inconclusive", "undecidable: the interval reaches over the margin"
    if gap.within(paper.margin) <= ALPHA:
        verdict, word = "supported", "calibrated"
    elif 2 * min(gap.above(paper.margin), gap.below(-paper.margin)) <= ALPHA:
        verdict, word = "contradicted", "not calibrated"
    ours, published, margin = (
        _score(value, claim.measure) for value in (float(np.mean(means)), claim.claimed["value"], paper.margin)
    )
    between = f"[{_score(low, claim.measure)}, {_score(high, claim.measure)}]"
    said = [
        word,
        f"ours {ours}, published {published}: a difference of {_score(gap.value, claim.measure, '+')}, "
        f"90 % interval {between}, margin ±{margin}",
    ]
    numbers = {"runs": means, "gap": gap.value, "low_90": low, "high_90": high, "p_same": gap.within(paper.margin)}
    return _record(verdict, said, scope, f"python -m pipelines.verify --task {claim.task} --model {model}", numbers)


def _of_cost(claim: Claim, tasks: Sequence[Answers]) -> dict[str, Any]:
    """Return what measured costs say, under each condition of one task of each source of real images."""
    numbers, verdicts, said = [], [], []
    for task in _priced_once(claim, tasks):
        for costs in task.costs:
            ratios = {pair: found for pair in claim.pairs if (found := costs.ratio(*pair, claim.measure))}
            if not ratios:
                continue
            verdict = _of_ratios(list(ratios.values()), len(ratios) == len(claim.pairs), claim.measure)
            numbers.append(
                {"task": task.task, "synthetic": task.synthetic, "condition": costs.condition, "verdict": verdict}
                | {"ratios": [_ratio(costs, pair, found) for pair, found in ratios.items()]}
            )
            if not task.synthetic and verdict != "no evidence":
                verdicts.append((verdict, f"{task.task} ({costs.condition}{_keeping(task, costs, claim.models)})"))
                said.append(f"{task.task}, {costs.size} px: {_weakest(costs, ratios, claim.measure)}")
    if not verdicts:
        return _without_cost(claim, tasks, numbers)
    different = {verdict for verdict, _ in verdicts}
    where = [f"{verdict}: {scope}" if len(different) > 1 else scope for verdict, scope in verdicts]
    command = f"python -m pipelines.audit --claim {claim.name}"
    if claim.measure != "macs":
        measured = dict.fromkeys(one["task"] for one in numbers if not one["synthetic"])
        command = " && ".join(f"python -m pipelines.cost --task {task} --verify" for task in measured)
    both = _of_both("supported" in different, "contradicted" in different)
    verdict = different.pop() if len(different) == 1 else both
    return _record(verdict, said, where + _built(claim.models, tasks[0]), command, {"tasks": numbers})


def _priced_once(claim: Claim, tasks: Sequence[Answers]) -> list[Answers]:
    """Return of each source of real images one task, that with most of a claim's pairs: a split changes no cost."""

    def rank(task: Answers) -> tuple[int, bool]:
        known = [costs.ratio(*pair, claim.measure) for costs in task.costs for pair in claim.pairs]
        return sum(found is not None for found in known), task.test_to_train > 0

    best = {task.task if task.synthetic else task.source: task.task for task in sorted(tasks, key=rank)}
    return [task for task in tasks if task.task in best.values()]


def _weakest(costs: Costs, ratios: dict[tuple[str, str], Ratio], measure: str) -> str:
    """Say by the pair that speaks most against a claim on cost what one condition found, and how many speak for it."""
    (one, other), found = max(ratios.items(), key=lambda item: item[1].value)
    text = f"{one} takes {_times(found)} the {_unit(measure)} of {other}"
    rates = [costs.models[model].get("throughput_per_s") for model in (other, one)]
    if measure == "latency_ms" and all(rates):
        text += f" ({rates[0] / rates[1]:.2f} times an image, in batches)"
    if len(ratios) > 1:
        text += f"; {sum(pair.high < 1 for pair in ratios.values())} of {len(ratios)} pairs are as claimed"
    return text


def _unit(measure: str) -> str:
    return "MACs" if measure == "macs" else "latency"


def _without_cost(claim: Claim, tasks: Sequence[Answers], numbers: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the record of a claim about costs that no real task can decide."""

    def lacking(task: Answers, model: str) -> bool:
        return not any(of.models.get(model, {}).get(claim.measure) for of in task.costs)

    task, missing = _lacks(claim, tasks, lacking)
    command = f"python -m pipelines.grid --task {task} --model {' '.join(missing)}"
    command += f" && dvc repro --single-item inventory@{task} cost@{task}"
    said = f"{task} has no {_unit(claim.measure)} of {', '.join(missing)}"
    return _record("no evidence", [said], [], command, {"tasks": numbers})


def _ratio(costs: Costs, pair: tuple[str, str], found: Ratio) -> dict[str, Any]:
    kept = {model: share for model in pair if (share := costs.models[model].get("kept_share")) is not None}
    return {"pair": list(pair), "ratio": found.value, "low": found.low, "high": found.high, "kept_share": kept}


def _times(found: Ratio) -> str:
    if found.low == found.high:
        return f"{found.value:.{4 if 0 < abs(found.value - 1) < 0.01 else 2}f} times"
    return f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}] times"


def _keeping(task: Answers, costs: Costs, models: Sequence[str]) -> str:
    """Say what share of its tokens a masked network keeps, since its cost depends on it."""
    text = ""
    for model in models:
        if (share := costs.models.get(model, {}).get("kept_share")) is not None:
            trained = task.runs(model) and costs is task.costs[0]
            text += f", {model} {'keeps' if trained else 'is taken to keep'} {100 * share:.0f} %"
            text += f" as at {task.costs[0].size} px" if task.runs(model) and not trained else ""
    return text


def _of_ratios(ratios: list[Ratio], complete: bool, measure: str) -> str:
    """Return the verdict under one condition, by the intervals of all pairs' ratios."""
    if any(found.low > 1 for found in ratios):
        return "contradicted"
    if not complete:
        return "no evidence"
    if all(found.high < 1 for found in ratios):
        return "supported"
    if measure == "macs":  # counts are exact: some are equal
        return "no difference" if all(found.value == 1 for found in ratios) else "contradicted"
    return "inconclusive"


def _flips(paper: Paper, claims: Sequence[Claim], tasks: Sequence[Answers]) -> dict[str, list[dict[str, Any]]]:
    """Return claim → what each other reading of the proposed network would make of it, one at a time.

    The claims are those of the headline, and those on what the proposed network costs. Beside the verdict stands that
    of the chosen reading on the same ``sources``, those that know the other one: fewer of them may decide otherwise.
    """
    headline = [claim for claim in claims if claim.family == HEADLINE]
    costs = [claim for claim in claims if claim.rule == "cheaper" and paper.proposed in claim.models]
    found: dict[str, list[dict[str, Any]]] = {claim.name: [] for claim in (*headline, *costs)}
    real = [task for task in tasks if not task.synthetic]
    for reading in paper.readings:
        trained = [task for task in real if len(task.runs(reading)) > 1]
        priced = [task for task in real if any(reading in of.models for of in task.costs)]
        for chosen, known, judged in ((headline, trained, _of_accuracy), (costs, priced, _of_costs)):
            other = [_with(reading, paper.proposed, claim) for claim in chosen]
            sources = list(dict.fromkeys(task.source for task in known))
            for claim, *both in zip(chosen, *(judged(paper, of, known) for of in (chosen, other)), strict=True):
                entry = {"reading": reading, "verdict": both[1], "chosen": both[0], "sources": sources}
                found[claim.name].append(entry)
    return found


def _of_accuracy(paper: Paper, claims: Sequence[Claim], tasks: Sequence[Answers]) -> list[str]:
    """Return the verdicts on a family of claims over some tasks."""
    outcomes = [tested(claims, task, paper.margin) for task in tasks]
    found = [[of_task[claim.name] for of_task in outcomes if claim.name in of_task] for claim in claims]
    return [_over_sources(counted(of_claim))[0] for of_claim in found]


def _of_costs(paper: Paper, claims: Sequence[Claim], tasks: Sequence[Answers]) -> list[str]:
    return [_of_cost(claim, tasks)["verdict"] if tasks else "no evidence" for claim in claims]


def _with(reading: str, proposed: str | None, claim: Claim) -> Claim:
    """Return a claim with another reading in the place of the proposed network."""
    names = {proposed: reading}
    return replace(claim, pairs=tuple((names.get(one, one), names.get(other, other)) for one, other in claim.pairs))


def _record(
    verdict: str | None, reason: list[str], scope: list[str], command: str, numbers: dict[str, Any]
) -> dict[str, Any]:
    return {"verdict": verdict, "scope": scope, "reason": reason, "command": command, "numbers": numbers}


def _scope(outcomes: Sequence[Outcome], beside: Sequence[Outcome] = ()) -> list[str]:
    """Name the tasks that decide and those ``beside``, how they test, and what a reader must know of the models."""
    pairs = [pair.gap for outcome in outcomes for pair in outcome.pairs]
    models = dict.fromkeys(model for gap in pairs for model in (gap.first, gap.second))
    parts = []
    counts = [""] * len(outcomes) + ["not counted: "] * len(beside)
    for count, outcome in zip(counts, (*outcomes, *beside), strict=True):
        gap, task = outcome.decisive.gap, outcome.answers
        keys = {model: f"{task.task}-{model}" for model in models}
        notes = "".join(f"; {model}: {task.notes[key]}" for model, key in keys.items() if key in task.notes)
        answers = f"{gap.images} answers to test images"
        without = f"; without {', '.join(outcome.missing)}" if outcome.missing else ""
        parts.append(f"{count}{task.task} ({task.pixels}, {task.split}, {gap.runs} runs, {answers}{without}{notes})")
    return parts + _built(models, outcomes[0].answers) if parts else []


def _built(models: Iterable[str], task: Answers) -> list[str]:
    """Return what a reader must know of some models on any task."""
    return [f"{model}: {note}" for model in models if (note := task.notes.get(model))]


def _again(claim: Claim, outcomes: Sequence[Outcome], tasks: Sequence[Answers]) -> str:
    """Return the command that makes the evidence again, or, where there is none, makes it."""
    if not outcomes:
        return _lacking(claim, tasks)[0]
    known: dict[tuple[str, ...], list[str]] = {}
    for outcome in outcomes:
        models = tuple(model for model in claim.models if model not in outcome.missing)
        known.setdefault(models, []).append(outcome.answers.task)
    return " && ".join(
        f"python -m pipelines.verify --task {' '.join(names)} --model {' '.join(models)}"
        for models, names in known.items()
    )


def _lacking(claim: Claim, tasks: Sequence[Answers]) -> tuple[str, str]:
    """Return the command that makes the evidence that a claim lacks, and what it lacks."""
    task, missing = _lacks(claim, tasks, lambda task, model: len(task.runs(model)) < 2)
    command = f"python -m pipelines.grid --task {task} --model {' '.join(missing)}"
    nowhere = "" if claim.task else "; no real images have two of all"
    return command, f"fewer than two runs of {', '.join(missing)} on {task}{nowhere}"


def _lacks(claim: Claim, tasks: Sequence[Answers], lacking: Callable[[Answers, str], bool]) -> tuple[str, list[str]]:
    """Return the task of real images that lacks least for a claim, and the models that it lacks."""
    real = [task for task in tasks if not task.synthetic and claim.task in (None, task.task)]
    found = [(task, [model for model in claim.models if lacking(task, model)]) for task in real]
    pooled = [one for one in found if one[0].test_to_train] or found
    if not pooled:  # params.yaml has no task of real images
        return "TASK", claim.models
    task, missing = min(pooled, key=lambda one: len(one[1]))
    return task.task, missing


def _show(claim: Claim) -> str:
    return f"python -m pipelines.audit --claim {claim.name}"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
