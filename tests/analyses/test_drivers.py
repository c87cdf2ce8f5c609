"""What drives a change: the parts add up exactly, and each is what a person would expect."""

import numpy as np
import pandas as pd
import pytest
from builders import dataset, record
from charges_made import billed_dataset, charge
from hypothesis import given
from hypothesis import strategies as st

import ccanalytics as cca
from ccanalytics.analyses.change_parts import OTHER_TEAMS, split_change, summed_parts

MONDAYS = [f"{day:%Y-%m-%d}" for day in pd.date_range("2026-08-31", periods=12, freq="7D")]
SONNET, OPUS = "claude-sonnet-5", "claude-opus-5"
amounts = st.lists(st.floats(0, 1e6), min_size=3, max_size=3).map(np.array)


def week(people, *, cents=100, output=1000, commits=10, team="p", model=SONNET, **usage):
    """One record for each of `people` people in a week, without its day."""
    models = {model: {"output": output, "cents": cents, **usage}}
    return [
        {"actor": f"{team}{n}@x.example", "commits": commits, "models": models}
        for n in range(people)
    ]


def three_months(before, after, **options):
    """Eight weeks `before`, and four weeks `after`."""
    records = [
        record(monday, **one)
        for at, monday in enumerate(MONDAYS)
        for one in (before if at < 8 else after)
    ]
    return dataset(records, MONDAYS[0], "2026-11-22", **options)


def parts(drivers):
    frame = drivers.frame
    return frame[frame["kind"] == "driver"].set_index("step")["value"].to_dict()


@given(amounts, amounts, amounts, amounts)
def test_the_parts_add_up_to_the_change_whatever_the_numbers(a, b, c, d):
    """Even if a model has no use in one of the weeks."""
    split = split_change({"one": (a, b), "two": (c, d)})
    change = float((b * d).sum() - (a * c).sum())
    scale = float((b * d).sum() + (a * c).sum()) + 1e-6
    assert sum(split.values()) == pytest.approx(change, abs=1e-9 * scale)


def test_doubling_the_people_is_attributed_to_people():
    """Ten people at a dollar each become twenty: +$10 a week, and nothing else changes."""
    found = cca.cost_drivers(three_months(week(10), week(20)))
    assert parts(found)["active people"] == pytest.approx(10)
    assert sum(abs(value) for value in parts(found).values()) == pytest.approx(10)


def test_a_higher_price_is_attributed_to_price():
    """The same tokens cost twice as much."""
    found = cca.cost_drivers(three_months(week(10), week(10, cents=200)))
    assert parts(found)["price"] == pytest.approx(10)


def test_a_switch_of_model_is_attributed_to_the_model_mix():
    """All use moves to a model at five times the price."""
    found = parts(cca.cost_drivers(three_months(week(10), week(10, cents=500, model=OPUS))))
    assert found["models used"] == pytest.approx(40, rel=0.02)
    assert sum(found.values()) == pytest.approx(40)


def test_more_cache_reads_are_attributed_to_the_token_mix():
    """The same number of tokens, half of them read from the cache at a tenth of the input price."""
    before = week(10, output=0, input=1000, cents=100)
    after = week(10, output=0, input=500, cache_read=500, cents=55)
    found = parts(cca.cost_drivers(three_months(before, after)))
    assert found["kinds of tokens"] == pytest.approx(-4.5)
    assert found["tokens per active day"] == pytest.approx(0)


def test_fewer_commits_for_the_same_work_are_more_days_per_commit():
    """A commit costs $0.10, then $0.20 with half as many commits."""
    data = three_months(week(10), week(10, commits=5))
    found = cca.cost_drivers(data, "cost_per_commit")
    assert parts(found)["active days per commit"] == pytest.approx(0.1)
    assert "+$0.10" in found.sentence()


def test_the_waterfall_ends_at_the_change_of_the_metric():
    """Each bar starts where the previous one ended; the last bar is the change of the metric."""
    found = cca.cost_drivers(three_months(week(10), week(13, cents=170, output=900)))
    frame = found.frame
    assert frame["start"].tolist()[1:-1] == pytest.approx(frame["end"].tolist()[:-2])
    assert frame["end"].iloc[-2] == frame["value"].iloc[-1] == pytest.approx(13 * 1.7 - 10)
    compared = found.compared
    assert (compared.previous, compared.value) == pytest.approx((10, 13 * 1.7))


def test_drivers_leave_out_a_shutdown_week_as_the_comparison_does():
    """Nobody works in the fifth week; later the price doubles: +$10 a week, +$0.10 a commit."""
    roster = "email,team\n" + "".join(f"p{n}@x.example,{'AB'[n % 2]}\n" for n in range(10))
    records = [
        record(monday, **one)
        for at, monday in enumerate(MONDAYS)
        for one in (week(10, cents=100 if at < 8 else 200) if at != 4 else [])
    ]
    data = dataset(records, MONDAYS[0], "2026-11-22", roster)
    for metric, change in (("cost", 10), ("cost_per_commit", 0.1)):
        found = cca.cost_drivers(data, metric)
        assert parts(found)["price"] == pytest.approx(change)
        assert found.compared.difference == pytest.approx(change)
    assert cca.team_shift(data).frame["rate"].sum() == pytest.approx(0.1)


def test_the_cost_per_commit_is_not_split_where_a_week_of_use_has_no_commit():
    """Its days per commit are infinite, so no number says which part sits there."""
    records = [
        record(monday, **one)
        for at, monday in enumerate(MONDAYS)
        for one in week(10, cents=100 if at < 8 else 200, commits=10 if at != 4 else 0)
    ]
    data = dataset(records, MONDAYS[0], "2026-11-22")
    found = cca.cost_drivers(data, "cost_per_commit")
    assert found.frame.empty
    assert "without a single commit" in found.sentence()
    assert cca.team_shift(data).frame.empty
    assert parts(cca.cost_drivers(data))["price"] == pytest.approx(10)


def test_a_cost_without_tokens_is_not_split():
    """Of Claude Enterprise only the charges are known: their double has no models used or kinds."""
    people = [f"p{n}@x.example" for n in range(8)]
    records = [
        record(week, who, commits=5, customer_type=None) for week in MONDAYS for who in people
    ]
    charges = [
        charge(week, who, cents=100 if at < 8 else 200)
        for at, week in enumerate(MONDAYS)
        for who in people
    ]
    data = billed_dataset(records, charges, MONDAYS[0], "2026-11-22", source="enterprise")
    found = cca.cost_drivers(data)
    assert found.frame.empty
    assert "unknown tokens" in found.sentence()


def test_the_interval_of_a_part_comes_from_the_spread_of_its_weeks():
    """Means 2 and 6 with weeks off by 1: 10 squares over 8, and t(8) is 1.86."""
    weekly = np.array([1, 3, 1, 3, 1, 3, 5, 7, 5, 7.0])[:, None]
    value, low, high = summed_parts(weekly, np.ones(10), np.arange(10) >= 6)[0]
    reach = 1.8595 * np.sqrt(10 / 8 * (1 / 6 + 1 / 4))
    assert (value, high - value, value - low) == pytest.approx((4, reach, reach), abs=1e-3)


def test_only_a_detected_change_is_split():
    """Nothing changed: no bars, only how large a rise would have been detected."""
    data = three_months(week(10), week(10))
    assert cca.cost_drivers(data).frame.empty
    assert "no change was found" in cca.cost_drivers(data).sentence()
    assert "% would show" in cca.team_shift(data).sentence()


@pytest.mark.parametrize("before", [[], week(3), week(10, cents=None)])
def test_a_change_without_a_verdict_is_not_split(before):
    """Nobody, too few people, or no known price."""
    data = three_months(before, week(10), minimum_group=5)
    assert cca.cost_drivers(data).frame.empty
    assert "too few weeks, people or events" in cca.cost_drivers(data).sentence()


def roster(**teams):
    lines = [f"{team}{n}@x.example,{team}," for team, size in teams.items() for n in range(size)]
    return "\n".join(["email,team,start", *lines])


def test_every_team_can_fall_while_the_total_rises():
    """Three teams get cheaper by a cent, and commits shift to the most expensive of them."""
    plan = {"ann": (10, 2, 2), "bob": (10, 4, 4), "eve": (50, 30, 300)}
    before, after = [], []
    for team, (price, commits_before, commits) in plan.items():
        before += week(10, cents=price * commits_before, commits=commits_before, team=team)
        after += week(10, cents=(price - 1) * commits, commits=commits, team=team)
    found = cca.team_shift(three_months(before, after, roster=roster(ann=10, bob=10, eve=10)))
    rate, mix = found.frame[["rate", "mix"]].sum()
    assert rate == pytest.approx(-0.01)
    assert rate + mix > 0
    assert "Simpson" in found.sentence()


def test_rate_and_mix_add_up_to_the_change_of_the_metric():
    """From $18.0 for 71 commits a week to $28.4 for 54; the team sizes differ before and after."""
    before = week(9, cents=130, commits=4, team="ann") + week(7, cents=90, commits=5, team="bob")
    after = week(6, cents=300, commits=5, team="ann") + week(8, cents=130, commits=3, team="bob")
    found = cca.team_shift(three_months(before, after, roster=roster(ann=9, bob=8)))
    change = found.frame[["rate", "mix"]].sum().sum()
    assert change == pytest.approx(28.4 / 54 - 18.0 / 71)
    assert (found.frame["rate_low"] < found.frame["rate"]).sum() == 0  # weeks do not vary
    assert "Simpson" not in found.sentence()


def test_a_small_team_is_never_a_separate_row():
    """A team of three is combined with the next smallest team."""
    sizes = {"ann": 12, "bob": 6, "eve": 3}
    before, after = (
        [one for team, size in sizes.items() for one in week(size, cents=cents, team=team)]
        for cents in (100, 200)
    )
    data = three_months(before, after, roster=roster(**sizes), minimum_group=5)
    found = cca.team_shift(data)
    assert found.frame["team"].tolist() == ["ann", OTHER_TEAMS]
    shown = found._repr_mimebundle_()["application/vnd.ccanalytics.table+json"]
    assert [row[0] for row in shown["rows"]] == ["ann", OTHER_TEAMS]


def test_without_teams_there_is_nothing_to_shift():
    """Everybody is in one group."""
    found = cca.team_shift(three_months(week(10), week(10, cents=200)))
    assert "fewer than two teams" in found.sentence()
    assert found.frame.empty


def test_a_part_that_rounds_to_nothing_has_no_sign():
    """Only the people doubled: their bar says +$10.00, the others $0.00."""
    rows = cca.chart(cca.cost_drivers(three_months(week(10), week(20)))).to_dict()["datasets"]
    (bars,) = rows.values()
    said = {bar["step"]: bar["said"] for bar in bars}
    assert said["active people"] == said["total"] == "+$10.00"
    assert said["price"] == said["models used"] == "$0.00"
