"""The audit: a verdict on every claim of a paper, from the answers that models gave to the same test images.

A claim over several pairs of models holds if it holds of each (an intersection-union test), and fails if one pair shows
the opposite. The pairs of a paper's headline, its claims on the proposed model's accuracy, are tested together, with
p-values adjusted by Holm's method; so are those of its other claims on accuracy and on robustness. Other measures of
quality are described, not tested. A claim is decided on each source of real images by itself, on the task that splits
it as the papers do if it has evidence, then over the sources. Synthetic images are shown and never counted.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmark.answers import Answers, Gap
from benchmark.claims import HEADLINE, OTHER, Claim
from benchmark.papers import QUALITY, Paper
from benchmark.statistics import Estimate, holds_in, holm

ALPHA = 0.05
TIE = 0.03  # latencies whose ratio is nearer to 1 count as the same


@dataclass(frozen=True)
class Tested:
    """A pair of models on one task: the gap, and the one-sided p-values of the claim and of its opposite.

    ``same`` is the p-value of two one-sided tests against a difference beyond the paper's margin. ``adjusted`` is
    Holm's p-value of the claim or its opposite, over ``among`` pairs.
    """

    gap: Gap
    holds: float
    fails: float
    same: float
    adjusted: float = math.nan
    among: int = 1

    @property
    def p_value(self) -> float:
        """The two-sided p-value."""
        return min(1.0, 2 * min(self.holds, self.fails))

    @property
    def verdict(self) -> str:
        """The verdict on this pair."""
        if self.adjusted <= ALPHA:
            return "supported" if self.holds < self.fails else "contradicted"
        return "no difference" if self.same <= ALPHA else "inconclusive"


@dataclass(frozen=True)
class Outcome:
    """What one task says of a claim; ``missing`` are its models without evidence there."""

    answers: Answers
    pairs: tuple[Tested, ...]
    missing: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """The verdict on this task alone."""
        found = {pair.verdict for pair in self.pairs}
        if "contradicted" in found:
            return "contradicted"
        if self.missing:
            return "no evidence"
        return found.pop() if len(found) == 1 else "inconclusive"

    @property
    def holds(self) -> float:
        """Holm's p-value of the claim; 1 where a pair leans to the opposite or is missing."""
        leans = all(pair.holds < pair.fails for pair in self.pairs) and not self.missing
        return max(pair.adjusted for pair in self.pairs) if leans else 1.0

    @property
    def fails(self) -> float:
        """Holm's p-value of the opposite."""
        return min((pair.adjusted for pair in self.pairs if pair.fails < pair.holds), default=1.0)

    @property
    def decisive(self) -> Tested:
        """The pair that the verdict hangs on: the surest opposite where the claim fails, else the least sure one."""
        if self.verdict == "contradicted":
            return min(self.pairs, key=lambda pair: pair.fails)
        return max(self.pairs, key=lambda pair: pair.holds)


def judge(paper: Paper, claims: Sequence[Claim], tasks: Sequence[Answers]) -> list[dict[str, Any]]:
    """Return a record for each claim: what it is, its verdict, and the numbers behind it."""
    outcomes = {task.task: tested(paper, claims, task) for task in tasks}
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


def tested(paper: Paper, claims: Iterable[Claim], task: Answers) -> dict[str, Outcome]:
    """Return claim → what ``task`` says of it, for the claims of quality that it has evidence on."""
    of_quality = [claim for claim in claims if claim.rule in ("better", "same")]
    found: dict[tuple[str | None, str, str, tuple[str, str]], Tested] = {}
    for claim in of_quality:
        for pair in claim.pairs:
            key = (claim.family, claim.rule, claim.measure, pair)
            gap = None if key in found else task.gap(*pair, claim.measure)
            if gap and gap.runs > 1:  # one run has no spread between runs, and so no test
                found[key] = _tested(claim.rule, gap, paper.margin)
    for family in (HEADLINE, OTHER):
        # A pair and its reverse are one test.
        keys = {
            (rule, measure, frozenset(pair)): key
            for key in found
            if key[0] == family
            for _, rule, measure, pair in [key]
        }
        adjusted = dict(zip(keys, holm([found[key].p_value for key in keys.values()]), strict=True))
        for key in [key for key in found if key[0] == family]:
            p_value = adjusted[key[1], key[2], frozenset(key[3])]
            found[key] = replace(found[key], adjusted=p_value, among=len(keys))
    outcomes = {}
    for claim in of_quality:
        keys = [(claim.family, claim.rule, claim.measure, pair) for pair in claim.pairs]
        pairs = tuple(found[key] for key in keys if key in found)
        if pairs:
            unpaired = [pair for pair, key in zip(claim.pairs, keys, strict=True) if key not in found]
            missing = dict.fromkeys(model for pair in unpaired for model in pair if len(task.runs(model)) < 2)
            outcomes[claim.name] = Outcome(task, pairs, tuple(missing))
    return outcomes


def _tested(rule: str, gap: Gap, margin: float) -> Tested:
    one, same = gap.estimate, gap.estimate.within(margin)
    if rule == "same":
        return Tested(gap, same, min(one.above(margin), one.below(-margin)), same)
    return Tested(gap, one.above(), one.below(), same)


def _decided(paper: Paper, claim: Claim, tasks: Sequence[Answers], outcomes: list[Outcome]) -> dict[str, Any]:
    """Return verdict, reason, scope, command and numbers of a claim."""
    if claim.rule == "settled":
        return _record(claim.verdict, claim.reason, "the paper alone", _show(claim), {})
    if claim.rule == "cheaper":
        return _of_cost(claim, tasks)
    if claim.rule == "value":
        return _of_value(paper, claim, tasks)
    numbers = {"tasks": [_numbers(claim, outcome) for outcome in outcomes]}
    counted = primary([outcome.answers for outcome in outcomes])
    deciding = [outcome for outcome in outcomes if outcome.answers.task in counted]
    if claim.family is None:
        reason = "described, not tested: accuracy is the one measure that a paper is tested on"
        return _record(None, reason, _scope(deciding), _again(claim, deciding, tasks), numbers)
    verdict, reason = _over_sources(claim, deciding)
    return _record(verdict, reason, _scope(deciding), _again(claim, deciding, tasks), numbers)


def primary(tasks: Iterable[Answers]) -> list[str]:
    """Return the tasks that count: of each source of real images the pooled one, else the official one."""
    best: dict[str, Answers] = {}
    for task in tasks:
        if not task.synthetic and (task.source not in best or not best[task.source].test_to_train):
            best[task.source] = task
    return [task.task for task in best.values()]


def _over_sources(claim: Claim, outcomes: list[Outcome]) -> tuple[str, str]:
    """Return the verdict over the sources that have evidence, and why."""
    known = [outcome for outcome in outcomes if outcome.verdict != "no evidence"]
    if not known:
        return "no evidence", "no real images have evidence on " + ", ".join(_without(claim, outcomes))
    said = "; ".join(f"{outcome.answers.task}: {_why(claim, outcome)}" for outcome in known)
    verdicts = {outcome.verdict for outcome in known}
    if len(verdicts) == 1:
        return verdicts.pop(), said
    if not {"supported", "contradicted"} & verdicts:
        return "inconclusive", said
    holds, fails = (holds_in([getattr(one, what) for one in known], ALPHA) for what in ("holds", "fails"))
    return "mixed", f"holds in at least {holds} of {len(known)} sources, fails in at least {fails}; {said}"


def _why(claim: Claim, outcome: Outcome) -> str:
    pair = outcome.decisive
    gap, (low, high) = pair.gap, pair.gap.estimate.interval()
    text = (
        f"{gap.first} − {gap.second} is {100 * gap.estimate.value:+.1f} points [{100 * low:.1f}, {100 * high:.1f}], "
        f"p {_p(pair.adjusted)} after Holm over {pair.among} "
        f"({_p(gap.resampled.two_sided())} by the corrected resampled t-test alone)"
    )
    if outcome.verdict == "inconclusive":
        text += f"; a gap of {100 * gap.estimate.detectable(ALPHA / pair.among):.1f} points would have shown"
    if claim.claimed.get("gap"):
        text += f"; {_against_claimed(claim.claimed['gap'], low, high)}"
    return text + (f"; no evidence on {', '.join(outcome.missing)}" if outcome.missing else "")


def _against_claimed(claimed: float, low: float, high: float) -> str:
    where = "larger than claimed" if low > claimed else "smaller than claimed" if high < claimed else "compatible"
    return f"claimed are {100 * claimed:+.1f} points: {where}"


def _numbers(claim: Claim, outcome: Outcome) -> dict[str, Any]:
    """Return the numbers of one task, for programs."""
    pairs = []
    for pair in outcome.pairs:
        gap, (low, high) = pair.gap, pair.gap.estimate.interval()
        found = {
            "pair": [gap.first, gap.second],
            "gap": gap.estimate.value,
            "low": low,
            "high": high,
            "degrees_of_freedom": gap.estimate.freedom,
            "p": pair.p_value,
            "p_same": pair.same,
            "p_resampled": gap.resampled.two_sided(),
            "runs": gap.runs,
            "images": gap.images,
        }
        if claim.family:
            found |= {"verdict": pair.verdict, "p_adjusted": pair.adjusted, "adjusted_for": pair.among}
            found["detectable"] = gap.estimate.detectable(ALPHA / pair.among)
        if claim.measure in QUALITY:
            first, second = (outcome.answers.mean(model, claim.measure).value for model in (gap.first, gap.second))
            found |= {
                "first": first,
                "second": second,
                "error_ratio": (1 - first) / (1 - second) if second < 1 else None,
            }
        pairs.append(found)
    task, verdict = outcome.answers, outcome.verdict if claim.family else None
    told = {"task": task.task, "source": task.source, "synthetic": task.synthetic, "verdict": verdict}
    return told | {"missing": list(outcome.missing), "pairs": pairs}


def _of_value(paper: Paper, claim: Claim, tasks: Sequence[Answers]) -> dict[str, Any]:
    """Return what is said of one printed number: set beside ours, and compared where the paper names the images."""
    model = claim.models[0]
    if claim.task:
        return _calibration(paper, claim, next((task for task in tasks if task.task == claim.task), None))
    if claim.measure not in QUALITY:
        reason = "the paper names neither hardware nor input"
        found = [(task.task, task.condition, task.cost.get(model, {}).get(claim.measure)) for task in tasks]
        numbers = [{"task": name, "condition": where, "value": value} for name, where, value in found]
        return _record("not comparable", reason, "none", _show(claim), {"tasks": numbers})
    numbers = []
    for task in tasks:
        if found := task.mean(model, claim.measure):
            low, high = found.interval()
            one = {"task": task.task, "synthetic": task.synthetic, "value": found.value, "low": low, "high": high}
            numbers.append(one)
    reason = "the paper names no dataset; the gaps between its rows are compared instead"
    return _record("not comparable", reason, "none", _show(claim), {"tasks": numbers})


def _calibration(paper: Paper, claim: Claim, task: Answers | None) -> dict[str, Any]:
    """Return whether a published number on known images came out again.

    The published mean is over ``trials`` runs on the same images; its spread is taken to be that of ours.
    """
    model, runs = claim.models[0], task.runs(claim.models[0]) if task else []
    command = f"python -m pipelines.grid --task {claim.task} --model {model}"
    scope = f"{claim.task}, {len(runs)} runs" + (f" ({task.title})" if task else "")
    if len(runs) < 2:
        return _record("no evidence", f"{model} has fewer than two runs on {claim.task}", scope, command, {})
    means = [float(task.of(model, claim.measure, run).mean()) for run in runs]
    spread = math.sqrt(sum((mean - sum(means) / len(means)) ** 2 for mean in means) / (len(means) - 1))
    error = spread * math.sqrt(1 / paper.trials + 1 / len(means))
    gap = Estimate(sum(means) / len(means) - claim.claimed["value"], error, len(means) - 1)
    low, high = gap.interval()
    verdict, word = "inconclusive", "undecidable, since the interval is wider than the margin"
    if gap.within(paper.margin) <= ALPHA:
        verdict, word = "supported", "calibrated"
    elif gap.two_sided() <= ALPHA:
        verdict, word = "contradicted", "not calibrated"
    reason = (
        f"{word}: ours − published is {100 * gap.value:+.1f} points [{100 * low:.1f}, {100 * high:.1f}], margin "
        f"±{100 * paper.margin:.0f}"
    )
    numbers = {"runs": means, "gap": gap.value, "low": low, "high": high, "p_same": gap.within(paper.margin)}
    return _record(verdict, reason, scope, f"python -m pipelines.verify --task {claim.task} --model {model}", numbers)


def _of_cost(claim: Claim, tasks: Sequence[Answers]) -> dict[str, Any]:
    """Return what measured costs say: of each task with real images, whose input size is a condition."""
    numbers, verdicts, said = [], [], []
    unit = "MACs" if claim.measure == "macs" else "latency"
    for task in tasks:
        ratios = []
        for one, other in claim.pairs:
            costs = [task.cost.get(model, {}).get(claim.measure) for model in (one, other)]
            if all(costs):
                ratios.append((costs[0] / costs[1], one, other))
        if not ratios:
            continue
        verdict = _of_ratios([ratio for ratio, _, _ in ratios], len(ratios) == len(claim.pairs), claim.measure)
        pairs = [{"pair": [one, other], "ratio": ratio} for ratio, one, other in ratios]
        numbers.append({"task": task.task, "synthetic": task.synthetic, "verdict": verdict, "ratios": pairs})
        if not task.synthetic and verdict != "no evidence":
            verdicts.append(verdict)
            ratio, one, other = max(ratios)
            said.append(f"{task.condition}: {one} takes {ratio:.2f} times the {unit} of {other}")
    command = "dvc repro --force --single-item " + " ".join(f"cost@{one['task']}" for one in numbers)
    if not verdicts:
        models = ", ".join(claim.models)
        return _record(
            "no evidence", f"no task with real images has costs of {models}", "none", command, {"tasks": numbers}
        )
    verdict = verdicts[0] if len(set(verdicts)) == 1 else "mixed"
    return _record(verdict, "; ".join(said), "as measured here", command, {"tasks": numbers})


def _of_ratios(ratios: list[float], complete: bool, measure: str) -> str:
    tie = TIE if measure == "latency_ms" else 0.0
    if any(ratio > 1 + tie for ratio in ratios):
        return "contradicted"
    if not complete:
        return "no evidence"
    if all(ratio < 1 - tie for ratio in ratios):
        return "supported"
    return "inconclusive" if tie else "no difference"


def _flips(paper: Paper, claims: Sequence[Claim], tasks: Sequence[Answers]) -> dict[str, list[dict[str, Any]]]:
    """Return headline claim → what each other reading of the proposed network would make of it, one at a time."""
    headline = [claim for claim in claims if claim.family == HEADLINE]
    found: dict[str, list[dict[str, Any]]] = {claim.name: [] for claim in headline}
    for reading in paper.readings:
        flipped = [
            replace(
                claim, pairs=tuple((reading if one == paper.proposed else one, other) for one, other in claim.pairs)
            )
            for claim in headline
        ]
        outcomes = {task.task: tested(paper, flipped, task) for task in tasks}
        for claim in flipped:
            of_tasks = [of_task[claim.name] for of_task in outcomes.values() if claim.name in of_task]
            counted = primary([one.answers for one in of_tasks])
            verdict, _ = _over_sources(claim, [one for one in of_tasks if one.answers.task in counted])
            found[claim.name].append({"reading": reading, "verdict": verdict})
    return found


def _record(verdict: str | None, reason: str, scope: str, command: str, numbers: dict[str, Any]) -> dict[str, Any]:
    return {"verdict": verdict, "scope": scope, "reason": reason, "command": command, "numbers": numbers}


def _scope(outcomes: list[Outcome]) -> str:
    parts = []
    for outcome in outcomes:
        gap, task = outcome.decisive.gap, outcome.answers
        split = "pooled 70/15/15" if task.test_to_train else "the source's own split"
        models = dict.fromkeys(model for pair in outcome.pairs for model in (pair.gap.first, pair.gap.second))
        notes = "".join(f"; {model}: {task.notes[model]}" for model in models if model in task.notes)
        parts.append(f"{task.task} ({split}, {gap.runs} runs, {gap.images} test answers{notes})")
    return "; ".join(parts) or "none"


def _again(claim: Claim, outcomes: list[Outcome], tasks: Sequence[Answers]) -> str:
    """Return the command that makes the evidence again, or, where there is none, makes it."""
    complete = [outcome.answers.task for outcome in outcomes if not outcome.missing]
    if complete:
        return f"python -m pipelines.verify --task {' '.join(complete)} --model {' '.join(claim.models)}"
    real = [task.task for task in tasks if not task.synthetic and task.test_to_train]
    return f"python -m pipelines.grid --task {' '.join(real[:1])} --model {' '.join(_without(claim, outcomes))}"


def _without(claim: Claim, outcomes: list[Outcome]) -> list[str]:
    missing = [model for outcome in outcomes for model in outcome.missing]
    return list(dict.fromkeys(missing)) if outcomes else claim.models


def _show(claim: Claim) -> str:
    return f"python -m pipelines.audit --claim {claim.name}"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
