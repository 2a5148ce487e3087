"""Estimates, intervals and tests, against scipy, statsmodels and calculations by hand."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import DescrStatsW

from benchmark.statistics import (
    Design,
    Estimate,
    RunVariance,
    crossed,
    heterogeneity,
    holm,
    images_needed,
    mean_over,
    over_images,
    ratio,
    resampled,
    shown_in,
    usual_variance,
)

VALUES = np.array([0.03, -0.01, 0.05, 0.02, 0.04])
EXACT = {"rel": 1e-9, "abs": 1e-12}


@pytest.fixture
def random():
    return np.random.default_rng(3)


def same_images(random, runs=4, images=30, of_run=0.3):
    """Values of runs on the same images, and their design."""
    values = random.normal(size=images) + random.normal(0, of_run, (runs, 1)) + random.normal(size=(runs, images))
    run, image = np.indices(values.shape)
    return values.ravel(), Design(run.ravel(), image.ravel())


def other_images(random, runs=4, images=30, of_run=0.3):
    """Values of runs on other images each, and their design."""
    values, design = same_images(random, runs, images, of_run)
    return values, Design(design.run, np.arange(len(values)))


def test_runs_on_the_same_images_have_the_two_way_analysis_of_variance(random):
    values, design = same_images(random)
    table = pd.DataFrame({"value": values, "run": design.run, "image": design.cluster})
    squares = anova_lm(ols("value ~ C(run) + C(image)", table).fit())["mean_sq"]
    images, of_run = squares["C(image)"] / 120, squares["C(run)"] / 120
    runs = of_run - squares["Residual"] / 120
    assert runs > 0
    found = crossed(values, design)
    assert found.value == pytest.approx(values.mean(), **EXACT)
    assert found.error**2 == pytest.approx(images + runs, **EXACT)
    assert found.freedom == pytest.approx((images + runs) ** 2 / (images**2 / 29 + of_run**2 / 3), **EXACT)


def test_runs_on_other_images_have_the_variance_of_their_means_where_that_is_larger(random):
    values, design = other_images(random, of_run=1.0)
    means = values.reshape(4, 30).mean(1)
    within = values.reshape(4, 30).var(1, ddof=1).mean() / 120
    found = crossed(values, design)
    assert means.var(ddof=1) / 4 > within
    assert found.error == pytest.approx(stats.sem(means), **EXACT)
    assert found.freedom == pytest.approx(found.error**4 / (within**2 / 116 + found.error**4 / 3), **EXACT)


def test_runs_that_differ_by_no_more_than_their_images_have_the_variance_of_images(random):
    values, design = other_images(random)
    values -= np.repeat(values.reshape(4, 30).mean(1), 30)
    assert crossed(values, design).error ** 2 == pytest.approx(
        values.reshape(4, 30).var(1, ddof=1).mean() / 120, **EXACT
    )


def test_what_classes_differ_by_is_no_chance_where_splits_are_stratified(random):
    label = np.repeat([0, 1, 2], [60, 30, 10])
    values = random.normal(size=100) + 5.0 * label
    found = over_images(values, Design(np.zeros(100, int), np.arange(100), label))
    of_classes = [(sum(label == c) / 100) ** 2 * values[label == c].var(ddof=1) / sum(label == c) for c in range(3)]
    freedom = sum(of_classes) ** 2 / sum(
        part**2 / (count - 1) for part, count in zip(of_classes, (60, 30, 10), strict=True)
    )
    assert found.value == pytest.approx(values.mean(), **EXACT)
    assert found.error**2 == pytest.approx(sum(of_classes), **EXACT)
    assert found.freedom == pytest.approx(freedom, **EXACT)
    assert over_images(values, Design(np.zeros(100, int), np.arange(100))).error > 3 * found.error


def test_classes_are_not_told_apart_where_a_run_has_a_single_cluster_of_one(random):
    values, label = random.normal(size=20), np.array([0] * 19 + [1])
    together = over_images(values, Design(np.zeros(20, int), np.arange(20)))
    assert over_images(values, Design(np.zeros(20, int), np.arange(20), label)) == together


def test_classes_are_not_told_apart_where_one_of_several_runs_has_a_single_cluster_of_one(random):
    values, run = random.normal(size=40), np.repeat([0, 1], 20)
    label = np.array([0] * 19 + [1] + [0] * 15 + [1] * 5)
    assert crossed(values, Design(run, np.arange(40), label)) == crossed(values, Design(run, np.arange(40)))


def test_the_variance_within_classes_is_right_on_average(random):
    label, run = np.tile(np.repeat([0, 1], [14, 6]), 3), np.repeat([0, 1, 2], 20)
    estimates = [
        over_images(random.normal(size=60) + 2.0 * label, Design(run, np.arange(60), label)) for _ in range(3000)
    ]
    assert np.mean([one.error**2 for one in estimates]) == pytest.approx(1 / 60, rel=0.1)
    assert np.var([one.value for one in estimates]) == pytest.approx(1 / 60, rel=0.1)


def test_copies_of_an_image_count_as_one(random):
    values, design = other_images(random)
    twice = Design(np.repeat(design.run, 2), np.repeat(design.cluster, 2))
    one, two = crossed(values, design), crossed(np.repeat(values, 2), twice)
    assert (two.value, two.error, two.freedom) == pytest.approx((one.value, one.error, one.freedom), **EXACT)


def test_the_usual_spread_of_runs_is_the_mean_over_models_or_over_their_pairs(random):
    values, design = other_images(random, runs=40)
    columns = [values + np.repeat(random.normal(0, 1.0, 40), 30) for _ in range(6)]
    assert usual_variance(columns, design, paired=True).variance == pytest.approx(
        2.0, rel=0.3
    )  # of a pair: two draws of sd 1
    assert usual_variance(columns, design, paired=False).variance == pytest.approx(
        1.1, rel=0.4
    )  # and what `values` has


def test_runs_that_differ_by_less_than_their_images_explain_usually_do_not_vary(random):
    values, design = other_images(random)
    values -= np.repeat(values.reshape(4, 30).mean(1), 30)
    columns = [values, -values, 2 * values]
    assert [usual_variance(columns, design, paired).variance for paired in (True, False)] == [0, 0]


@pytest.mark.parametrize(("models", "freedom"), [(6, 5), (4, 5), (3, 3)])
def test_what_is_usual_counts_for_what_other_models_tell_but_five_degrees_at_most(random, models, freedom):
    values, design = other_images(random)
    assert usual_variance([values] * models, design, paired=True).freedom == freedom
    assert usual_variance([values] * 2, design, paired=True) is None


def test_the_usual_spread_of_runs_is_the_least_and_adds_its_degrees_of_freedom(random):
    values, design = other_images(random)
    values -= np.repeat(values.reshape(4, 30).mean(1), 30)
    images = values.reshape(4, 30).var(1, ddof=1).mean() / 120
    assert crossed(values, design, RunVariance(0.5, 4)).error ** 2 == pytest.approx(images + 0.5 / 4, **EXACT)
    wild = values + np.repeat([1.0, -1.0, 1.0, -1.0], 30)
    found = crossed(wild, design, RunVariance(0.5, 4))
    of_runs = (4 * 0.5 / 4 + 3 * (4 / 3 / 4 - images)) / 7
    assert found.error**2 == pytest.approx(images + of_runs, **EXACT)
    expected = found.error**4 / (images**2 / 116 + (of_runs + images) ** 2 / 7)
    assert found.freedom == pytest.approx(expected, **EXACT)


def test_a_single_run_has_no_bounds():
    found = crossed(np.array([0.0, 1.0, 1.0]), Design(np.zeros(3, int), np.arange(3)))
    assert found.value == pytest.approx(2 / 3)
    assert all(map(math.isnan, (*found.interval(), found.above(), found.within(0.1))))
    assert all(map(math.isnan, resampled([0.9], 0.2).interval()))


def test_the_bounds_of_a_share_are_shares():
    assert Estimate(0.9, 0.1, 1).interval()[1] > 1
    assert Estimate(0.9, 0.1, 1).of_share() == (0.9, 0, 1)
    assert Estimate(0.9, 0.01, 9).of_share() == (0.9, *Estimate(0.9, 0.01, 9).interval())
    assert all(map(math.isnan, resampled([0.9], 0.2).of_share()[1:]))


def test_where_all_images_are_answered_alike_the_variance_is_as_if_two_more_were_not():
    design = Design(np.repeat([0, 1], 5), np.arange(10))
    for value in (0.0, 1.0):
        found = crossed(np.full(10, value), design)
        assert (found.value, found.error) == (value, pytest.approx(2 / 12, **EXACT))
        assert over_images(np.full(10, value), design) == found
    assert crossed(np.zeros(10), design).within(0.02) > 0.05  # ten images do not show that there is no difference


@pytest.mark.parametrize("images", [20, 100, 1000])
def test_the_interval_of_images_that_are_all_right_is_a_little_wider_than_the_exact_one(images):
    low, _ = over_images(np.ones(images), Design(np.zeros(images, int), np.arange(images))).interval()
    exact = stats.binomtest(images, images).proportion_ci().low
    assert exact - 0.2 * (1 - exact) < low < exact


def test_a_thousand_images_that_two_models_answer_alike_show_no_difference():
    assert crossed(np.zeros(1000), Design(np.repeat([0, 1], 500), np.arange(1000))).within(0.02) < 0.05


def test_classes_are_not_told_apart_where_each_is_answered_alike():
    label = np.repeat([0, 1], [3, 97])
    values = (label == 0).astype(float)
    design = Design(np.zeros(100, int), np.arange(100), label)
    assert over_images(values, design).error == pytest.approx(stats.sem(values), **EXACT)
    assert over_images(np.ones(100), design).error == pytest.approx(2 / 102, **EXACT)
    copies = over_images(np.ones(100), Design(np.zeros(100, int), np.repeat([0, 1, 2, 3], 25)))
    assert copies.error == pytest.approx(2 / 6, **EXACT)
    single = over_images(np.ones(1), Design(np.zeros(1, int), np.zeros(1, int)))
    assert (single.error, single.freedom) == (pytest.approx(2 / 3), 1)


def test_an_interval_and_both_tails_are_students():
    found = Estimate(VALUES.mean(), stats.sem(VALUES), 4)
    assert found.interval() == pytest.approx(stats.t.interval(0.95, 4, VALUES.mean(), stats.sem(VALUES)), **EXACT)
    assert found.above() == pytest.approx(stats.ttest_1samp(VALUES, 0, alternative="greater").pvalue, **EXACT)
    assert found.below(0.04) == pytest.approx(stats.ttest_1samp(VALUES, 0.04, alternative="less").pvalue, **EXACT)


def test_equivalence_is_that_of_statsmodels():
    found = Estimate(VALUES.mean(), stats.sem(VALUES), 4)
    assert found.within(0.05) == pytest.approx(DescrStatsW(VALUES).ttost_mean(-0.05, 0.05)[0], **EXACT)


def test_the_detectable_gap_is_found_with_the_power_it_says():
    """By the non-central t distribution, which the sum of two quantiles comes close to."""
    found = Estimate(0.0, 0.02, 30)
    shift = found.detectable(0.05) / 0.02
    assert 1 - stats.nct.cdf(stats.t.ppf(0.975, 30), 30, shift) == pytest.approx(0.80, abs=0.01)


def test_the_corrected_resampled_t_test_is_that_of_nadeau_and_bengio():
    found = resampled([0.80, 0.84, 0.88], 3 / 14)
    assert found.error == pytest.approx(0.04 * math.sqrt(1 / 3 + 3 / 14), **EXACT)
    assert found.freedom == 2


def test_without_overlap_it_is_the_t_test():
    assert 2 * resampled(VALUES, 0).above() == pytest.approx(stats.ttest_1samp(VALUES, 0).pvalue, **EXACT)


@pytest.mark.parametrize("p_values", [[0.01, 0.04, 0.03, 0.005], [0.5, 0.5], [0.02], [], [1.0, 1e-9, 0.2]])
def test_holm_is_that_of_statsmodels(p_values):
    expected = multipletests(p_values, method="holm")[1] if p_values else []
    assert holm(p_values) == pytest.approx(list(expected), **EXACT)


@pytest.mark.parametrize(
    ("p_values", "count"),
    [
        ([0.01, 0.02, 0.03], 3),
        ([0.01, 0.02, 0.2], 2),
        ([0.01, 0.03, 0.2], 1),
        ([0.02, 0.03, 0.2], 0),
        ([0.02, 0.024, 0.9], 0),  # two of three alone would pass, one of three does not
        ([0.04], 1),
        ([], 0),
    ],
)
def test_a_claim_shown_in_as_many_sources_as_the_partial_conjunction_says(p_values, count):
    assert shown_in(p_values, 0.05) == count


def test_the_images_a_gap_needs_are_those_of_the_design():
    assert images_needed(0.969, 0.946) == (339, 1210)


def test_so_many_images_show_the_gap_four_times_of_five():
    """McNemar's test on as many images, by simulation."""
    _, images = images_needed(0.969, 0.946)
    random = np.random.default_rng(0)
    apart = [(random.random((2, images)) < [[0.969], [0.946]]).astype(int) for _ in range(4000)]
    gained = np.array([np.bincount(one - other + 1, minlength=3)[[2, 0]] for one, other in apart])
    found = (gained[:, 0] - gained[:, 1]) / np.sqrt(np.maximum(gained.sum(1), 1)) > stats.norm.ppf(0.975)
    assert found.mean() == pytest.approx(0.80, abs=0.03)


@pytest.mark.parametrize("blocks", [8, 24])
def test_a_ratio_is_the_median_over_blocks_with_the_interval_of_order_statistics(blocks):
    random = np.random.default_rng(3)
    first, second = random.lognormal(0.5, 0.05, blocks), random.lognormal(0, 0.05, blocks)
    found, apart = ratio(first / second), np.sort(first / second)
    rank = int(stats.binom.ppf(0.025, blocks, 0.5))  # of the lower bound; the upper one is as far from the top
    assert found.value == pytest.approx(np.median(apart), abs=1e-12)
    assert (found.low, found.high) == (apart[rank - 1], apart[-rank])
    assert found.half_width == pytest.approx((found.high - found.low) / 2 / found.value, abs=1e-12)


def test_one_disturbed_block_does_not_move_a_ratio_much():
    calm = [1.0, 1.01, 0.99, 1.0, 1.0, 1.01, 0.99, 1.0]
    assert ratio([*calm, 9.0]).high < 1.03


def test_few_blocks_bound_no_ratio():
    assert ratio([1, 2, 3, 4, 5]).half_width == np.inf


def test_the_mean_over_two_sources_has_welchs_test(random):
    first, second = random.normal(0.02, 0.1, 12), random.normal(0.03, 0.3, 7)
    found = mean_over([Estimate(sample.mean(), stats.sem(sample), len(sample) - 1) for sample in (first, second)])
    welch = stats.ttest_ind(first, -second, equal_var=False)
    assert found.value == pytest.approx((first.mean() + second.mean()) / 2, **EXACT)
    assert (found.freedom, found.two_sided()) == pytest.approx((welch.df, welch.pvalue), **EXACT)


def test_the_mean_over_one_source_is_that_source_and_certain_ones_stay_certain():
    one = Estimate(0.01, 0.02, 5)
    found = mean_over([one])
    assert (found.value, found.error, found.freedom) == pytest.approx((0.01, 0.02, 5), **EXACT)
    certain = Estimate(0.04, 0.0, math.inf)
    assert mean_over([certain, certain]).two_sided() == 0
    assert mean_over([one, certain]).freedom == pytest.approx(5, **EXACT)


def test_heterogeneity_is_that_of_statsmodels():
    values, errors = np.array([0.02, 0.05, -0.03]), np.array([0.01, 0.02, 0.015])
    estimates = [Estimate(*both, 20) for both in zip(values, errors, strict=True)]
    assert heterogeneity(estimates) == pytest.approx(combine_effects(values, errors**2).i2, **EXACT)
    assert heterogeneity(estimates[:1]) == 0
    assert heterogeneity([Estimate(0.02, 0.01, 20)] * 3) == 0
    assert heterogeneity([Estimate(value, 0.01, 20) for value in (0.020, 0.021, 0.022)]) == 0


def test_one_run_has_the_variance_of_its_images(random):
    values = random.normal(size=50)
    found = over_images(values, Design(np.zeros(50, int), np.arange(50)))
    assert (found.value, found.error) == pytest.approx((values.mean(), stats.sem(values)), **EXACT)
