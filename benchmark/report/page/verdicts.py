"""The part on verdicts: for each paper a matrix of rivals and tasks, with the gap in accuracy and its verdict."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.audit.page import readings
from benchmark.audit.papers import Paper
from benchmark.audit.points import points, points_between
from benchmark.params import Params
from benchmark.report.answer import answer
from benchmark.report.headline import MeasuredGap, Record, Rival, best_claim, rivals
from benchmark.report.names import label

MARKS = {  # verdict → the shape that stands before the word
    "supported": "▲",
    "contradicted": "▼",
    "no difference": "=",
    "inconclusive": "○",
    "supported in part": "△",
    "contradicted in part": "▽",
    "no difference in part": "≈",
    "mixed": "◆",
    "depends on the reading": "◇",
    "inconsistent": "✕",
    "no evidence": "–",
    "not testable": "–",
    "not comparable": "–",
    "described": "·",
}


@dataclass(frozen=True)
class MatrixColumn:
    """A task: its name, how it shows and splits its images, and whether it decides."""

    task: str
    about: str
    own_split: bool
    counted: bool


@dataclass(frozen=True)
class MatrixCell:
    """A gap in points with its interval, both empty where a claim is about several rivals, and the verdict on it."""

    gap: str
    interval: str
    verdict: str


@dataclass(frozen=True)
class MatrixRow:
    """A rival, or all of a table: the claim, the claimed gap, a cell per column (None: no evidence), mean, verdict."""

    label: str
    model: str
    claim: str
    claimed: str
    cells: list[MatrixCell | None]
    mean: MatrixCell | None
    verdict: str


@dataclass(frozen=True)
class PaperVerdicts:
    """What the page says of one paper: sentences, matrix, and what other readings would change.

    ``model`` is the proposed model, ``proposed`` what people call it; ``audited`` whether the audit knows the paper.
    """

    name: str
    title: str
    cite: str
    short_cite: str
    model: str
    proposed: str
    sentences: list[str]
    columns: list[MatrixColumn]
    rows: list[MatrixRow]
    readings: list[str]
    audited: bool


def paper_verdicts(params: Params, paper: Paper, records: Sequence[Record]) -> PaperVerdicts:
    """Return what the page says of one paper."""
    own = [record for record in records if record["paper"] == paper.name]
    against = rivals(params, paper, own)
    columns = _columns(params, against)
    rows = [_row(params, rival, columns) for rival in against]
    if rows and (best := best_claim(paper, own)):
        rows.append(_row_of_all(best, columns))
    return PaperVerdicts(
        paper.name,
        paper.title,
        paper.cite,
        paper.short_cite,
        paper.proposed,
        label(params, paper.proposed),
        answer(params, paper, own),
        columns,
        rows,
        readings(paper, own) if own else [],
        bool(own),
    )


def _columns(params: Params, against: Sequence[Rival]) -> list[MatrixColumn]:
    """Return the tasks that have evidence on a rival, in the order of params.yaml."""
    gaps = {gap.task: gap for rival in against for gap in rival.gaps}
    columns = []
    for name in params.tasks:
        if name in gaps:
            about = f"{params.task(name).input_size} px, {'own split' if gaps[name].own_split else 'pooled'}"
            columns.append(MatrixColumn(name, about, gaps[name].own_split, gaps[name].counted))
    return columns


def _row(params: Params, rival: Rival, columns: Sequence[MatrixColumn]) -> MatrixRow:
    claimed = "" if rival.claimed is None else points(rival.claimed)
    cells = [_cell(rival.on(column.task)) for column in columns]
    name = label(params, rival.model)
    return MatrixRow(name, rival.model, rival.claim, claimed, cells, _cell(rival.mean), rival.verdict)


def _cell(gap: MeasuredGap | None) -> MatrixCell | None:
    return gap and MatrixCell(points(gap.gap), points_between(gap.low, gap.high), gap.verdict)


def _row_of_all(best: Record, columns: Sequence[MatrixColumn]) -> MatrixRow:
    """Return the row of the claim that the proposed model is better than every rival."""
    by_task = {task["task"]: task["verdict"] for task in best["numbers"]["tasks"]}
    cells = [MatrixCell("", "", by_task[column.task]) if column.task in by_task else None for column in columns]
    mean = best["numbers"].get("mean")
    pairs = len({pair["pair"][1] for task in best["numbers"]["tasks"] for pair in task["pairs"]})
    of_mean = MatrixCell("", "", mean["verdict"]) if mean else None
    return MatrixRow(f"best of all {pairs + 1}", "", best["claim"], "", cells, of_mean, best["verdict"])
