"""The last closed week against the one before, and what is said about it."""

import math

import numpy as np
import pandas as pd
import pytest
from builders import dataset, record

import ccanalytics as m
from ccanalytics.metrics.change import Headline, against_median, change_interval
from ccanalytics.metrics.ratios import Matrix

BEFORE, LAST = "2026-11-09", "2026-11-16"


def person(n, day=LAST, cents=100, **measures):
    models = {"claude-sonnet-5": {"output": 100, "cents": cents}}
    return record(day, f"p{n}@x.example", models=models, **measures)


def week(day, commits=3, cents=100, people=10):
    """`people` with a different cost each, around `cents`."""
    return [person(n, day, cents=cents + 10 * n, commits=commits) for n in range(people)]


def two_weeks(records, **options):
    return dataset(records, BEFORE, "2026-11-22", **options)


def false_alarms(metric, sample, n, replications=300):
    """How often two weeks that differ by chance alone are said to differ."""
    random = np.random.default_rng(n)
    alarms = 0
    for _ in range(replications):
        actors = sample(random, n)
        sums = actors.top.sum(axis=0)
        values = sums / actors.bottom.sum(axis=0) if metric.is_ratio else sums
        low, high = change_interval(values[1] - values[0], actors, metric)
        alarms += low > 0 or high < 0
    return alarms / replications


def costs_and_commits(random, n):
    """Two weeks of the same people: habits stay, a fifth is away in each, the rest is chance."""
    use = random.lognormal(0, 1, (n, 1)) * random.lognormal(0, 0.4, (n, 2))
    use *= random.random((n, 2)) < 0.8
    return Matrix(8 * use * random.lognormal(0, 0.5, (n, 2)), random.poisson(2.5 * use) * 1.0)


def costs_without_commits(random, n):
    """The same, of which only the cost is looked at."""
    return Matrix(costs_and_commits(random, n).top, np.zeros((n, 2)))


@pytest.mark.parametrize("n", [40, 120])
@pytest.mark.parametrize(
    ("metric", "sample"),
    [("cost_per_commit", costs_and_commits), ("cost", costs_without_commits)],
)
def test_no_change_is_rarely_called_one(metric, sample, n):
    """One alarm in ten is what 90 % allows; 2.5 points are the error of 300 replications."""
    assert false_alarms(m.METRICS[metric], sample, n) <= 0.10 + 0.025


def test_a_doubled_cost_is_found_nearly_always():
    """An interval that never raised an alarm would pass every test of false ones."""
    random = np.random.default_rng(5)
    found = 0
    for _ in range(100):
        actors = costs_and_commits(random, 80)
        doubled = Matrix(actors.top * [1, 2], actors.bottom)
        values = doubled.top.sum(axis=0) / doubled.bottom.sum(axis=0)
        low, _ = change_interval(values[1] - values[0], doubled, m.METRICS["cost_per_commit"])
        found += low > 0
    assert found >= 95


def test_the_same_week_twice_is_no_detectable_change():
    """Nobody moved, so the change is exactly nothing."""
    found = m.headline(two_weeks(week(BEFORE) + week(LAST)), "cost_per_commit")
    assert found.verdict == "no detectable change"
    assert (found.change, found.change_low, found.change_high) == (0, 0, 0)


@pytest.mark.parametrize(("cents", "verdict"), [(900, "up"), (20, "down")])
def test_a_large_change_of_everybody_has_a_direction(cents, verdict):
    """Paired: how different people are from each other does not matter."""
    found = m.headline(two_weeks(week(BEFORE) + week(LAST, cents=cents)), "cost_per_commit")
    assert found.verdict == verdict
    assert found.change == pytest.approx((cents - 100) / 300)
    assert found.relative_change == pytest.approx(found.change / found.previous)


def test_a_headline_is_the_last_point_of_the_chart():
    """Value, interval, sums and people, bit for bit."""
    data = two_weeks(week(BEFORE) + week(LAST, cents=200))
    for name, metric in m.METRICS.items():
        if metric.numerator is None:
            continue
        point, found = m.by_week(data, name).iloc[-1], m.headline(data, name)
        for column in ("value", "low", "high", "numerator", "denominator", "n_actors"):
            assert getattr(found, column) == pytest.approx(point[column], abs=0, nan_ok=True)


def test_four_people_are_too_few_to_say():
    """Whatever they did."""
    records = week(BEFORE, commits=20, people=4) + week(LAST, commits=20, cents=900, people=4)
    found = m.headline(two_weeks(records), "cost_per_commit")
    assert found.verdict == "too few to say"
    assert found.previous == pytest.approx(0.0575)
    assert math.isnan(found.change)


def test_under_twenty_proposals_there_is_no_verdict():
    """The rate is shown, what it did is not."""
    tools = {"edit_tool": (1, 1)}
    records = [
        record(day, f"p{n}@x.example", tools=tools) for n in range(6) for day in (BEFORE, LAST)
    ]
    found = m.headline(two_weeks(records), "acceptance_rate")
    assert (found.value, found.verdict) == (0.5, "too few to say")


def test_one_week_has_nothing_to_compare():
    """There is no week before."""
    found = m.headline(dataset(week(LAST), LAST, "2026-11-22"), "cost")
    assert found.verdict == "nothing to compare"
    assert found.sentence().endswith("there is no value of the week before to compare it with.")


def test_a_week_before_without_a_value_is_nothing_to_compare():
    """Nobody was active then, so there was no cost per commit."""
    found = m.headline(two_weeks(week(LAST)), "cost_per_commit")
    assert found.value == pytest.approx(1.45 / 3)
    assert found.verdict == "nothing to compare"


def test_a_total_can_rise_from_an_empty_week():
    """Nobody before, ten now."""
    found = m.headline(two_weeks(week(LAST)), "active_actors")
    assert (found.previous, found.change, found.verdict) == (0, 10, "up")


def test_no_closed_week_is_said_and_not_an_error():
    """A fresh store."""
    found = m.headline(dataset([], LAST, "2026-11-17"), "cost")
    assert pd.isna(found.week)
    assert found.sentence() == "Cost: no week is closed yet."


def test_the_median_of_four_weeks_is_not_moved_by_an_odd_one():
    """One week of ten times the cost does not make the next one a fall."""
    days = ["2026-10-19", "2026-10-26", "2026-11-02", BEFORE, LAST]
    cents = [100, 100, 100, 1000, 100]
    records = [r for day, c in zip(days, cents, strict=True) for r in week(day, cents=c)]
    data = dataset(records, days[0], "2026-11-22")
    assert m.headline(data, "cost").verdict == "down"
    found = against_median(data, "cost")
    assert (found.previous, found.change) == pytest.approx((14.5, 0))
    assert found.verdict == "no detectable change"
    assert found.sentence().endswith("from $14.50, the median of the 4 weeks before.")


def test_fewer_than_four_weeks_before_have_no_median():
    """Two weeks are not the last four."""
    data = two_weeks(week(BEFORE) + week(LAST))
    assert against_median(data, "cost").verdict == "nothing to compare"


def test_headlines_keep_the_order_asked_for():
    """Cards are laid out by the notebook."""
    names = ["cost", "active_actors", "acceptance_rate"]
    found = m.headlines(two_weeks(week(BEFORE) + week(LAST)), names)
    assert [one.metric.id for one in found] == names


def test_only_totals_and_ratios_have_headlines():
    """A mix of models is no one number."""
    with pytest.raises(ValueError, match="no total or ratio"):
        m.headline(two_weeks([]), "model_mix")


def headline(metric="cost_per_commit", **changes):
    """What a full week says."""
    numbers = {
        "value": 2.31,
        "low": 2.02,
        "high": 2.66,
        "numerator": 951.72,
        "denominator": 412,
        "n_actors": 77,
        "previous": 2.2,
        "change": 0.11,
        "change_low": -0.1,
        "change_high": 0.3,
        "verdict": "no detectable change",
    }
    return Headline(m.METRICS[metric], pd.Timestamp(LAST), **(numbers | changes))


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (
            headline(),
            "Cost per commit was an estimated $2.31 (90 % interval $2.02 to $2.66, 412 commits, "
            "77 people); no detectable change from $2.20 the week before.",
        ),
        (
            headline(verdict="up", low=math.nan, n_actors=1, denominator=1, priced_share=0.987),
            "Cost per commit was an estimated $2.31 (1 commit, 1 person, 98.7 % of tokens "
            "priced); up from $2.20 the week before.",
        ),
        (
            headline("active_actors", value=84, low=math.nan, previous=80, verdict="up"),
            "Weekly active people were 84; up from 80 the week before.",
        ),
        (
            headline("landing_share", value=0.5, low=0.4, high=0.6, previous=0.6, verdict="down"),
            "Share of people with a commit was 50 % (90 % interval 40 % to 60 %, 77 people); "
            "down from 60 % the week before.",
        ),
        (
            headline(value=math.nan, denominator=7),
            "Cost per commit: too few to say with 7 commits (at least 20).",
        ),
        (
            headline(value=math.nan, priced_share=0.5),
            "Cost per commit: only 50 % of the tokens have a known price.",
        ),
        (
            headline(verdict="too few to say"),
            "Cost per commit was an estimated $2.31 (90 % interval $2.02 to $2.66, 412 commits, "
            "77 people); too few to say whether it moved from $2.20 the week before.",
        ),
    ],
)
def test_a_headline_reads_as_a_sentence(found, sentence):
    """In plain English, with what it rests on."""
    assert found.sentence() == sentence


@pytest.mark.parametrize("metric", [one for one, entry in m.METRICS.items() if entry.numerator])
def test_a_headline_is_the_aggregate_of_what_is_drawn_next_to_it(metric):
    """The last point of the chart, and the ratio of sums of the teams it is made of."""
    roster = "email,team,start\n" + "\n".join(
        f"p{n}@x.example,{'Red' if n < 6 else 'Blue'}," for n in range(13)
    )
    tools = {"edit_tool": (7, 3)}
    records = [
        record(
            day,
            f"p{n}@x.example",
            commits=n,
            pull_requests=n % 3,
            tools=tools,
            models={"claude-sonnet-5": {"input": 5 + n, "cache_read": 90, "cents": 100 + 10 * n}},
        )
        for day in (BEFORE, LAST)
        for n in range(12)
    ]
    data = two_weeks(records, roster=roster)
    found, drawn = m.headline(data, metric), m.by_week(data, metric)
    teams = m.by_week(data, metric, by="team").query("week == @found.week")
    whole = teams["numerator"].sum()
    if found.metric.is_ratio:
        whole /= teams["denominator"].sum()
    assert found.value == drawn["value"].iloc[-1]
    assert found.value == pytest.approx(whole)
