"""The interval of a mean over runs, against a calculation by hand."""

import math

import numpy as np
import pytest
from scipy import stats

from benchmark.statistics import interval

VALUES = [0.80, 0.84, 0.88]  # mean 0.84, sd 0.04


def test_pooled_runs_get_the_variance_of_the_corrected_resampled_t_test(settings):
    half = 4.302652729911275 * 0.04 * math.sqrt(1 / 3 + 3 / 14)  # t of 2 degrees of freedom at 97.5 %
    assert interval(VALUES, settings.task("phantom"), settings.pooled_split) == pytest.approx(
        (0.84, 0.84 - half, min(0.84 + half, 1))
    )


def test_official_runs_get_the_students_interval(settings):
    low, high = stats.t.interval(0.95, 2, np.mean(VALUES), stats.sem(VALUES))
    task = settings.task("breastmnist-official")
    assert interval(VALUES, task, settings.pooled_split) == pytest.approx((0.84, low, high))


def test_pooled_intervals_are_wider_than_official_ones(settings):
    _, pooled, _ = interval(VALUES, settings.task("breastmnist"), settings.pooled_split)
    _, official, _ = interval(VALUES, settings.task("breastmnist-official"), settings.pooled_split)
    assert pooled < official < 0.84


def test_a_single_run_has_no_bounds(settings):
    mean, low, high = interval([0.9], settings.task("phantom"), settings.pooled_split)
    assert mean == 0.9
    assert math.isnan(low)
    assert math.isnan(high)


def test_runs_that_agree_have_bounds_at_their_mean(settings):
    assert interval([0.9] * 3, settings.task("phantom"), settings.pooled_split) == pytest.approx((0.9, 0.9, 0.9))


def test_bounds_stay_within_zero_and_one(settings):
    _, low, high = interval([0.1, 0.9], settings.task("phantom"), settings.pooled_split)
    assert (low, high) == (0, 1)
