"""Where a change sits: the parts add up exactly, and each is where a person would put it."""

import math

import numpy as np
import pytest
from builders import dataset, record
from hypothesis import given
from hypothesis import strategies as st

import ccanalytics as cca
from ccanalytics.analyses.drivers import OTHER_TEAMS, split_change

BEFORE, LAST = "2026-11-09", "2026-11-16"
SONNET, OPUS = "claude-sonnet-5", "claude-opus-5"
amounts = st.lists(st.floats(0, 1e6), min_size=3, max_size=3).map(np.array)


def week(day, people, *, cents=100, output=1000, commits=10, team="p", model=SONNET, **usage):
    """One record each of `people` people."""
    models = {model: {"output": output, "cents": cents, **usage}}
    return [
        record(day, f"{team}{n}@x.example", commits=commits, models=models) for n in range(people)
    ]


def two_weeks(records, **options):
    return dataset(records, BEFORE, "2026-11-22", **options)


def parts(drivers):
    frame = drivers.frame
    return frame[frame["kind"] == "driver"].set_index("step")["value"].to_dict()


@given(amounts, amounts, amounts, amounts)
def test_the_parts_add_up_to_the_change_whatever_the_numbers(a, b, c, d):
    """Also where a model is nothing in one of the weeks."""
    split = split_change({"one": (a, b), "two": (c, d)})
    change = float((b * d).sum() - (a * c).sum())
    scale = float((b * d).sum() + (a * c).sum()) + 1e-6
    assert sum(split.values()) == pytest.approx(change, abs=1e-9 * scale)


def test_twice_the_people_is_all_put_down_to_people():
    """Ten people at a dollar each become twenty: +$10, and nothing else moved."""
    found = cca.cost_drivers(two_weeks([*week(BEFORE, 10), *week(LAST, 20)]))
    assert parts(found)["active people"] == pytest.approx(10)
    assert sum(abs(value) for value in parts(found).values()) == pytest.approx(10)


def test_a_higher_price_is_put_down_to_price():
    """The same tokens cost twice as much."""
    found = cca.cost_drivers(two_weeks([*week(BEFORE, 10), *week(LAST, 10, cents=200)]))
    assert parts(found)["price"] == pytest.approx(10)


def test_another_model_is_put_down_to_the_models_used():
    """All use moves to a model of five times the price."""
    records = [*week(BEFORE, 10), *week(LAST, 10, cents=500, model=OPUS)]
    found = parts(cca.cost_drivers(two_weeks(records)))
    assert found["models used"] == pytest.approx(40, rel=0.02)
    assert sum(found.values()) == pytest.approx(40)


def test_more_cache_reads_are_put_down_to_the_kinds_of_tokens():
    """As many tokens, of which half are read from the cache at a tenth of the price of input."""
    before = week(BEFORE, 10, output=0, input=1000, cents=100)
    last = week(LAST, 10, output=0, input=500, cache_read=500, cents=55)
    found = parts(cca.cost_drivers(two_weeks([*before, *last])))
    assert found["kinds of tokens"] == pytest.approx(-4.5)
    assert found["tokens per active day"] == pytest.approx(0)


def test_fewer_commits_for_the_same_work_are_more_days_per_commit():
    """A commit costs $0.10, then $0.20, with half the commits."""
    records = [*week(BEFORE, 10), *week(LAST, 10, commits=5)]
    found = cca.cost_drivers(two_weeks(records), "cost_per_commit")
    assert parts(found)["active days per commit"] == pytest.approx(0.1)
    assert "+$0.10" in found.sentence()


def test_the_waterfall_ends_where_the_metric_is():
    """Each bar begins where the one before ended, and the last one is the change of the metric."""
    data = two_weeks([*week(BEFORE, 10), *week(LAST, 13, cents=170, output=900)])
    found = cca.cost_drivers(data)
    frame, cost = found.frame, cca.by_week(data, "cost")["value"]
    assert frame["start"].tolist()[1:-1] == frame["end"].tolist()[:-2]
    assert frame["end"].iloc[-2] == frame["value"].iloc[-1]
    assert frame["value"].iloc[-1] == pytest.approx(cost.iloc[1] - cost.iloc[0])
    assert (found.previous, found.last) == tuple(cost)


@pytest.mark.parametrize(
    ("records", "why"),
    [
        (week(LAST, 10), "too few people"),
        ([], "too few people"),
        ([*week(BEFORE, 3), *week(LAST, 10)], "too few people"),
        ([*week(BEFORE, 10), *week(LAST, 10, cents=None)], "no known price"),
    ],
)
def test_what_cannot_be_split_says_why(records, why):
    """No numbers and a reason, for the waterfall and for the teams."""
    data = two_weeks(records, minimum_group=5)
    assert cca.cost_drivers(data).frame.empty
    assert why in cca.cost_drivers(data).sentence()
    assert why in cca.team_shift(data).sentence()


def test_one_week_alone_cannot_be_split():
    """There is nothing before it."""
    data = dataset(week(LAST, 10), LAST, "2026-11-22")
    assert "no closed week right before" in cca.cost_drivers(data).sentence()


def roster(**teams):
    lines = [f"{team}{n}@x.example,{team}," for team, size in teams.items() for n in range(size)]
    return "\n".join(["email,team,start", *lines])


def test_every_team_can_fall_while_the_whole_rises():
    """Three teams get cheaper by a cent, and the commits move to the most expensive of them."""
    plan = {"ann": (10, 2, 2), "bob": (10, 4, 4), "eve": (50, 30, 100)}
    records = []
    for team, (price, commits_before, commits) in plan.items():
        before = price * commits_before
        after = (price - 1) * commits
        records += week(BEFORE, 10, cents=before, commits=commits_before, team=team)
        records += week(LAST, 10, cents=after, commits=commits, team=team)
    found = cca.team_shift(two_weeks(records, roster=roster(ann=10, bob=10, eve=10)))
    assert found.change > 0
    assert found.rate == pytest.approx(-0.01)
    assert found.change == pytest.approx(found.rate + found.mix)
    assert "Simpson" in found.sentence()


def test_rate_and_mix_add_up_to_the_change_of_the_metric():
    """With teams of other sizes in either week."""
    records = [
        *week(BEFORE, 9, cents=130, commits=4, team="ann"),
        *week(BEFORE, 7, cents=90, commits=5, team="bob"),
        *week(LAST, 6, cents=150, commits=5, team="ann"),
        *week(LAST, 8, cents=80, commits=3, team="bob"),
    ]
    data = two_weeks(records, roster=roster(ann=9, bob=8))
    value = cca.by_week(data, "cost_per_commit")["value"]
    found = cca.team_shift(data)
    assert found.change == pytest.approx(value.iloc[1] - value.iloc[0])
    assert not found.reverses


def test_a_small_team_is_never_a_row_of_its_own():
    """Three people are taken together with the next smallest team."""
    records = []
    for team, size in {"ann": 12, "bob": 6, "eve": 3}.items():
        records += week(BEFORE, size, team=team) + week(LAST, size, team=team)
    data = two_weeks(records, roster=roster(ann=12, bob=6, eve=3), minimum_group=5)
    assert cca.team_shift(data).frame["team"].tolist() == ["ann", OTHER_TEAMS]


def test_without_teams_there_is_nothing_to_shift():
    """Everybody is in one group."""
    found = cca.team_shift(two_weeks([*week(BEFORE, 10), *week(LAST, 10)]))
    assert "fewer than two teams" in found.sentence()
    assert math.isnan(found.change)
