"""Claims on scores, over the sources."""

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from tests.benchmark.audit.judging import (
    AHEAD,
    BEST,
    EVEN,
    OVER_CNN,
    SYSTEMS,
    judged,
    priced,
    quality_claim,
    rename,
    where,
    why,
)
from tests.benchmark.audit.simulator import answers


def test_a_model_that_is_far_ahead_is_the_best_and_its_claims_hold(random):
    found = judged(answers(random, AHEAD))
    for name in (BEST, OVER_CNN, "emanet/significantly-more-accurate"):
        assert found[name]["verdict"] == "supported", name
    reason, pair = why(found[OVER_CNN]), found[OVER_CNN]["numbers"]["tasks"][0]["pairs"][0]
    assert "115 to 213 test images would show this with 80 % power, by an unadjusted McNemar's test" in reason
    assert f"the paper claims +6.7 points (by the unadjusted intervals, simulated: {pair['claimed']})" in reason
    assert pair["claimed"] in ("larger than claimed", "compatible with the claimed gap")
    assert found[OVER_CNN]["command"] == "python -m pipelines.verify --task simulated --model emanet cnn"


def test_a_pair_has_the_ratio_of_its_errors_and_the_two_sided_p_value_of_the_corrected_resampled_t_test(random):
    task = answers(random, AHEAD)
    pair = judged(task)[OVER_CNN]["numbers"]["tasks"][0]["pairs"][0]
    ours, cnn = (
        np.array([values.mean() for values in task.values[model]["accuracy"].values()]) for model in ("emanet", "cnn")
    )
    assert pair["error_ratio"] == pytest.approx((1 - ours.mean()) / (1 - cnn.mean()))
    error = np.std(ours - cnn, ddof=1) * np.sqrt(1 / 3 + 3 / 14)
    assert pair["p_resampled"] == pytest.approx(2 * stats.t.sf((ours - cnn).mean() / error, 2))


def test_one_rival_that_is_better_contradicts_the_best_and_is_named(random):
    found = judged(answers(random, AHEAD | {"vit": 7.0}))
    assert found[BEST]["verdict"] == "contradicted"
    assert "emanet − vit" in why(found[BEST])
    assert found[OVER_CNN]["verdict"] == "supported"


def test_twins_are_never_above_each_other_and_come_out_without_difference(random):
    skills = {model: 3.0 for model in SYSTEMS if model != "emanet"}
    record = judged(answers(random, skills, "chestxray", twins=[("emanet", "cnn")]))[OVER_CNN]
    assert record["verdict"] == "no difference"
    assert "within ±2 points, p < 0.001 after Holm, by two one-sided tests" in why(record)


def test_a_missing_rival_forbids_support_and_allows_contradiction(random):
    ahead, behind = (answers(random, AHEAD | changes) for changes in ({}, {"cnn": 7.0}))
    for task in (ahead, behind):
        del task.values["vit"]
    found = judged(ahead)
    assert found[BEST]["verdict"] == "no evidence"
    assert why(found[BEST]).startswith(
        "fewer than two runs of vit on simulated; no task of real images has two runs of every model; "
    )
    assert "; simulated: the weakest of the other pairs: emanet − " in why(found[BEST])
    assert found[BEST]["command"] == "python -m pipelines.train --task simulated --model vit"
    assert judged(behind)[BEST]["verdict"] == "contradicted"


def test_what_is_lacking_is_said_of_the_pooled_split_even_where_the_sources_own_lacks_less(random):
    own, pooled = answers(random, EVEN, official=True), answers(random, EVEN)
    for model in ("cnn", "vit"):
        del pooled.values[model]
    del own.values["vit"]
    record = judged(rename(own, "a-official", "a"), rename(pooled, "a"))[BEST]
    assert why(record).startswith("fewer than two runs of cnn, vit on a; ")


def test_synthetic_images_are_shown_and_never_counted(random):
    record = judged(rename(answers(random, AHEAD), "phantom", synthetic=True))[BEST]
    assert record["verdict"] == "no evidence"
    assert record["numbers"]["tasks"][0]["verdict"] == "supported"


def test_sources_that_disagree_are_mixed_and_counted(random):
    behind = EVEN | {"emanet": 0.0}
    tasks = [rename(answers(random, skills), name) for name, skills in (("a", AHEAD), ("b", AHEAD), ("c", behind))]
    record = judged(*tasks)[OVER_CNN]
    assert record["verdict"] == "mixed"
    mean, parts = record["reason"][:2]
    assert mean.startswith("the mean over 3 sources: inconclusive: emanet − cnn is ")
    assert re.search(r"I² = (99|100) %, the share of the spread over the sources that is not due to chance$", mean)
    assert parts == "of 3 sources by themselves, shown in at least 2, the opposite in at least 1, no difference in none"


def test_a_source_that_lacks_rivals_has_a_say_on_the_others(random):
    behind, lacking = rename(answers(random, EVEN | {"emanet": 0.0}), "a"), rename(answers(random, EVEN), "b")
    del behind.values["vit"], lacking.values["cnn"]
    record = judged(behind, lacking)[BEST]
    assert record["verdict"] == "contradicted"
    assert "; b: no evidence: fewer than two runs of cnn; the weakest of the other pairs: emanet − " in why(record)
    assert where(record).startswith("the mean over 1 to 2 sources, each with equal weight; a (")
    assert "; b (" in where(record) and "; without cnn)" in where(record)
    rivals = "resnet50 cnn_attention light_cnn"
    of_a, of_b = (set(command.split(" --model ")[1].split()) for command in record["command"].split(" && "))
    assert of_a == {"emanet", "cnn", *rivals.split()}
    assert of_b == {"emanet", "vit", *rivals.split()}
    del behind.values["cnn"]
    ahead = judged(rename(answers(random, AHEAD), "a"), lacking)
    assert ahead[OVER_CNN]["verdict"] == "supported"  # nothing of this pair is known on the other source
    assert ahead[BEST]["numbers"]["mean"]["missing"] == []


def test_the_opposite_by_itself_is_named_beside_the_mean(random):
    skills = {"a": AHEAD, "b": AHEAD | {"emanet": 5.0}, "c": EVEN | {"emanet": 1.4}}
    record = judged(*(rename(answers(random, of_task), name) for name, of_task in skills.items()))[OVER_CNN]
    assert record["verdict"] == "supported"
    assert record["reason"][0].endswith("is not due to chance; the opposite by itself: c")
    assert record["numbers"]["mean"]["verdict"] == "supported"
    i_squared = record["numbers"]["mean"]["pairs"][0]["i_squared"]
    assert 0.9 < i_squared <= 1
    assert f"I² = {100 * i_squared:.0f} %, the share of the spread" in record["reason"][0]
    assert not any("sources by themselves" in line for line in record["reason"])


def test_a_source_counts_once_by_the_split_of_the_papers(random):
    pooled, official = answers(random, AHEAD), answers(random, EVEN | {"emanet": 0.0}, official=True)
    tasks = [rename(official, "a-official", "a"), rename(pooled, "a", "a")]
    for order in (tasks, tasks[::-1]):
        record = judged(*order)[OVER_CNN]
        assert record["verdict"] == "supported"
        assert record["reason"][0] == "but a-official, split unknown, by itself: contradicted"
        told = next(line for line in record["reason"] if line.startswith("not counted: a-official, "))
        assert "another task on the same images: contradicted: emanet − cnn" in told
        assert told.endswith("; all runs test on the same images")
        assert "resampled" not in told
        assert "; not counted: a-official (" in where(record)
        assert {of["task"]: of["counted"] for of in record["numbers"]["tasks"]} == {"a": True, "a-official": False}
        assert record["command"].split(" --task ")[1].startswith("a a-official --model")
    assert judged(*tasks[:1])[OVER_CNN]["verdict"] == "contradicted"
    del pooled.values["vit"]
    assert judged(*tasks)["emanet_table1/accuracy/emanet-above-vit"]["verdict"] == "contradicted"
    record = judged(*tasks)[BEST]  # each pair counts once: that with vit by the source's own split
    assert record["verdict"] == "contradicted"
    assert {of["task"]: of["counted"] for of in record["numbers"]["tasks"]} == {"a": True, "a-official": True}


def test_what_is_described_and_was_not_measured_lacks_evidence(random):
    known = [quality_claim(OVER_CNN, ("emanet", "cnn"), measure="f1_macro", families=())]
    record = judged(replace(answers(random, EVEN), values={}), known=known)[OVER_CNN]
    assert record["verdict"] == "no evidence"
    assert (
        why(record)
        == "fewer than two runs of emanet, cnn on simulated; no task of real images has two runs of every model"
    )


def test_sources_of_which_none_decides_are_inconclusive(random):
    task = answers(random, EVEN, "breastmnist")
    twins = answers(random, EVEN, "breastmnist", twins=[("emanet", "cnn")])
    assert judged(rename(twins, "a"), rename(task, "b"))[OVER_CNN]["verdict"] == "inconclusive"


def test_a_single_run_decides_nothing(random):
    task = answers(random, AHEAD)
    for of_model in task.values.values():
        del of_model["accuracy"][1], of_model["accuracy"][2]
    assert judged(task)[OVER_CNN]["verdict"] == "no evidence"


def test_what_must_be_known_of_a_model_stands_in_the_scope_of_each_of_its_claims(random):
    task = answers(random, EVEN)
    task = replace(
        task,
        pixels="64 px",
        split="pooled 70/15/15",
        notes={"cnn": "small", f"{task.task}-cnn": "seen before", "vit": "slow"},
    )
    task.costs[:] = [priced(emanet={"macs": 50}, cnn={"macs": 100})]
    found = judged(task)
    assert where(found["emanet_table1/macs/emanet-below-cnn"]).endswith(
        "(64 px, one image at a time, a machine); cnn: small"
    )
    scope = where(found[OVER_CNN])
    assert "(64 px, pooled 70/15/15, " in scope and scope.endswith("; cnn: seen before); cnn: small")
