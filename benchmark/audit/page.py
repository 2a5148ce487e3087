"""The audit for people: an index of all claims and their details as Markdown, one claim in full, or predictions.

Records are taken as ``results/audit.json`` has them (:mod:`benchmark.audit.records`).
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from benchmark.audit.claims import HEADLINE
from benchmark.audit.papers import Paper
from benchmark.audit.points import points, points_between
from benchmark.audit.predictions import Comparison
from benchmark.audit.records import changed_readings
from benchmark.audit.wording import COUNTED, SCOPE, VERDICTS, p_text
from benchmark.version import version

INDEX, DETAILS = "audit.md", "audit"  # a file, and the folder of one file per paper beside it
UNTESTED = ("inconsistent", "no evidence", "not testable", "not comparable", "described")
COLUMNS = ("Claim", "Verdict", "Claimed gap (points)", "Mean gap (points) [95 %]")


def page(papers: Sequence[Paper], records: Sequence[dict[str, Any]]) -> str:
    """Return the index: of each paper its headline, statements, orders and values, a line each that leads to more."""
    parts = ["# Audit", f"By Retable {version()}.", SCOPE, COUNTED]
    for paper in papers:
        own = [record for record in records if record["paper"] == paper.name]
        parts += [f"## {paper.cite}", _counts(own)]
        for title, chosen in _filled_sections(own):
            rows = [COLUMNS, ["---", "---", "---:", "---:"], *map(_row, chosen)]
            parts += [f"### {title}", "\n".join(f"| {' | '.join(row)} |" for row in rows)]
    return "\n\n".join([*parts, "## Verdicts", *_meanings()]) + "\n"


def details(paper: Paper, records: Sequence[dict[str, Any]]) -> str:
    """Return every claim of a paper with its reasons, its scope and its command."""
    own = [record for record in records if record["paper"] == paper.name]
    parts = [f"# {paper.cite}: every claim", f"[All papers](../{INDEX})", *readings(paper, own)]
    for title, chosen in _filled_sections(own):
        parts += [f"## {title}", *(part for record in chosen for part in _full(record))]
    return "\n\n".join(parts) + "\n"


def _filled_sections(records: Sequence[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    return [(title, chosen) for title, chosen in sections(records) if chosen]


def _meanings() -> list[str]:
    return [f"*{verdict}*: {meaning}." for verdict, meaning in VERDICTS.items()]


def _row(record: dict[str, Any]) -> list[str]:
    """Return a claim's line of the index, its words a link to the rest."""
    says = f"[{_plain(record['says'])}]({DETAILS}/{record['paper']}.md#{anchor(record['claim'])})"
    claimed = record["claimed"].get("gap")
    return [says, _verdict(record), "" if claimed is None else points(claimed), _mean_gap(record)]


def _mean_gap(record: dict[str, Any]) -> str:
    """Return the mean gap over sources with its interval; of several pairs the smallest and the largest gap."""
    pairs = record["numbers"].get("mean", {}).get("pairs", [])
    if len(pairs) == 1:
        return f"{points(pairs[0]['gap'])} {points_between(pairs[0]['low'], pairs[0]['high'])}"
    values = sorted(pair["gap"] for pair in pairs)
    return f"{points(values[0])} to {points(values[-1])}, {len(pairs)} pairs" if values else ""


def _verdict(record: dict[str, Any]) -> str:
    return (record["verdict"] or "described") + (" (by hand)" if record["by_hand"] else "")


def _full(record: dict[str, Any]) -> list[str]:
    """Return a claim's part of its paper's details."""
    response = [f"The authors: {record['response']}"] if "response" in record else []
    why = [f"- {_plain(line)}" for line in [*record["reason"], *response]]
    scope = [f"Scope: {'; '.join(map(_plain, record['scope'])) or 'none'}."]
    return [
        f'<a id="{anchor(record["claim"])}"></a>\n**{_plain(record["says"])}**: *{_verdict(record)}*',
        f"{_plain(record['place'])}; `{record['claim']}`; `{record['command']}`",
        "\n".join(why),
        *scope,
    ]


def anchor(claim: str) -> str:
    """Return the id of a claim's part of its paper's details."""
    return re.sub(r"[^a-z0-9_]+", "-", claim.lower())


def _plain(text: str) -> str:
    """Return a text in one line, in which nothing ends a cell or a link, or begins a tag."""
    return re.sub(r"([|\[\]])", r"\\\1", " ".join(text.split())).replace("<", "&lt;")


def full(record: dict[str, Any]) -> str:
    """Return one claim on about a page: why, in what scope, one line per number; audit.json has every digit."""
    lines = [f"{record['claim']}: {_verdict(record)}"]
    lines += [f"  {name}: {record[name]}" for name in ("says", "place")]
    lines += [line for name in ("reason", "scope") for line in _listed(name, record[name])]
    lines.append(f"  command: {record['command']}")
    if "response" in record:
        lines.append(f"  response of the authors: {record['response']}")
    if record["claimed"]:
        lines.append(f"  claimed: {_claimed(record['claimed'])}")
    for name, texts in (("numbers", _number_lines(record["numbers"])), ("readings", _reading_lines(record))):
        if texts:
            lines += _listed(name, texts)
    return "\n".join([*lines, f"  {SCOPE}"])


def _claimed(claimed: dict[str, Any]) -> str:
    """Return a printed number, or the gap of two and what it makes of the lower one's errors."""
    if "printed" in claimed:
        value = "no number" if claimed["value"] is None else f"{claimed['value']:g}"
        return f"{claimed['printed']}, read as {value}"
    return f"{points(claimed['gap'])} points, {100 * claimed['error_ratio']:.0f} % of the rival's errors"


def _number_lines(numbers: dict[str, Any]) -> list[str]:
    """Return one line per pair, ratio or value of each task, and of the mean over the sources."""
    rows = [
        *numbers.get("tasks", []),
        *([{"task": "mean over sources"} | numbers["mean"]] if "mean" in numbers else []),
    ]
    lines = []
    for row in rows:
        where = f"{row['task']}, {row['condition']}" if "condition" in row else row["task"]
        for pair in row.get("pairs", []):
            gap = f"{100 * pair['gap']:+.2f} [{100 * pair['low']:+.2f}, {100 * pair['high']:+.2f}] points"
            sure = f"p {pair['p']:.3g}, p of no difference {pair['p_same']:.3g}"
            lines.append(f"{where}: {' − '.join(pair['pair'])} {gap}, {sure}, {pair['runs']} runs")
        for ratio in row.get("ratios", []):
            times = f"{ratio['ratio']:.3f} [{ratio['low']:.3f}, {ratio['high']:.3f}]"
            lines.append(f"{where}: {' / '.join(ratio['pair'])} {times}")
        if "value" in row:
            lines.append(f"{where}: {row['value']:.4g}")
    if "gap" in numbers:
        lines.append(
            f"ours − published {numbers['gap']:+.4f} [{numbers['low_90']:+.4f}, {numbers['high_90']:+.4f}] (90 %)"
        )
    return lines


def _reading_lines(record: dict[str, Any]) -> list[str]:
    """Return one line per reading that changes the verdict, and how many do not or have no evidence."""
    entries = record.get("readings", [])
    known = [entry for entry in entries if entry["verdict"] != "no evidence"]
    changed = changed_readings(record)
    lines = [f"{entry['reading']}: {entry['verdict']}, where the chosen one is {entry['chosen']}" for entry in changed]
    same, without = len(known) - len(changed), len(entries) - len(known)
    return [*lines, f"that change nothing: {same}; that have no evidence: {without}"] if entries else []


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
    """Count the verdicts: on scores and words, on costs, and those typed by hand; what a test decided apart."""
    by_hand = [record for record in records if record["by_hand"]]
    by_rule = [record for record in records if not record["by_hand"]]
    costs = [record for record in by_rule if _on_costs(record)]
    scores = [record for record in by_rule if not _on_costs(record)]
    parts = [f"{name}: {_tested(group)}." for name, group in (("Scores", scores), ("Costs", costs)) if group]
    return " ".join(parts + ([f"By hand, from reading the paper: {_verdicts(by_hand)}."] if by_hand else []))


def _tested(records: Sequence[dict[str, Any]]) -> str:
    """Count the claims that were tested, by their verdicts, and the others."""
    others = [record for record in records if (record["verdict"] or "described") in UNTESTED]
    tested = [record for record in records if record not in others]
    counts = (
        (f"{len(group)} claims {name} ({_verdicts(group)})", group)
        for name, group in (("tested", tested), ("not", others))
    )
    return ", ".join(text for text, group in counts if group)


def _verdicts(records: Sequence[dict[str, Any]]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in counted(records))


def _on_costs(record: dict[str, Any]) -> bool:
    return any("condition" in row for row in record["numbers"].get("tasks", []))


def readings(paper: Paper, records: Sequence[dict[str, Any]]) -> list[str]:
    """Say which verdicts other readings of the proposed model, and of rivals, would flip, and how many lack evidence.

    The verdicts are those on the headline and on costs.
    """
    entries = [entry for record in records for entry in record.get("readings", [])]
    judged = {entry["reading"] for entry in entries if entry["verdict"] != "no evidence"}
    changes = [(record["claim"], entry) for record in records for entry in changed_readings(record)]
    own, of_rivals = (
        _flips([(claim, entry) for claim, entry in changes if (entry["reading"] in paper.readings) == is_own])
        for is_own in (True, False)
    )
    heading = ["Other readings of rivals, by what they cost, flip these verdicts:"] if of_rivals else []
    return [*_own_readings(paper, judged, own), *heading, *of_rivals]


def _own_readings(paper: Paper, judged: set[str], flipped: list[str]) -> list[str]:
    """Say what is known by other readings of the proposed model."""
    if not paper.readings:
        return []
    without = set(paper.readings) - judged
    if len(without) == len(paper.readings):
        return [f"Other readings of the proposed model: {len(without)}, none with evidence on real images yet."]
    return [
        f"Of {len(paper.readings)} other readings of the proposed model, {len(without)} have no evidence on real "
        "images, neither scores nor costs. Taken one at a time, on the sources with evidence on them, the others flip "
        + ("these verdicts:" if flipped else "no verdict on the headline and none on costs."),
        *flipped,
    ]


def _flips(changes: Sequence[tuple[str, dict[str, Any]]]) -> list[str]:
    """Return a line per reading and change of a verdict, with the claims that it concerns."""
    flips: dict[tuple[str, str], list[str]] = {}
    for claim, entry in changes:
        change = f"{entry['chosen']} to {entry['verdict']}, on {', '.join(entry['sources'])}"
        flips.setdefault((entry["reading"], change), []).append(f"`{claim}`")
    return [f"`{reading}` flips {', '.join(names)} from {change}." for (reading, change), names in flips.items()]


def comparison(compared: Comparison) -> str:
    """Return the scores of somebody's predictions, and the gap in accuracy to each model with evidence."""
    lines = list(compared.notes)
    for run in compared.runs:
        scores = ", ".join(f"{name} {value + 0.0:.4f}" for name, value in run.scores.items())
        recalls = ", ".join(f"{name} {100 * share:.1f} %" for name, share in run.recalls.items())
        lines += [f"run {run.run}, {run.images} images: {scores}", f"run {run.run}, recall of each class: {recalls}"]
    if compared.left_out:
        lines.append(f"left out, since they are test images of no complete run: {compared.left_out} images")
    lines += _accuracy(compared)
    holm_over = f"after Holm over {len(compared.gaps)} models"
    for gap, adjusted in zip(compared.gaps, compared.adjusted, strict=True):
        runs = f"{gap.runs} of their runs" if compared.own_split else f"{gap.runs} run{'s' if gap.runs > 1 else ''}"
        difference = f"{points(gap.estimate.value)} points {points_between(*gap.interval())}, {runs}"
        p_values = f"{p_text(gap.estimate.two_sided())}, {p_text(adjusted)} {holm_over}"
        lines.append(f"{gap.first} − {gap.second}: accuracy {difference}, {p_values}")
    return "\n".join(lines)


def _accuracy(compared: Comparison) -> list[str]:
    """Return the mean accuracy of somebody's runs, and what its interval does not cover."""
    mean, low, high = (100 * share for share in compared.mean.of_share())
    interval = f"[{low:.1f}, {high:.1f}]"
    if len(compared.runs) > 1:
        return [f"mean of {len(compared.runs)} runs: accuracy {mean:.1f} % {interval}"]
    return [
        f"accuracy {mean:.1f} % {interval}",
        "intervals and p-values do not cover other runs of your training, since there is one",
    ]
