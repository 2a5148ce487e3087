"""Decides a claim on scores: first on each task (:mod:`benchmark.audit.verdicts`), then over the sources.

Each source of real images counts once, by the task that splits it as the papers do if that has evidence. Synthetic
images are shown and never counted.
"""

from collections.abc import Sequence

from benchmark.audit.answers import Answers
from benchmark.audit.claims import QualityClaim
from benchmark.audit.decisions import Lacking, QualityDecision, SourcesVerdict, find_lacking, mixed_verdict
from benchmark.audit.verdicts import ALPHA, TaskVerdict
from benchmark.statistics import shown_in


def decide(claim: QualityClaim, verdicts: Sequence[TaskVerdict], tasks: Sequence[Answers]) -> QualityDecision:
    """Return what the ``verdicts`` of single tasks say together; ``tasks`` are all tasks, with evidence or without."""
    counting = one_per_source(verdicts)
    if claim.family is None and counting:
        return QualityDecision(tuple(verdicts), tuple(counting), (), None, None)
    sources = over_sources(counting)
    if sources.verdict == "no evidence":
        return QualityDecision(tuple(verdicts), tuple(counting), (), sources, _lacking(claim, tasks))
    names = {verdict.answers.task for verdict in counting}
    not_counting = [
        verdict
        for verdict in verdicts
        if not verdict.answers.synthetic and verdict.answers.task not in names and verdict.verdict != "no evidence"
    ]
    return QualityDecision(tuple(verdicts), tuple(counting), tuple(not_counting), sources, None)


def one_per_source(verdicts: Sequence[TaskVerdict]) -> list[TaskVerdict]:
    """Return the verdicts that count: one per source of real images, that of the pooled split if there is one."""
    best: dict[str, TaskVerdict] = {}
    for verdict in sorted(verdicts, key=lambda verdict: not verdict.answers.test_to_train):
        if not verdict.answers.synthetic:
            best.setdefault(verdict.answers.source, verdict)
    return list(best.values())


def over_sources(counting: Sequence[TaskVerdict]) -> SourcesVerdict:
    """Return the verdict over the sources.

    Beside a source that decides, one that lacks models is inconclusive unless it shows the opposite: a claim about
    several rivals is never surer than one about some of them.
    """
    verdicts = {verdict.verdict for verdict in counting}
    if verdicts <= {"no evidence"}:
        return SourcesVerdict("no evidence", 0, 0)
    verdicts = {"inconclusive" if verdict == "no evidence" else verdict for verdict in verdicts}
    shown = shown_in([verdict.p_claim for verdict in counting], ALPHA)
    opposite = shown_in([verdict.p_opposite for verdict in counting], ALPHA)
    if len(verdicts) == 1:
        return SourcesVerdict(verdicts.pop(), shown, opposite)
    if shown or opposite:
        return SourcesVerdict(mixed_verdict(bool(shown), bool(opposite)), shown, opposite)
    least_p = len(counting) * min(min(verdict.p_claim, verdict.p_opposite) for verdict in counting)
    return SourcesVerdict("inconclusive", 0, 0, least_p if verdicts & {"supported", "contradicted"} else None)


def _lacking(claim: QualityClaim, tasks: Sequence[Answers]) -> Lacking:
    concerned = [task for task in tasks if claim.task in (None, task.task)]
    return find_lacking(claim.models, concerned, lambda task, model: len(task.runs(model, measure=claim.measure)) < 2)
