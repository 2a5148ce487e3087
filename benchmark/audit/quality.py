"""Decides claims on scores: on each task (:mod:`benchmark.audit.verdicts`), and on the mean over the sources.

The verdict on a claim is that on the mean gap over the sources that have evidence on it. Only where that is
inconclusive do single sources have a say, after Bonferroni: the verdict is then one *in part*. A claim about the images
of one task is decided there.
"""

from collections.abc import Sequence

from benchmark.audit.answers import Answers
from benchmark.audit.claims import Claim, QualityClaim
from benchmark.audit.decisions import Lacking, QualityDecision, SourcesVerdict, find_lacking, part_verdict
from benchmark.audit.sources import Sources
from benchmark.audit.verdicts import ALPHA, Evidence, PairTest, TaskVerdict, task_verdicts
from benchmark.statistics import shown_in


def decide_all(claims: Sequence[Claim], tasks: Sequence[Answers], margin: float) -> dict[str, QualityDecision]:
    """Return claim → what the scores of all ``tasks`` say, for the claims of quality of a paper, all of them given."""
    on_tasks = [task_verdicts(claims, task, margin) for task in tasks]
    sources = Sources(tasks)
    on_mean = task_verdicts(claims, sources, margin)
    return {
        claim.name: _decide(
            claim,
            [verdicts[claim.name] for verdicts in on_tasks if claim.name in verdicts],
            on_mean.get(claim.name),
            sources,
        )
        for claim in claims
        if isinstance(claim, QualityClaim)
    }


def _decide(
    claim: QualityClaim,
    verdicts: Sequence[TaskVerdict[Answers]],
    mean: TaskVerdict[Evidence] | None,
    sources: Sources,
) -> QualityDecision:
    """Return what the ``verdicts`` of single tasks, and that on the ``mean`` over the sources, say together."""
    names = _counting_tasks(claim, sources)
    counting = tuple(verdict for verdict in verdicts if verdict.answers.task in names)
    if claim.task:  # its images are those of one task
        mean = counting[0] if counting else None
    if not claim.families and counting:
        return QualityDecision(tuple(verdicts), counting, (), None, None)
    verdict = over_sources(mean, counting)
    if mean is None or verdict.verdict == "no evidence":
        return QualityDecision(tuple(verdicts), counting, (), verdict, _lacking(claim, sources.tasks))
    not_counting = tuple(
        verdict
        for verdict in verdicts
        if not verdict.answers.synthetic and verdict.answers.task not in names and verdict.verdict != "no evidence"
    )
    spread = {(test.gap.first, test.gap.second): _heterogeneity(claim, test, sources) for test in mean.pairs}
    return QualityDecision(tuple(verdicts), counting, not_counting, verdict, None, spread)


def over_sources(mean: TaskVerdict[Evidence] | None, counting: Sequence[TaskVerdict[Answers]]) -> SourcesVerdict:
    """Return the verdict on the mean over the sources, or one in part where that is inconclusive."""
    if mean is None:
        return SourcesVerdict("no evidence", None)
    decided = SourcesVerdict(mean.verdict, mean)
    if mean.verdict != "inconclusive" or len(counting) < 2:
        return decided
    p_claim = [verdict.p_claim for verdict in counting]
    p_opposite = [verdict.p_opposite for verdict in counting]
    p_no_difference = [verdict.p_no_difference for verdict in counting]
    counts = (shown_in(p_claim, ALPHA), shown_in(p_opposite, ALPHA), shown_in(p_no_difference, ALPHA))
    if any(counts):
        return SourcesVerdict(part_verdict(*counts), mean, counts)
    least_p = len(counting) * min(p_claim + p_opposite + p_no_difference)
    decides = any(verdict.verdict in ("supported", "contradicted", "no difference") for verdict in counting)
    return SourcesVerdict("inconclusive", mean, least_p=least_p if decides else None)


def _counting_tasks(claim: QualityClaim, sources: Sources) -> set[str]:
    """Return the tasks that count for a pair of a claim; of models without a common source, those that have some."""
    if claim.task:
        return {claim.task}
    return {task.task for pair in claim.pairs for task, _ in sources.by_source(*pair, claim.measure)}


def _heterogeneity(claim: QualityClaim, test: PairTest, sources: Sources) -> float:
    return 0.0 if claim.task else sources.heterogeneity(test.gap.first, test.gap.second, claim.measure)


def _lacking(claim: QualityClaim, tasks: Sequence[Answers]) -> Lacking:
    concerned = [task for task in tasks if claim.task in (None, task.task)]
    return find_lacking(claim.models, concerned, lambda task, model: len(task.runs(model, measure=claim.measure)) < 2)
