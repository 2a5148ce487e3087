"""Claims on costs, under each condition and over all."""

import re

import pytest

from benchmark.audit.claims import CostClaim
from tests.benchmark.audit.judging import EVEN, SYSTEMS, judged, priced, rename, where, why
from tests.benchmark.audit.simulator import answers


@pytest.mark.parametrize(
    ("macs", "latency", "verdicts"),
    [
        ((50, 100), (1.0, 2.0), ("supported", "supported")),
        ((100, 50), (2.0, 1.0), ("contradicted", "contradicted")),
        ((50, 50), (1.0, 1.0), ("no difference", "inconclusive")),
    ],
)
def test_costs_are_compared_and_latencies_whose_interval_reaches_one_are_not_told_apart(
    random, macs, latency, verdicts
):
    task = answers(random, EVEN)
    numbers = zip(("emanet", "cnn"), macs, latency, strict=True)
    task.costs.append(priced(**{model: {"macs": count, "latency_ms": time} for model, count, time in numbers}))
    found = judged(task)
    names = ("emanet_table1/macs/emanet-below-cnn", "emanet_table1/latency_ms/emanet-below-cnn")
    assert tuple(found[name]["verdict"] for name in names) == verdicts
    assert found["emanet/lowest-inference-time"]["verdict"] in ("contradicted", "no evidence")
    assert found[names[1]]["command"] == "python -m pipelines.cost --shape cpu-64 --verify"


def test_one_rival_that_costs_less_contradicts_the_cheapest(random):
    task = answers(random, EVEN)
    times = {model: {"latency_ms": 2.0} for model in SYSTEMS} | {"emanet": {"latency_ms": 1.0, "kept_share": 0.4}}
    task.costs.append(priced(kept={"emanet": 0.4}, **times))
    found = judged(task)["emanet/lowest-inference-time"]
    assert found["verdict"] == "supported"
    assert where(found) == "simulated (64 px, one image at a time, a machine, emanet keeps 40 %)"
    task.costs[:] = [priced(**times | {"light_cnn": {"latency_ms": 0.5}})]
    record = judged(task)["emanet/lowest-inference-time"]
    assert record["verdict"] == "contradicted"
    assert re.fullmatch(
        r"simulated, 64 px: emanet takes (1\.9|2\.0)\d \[1\.\d\d, 2\.\d\d\] times the latency of light_cnn"
        r"; 4 of 5 pairs are as claimed",
        why(record),
    )
    rates = {"emanet": 100, "light_cnn": 400}
    for model, rate in rates.items():
        task.costs[0].models[model]["throughput_per_s"] = rate
    record = judged(task)["emanet/lowest-inference-time"]
    assert "times the latency of light_cnn (4.00 times per image in batches); 4 of 5 pairs" in why(record)


def test_a_rival_with_as_many_operations_contradicts_the_fewest(random):
    task = answers(random, EVEN)
    task.costs[:] = [priced(emanet={"macs": 50}, cnn={"macs": 100}, vit={"macs": 50})]
    pairs = (("emanet", "cnn"), ("emanet", "vit"))
    claim = CostClaim(name="x/fewest", paper="x", place="p", kind="cheaper", says="s", measure="macs", pairs=pairs)
    record = judged(task, known=[claim])["x/fewest"]
    assert record["verdict"] == "contradicted"
    assert why(record).endswith("emanet takes 1.00 times the MACs of vit; 1 of 2 pairs are as claimed")


def test_costs_that_depend_on_the_condition_are_mixed(random):
    name = "emanet_table1/macs/emanet-below-cnn"
    tasks = [rename(answers(random, EVEN), task) for task in ("a", "b")]
    counts = [priced(size, emanet={"macs": macs}, cnn={"macs": 100}) for size, macs in ((64, 50), (224, 150))]
    for task, costs in zip(tasks, counts, strict=True):
        task.costs[:] = [costs]
    assert judged(*tasks)[name]["verdict"] == "mixed"
    tasks[0].costs[:] = counts
    record = judged(tasks[0])[name]
    assert record["verdict"] == "mixed"
    under = "px, one image at a time, a machine)"
    assert where(record) == f"supported: a (64 {under}; contradicted: a (224 {under}"
    assert why(record) == (
        "a, 64 px: emanet takes 0.50 times the MACs of cnn; a, 224 px: emanet takes 1.50 times the MACs of cnn"
    )


def test_a_split_changes_no_cost(random):
    name, counts = "emanet_table1/macs/emanet-below-cnn", priced(emanet={"macs": 50}, cnn={"macs": 100})
    pooled, official = rename(answers(random, EVEN), "a"), rename(answers(random, EVEN, official=True), "b", "a")
    for task in (pooled, official):
        task.costs[:] = [counts]
    assert where(judged(pooled, official)[name]) == "a (64 px, one image at a time, a machine)"
    del pooled.costs[:]
    assert where(judged(pooled, official)[name]) == "b (64 px, one image at a time, a machine)"


def test_a_ratio_of_counts_near_one_is_told_apart_from_one(random):
    task = answers(random, EVEN)
    task.costs[:] = [priced(emanet={"macs": 10_003}, cnn={"macs": 10_000})]
    record = judged(task)["emanet_table1/macs/emanet-below-cnn"]
    assert record["verdict"] == "contradicted"
    assert why(record) == "simulated, 64 px: emanet takes 1.0003 times the MACs of cnn"


def test_what_a_mask_keeps_is_said_to_be_taken_from_the_size_that_it_was_trained_at(random):
    task = answers(random, EVEN)
    of = {"emanet": {"macs": 50, "kept_share": 0.4}, "cnn": {"macs": 100}}
    kept = {"emanet": 0.35}
    task.costs[:] = [priced(kept=kept, **of), priced(224, kept=kept, **of)]
    scope = where(judged(task)["emanet_table1/macs/emanet-below-cnn"])
    assert "(64 px, one image at a time, a machine, emanet keeps 35 %, measured at 40 %)" in scope
    assumed = "emanet is assumed to keep 35 %, as at 64 px, measured at 40 %"
    assert f"(224 px, one image at a time, a machine, {assumed})" in scope
    task.costs[:] = [priced(**of)]
    assert "emanet is assumed to keep 50 %, measured at 40 %)" in where(
        judged(task)["emanet_table1/macs/emanet-below-cnn"]
    )


def test_what_a_mask_keeps_at_a_size_is_taken_from_the_task_of_the_source_that_has_this_size(random):
    small, large = answers(random, EVEN), answers(random, EVEN)
    less, more = (
        {"emanet": {"macs": macs, "kept_share": share}, "cnn": {"macs": 100}} for macs, share in ((50, 0.4), (150, 0.6))
    )
    small.costs[:] = [priced(kept={"emanet": 0.4}, **less), priced(224, kept={"emanet": 0.4}, **less)]
    large.costs[:] = [priced(224, kept={"emanet": 0.6}, **more)]
    large = rename(large, "large", source=small.source)
    for tasks in ((small, large), (large, small)):
        record = judged(*tasks)["emanet_table1/macs/emanet-below-cnn"]
        assert record["verdict"] == "mixed"
        assert "large (224 px, one image at a time, a machine, emanet keeps 60 %)" in where(record)
        assert "as at 64 px" not in where(record)


def test_costs_measured_on_synthetic_images_are_shown_and_decide_nothing(random):
    task = rename(answers(random, EVEN), "phantom", synthetic=True)
    task.costs[:] = [priced(emanet={"macs": 50}, cnn={"macs": 100})]
    record = judged(task, rename(answers(random, EVEN), "real"))["emanet_table1/macs/emanet-below-cnn"]
    assert record["verdict"] == "no evidence"
    assert record["numbers"]["tasks"][0]["verdict"] == "supported"
    assert record["command"] == "dvc repro cost"
