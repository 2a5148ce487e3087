"""The audit as a page, and verdicts with their words."""

from typing import get_args

from benchmark.audit import claims, page, records, wording
from benchmark.audit.claims import Verdict
from tests.benchmark.audit.judging import BEST, CLAIMS, EVEN, OVER_CNN, PAPER, judge
from tests.benchmark.audit.simulator import answers


def test_text_of_a_paper_cannot_end_a_cell_of_the_page(random):
    paper = PAPER.model_copy(update={"responses": {OVER_CNN: "we | they"}})
    known = [claim for claim in claims.of_paper(paper) if claim.name == OVER_CNN]
    text = page.page([paper], judge(paper, known, [answers(random, EVEN)]))
    assert "The authors: we \\| they" in text


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
