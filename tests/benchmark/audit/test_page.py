"""The audit as a page, and verdicts with their words."""

import json
import re
from typing import get_args

from benchmark.audit import claims, page, records, wording
from benchmark.audit.claims import Verdict
from tests.benchmark.audit.judging import BEST, CLAIMS, EVEN, OVER_CNN, PAPER, judge
from tests.benchmark.audit.simulator import answers
from tests.conftest import ROOT


def test_text_of_a_paper_is_text(random):
    paper = PAPER.model_copy(update={"responses": {OVER_CNN: "we | they"}})
    known = [claim for claim in claims.of_paper(paper) if claim.name == OVER_CNN]
    made = judge(paper, known, [answers(random, EVEN)])
    made[0]["says"] = "a | [b](c) <d>\ne"
    assert "- The authors: we \\| they" in page.details(paper, made)
    assert f"| [a \\| \\[b\\](c) &lt;d> e](audit/emanet.md#{page.anchor(OVER_CNN)}) |" in page.page([paper], made)


def test_the_index_has_a_line_for_each_claim_that_leads_to_its_details(random):
    made = judge(PAPER, CLAIMS, [answers(random, EVEN)])
    index, details = page.page([PAPER], made), page.details(PAPER, made)
    links = re.findall(r"\(audit/emanet\.md#([\w-]+)\)", index)
    assert sorted(links) == sorted(re.findall(r'<a id="([\w-]+)"></a>', details))
    assert len(set(links)) == len(made)
    for record in made:
        assert f"`{record['claim']}`" in details and f"`{record['command']}`" in details


def test_the_index_says_the_claimed_gap_and_the_mean_of_the_measured_ones(random):
    record = next(one for one in judge(PAPER, CLAIMS, [answers(random, EVEN)]) if one["claim"] == OVER_CNN)
    record["claimed"]["gap"] = 0.067
    record["numbers"]["mean"] = {"pairs": [{"gap": -0.042, "low": -0.057, "high": 0.001}]}
    assert "| +6.7 | −4.2 [−5.7, +0.1] |" in page.page([PAPER], [record])
    record["numbers"]["mean"]["pairs"].append({"gap": 0.05, "low": 0.0, "high": 0.1})
    assert "| +6.7 | −4.2 to +5.0, 2 pairs |" in page.page([PAPER], [record])


def test_one_claim_is_told_in_points_and_per_cent(random):
    by_name = {record["claim"]: record for record in judge(PAPER, CLAIMS, [answers(random, EVEN)])}
    by_name[OVER_CNN]["claimed"] = {"gap": 0.067, "error_ratio": 0.3163}
    assert "\n  claimed: +6.7 points, 32 % of the rival's errors\n" in page.full(by_name[OVER_CNN])
    value = by_name["emanet_table1/accuracy/cnn"]
    assert f"\n  claimed: {value['claimed']['printed']}, read as {value['claimed']['value']:g}\n" in page.full(value)


def test_every_claim_of_the_committed_audit_can_be_told():
    for record in json.loads((ROOT / "results/audit.json").read_text(encoding="utf-8")):
        assert page.full(record).startswith(f"{record['claim']}: "), record["claim"]


def test_readings_of_a_rival_are_told_apart_from_those_of_the_proposed_model():
    entry = {"verdict": "contradicted", "chosen": "supported", "sources": ["scans"]}
    entries = [entry | {"reading": reading} for reading in ("emanet_literal", "vit_small")]
    paper = PAPER.model_copy(update={"readings": ["emanet_literal"], "rivals": {"vit": ["vit_small"]}})
    own, flip, rivals, flip_of_rival = page.readings(paper, [{"claim": "cheaper", "readings": entries}])
    assert own.startswith("Of 1 other readings of the proposed model, 0 have no evidence")
    assert flip == "`emanet_literal` flips `cheaper` from supported to contradicted, on scans."
    assert rivals.startswith("Other readings of rivals")
    assert flip_of_rival.startswith("`vit_small` flips `cheaper`")


def test_every_verdict_is_explained():
    assert set(wording.VERDICTS) == {*get_args(Verdict), "described"}


def test_verdicts_are_counted_in_the_order_in_which_they_are_explained():
    verdicts = ["no evidence", None, "supported", "no evidence"]
    counts = page.counted([{"verdict": verdict} for verdict in verdicts])
    assert counts == [("supported", 1), ("no evidence", 2), ("described", 1)]


def test_a_record_lacks_the_optional_keys_that_do_not_apply_and_keeps_the_others(random):
    by_name = {record["claim"]: record for record in judge(PAPER, CLAIMS, [answers(random, EVEN)])}
    pair = by_name[BEST]["numbers"]["tasks"][0]["pairs"][0]
    assert "claimed" not in pair and pair["verdict"]
    assert by_name[BEST]["claimed"] == records.as_json(records.Nothing()) == {}
    assert "response" not in by_name[BEST] and by_name[BEST]["readings"]
    assert "readings" not in by_name["emanet_table1/accuracy/cnn"]
