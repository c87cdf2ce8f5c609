"""Whether 90 % means 90 %: how much a figure varies from week to week."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccanalytics.metrics.own_history import (
    ratio,
    scatter,
    student,
    week_intervals,
    wilson,
)

WEEKS = 12
ALL = np.ones(WEEKS, dtype=bool)


def cost_and_commits(random, n):
    """People with skewed, constant habits and varying weeks. The truth is 8 / 2.5 dollars."""
    work = random.lognormal(0, 1, (n, 1)) * random.lognormal(-0.08, 0.4, (n, WEEKS))
    return 8 * work * random.lognormal(-0.125, 0.5, (n, WEEKS)), random.poisson(2.5 * work) * 1.0


def decisions(random, n):
    """Proposals as skewed as usage, four of five accepted."""
    proposals = random.poisson(20 * random.lognormal(0, 1, (n, 1)), (n, WEEKS))
    return random.binomial(proposals, 0.8) * 1.0, proposals * 1.0


def landings(random, n):
    """Seven of ten people commit in a week."""
    return (random.random((n, WEEKS)) < 0.7) * 1.0, np.ones((n, WEEKS))


@pytest.mark.parametrize("n", [20, 40, 120])
@pytest.mark.parametrize(
    ("sample", "is_share", "truth"),
    [(cost_and_commits, False, 8 / 2.5), (decisions, True, 0.8), (landings, True, 0.7)],
)
def test_nine_intervals_in_ten_contain_the_true_value(sample, is_share, truth, n):
    """All weeks of 200 organisations."""
    randoms = [np.random.default_rng([seed, n]) for seed in range(200)]
    ends = np.concatenate([week_intervals(*sample(random, n), ALL, is_share) for random in randoms])
    assert 0.88 <= np.mean((ends[:, 0] <= truth) & (truth <= ends[:, 1])) <= 0.94


def test_weeks_of_equal_weight_vary_like_a_sample():
    """For 1, 2, 3, 4 and 5 the standard deviation is the root of 2.5, and t(4) is 2.132."""
    errors = scatter(np.arange(1.0, 6.0), np.ones(5))
    assert errors == pytest.approx([np.sqrt(2.5)] * 5)
    assert student(4) == pytest.approx(2.132, abs=1e-3)


def test_a_week_with_half_the_people_has_a_wider_interval():
    """Twice the variance of the other weeks."""
    errors = scatter(np.array([1.0, 2.0, 1.0, 2.0]), np.array([1.0, 1.0, 1.0, 2.0]))
    assert errors[3] / errors[0] == pytest.approx(np.sqrt(2))


def test_three_weeks_have_no_interval():
    """Three are too few to estimate variation; a fourth, withheld week does not count."""
    top, bottom = cost_and_commits(np.random.default_rng(1), 20)
    assert np.isnan(week_intervals(top[:, :3], bottom[:, :3], ALL[:3])).all()
    assert np.isnan(week_intervals(top[:, :4], bottom[:, :4], np.array([1, 1, 0, 1]) > 0)).all()
    assert np.isfinite(week_intervals(top[:, :4], bottom[:, :4], ALL[:4])).all()


def test_six_of_six_is_not_certainty():
    """Weeks that never differ are as certain as six people are."""
    low, high = week_intervals(np.ones((6, WEEKS)), np.ones((6, WEEKS)), ALL, True)[-1]
    assert high == pytest.approx(1)
    assert low == pytest.approx(1 / (1 + student(11) ** 2 / 6))


def test_wilsons_interval_of_nothing_in_ten():
    """0 to z^2 / (n + z^2) with z = 1.645."""
    assert wilson(0.0, 10) == pytest.approx([0, 2.7055 / 12.7055], abs=1e-4)


COUNTS = st.lists(st.integers(0, 20), min_size=3 * WEEKS, max_size=3 * WEEKS)


@given(COUNTS, COUNTS, st.booleans())
def test_a_value_lies_within_its_own_interval(some, others, is_share):
    """Whatever rounding does, also of a share of nobody or everybody, which ends at 0 or 1."""
    top = np.array(some, dtype="float64").reshape(3, WEEKS)
    bottom = np.array(others, dtype="float64").reshape(3, WEEKS) + top * is_share
    low, high = week_intervals(top, bottom, ALL, is_share).T
    value = ratio(top.sum(axis=0), bottom.sum(axis=0))
    known = np.isfinite(low)
    assert (low <= value)[known].all()
    assert (value <= high)[known].all()
    assert not is_share or ((low >= 0) & (high <= 1))[known].all()


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_an_interval_never_leaves_out_its_share_by_rounding(share):
    """A fourth of such intervals once ended a last digit short of 1, or past it."""
    low, high = wilson(share, np.linspace(1, 500, 10_000))
    assert ((low >= 0) & (low <= share) & (share <= high) & (high <= 1)).all()


def test_dividing_by_zero_is_null():
    """Not infinite, and without a warning."""
    result = ratio(np.array([1.0, 0.0, 4.0]), np.array([0.0, 0.0, 2.0]))
    assert np.isnan(result[:2]).all()
    assert result[2] == 2
