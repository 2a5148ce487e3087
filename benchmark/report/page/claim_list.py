"""The part on claims: a line each, and behind it a card with a small table of the numbers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.audit.claims import HEADLINE
from benchmark.audit.papers import Paper
from benchmark.audit.points import points, points_between
from benchmark.audit.records import changed_readings
from benchmark.params import Params
from benchmark.report.headline import Record
from benchmark.report.names import label
from benchmark.report.page.notes_once import Notes
from benchmark.report.page.verdicts import MARKS

KINDS = ("headline", "statement", "order", "value")
IN_THE_TABLE = ("the mean over ", "not counted: ")  # how reasons begin whose numbers a card's table has


@dataclass(frozen=True)
class CardTable:
    """The numbers behind a claim as texts: headings, and rows that begin with where they were measured."""

    headings: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class ClaimLine:
    """A claim: its verdict, what it says and where, the number that decides, and what stands on its card."""

    name: str
    paper: str
    cite: str
    kind: str
    verdict: str
    by_hand: bool
    says: str
    place: str
    number: str
    table: CardTable | None
    reasons: list[str]
    notes: list[int]
    response: str
    command: str


def claim_lines(params: Params, papers: Sequence[Paper], records: Sequence[Record], notes: Notes) -> list[ClaimLine]:
    """Return all claims: the headline, then statements, orders and values."""
    cites = {paper.name: paper.short_cite for paper in papers}
    lines = [_line(params, record, cites, notes) for record in records]
    return sorted(lines, key=lambda line: KINDS.index(line.kind))


def _line(params: Params, record: Record, cites: dict[str, str], notes: Notes) -> ClaimLine:
    def name(model: str) -> str:
        return label(params, model)

    rows = [*_rows(record)]
    table = _table(rows, name)
    return ClaimLine(
        name=record["claim"],
        paper=record["paper"],
        cite=cites.get(record["paper"], record["paper"]),
        kind=_kind(record),
        verdict=record["verdict"] or "described",
        by_hand=record["by_hand"],
        says=record["says"],
        place=record["place"],
        number=_number(record, rows, name),
        table=table,
        reasons=_reasons(record, table is None) + _readings(record, name),
        notes=sorted(
            {mark for row in rows for pair in row["pairs"] for model in pair["pair"] for mark in notes.of_model(model)}
        ),
        response=record.get("response", ""),
        command=record["command"],
    )


def _kind(record: Record) -> str:
    if record["family"] == HEADLINE:
        return "headline"
    return record["kind"] if record["kind"] in KINDS else "statement"


def _rows(record: Record) -> Iterator[dict[str, Any]]:
    """Yield the mean over the sources, then each task or condition, with the pairs measured there.

    Costs that are the same for several tasks are yielded once; synthetic images where there are no others.
    """
    numbers, seen = record["numbers"], []
    if "mean" in numbers:
        yield {"where": "mean over sources", "counted": True} | numbers["mean"]
    tasks = numbers.get("tasks", [])
    for task in [task for task in tasks if not task["synthetic"]] or tasks:
        if "pairs" in task:
            yield {"where": task["task"]} | task
        elif "ratios" in task and (task["condition"], task["ratios"]) not in seen:
            seen.append((task["condition"], task["ratios"]))
            where = task["condition"].split(",")[0] + (f", as on {task['task']}" if task["synthetic"] else "")
            yield {"where": where, "counted": not task["synthetic"], "pairs": task["ratios"]} | task


def _table(rows: Sequence[dict[str, Any]], name: Callable[[str], str]) -> CardTable | None:
    """Return the numbers that a verdict rests on; None where there is none, or no verdict."""
    pairs = list(dict.fromkeys(tuple(pair["pair"]) for row in rows for pair in row["pairs"]))
    if not pairs or all(row["verdict"] is None for row in rows):
        return None
    if len(pairs) > 1:
        return _of_several(rows, pairs, name)
    first, second = map(name, pairs[0])
    if "ratio" in rows[0]["pairs"][0]:
        cells = [[_where(row), _of_pair(row["pairs"][0]), row["verdict"]] for row in rows]
        return CardTable(["measured at", f"{first} / {second}", "verdict"], cells)
    headings = ["measured on", f"{first} − {second} in points [95 %]", "p after Holm", "verdict"]
    return CardTable(headings, [[_where(row), *_details(row["pairs"][0])] for row in rows])


def _of_several(
    rows: Sequence[dict[str, Any]], pairs: Sequence[tuple[str, str]], name: Callable[[str], str]
) -> CardTable:
    """Return a table with a row per task and a column per pair."""
    headings = ["measured on", *(f"{name(first)} against {name(second)}" for first, second in pairs), "verdict"]
    cells = []
    for row in rows:
        by_pair = {tuple(pair["pair"]): _of_pair(pair) for pair in row["pairs"]}
        cells.append([_where(row), *(by_pair.get(pair, "no evidence") for pair in pairs), row["verdict"]])
    return CardTable(headings, cells)


def _where(row: dict[str, Any]) -> str:
    synthetic = ", synthetic" if row.get("synthetic") else ""
    return row["where"] + (synthetic or ("" if row["counted"] else ", not counted"))


def _of_pair(pair: dict[str, Any]) -> str:
    """Return a gap in points, or a ratio, with its interval, and the mark of its verdict."""
    if "ratio" in pair:
        exact = pair["low"] == pair["high"]
        return f"{pair['ratio']:.2f} ×" + ("" if exact else f" [{pair['low']:.2f}, {pair['high']:.2f}]")
    mark = f" {MARKS[pair['verdict']]}" if pair.get("verdict") else ""
    return f"{_gap(pair)}{mark}"


def _gap(pair: dict[str, Any]) -> str:
    return f"{points(pair['gap'])} {points_between(pair['low'], pair['high'])}"


def _details(pair: dict[str, Any]) -> list[str]:
    p_value = pair["p_adjusted"]
    shown = "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"
    return [_gap(pair), shown, pair["verdict"]]


def _number(record: Record, rows: Sequence[dict[str, Any]], name: Callable[[str], str]) -> str:
    """Return the number that decides a claim: of several pairs, that which speaks most against it."""
    row = next((row for row in rows if row["counted"] and row["pairs"]), None)
    if not row:
        return f"printed {record['claimed']['printed']}" if "printed" in record["claimed"] else ""
    if "ratio" in row["pairs"][0]:
        pair = max(row["pairs"], key=lambda pair: pair["ratio"])
        return _of_pair(pair)
    pair = min(row["pairs"], key=lambda pair: pair["gap"])
    against = f" to {name(pair['pair'][1])}" if len(row["pairs"]) > 1 else ""
    return f"{_gap(pair)}{against}"


def _reasons(record: Record, everything: bool) -> list[str]:
    """Return the reasons of a verdict: all, or those whose numbers the card's table does not have.

    Those of a value, or of a gap that is not tested, are one number per task, and stand on one line.
    """
    tasks = [task["task"] for task in record["numbers"].get("tasks", [])]
    shown = (*IN_THE_TABLE, *(f"{task}{mark} " for task in tasks for mark in ":,"))
    lines = [line for line in record["reason"] if everything or not line.startswith(shown)]
    return [" · ".join(lines)] if len(lines) > 1 and record["family"] is None and record["kind"] in KINDS else lines


def _readings(record: Record, name: Callable[[str], str]) -> list[str]:
    """Say which other readings of the proposed model or of a rival change the verdict."""
    return [
        f"read as {name(entry['reading'])}: {entry['verdict']}, where the chosen reading is {entry['chosen']} "
        f"({', '.join(entry['sources'])})"
        for entry in changed_readings(record)
    ]
