"""Whether 90 % means 90 %."""

import math

import numpy as np
import pytest

from ccanalytics.metrics.intervals import (
    interval,
    median_interval,
    ratio,
    resampled_sums,
    widening,
)
from ccanalytics.metrics.ratios import Matrix

REPLICATIONS = 400


def cost_and_commits(random, shape):
    """Skewed use: a few people make most of the cost, and commits go with it, loosely."""
    use = random.lognormal(0, 1, shape)
    commits = random.poisson(2.5 * use * random.lognormal(-0.3, 0.8, shape))
    return 8 * use * random.lognormal(0, 0.5, shape), commits.astype(float)


def decisions(random, shape):
    """Proposals as skewed as use, accepted at a rate of one's own."""
    proposals = random.poisson(20 * random.lognormal(0, 1, shape))
    return random.binomial(proposals, random.beta(8, 2, shape)) * 1.0, proposals * 1.0


def landings(random, shape):
    """Seven of ten people have a commit."""
    return (random.random(shape) < 0.7) * 1.0, np.ones(shape)


def cost_and_days(random, shape):
    """Cost by day skewed from person to person."""
    days = random.integers(1, 6, shape) * 1.0
    return days * 6 * random.lognormal(0, 0.8, shape), days


def coverage(sample, n, seed):
    """How often the interval of `n` people holds the ratio of a million."""
    random = np.random.default_rng(seed)
    top, bottom = sample(random, 1_000_000)
    truth = top.sum() / bottom.sum()
    bounds = Matrix(*sample(random, (n, REPLICATIONS))).ratios()
    return np.mean([low <= truth <= high for low, high in bounds])


@pytest.mark.parametrize("n", [40, 80, 120])
@pytest.mark.parametrize("sample", [cost_and_commits, decisions, landings, cost_and_days])
def test_nine_intervals_in_ten_hold_the_truth(sample, n):
    """At the sizes of real organisations; 2.5 points are the error of 400 replications."""
    assert 0.87 - 0.025 <= coverage(sample, n, seed=n) <= 0.93 + 0.025


def test_on_average_the_coverage_is_between_87_and_93_percent():
    """The error of 4,800 replications is under a point."""
    samples = (cost_and_commits, decisions, landings, cost_and_days)
    every = [coverage(sample, n, seed=7 * n) for sample in samples for n in (40, 80, 120)]
    assert 0.87 <= np.mean(every) <= 0.93


def test_the_same_actors_have_the_same_interval():
    """No chance from run to run."""
    top, bottom = cost_and_commits(np.random.default_rng(1), (40, 1))
    assert Matrix(top, bottom).ratios() == Matrix(top, bottom).ratios()


def test_weights_are_drawn_with_replacement_in_every_chunk():
    """Each replicate draws as many actors as there are, also when they come in chunks."""
    sums = resampled_sums(np.ones((3000, 1)))
    assert sums.shape == (2000, 1)
    assert (sums == 3000).all()
    assert len(np.unique(resampled_sums(np.arange(3000.0)[:, None]))) > 1900


def test_four_actors_have_no_interval():
    """Too few to say."""
    top = np.array([[1.0], [2.0], [3.0], [4.0]])
    assert all(math.isnan(end) for end in Matrix(top, np.ones((4, 1))).ratios()[0])


def test_actors_who_do_not_differ_have_no_interval():
    """Six of six is 100 %, but not for certain."""
    assert all(math.isnan(end) for end in Matrix(np.ones((6, 1)), np.ones((6, 1))).ratios()[0])


def test_a_denominator_that_often_vanishes_leaves_no_interval():
    """One committer among thirty is often not drawn."""
    commits = np.zeros((30, 1))
    commits[3] = 25
    assert all(math.isnan(end) for end in Matrix(np.arange(30.0)[:, None], commits).ratios()[0])


def test_people_of_other_weeks_do_not_narrow_a_week():
    """Twelve people active in one week are twelve, however many were active in the next."""
    few = np.zeros((200, 2))
    few[:12, 0] = np.arange(12.0)
    few[:, 1] = 1
    days = np.zeros((200, 2))
    days[:12, 0] = 1
    days[:, 1] = 1
    low, high = Matrix(few, days).ratios()[0]
    alone_low, alone_high = Matrix(few[:12, :1], days[:12, :1]).ratios()[0]
    assert high - low == pytest.approx(alone_high - alone_low, rel=0.1)


def test_fewer_and_less_equal_actors_need_more_room():
    """One giant among fifty is worth no fifty."""
    even, giant = np.arange(50.0), np.r_[np.arange(49.0) / 49, 100]
    assert 1 < widening(even) < widening(np.arange(8.0)) < widening(giant)


def test_the_value_lies_in_its_interval():
    """Even where every replicate is on one side."""
    low, high = interval(5.0, np.linspace(6, 7, 100), np.arange(10.0))
    assert low == 5.0 <= high


def test_the_median_interval_uses_the_order_alone():
    """Of nine values, the second and the eighth hold the median in 96 of 100 samples."""
    assert median_interval(np.arange(1.0, 10.0)) == (2.0, 8.0)
    assert median_interval(np.array([1, 2, 3, 4, 5e9])) == (1, 5e9)
    assert all(math.isnan(end) for end in median_interval(np.arange(4.0)))


def test_dividing_by_zero_is_null():
    """Not infinite, and without a warning."""
    result = ratio(np.array([1.0, 0.0, 4.0]), np.array([0.0, 0.0, 2.0]))
    assert np.isnan(result[:2]).all()
    assert result[2] == 2
