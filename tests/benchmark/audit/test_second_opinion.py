"""Verdicts of the committed audit, computed a second time from the files of evidence by other libraries.

Nothing of ``benchmark`` is used: predictions and records are read with pandas, variances come from regressions of
statsmodels with clustered errors, p-values from scipy and statsmodels, and a Bayesian test from baycomp.
"""

import json
from functools import cache

import baycomp
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import recall_score, roc_auc_score
from statsmodels.formula.api import ols
from statsmodels.stats.multitest import multipletests

from tests.conftest import ROOT

MARGIN, PRIOR = 0.02, 5  # the paper's margin, and the degrees of freedom that docs/protocol.md names
TASKS = ROOT / "results/tasks"
AUDIT = {record["claim"]: record for record in json.loads((ROOT / "results/audit.json").read_text(encoding="utf-8"))}
ROWS = {
    "emanet": ["cnn", "resnet50", "vit", "cnn_attention", "light_cnn", "emanet"],
    "adaptive": ["cnn", "transfer", "attention_resnet", "adaptive", "mobilenet", "shufflenet"],
}


@cache
def answers(task, model):
    """One row per answer of a model: run, image, cluster, class, and whether it is right."""
    clusters = pd.read_csv(TASKS / task / "samples.csv", dtype={"sample_id": str}).set_index("sample_id")["cluster"]
    parts = []
    for path in sorted((TASKS / task / "runs" / model).glob("run-*/predictions.csv")):
        table = pd.read_csv(path, dtype={"sample_id": str})
        likeliest = table.drop(columns=["sample_id", "label"]).to_numpy().argmax(1)
        right = (likeliest == table["label"]).astype(float)
        parts.append(
            pd.DataFrame({"run": path.parts[-2], "image": table["sample_id"], "label": table["label"], "right": right})
        )
    table = pd.concat(parts, ignore_index=True)
    return table.assign(cluster=table["image"].map(clusters))


def gaps(task, first, second):
    """One row per image and run in which both models answered."""
    both = answers(task, first).merge(answers(task, second), on=["run", "image", "label", "cluster"])
    return both.assign(gap=both["right_x"] - both["right_y"])


def variances(task, first, second):
    """The variance of the mean gap over images, and that of the means of the runs."""
    table = gaps(task, first, second)
    fit = ols("gap ~ 0 + C(run):C(label)", table).fit(cov_type="cluster", cov_kwds={"groups": table["cluster"]})
    cells = pd.Series(
        [((table["run"] == run) & (table["label"] == int(label))).sum() / (table["run"] == run).sum()
         for run, label in (name.replace("C(run)[", "").replace("C(label)[", "").rstrip("]").split("]:")
                            for name in fit.params.index)],
        fit.params.index,
    ) / table["run"].nunique()  # fmt: skip
    return float(cells @ fit.cov_params() @ cells), table.groupby("run")["gap"].mean()


def gap_and_error(paper, task, first, second):
    """The gap of a pair on one pooled task, whose runs test on other images each, and its standard error.

    The variance of runs is moderated by that of the pairs of the paper's networks (Smyth 2004).
    """
    images, means = variances(task, first, second)
    runs = len(means)
    networks = ROWS[paper]
    of_pairs = []
    for index, one in enumerate(networks):
        for other in networks[:index]:
            own, own_means = variances(task, one, other)
            of_pairs.append(own_means.var(ddof=1) - runs * own)
    usual, freedom = max(0.0, np.mean(of_pairs)), min(PRIOR, (len(networks) - 2) * (runs - 1))
    beyond = means.var(ddof=1) - runs * images
    moderated = max((freedom * usual + (runs - 1) * beyond) / (freedom + runs - 1), usual)
    error = np.sqrt(images + max(0.0, moderated) / runs)
    return means.mean(), error


def of_task(claim, task):
    return next(entry for entry in AUDIT[claim]["numbers"]["tasks"] if entry["task"] == task)["pairs"]


@pytest.mark.parametrize(
    ("claim", "task"),
    [
        ("emanet_table1/accuracy/emanet-above-vit", "breastmnist"),
        ("emanet_table1/accuracy/emanet-above-cnn", "brain-mri"),
        ("emanet_table1/accuracy/emanet-above-light_cnn", "chestxray"),
        ("adaptive_table1/accuracy/adaptive-above-transfer", "brain-mri"),
    ],
)
def test_a_gap_its_error_and_its_p_value_come_out_again_by_regression(claim, task):
    (pair,) = of_task(claim, task)
    gap, error = gap_and_error(AUDIT[claim]["paper"], task, *pair["pair"])
    half = (pair["high"] - pair["low"]) / 2 / stats.t.ppf(0.975, pair["degrees_of_freedom"])
    assert pair["gap"] == pytest.approx(gap, abs=1e-9)
    assert half == pytest.approx(error, rel=0.02)  # statsmodels corrects for few clusters otherwise
    p_value = 2 * stats.t.sf(abs(gap) / error, pair["degrees_of_freedom"])
    assert pair["p"] == pytest.approx(p_value, rel=0.1, abs=1e-4)


def headline(paper):
    """The pairs of a paper's headline: those of its proposed model, once each, by the mean over the sources."""
    pairs = {}
    for record in AUDIT.values():
        if record["paper"] == paper and record["family"] == "headline" and record["numbers"].get("mean"):
            pairs |= {tuple(pair["pair"]): pair for pair in record["numbers"]["mean"]["pairs"]}
    return pairs


@pytest.mark.parametrize("paper", ["emanet", "adaptive"])
def test_holm_over_the_headline_is_that_of_statsmodels(paper):
    pairs = list(headline(paper).values())
    assert len(pairs) == pairs[0]["adjusted_for"]
    for own, adjusted in (("p", "p_adjusted"), ("p_same", "p_same_adjusted")):
        expected = multipletests([pair[own] for pair in pairs], method="holm")[1]
        assert [pair[adjusted] for pair in pairs] == pytest.approx(list(expected), rel=1e-9)


@pytest.mark.parametrize("paper", ["emanet", "adaptive"])
def test_the_mean_over_the_sources_and_its_verdict_come_out_again(paper):
    for record in AUDIT.values():
        if record["paper"] != paper or record["family"] != "headline" or record["kind"] != "order":
            continue
        counted = [task["pairs"][0] for task in record["numbers"]["tasks"] if task["counted"]]
        (mean,) = record["numbers"]["mean"]["pairs"]
        errors = np.array(
            [(one["high"] - one["low"]) / 2 / stats.t.ppf(0.975, one["degrees_of_freedom"]) for one in counted]
        )
        gap, error = np.mean([one["gap"] for one in counted]), np.sqrt((errors**2).sum()) / len(counted)
        freedom = (errors**2).sum() ** 2 / (errors**4 / [one["degrees_of_freedom"] for one in counted]).sum()
        assert (mean["gap"], mean["degrees_of_freedom"]) == pytest.approx((gap, freedom), rel=1e-6)
        assert mean["p"] == pytest.approx(2 * stats.t.sf(abs(gap) / error, freedom), rel=1e-6, abs=1e-300)
        same = max(stats.t.sf((MARGIN + side * gap) / error, freedom) for side in (1, -1))
        assert mean["p_same"] == pytest.approx(same, rel=1e-6, abs=1e-300)
        if mean["p_same_adjusted"] <= 0.05:
            expected = "no difference"
        elif min(mean["p_adjusted"], mean.get("p_of_all", 1.0)) <= 0.05:
            expected = "supported" if gap > 0 else "contradicted"
        else:
            expected = "inconclusive"
        assert mean["verdict"] == expected
        if expected != "inconclusive":
            assert record["verdict"] == expected


@pytest.mark.parametrize(
    "claim",
    ["emanet_table1/accuracy/emanet-above-vit", "emanet_table1/accuracy/emanet-above-cnn",
     "adaptive_figure8/accuracy/adaptive-above-svm"],
)  # fmt: skip
def test_a_bayesian_correlated_t_test_agrees_on_the_direction_of_what_is_decided(claim):
    """Six runs of BreastMNIST as six folds, with the margin as region of practical equivalence."""
    first, second = of_task(claim, "breastmnist")[0]["pair"]
    accuracy = {
        model: answers("breastmnist", model).groupby("run")["right"].mean().to_numpy() for model in (first, second)
    }
    worse, same, better = baycomp.CorrelatedTTest.probs(accuracy[second], accuracy[first], rope=MARGIN)
    verdict = of_task(claim, "breastmnist") and next(
        task["verdict"] for task in AUDIT[claim]["numbers"]["tasks"] if task["task"] == "breastmnist"
    )
    likeliest = {"supported": better, "contradicted": worse, "no difference": same}
    assert worse + same + better == pytest.approx(1)
    if verdict in likeliest:
        assert likeliest[verdict] > 0.5
    else:
        assert max(worse, better) < 0.999


def test_balanced_accuracy_and_auc_of_the_headline_are_those_of_scikit_learn():
    record = AUDIT["emanet_table1/accuracy/emanet-above-vit"]
    task = next(entry for entry in record["numbers"]["tasks"] if entry["task"] == "breastmnist")
    scores = {"recall_macro": {}, "auc": {}}
    for model in ("emanet", "vit"):
        files = sorted((TASKS / "breastmnist/runs" / model).glob("run-*/predictions.csv"))
        tables = [pd.read_csv(path) for path in files]
        scores["auc"][model] = np.mean([roc_auc_score(table["label"], table["p1"]) for table in tables])
        scores["recall_macro"][model] = np.mean(
            [recall_score(table["label"], table["p1"] > table["p0"], average="macro") for table in tables]
        )
    for secondary in task["secondary"]:
        (pair,) = secondary["pairs"]
        of_models = scores[secondary["measure"]]
        assert pair["gap"] == pytest.approx(of_models["emanet"] - of_models["vit"], abs=1e-9)


def blocks(shape, model, kept_share):
    """How many times the reference's latency a model takes, in each block."""
    record = json.loads((ROOT / f"results/costs/{shape}/{model}.json").read_text(encoding="utf-8"))
    (measures,) = [one for one in record["measures"] if one["kept_share"] == kept_share]
    return measures["latency_ratio_blocks"]


def test_an_order_of_latencies_is_decided_by_an_interval_of_order_statistics():
    record = AUDIT["emanet/lowest-inference-time"]
    for condition in record["numbers"]["tasks"]:
        device = "cpu" if "one thread of" in condition["condition"] else "cuda"
        shape = f"{device}-{condition['condition'].split(' px')[0]}"
        for ratio in condition["ratios"]:
            of_both = [blocks(shape, model, ratio["kept_share"].get(model)) for model in ratio["pair"]]
            quotients = np.sort([one / other for one, other in zip(*of_both, strict=False)])
            rank = int(stats.binom.ppf(0.025, len(quotients), 0.5))  # of the lower bound; the upper one is as far in
            expected = (np.median(quotients), quotients[rank - 1], quotients[-rank])
            assert (ratio["ratio"], ratio["low"], ratio["high"]) == pytest.approx(expected, rel=1e-9)
        opposite = any(ratio["low"] > 1 for ratio in condition["ratios"])
        shown = all(ratio["high"] < 1 for ratio in condition["ratios"])
        assert condition["verdict"] == ("contradicted" if opposite else "supported" if shown else "inconclusive")
