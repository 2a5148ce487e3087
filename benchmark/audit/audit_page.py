"""The audit for people: all claims of all papers as Markdown, or one claim in full."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from benchmark.audit.claims import HEADLINE
from benchmark.audit.papers import Paper

SCOPE = (
    "A verdict concerns the images, the protocol and the reading of the paper that stand beside it. The authors' own "
    "data are not published, and no verdict is one on them. Where a source does not name its patients, other images of "
    "one may lie on both sides of a split, which flatters every model; how far the nearest neighbour on pixels comes "
    "stands in the tables as a warning."
)
COUNTED = (
    "Each source of real images counts once, by the 70/15/15 split that the papers name, where that has evidence; what "
    "another split of the same images says stands beside a claim, not counted, also where it says the opposite. "
    "Intervals are of 95 % and unadjusted; p-values are adjusted where they say so."
)
VERDICTS = {
    "supported": "shown by the test",
    "contradicted": "the opposite is shown, for one rival at least",
    "no difference": "shown to be smaller than the paper's margin; of counts of operations, equal",
    "inconclusive": "none of these, or not surely enough over several sources; the gap that would have shown stands "
    "beside a source that shows nothing",
    "supported in part": "shown in some sources or conditions, the opposite in none; the reason says which",
    "contradicted in part": "the opposite is shown in some sources or conditions, the claim in none; the reason "
    "says which",
    "mixed": "shown in some sources or conditions, the opposite in others; the reason says which",
    "inconsistent": "the paper contradicts itself",
    "no evidence": "what would decide it is not trained or measured yet; the command beside it does that",
    "not testable": "it names nothing that evidence could decide, or no evidence made here can",
    "not comparable": "no dataset or hardware is named",
    "described": "measured, not tested",
}


def page(papers: Sequence[Paper], records: Sequence[dict[str, Any]]) -> str:
    """Return, for each paper, its headline, its statements, then the orders and values of its tables."""
    text = ["# Audit", SCOPE, COUNTED, " ".join(f"*{verdict}*: {meaning}." for verdict, meaning in VERDICTS.items())]
    for paper in papers:
        own = [record for record in records if record["paper"] == paper.name]
        text += [f"## {paper.cite}", _counts(own), *readings(paper, own)]
        for title, chosen in sections(own):
            if chosen:
                rows = [["Claim", "Verdict", "Why", "Scope", "Command"], ["---"] * 5, *map(_row, chosen)]
                text += [f"### {title}", "\n".join(f"| {' | '.join(row)} |" for row in rows)]
    return "\n\n".join(text) + "\n"


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


def _listed(name: str, said: Sequence[str]) -> list[str]:
    return [f"  {name}: {said[0] if said else 'none'}", *(f"  {' ' * len(name)}  {line}" for line in said[1:])]


def sections(records: Sequence[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the titles of the parts of an audit, each with its claims."""
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
    """Return how many claims of each paper got which verdict, and what other readings would flip."""
    lines = []
    for paper in papers:
        own = [record for record in records if record["paper"] == paper.name]
        lines += [f"{paper.cite}: {_counts(own)}", *readings(paper, own)]
    return "\n".join(lines)


def counted(records: Sequence[dict[str, Any]]) -> list[tuple[str, int]]:
    """Return how many claims got each verdict, in the order in which the verdicts are explained."""
    found = Counter(record["verdict"] or "described" for record in records)
    return sorted(found.items(), key=lambda item: list(VERDICTS).index(item[0]))


def _counts(records: Sequence[dict[str, Any]]) -> str:
    return f"{len(records)} claims: " + ", ".join(f"{count} {verdict}" for verdict, count in counted(records)) + "."


def readings(paper: Paper, records: Sequence[dict[str, Any]]) -> list[str]:
    """Say which verdicts other readings of the proposed model would flip, and how many have no evidence.

    The verdicts are those of the headline and those on what the proposed model costs.
    """
    if not paper.readings:
        return []
    flips: dict[tuple[str, str], list[str]] = {}
    without = set(paper.readings)
    for record in records:
        for one in record.get("readings", []):
            if one["verdict"] != "no evidence":
                without.discard(one["reading"])
                if one["chosen"] not in (one["verdict"], "no evidence"):
                    change = one["reading"], f"{one['chosen']} to {one['verdict']}, on {', '.join(one['sources'])}"
                    flips.setdefault(change, []).append(f"`{record['claim']}`")
    if len(without) == len(paper.readings):
        return [f"Other readings of the proposed model: {len(without)}, none with evidence on real images yet."]
    flipped = [f"`{reading}` flips {', '.join(names)} from {change}." for (reading, change), names in flips.items()]
    return [
        f"Of {len(paper.readings)} other readings of the proposed model, {len(without)} have no evidence on real "
        "images, neither answers nor costs. The others, one at a time and on the sources that know them, flip "
        + ("these verdicts." if flipped else "no verdict of the headline and none on cost."),
        *flipped,
    ]
