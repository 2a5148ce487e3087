"""Every cell, order and statement of a paper is a claim."""

from itertools import combinations

import pytest

from benchmark.audit import claims, papers, wording_scores
from benchmark.audit.claims import ClaimedGap, ClaimedValue, CostClaim, QualityClaim, ValueClaim
from benchmark.audit.papers import Robustness
from benchmark.errors import BadInput
from tests.conftest import ROOT

each_paper = pytest.mark.parametrize("paper", papers.load_all(ROOT / "papers"), ids=lambda paper: paper.name)


def load(name):
    return papers.load(ROOT / f"papers/{name}.yaml")


def named(paper):
    return {claim.name: claim for claim in claims.of_paper(load(paper))}


@each_paper
def test_every_cell_and_every_statement_is_a_claim_of_its_own(paper):
    found = claims.of_paper(paper)
    cells = sum(len(values) for table in paper.tables.values() for values in table.rows.values())
    assert sum(isinstance(claim, ValueClaim) for claim in found) == cells
    assert {f"{paper.name}/{name}" for name in paper.statements} <= {claim.name for claim in found}
    assert len({claim.name for claim in found}) == len(found)
    assert all(claim.place and claim.says for claim in found)


def test_every_two_rows_whose_numbers_differ_are_an_order():
    paper = load("emanet")
    rows = paper.tables["emanet_table1"].rows.values()
    printed = [cells for cells in zip(*rows, strict=True)]
    expected = sum(one != other for cells in printed for one, other in combinations(cells, 2))
    found = [claim for claim in claims.of_paper(paper) if claim.kind == "order"]
    assert len(found) == expected == 5 * 15 + 13  # two systems are Low in FLOPs, two High


def test_the_larger_number_is_above_and_the_smaller_cost_below():
    found = named("emanet")
    assert found["emanet_table1/accuracy/emanet-above-vit"].pairs == (("emanet", "vit"),)
    assert found["emanet_table1/latency_ms/emanet-below-light_cnn"].pairs == (("emanet", "light_cnn"),)
    assert isinstance(found["emanet_table1/latency_ms/emanet-below-light_cnn"], CostClaim)
    assert "emanet_table1/macs/cnn_attention-below-cnn" in found
    assert "emanet_table1/macs/emanet-below-light_cnn" not in found


def test_a_claimed_gap_comes_with_its_error_ratio_and_the_images_it_needs():
    claimed = named("emanet")["emanet_table1/accuracy/emanet-above-cnn_attention"].claimed
    assert claimed.gap == pytest.approx(0.023)
    assert claimed.error_ratio == pytest.approx(3.1 / 5.4)
    assert claimed.images_needed == (339, 1210)


@pytest.mark.parametrize(
    ("low", "high", "compared"),
    [
        (-0.02, -0.01, "opposite to what is claimed"),
        (-0.01, 0.02, "smaller than claimed"),
        (0.06, 0.1, "larger than claimed"),
        (0.01, 0.1, "compatible with the claimed gap"),
        (-0.01, 0.1, "compatible with the claimed gap"),
    ],
)
def test_a_measured_gap_is_told_from_the_claimed_one_by_its_whole_interval(low, high, compared):
    assert ClaimedGap(0.05, None).compare(low, high) == compared


def test_an_ambiguous_number_is_read_as_the_paper_file_says():
    found = named("adaptive")
    assert "adaptive_figure8/accuracy/knn-above-svm" in found
    assert not [name for name in found if "naive_bayes" in name and "above" in name]
    assert found["adaptive_figure8/accuracy/adaptive"].claimed == ClaimedValue("0.98 (99%)", 0.98)


def test_a_column_of_a_known_task_has_orders_on_that_task():
    found = named("medmnist_v2")
    claim = found["medmnist_v2_2d/breastmnist-official/accuracy/resnet18_28-above-resnet50_28"]
    assert (claim.task, claim.rule, claim.family) == ("breastmnist-official", "better", claims.ORDER)
    assert not [name for name in found if "chestxray-medmnist/accuracy/resnet" in name and "above" in name]  # equal


def two_tasks(**statements):
    """A paper whose columns name two tasks: two scores of one, and accuracy on the other."""
    measures = [("a", "accuracy"), ("a", "precision_macro"), ("a", "recall_macro"), ("b", "accuracy")]
    columns = [{"heading": name, "measure": name, "task": task} for task, name in measures]
    rows = {"Ours": ["90", "90", "90", "60"], "CNN": ["80", "80", "80", "70"]}
    table = {"title": "t", "place": "p", "columns": columns, "rows": rows}
    head = {"name": "two", "title": "t", "cite": "c", "proposed": "ours", "margin": 0.02, "trials": 3}
    systems = {"Ours": "ours", "CNN": "cnn"}
    return papers.Paper.model_validate(
        head | {"systems": systems, "tables": {"two_table": table}, "statements": statements}
    )


def test_a_statement_on_known_images_is_decided_on_those():
    text = {"says": "s", "place": "p"}
    best = text | {"rule": "best", "table": "two_table", "measure": "accuracy", "task": "b"}
    better = text | {"rule": "better", "pairs": [["ours", "cnn"]], "task": "a"}
    found = {claim.name: claim for claim in claims.of_paper(two_tasks(best=best, better=better))}
    assert (found["two/best"].task, found["two/better"].task) == ("b", "a")


def test_averages_are_those_of_one_task():
    found = [claim for claim in claims.of_paper(two_tasks()) if claim.kind == "arithmetic"]
    assert [claim.name for claim in found] == ["two_table/a/averages"]
    assert "possible with 48 to 53 %" in wording_scores.averages(
        found[0].reason
    )  # from the scores of the other task, 188 %


@pytest.mark.parametrize("name", ["emanet", "adaptive"])  # each prints its proposed model as the best
def test_the_headline_is_the_proposed_models_accuracy_against_the_papers_systems(name):
    paper = load(name)
    tested = [claim for claim in claims.of_paper(paper) if isinstance(claim, QualityClaim)]
    headline = [claim for claim in tested if claim.family == claims.HEADLINE]
    trails = next((claim for claim in tested if claim.name == "emanet/cnn-trails-attention"), None)
    assert trails is None or (trails.family, trails.families.count(claims.HEADLINE)) == (claims.ORDER, 2)
    rivals = set(paper.systems.values()) - {paper.proposed}
    assert all(claim.measure == "accuracy" for claim in headline)
    assert {pair for claim in headline for pair in claim.pairs} == {(paper.proposed, rival) for rival in rivals}


def test_measures_other_than_accuracy_are_described():
    found = named("emanet")
    assert found["emanet_table1/f1_macro/emanet-above-cnn"].family is None
    assert found["emanet/best-recall"].family is None
    assert found["emanet/masking-raises-accuracy"].family == claims.ABLATION
    robust = named("adaptive")["adaptive/robust-to-noise"]
    assert (robust.family, isinstance(robust.measure, Robustness)) == (claims.ROBUSTNESS, True)


def test_what_the_papers_scores_imply_is_a_claim():
    reason = wording_scores.averages(named("adaptive")["adaptive_table1/averages"].reason)
    assert "Proposed Model 39 to 40 %: impossible" in reason
    assert "emanet_table1/averages" in named("emanet")


def test_a_response_goes_to_its_claim_and_an_unknown_one_is_refused():
    paper = load("emanet")
    name = "emanet_table1/accuracy/emanet"
    answered = paper.model_copy(update={"responses": {name: "the data were ours"}})
    assert [claim.name for claim in claims.of_paper(answered) if claim.response] == [name]
    wrong = paper.model_copy(update={"responses": {name + "t": "x"}})
    with pytest.raises(BadInput, match="responses: no claim 'emanet_table1/accuracy/emanett'; did you mean"):
        claims.of_paper(wrong)
