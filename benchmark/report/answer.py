"""The answer to a paper in two sentences of plain text, made by rule from the audit's records.

The first says whether the proposed model is the most accurate, and how far it is from the first rival of its table, as
a rule the plain CNN. The second says how many rivals it is shown to exceed, what speaks most against that, and which
other reading of the paper would change most verdicts.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from benchmark.audit.papers import Paper
from benchmark.audit.points import points_between
from benchmark.audit.records import changed_readings
from benchmark.params import Params
from benchmark.report.headline import MeasuredGap, Record, Rival, best_claim, headline, rivals
from benchmark.report.names import label

Name = Callable[[str], str]  # model → what people call it


def answer(params: Params, paper: Paper, records: Sequence[Record]) -> list[str]:
    """Return the sentences by the audit's records of a paper; one alone where there is no evidence.

    None for a paper that proposes nothing, or that the audit does not have yet.
    """
    if not paper.proposed or not records:
        return []

    def name(model: str) -> str:
        return label(params, model)

    proposed, against = name(paper.proposed), rivals(params, paper, records)
    measured = [rival for rival in against if rival.mean]
    if not measured or (mean := measured[0].mean) is None:
        return [f"{proposed}: no evidence on real images yet."]
    best = best_claim(paper, records)
    said = _best(best)
    distance = _distance(measured[0], mean, name, named="sources" in said)
    first = f"{proposed} {said}: {distance}." if said else f"{proposed}: {distance}."
    second = f"It {_shown(measured, name)}"
    but, reading = _but(measured, name), _reading(paper, records, name)
    return [first, f"{second}{f', but {but}' if but else ''}{f'; {reading}' if reading else ''}."]


def _best(best: Record | None) -> str:
    """Say whether the proposed model is the most accurate of its table; nothing if the paper does not claim that."""
    if best is None:
        return ""
    tasks = best["numbers"]["tasks"]
    verdicts = [task["verdict"] for task in tasks if task["counted"]]
    models = {model for task in tasks for pair in task["pairs"] for model in pair["pair"]}
    of_all = f"the most accurate of {len(models)} models"
    if best["verdict"] == "supported":
        return f"is {of_all}"
    if best["verdict"] == "contradicted":
        return f"is not {of_all}"
    shown = verdicts.count("supported") if best["verdict"] in ("supported in part", "mixed") else 0
    if not shown:
        where = f"any of {_sources(len(verdicts))} of images" if len(verdicts) > 1 else "the one source of images"
        return f"is not shown to be {of_all} on {where}"
    return f"is shown to be {of_all} on {shown} of {_sources(len(verdicts))} of images"


def _distance(rival: Rival, mean: MeasuredGap, name: Name, named: bool) -> str:
    """Say how far the proposed model is from a rival, and what the paper claims; sources were ``named`` or not."""
    sources = sum(gap.counted for gap in rival.gaps)
    where = "on average" + ("" if named else f" over {_sources(sources)}") if sources > 1 else f"on {mean.task}"
    text = f"{where} it is {_gap(mean, rival, name)}"
    if mean.verdict == "inconclusive":
        text += ", which may be chance"
    if mean.verdict == "no difference":
        text += ", too little to count"
    return text + ("" if rival.claimed is None else f"; the paper claims {100 * rival.claimed:.1f} points above")


def _gap(gap: MeasuredGap, rival: Rival, name: Name) -> str:
    side = "below" if gap.gap < 0 else "above"
    return f"{abs(100 * gap.gap):.1f} points {side} {name(rival.model)} {points_between(gap.low, gap.high)}"


def _shown(measured: Sequence[Rival], name: Name) -> str:
    """Say how many rivals the proposed model is shown to exceed; which, where it is one or two."""
    above = [name(rival.model) for rival in measured if rival.verdict == "supported"]
    which = f" ({' and '.join(above)})" if len(above) in (1, 2) else ""
    if len(measured) == 1:
        return f"is {'' if above else 'not '}shown to be more accurate than its one rival{which}"
    return f"is shown to be more accurate than {len(above) or 'none'} of {len(measured)} rivals{which}"


def _but(measured: Sequence[Rival], name: Name) -> str:
    """Say where the proposed model falls most behind a rival: on what is not counted, else on one source by itself."""
    gaps = [(gap, rival) for rival in measured for gap in rival.gaps if gap.verdict == "contradicted"]
    uncounted = [(gap, rival) for gap, rival in gaps if not gap.counted]
    alone = [(gap, rival) for gap, rival in gaps if gap.counted and rival.verdict != "contradicted"]
    if not (candidates := uncounted or alone):
        return ""
    gap, rival = min(candidates, key=lambda candidate: candidate[0].gap)
    which = "by itself" if gap.counted else "the source's own split" if gap.own_split else "which is not counted"
    return f"on {gap.task}, {which}, it is {_gap(gap, rival, name)}"


def _reading(paper: Paper, records: Sequence[Record], name: Name) -> str:
    """Say which other reading of the paper gives most claims of the headline another verdict, and on which sources."""
    claims = headline(paper, records)
    entries = [entry for record in claims for entry in changed_readings(record)]
    if not entries:
        return ""
    reading, count = Counter(entry["reading"] for entry in entries).most_common(1)[0]
    sources = dict.fromkeys(source for entry in entries if entry["reading"] == reading for source in entry["sources"])
    return (
        f"another reading of the paper ({name(reading)}), judged on {', '.join(sources)} alone, gives {count} of "
        f"{len(claims)} claims about accuracy another verdict there"
    )


def _sources(count: int) -> str:
    return f"{count} source{'' if count == 1 else 's'}"
