"""The audit for people: all claims of all papers as Markdown, one claim in full, or somebody's own predictions.

Records are taken as ``results/audit.json`` has them (:mod:`benchmark.audit.records`).
"""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from benchmark.audit.claims import HEADLINE
from benchmark.audit.papers import Paper
from benchmark.audit.predictions import Comparison
from benchmark.audit.wording import COUNTED, SCOPE, VERDICTS

COLUMNS = ("Claim", "Verdict", "Why", "Scope", "Command")


def page(papers: Sequence[Paper], records: Sequence[dict[str, Any]]) -> str:
    """Return, for each paper, its headline, its statements, then the orders and values of its tables."""
    parts = ["# Audit", SCOPE, COUNTED, " ".join(f"*{verdict}*: {meaning}." for verdict, meaning in VERDICTS.items())]
    for paper in papers:
        own = [record for record in records if record["paper"] == paper.name]
        parts += [f"## {paper.cite}", _counts(own), *readings(paper, own)]
        for title, chosen in sections(own):
            if chosen:
                rows = [COLUMNS, ["---"] * len(COLUMNS), *map(_row, chosen)]
                parts += [f"### {title}", "\n".join(f"| {' | '.join(row)} |" for row in rows)]
    return "\n\n".join(parts) + "\n"


def full(record: dict[str, Any]) -> str:
    """Return one claim with all its numbers."""
    lines = [f"{record['claim']}: {record['verdict'] or 'described'}"]
    lines += [f"  {name}: {record[name]}" for name in ("says", "place")]
    lines += [line for name in ("reason", "scope") for line in _listed(name, record[name])]
    lines.append(f"  command: {record['command']}")
    if "response" in record:
        lines.append(f"  response of the authors: {record['response']}")
    for name in ("claimed", "numbers", "readings"):
        if record.get(name):
            text = json.dumps(record[name], indent=2, ensure_ascii=False)
            lines.append(f"  {name}: " + text.replace("\n", "\n  "))
    return "\n".join([*lines, f"  {SCOPE}"])


def _listed(name: str, lines: Sequence[str]) -> list[str]:
    return [f"  {name}: {lines[0] if lines else 'none'}", *(f"  {' ' * len(name)}  {line}" for line in lines[1:])]


def sections(records: Sequence[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the titles of the sections of an audit, each with its records."""
    headline = [record for record in records if record["family"] == HEADLINE]
    rest = [record for record in records if record["family"] != HEADLINE]
    return [
        ("Headline: the accuracy of the proposed model", headline),
        ("Statements", [record for record in rest if record["kind"] not in ("order", "value")]),
        ("Other orders in tables and figures", [record for record in rest if record["kind"] == "order"]),
        ("Values in tables and figures", [record for record in rest if record["kind"] == "value"]),
    ]


def _row(record: dict[str, Any]) -> list[str]:
    says = f"{record['says']} ({record['place']}), `{record['claim']}`"
    response = [f"The authors: {record['response']}"] if "response" in record else []
    why, scope = "<br>".join([*record["reason"], *response]), "<br>".join(record["scope"]) or "none"
    cells = (says, record["verdict"] or "described", why, scope, f"`{record['command']}`")
    return [cell.replace("|", "\\|") for cell in cells]


def summary(papers: Sequence[Paper], records: Sequence[dict[str, Any]]) -> str:
    """Return how many claims of each paper got which verdict, and which verdicts other readings would flip."""
    lines = []
    for paper in papers:
        own = [record for record in records if record["paper"] == paper.name]
        lines += [f"{paper.cite}: {_counts(own)}", *readings(paper, own)]
    return "\n".join(lines)


def counted(records: Sequence[dict[str, Any]]) -> list[tuple[str, int]]:
    """Return how many claims got each verdict, in the order in which the verdicts are explained."""
    counts = Counter(record["verdict"] or "described" for record in records)
    return [(verdict, counts[verdict]) for verdict in VERDICTS if verdict in counts]


def _counts(records: Sequence[dict[str, Any]]) -> str:
    return f"{len(records)} claims: " + ", ".join(f"{count} {verdict}" for verdict, count in counted(records)) + "."


def readings(paper: Paper, records: Sequence[dict[str, Any]]) -> list[str]:
    """Say which verdicts other readings of the proposed model would flip, and how many have no evidence.

    The verdicts are those on the headline and on what the proposed model costs.
    """
    if not paper.readings:
        return []
    entries = [(record["claim"], entry) for record in records for entry in record.get("readings", [])]
    judged = [(claim, entry) for claim, entry in entries if entry["verdict"] != "no evidence"]
    without = set(paper.readings) - {entry["reading"] for _, entry in judged}
    if len(without) == len(paper.readings):
        return [f"Other readings of the proposed model: {len(without)}, none with evidence on real images yet."]
    flips: dict[tuple[str, str], list[str]] = {}
    for claim, entry in judged:
        if entry["chosen"] not in (entry["verdict"], "no evidence"):
            change = f"{entry['chosen']} to {entry['verdict']}, on {', '.join(entry['sources'])}"
            flips.setdefault((entry["reading"], change), []).append(f"`{claim}`")
    flipped = [f"`{reading}` flips {', '.join(names)} from {change}." for (reading, change), names in flips.items()]
    return [
        f"Of {len(paper.readings)} other readings of the proposed model, {len(without)} have no evidence on real "
        "images, neither scores nor costs. Taken one at a time, on the sources with evidence on them, the others flip "
        + ("these verdicts:" if flipped else "no verdict on the headline and none on costs."),
        *flipped,
    ]


def comparison(compared: Comparison) -> str:
    """Return the scores of somebody's predictions, and the gap in accuracy to each model with evidence."""
    lines = [
        f"run {run.run}, {run.images} images: " + ", ".join(f"{name} {value:.4f}" for name, value in run.scores.items())
        for run in compared.runs
    ]
    if compared.left_out:
        lines.append(f"{compared.left_out} images are left out: other test images of their run are missing")
    for gap in compared.gaps:
        low, high = (100 * bound for bound in gap.estimate.interval())
        interval = f"[{low:+.1f}, {high:+.1f}]" if gap.runs > 1 else "(one run: no interval)"
        difference = f"{100 * gap.estimate.value:+.1f} points {interval}, {gap.runs} runs"
        lines.append(f"{gap.first} − {gap.second}: accuracy {difference}")
    return "\n".join(lines)
