"""A paper's headline, rival by rival: by how much the proposed model exceeds each rival in accuracy, on each task."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmark.audit.claims import HEADLINE
from benchmark.audit.papers import Paper
from benchmark.params import Params

Record = dict[str, Any]  # of results/audit.json


@dataclass(frozen=True)
class MeasuredGap:
    """The gap in accuracy (share) to one rival with its 95 % interval, and the verdict on it.

    ``task`` is empty for the mean over the sources. ``counted`` says whether the task decides, ``own_split`` whether
    its split is the source's own.
    """

    task: str
    counted: bool
    own_split: bool
    verdict: str
    gap: float
    low: float
    high: float


@dataclass(frozen=True)
class Rival:
    """A rival of the proposed model: the claim about both, its verdict, the claimed gap (share), and the measured ones.

    ``claimed`` is None where the paper prints no number. ``mean`` is over the sources that count, or of the one source
    that does; None without evidence.
    """

    model: str
    claim: str
    verdict: str
    claimed: float | None
    gaps: tuple[MeasuredGap, ...]
    mean: MeasuredGap | None

    def on(self, task: str) -> MeasuredGap | None:
        """Return the gap on one task."""
        return next((gap for gap in self.gaps if gap.task == task), None)


def headline(paper: Paper, records: Sequence[Record]) -> list[Record]:
    """Return the records of a paper's headline."""
    return [record for record in records if record["paper"] == paper.name and record["family"] == HEADLINE]


def best_claim(paper: Paper, records: Sequence[Record]) -> Record | None:
    """Return the record of the first claim that the proposed model is the most accurate; None if there is none."""
    return next((record for record in headline(paper, records) if record["kind"] == "best"), None)


def rivals(params: Params, paper: Paper, records: Sequence[Record]) -> list[Rival]:
    """Return the rivals that the proposed model is claimed to exceed, as far as there is evidence on real images.

    A rival that no claim is about alone, since the paper prints no number of it, is judged as part of another claim.
    Where a table has a column per task, each with a claim of its own, a rival has the gaps of all of them.
    """
    by_model: dict[str, Rival] = {}
    for record in sorted(headline(paper, records), key=lambda record: record["kind"] != "order"):
        for pair in dict.fromkeys(tuple(pair["pair"]) for _, pair in _pairs(record)):
            if pair[0] == paper.proposed:
                rival = _rival(params, record, pair)
                by_model[pair[1]] = _joined(by_model[pair[1]], rival) if pair[1] in by_model else rival
    return [*by_model.values()]


def _joined(rival: Rival, other: Rival) -> Rival:
    """Return a rival with the gaps on further tasks that another claim about it is about."""
    further = tuple(gap for gap in other.gaps if not rival.on(gap.task))
    if not further:
        return rival
    return replace(
        rival,
        verdict=rival.verdict if rival.verdict == other.verdict else "mixed",
        claimed=rival.claimed if rival.claimed == other.claimed else None,
        gaps=rival.gaps + further,
        mean=rival.mean or other.mean,
    )


def _rival(params: Params, record: Record, models: tuple[str, str]) -> Rival:
    gaps = tuple(_gap(params, task, pair) for task, pair in _pairs(record) if tuple(pair["pair"]) == models)
    means = [pair for pair in record["numbers"].get("mean", {}).get("pairs", []) if tuple(pair["pair"]) == models]
    alone = next((gap for gap in gaps if gap.counted), None)
    mean = (
        MeasuredGap("", True, False, *(means[0][key] for key in ("verdict", "gap", "low", "high"))) if means else alone
    )
    of_pair = mean.verdict if mean else "no evidence"
    verdict = record["verdict"] if record["kind"] == "order" else of_pair
    return Rival(models[1], record["claim"], verdict, record["claimed"].get("gap"), gaps, mean)


def _pairs(record: Record) -> Iterator[tuple[Record, Record]]:
    """Yield each pair of a record with its task, on real images."""
    for task in record["numbers"].get("tasks", []):
        if not task["synthetic"]:
            yield from ((task, pair) for pair in task["pairs"])


def _gap(params: Params, task: Record, pair: Record) -> MeasuredGap:
    own_split = params.task(task["task"]).split == "official"
    return MeasuredGap(
        task["task"], task["counted"], own_split, *(pair[key] for key in ("verdict", "gap", "low", "high"))
    )
