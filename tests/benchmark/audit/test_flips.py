"""Other readings of the proposed model, put into its claims one at a time."""

import re

import pytest

from benchmark.audit import page
from tests.benchmark.audit.judging import AHEAD, BEST, CLAIMS, EVEN, PAPER, judge, judged, priced, rename
from tests.benchmark.audit.simulator import answers


def test_another_reading_is_flipped_alone_and_one_without_evidence_is_counted(random):
    paper = PAPER.model_copy(update={"readings": ["emanet_literal", "emanet_output"]})
    task = answers(random, AHEAD | {"emanet_literal": 0.0})
    records = judge(paper, CLAIMS, [task])
    flips = next(record["readings"] for record in records if record["claim"] == BEST)
    assert flips == [
        {"reading": "emanet_literal", "verdict": "contradicted", "chosen": "supported", "sources": [task.source]},
        {"reading": "emanet_output", "verdict": "no evidence", "chosen": "no evidence", "sources": []},
    ]
    text = page.details(paper, records)
    assert "Of 2 other readings of the proposed model, 1 have no evidence on real images, neither" in text
    without = page.details(paper, judge(paper, CLAIMS, [answers(random, AHEAD)]))
    assert "Other readings of the proposed model: 2, none with evidence on real images yet." in without
    assert re.search("`emanet_literal` flips .*`emanet/best-accuracy`.* from supported to contradicted, on ", text)


def test_a_reading_is_set_beside_the_chosen_one_on_the_sources_that_know_it(random):
    paper = PAPER.model_copy(update={"readings": ["emanet_literal"]})
    behind = EVEN | {"emanet": 0.0}
    known = rename(answers(random, AHEAD | {"emanet_literal": AHEAD["emanet"]}), "a")
    records = judge(paper, CLAIMS, [known, rename(answers(random, behind), "b")])
    best = next(record for record in records if record["claim"] == BEST)
    assert best["verdict"] == "contradicted"  # on the mean over both sources
    assert best["readings"] == [
        {"reading": "emanet_literal", "verdict": "supported", "chosen": "supported", "sources": ["a"]}
    ]
    assert "flips" not in page.details(paper, records)


def test_another_reading_is_put_into_claims_on_cost_too(random):
    name, paper = "emanet_table1/macs/emanet-below-cnn", PAPER.model_copy(update={"readings": ["emanet_output"]})
    task = answers(random, EVEN)
    task.costs[:] = [priced(emanet={"macs": 50}, cnn={"macs": 100})]
    unknown = judged(task, paper=paper)
    nothing = {"reading": "emanet_output", "verdict": "no evidence", "chosen": "no evidence", "sources": []}
    assert unknown[name]["readings"] == [nothing]
    task.costs[:] = [priced(emanet={"macs": 50}, cnn={"macs": 100}, emanet_output={"macs": 150})]
    records = judged(task, paper=paper)
    flipped = {"verdict": "contradicted", "chosen": "supported", "sources": [task.source]}
    assert records[name]["readings"] == [{"reading": "emanet_output"} | flipped]
    text = page.details(paper, list(records.values()))
    assert f"`emanet_output` flips `{name}` from supported to contradicted, on {task.source}." in text


def test_a_claim_on_cost_depends_on_the_reading_that_decides_it_otherwise_and_not_on_one_that_leaves_it_open(random):
    macs, latency = "emanet_table1/macs/emanet-below-cnn", "emanet_table1/latency_ms/emanet-below-cnn"
    task = answers(random, EVEN)
    of = {"emanet": (50, 1.0), "cnn": (100, 2.0), "emanet_output": (150, 2.0)}
    task.costs[:] = [priced(**{model: {"macs": count, "latency_ms": time} for model, (count, time) in of.items()})]
    found = judged(task, paper=PAPER.model_copy(update={"readings": ["emanet_output"]}))
    assert [found[name]["readings"][0]["verdict"] for name in (macs, latency)] == ["contradicted", "inconclusive"]
    assert [found[name]["verdict"] for name in (macs, latency)] == ["depends on the reading", "supported"]
    assert found[macs]["reason"][0] == "as chosen supported, with emanet_output contradicted"


def below_cnn(random, measure, cnn, chosen, other):
    """Return the verdict that EMANet costs less than the CNN, by what it and another reading cost at two sizes."""
    task = answers(random, EVEN)
    task.costs[:] = [
        priced(size, emanet={measure: of_chosen}, cnn={measure: cnn}, emanet_output={measure: of_other})
        for size, of_chosen, of_other in zip((64, 224), chosen, other, strict=True)
    ]
    paper = PAPER.model_copy(update={"readings": ["emanet_output"]})
    return judged(task, paper=paper)[f"emanet_table1/{measure}/emanet-below-cnn"]["verdict"]


@pytest.mark.parametrize(
    ("chosen", "other", "verdict"),
    [
        ((50, 150), (150, 150), "depends on the reading"),  # supported, then contradicted
        ((50, 50), (50, 150), "depends on the reading"),
        ((150, 150), (50, 150), "depends on the reading"),
        ((50, 150), (50, 150), "mixed"),
    ],
)
def test_what_a_reading_turns_depends_on_it(random, chosen, other, verdict):
    assert below_cnn(random, "macs", 100, chosen, other) == verdict


@pytest.mark.parametrize(
    ("chosen", "other", "verdict"),
    [
        ((1.0, 1.0), (1.0, 2.0), "supported in part"),  # the other is open at one size
        ((1.0, 2.0), (1.0, 1.0), "supported in part"),
        ((3.0, 2.0), (3.0, 3.0), "contradicted in part"),
        ((3.0, 2.0), (1.0, 2.0), "depends on the reading"),
    ],
)
def test_a_reading_that_shows_the_same_in_part_leaves_it_shown_in_part(random, chosen, other, verdict):
    assert below_cnn(random, "latency_ms", 2.0, chosen, other) == verdict


def test_another_reading_of_a_rival_is_put_into_claims_on_cost_too(random):
    name, task = "emanet_table1/macs/emanet-below-cnn", answers(random, EVEN)
    task.costs[:] = [priced(emanet={"macs": 50}, cnn={"macs": 100}, cnn_small={"macs": 25})]
    record = judged(task, paper=PAPER.model_copy(update={"readings": [], "rivals": {"cnn": ["cnn_small"]}}))[name]
    flipped = {"verdict": "contradicted", "chosen": "supported", "sources": [task.source]}
    assert record["readings"] == [{"reading": "cnn_small"} | flipped]
