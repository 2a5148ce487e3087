"""The mean over several sources, from gaps that are given."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from benchmark.audit import quality
from benchmark.audit.answers import Answers, Gap
from benchmark.statistics import Estimate
from tests.benchmark.audit.judging import quality_claim

ONE = quality_claim("x/one", ("a", "b"))
MARGIN = 0.02


class Task(Answers):
    """A task whose gaps between a and b, c, … are given, with their standard errors."""

    def gap(self, first, second, measure):
        estimate = self.values.get((first, second))
        return estimate and Gap(first, second, estimate, estimate, 3, 100)

    def runs(self, *models, measure="accuracy"):
        return [0, 1, 2] if set(models) <= {model for pair in self.values for model in pair} else []


def task(name, source=None, pooled=True, freedom=500, synthetic=False, **gaps):
    values = {("a", rival): Estimate(*of_rival, freedom) for rival, of_rival in gaps.items()}
    return Task(name, source or name, name, synthetic, 3 / 14 if pooled else 0.0, {}, values)


def decide(*tasks, claims=(ONE,)):
    return quality.decide_all(claims, tasks, MARGIN)


def test_what_no_source_shows_alone_the_mean_over_them_shows():
    decision = decide(*(task(name, b=(0.05, 0.03)) for name in "xyz"))["x/one"]
    assert [verdict.verdict for verdict in decision.counting] == ["inconclusive"] * 3
    assert decision.verdict == "supported"
    (test,) = decision.sources.mean.pairs
    assert test.adjusted == pytest.approx(2 * stats.norm.sf(0.05 / (0.03 / math.sqrt(3))), abs=1e-3)


def test_each_source_has_the_same_weight_however_sure_it_is():
    decision = decide(task("x", b=(0.10, 0.001)), task("y", b=(-0.02, 0.01)))["x/one"]
    assert decision.sources.mean.pairs[0].gap.estimate.value == pytest.approx(0.04)
    assert decision.heterogeneity["a", "b"] > 0.9
    assert decision.verdict == "supported"


def test_the_mean_is_held_against_the_margin_too():
    decision = decide(task("x", b=(0.025, 0.004)), task("y", b=(-0.01, 0.004)))["x/one"]
    assert decision.verdict == "no difference"
    assert decide(task("x", b=(0.04, 0.004)), task("y", b=(-0.001, 0.004)))["x/one"].verdict == "supported"


@pytest.mark.parametrize(
    ("gaps", "verdict"),
    [
        ([(0.20, 0.02), (-0.20, 0.02)], "mixed"),
        ([(0.20, 0.02), (-0.10, 0.20)], "supported in part"),
        ([(-0.20, 0.02), (0.10, 0.20)], "contradicted in part"),
        ([(0.0, 0.001), (0.0, 0.10)], "no difference in part"),
        ([(0.05, 0.0235), (-0.05, 0.10)], "inconclusive"),
    ],
)
def test_where_the_mean_is_open_single_sources_have_a_say_after_bonferroni(gaps, verdict):
    decision = decide(*(task(name, b=gap) for name, gap in zip("xyz", gaps, strict=False)))["x/one"]
    assert decision.sources.mean.verdict == "inconclusive"
    assert decision.verdict == verdict


def test_the_least_p_value_that_decides_no_more_is_that_after_bonferroni():
    decision = decide(task("x", b=(0.05, 0.0235)), task("y", b=(-0.05, 0.10)))["x/one"]
    assert [verdict.verdict for verdict in decision.counting] == ["supported", "inconclusive"]
    assert decision.sources.least_p == pytest.approx(2 * 2 * stats.t.sf(0.05 / 0.0235, 500))


def test_holm_is_over_the_family_on_the_mean_and_that_of_statsmodels():
    claims = [quality_claim(f"x/{rival}", ("a", rival)) for rival in "bcd"]
    gaps = {"b": 0.05, "c": 0.06, "d": 0.02}
    tasks = [task(name, **{rival: (gap, 0.03) for rival, gap in gaps.items()}) for name in "xy"]
    found = decide(*tasks, claims=claims)
    p_values = [2 * stats.t.sf(gap / (0.03 / math.sqrt(2)), 1000) for gap in gaps.values()]
    adjusted = [found[claim.name].sources.mean.pairs[0].adjusted for claim in claims]
    assert adjusted == pytest.approx(list(multipletests(p_values, method="holm")[1]), rel=1e-6)


def test_a_source_counts_once_and_synthetic_images_never():
    pooled, own = task("s", b=(0.05, 0.01)), task("s-official", source="s", pooled=False, b=(-0.05, 0.01))
    phantom = task("phantom", synthetic=True, b=(-0.9, 0.01))
    decision = decide(own, pooled, phantom)["x/one"]
    assert [verdict.answers.task for verdict in decision.counting] == ["s"]
    assert [verdict.answers.task for verdict in decision.not_counting] == ["s-official"]
    assert decision.verdict == "supported"


def test_a_pair_that_only_one_source_has_is_tested_there():
    claims = [quality_claim("x/b", ("a", "b")), quality_claim("x/c", ("a", "c"))]
    found = decide(task("x", b=(0.1, 0.01), c=(0.1, 0.01)), task("y", b=(0.1, 0.01)), claims=claims)
    assert [len(found[name].counting) for name in ("x/b", "x/c")] == [2, 1]
    assert {found[name].verdict for name in ("x/b", "x/c")} == {"supported"}


def test_the_mean_over_sources_has_the_error_that_simulation_gives():
    random, errors = np.random.default_rng(4), np.array([0.01, 0.03, 0.02])
    drawn = (random.normal(0, errors, (20_000, 3)).mean(1)).std()
    decision = decide(*(task(name, b=(0.0, error)) for name, error in zip("xyz", errors, strict=True)))["x/one"]
    assert decision.sources.mean.pairs[0].gap.estimate.error == pytest.approx(drawn, rel=0.03)
