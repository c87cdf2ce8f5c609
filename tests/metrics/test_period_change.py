"""A range of weeks compared with the weeks before: values, intervals, and what is withheld."""

import math

import numpy as np
import pandas as pd
import pytest
from builders import dataset, record

import ccanalytics as cca

EIGHT_WEEKS = {"since": "2026-09-28", "until": "2026-11-22"}
MONDAYS = [f"{day:%Y-%m-%d}" for day in pd.date_range("2026-09-28", periods=8, freq="7D")]


def history(commits, people=6, cents=100, **how):
    """Each of `people` makes this many commits in two weeks each, for a dollar a week."""
    records = [
        record(
            monday,
            f"p{n}@x.example",
            commits=many,
            models={"claude-sonnet-5": {"output": 9, "cents": cents}},
        )
        for monday, many in zip(MONDAYS, np.repeat(commits, 2).tolist(), strict=True)
        for n in range(people)
    ]
    return dataset(records, **EIGHT_WEEKS, **how)


def the_row(frame):
    (row,) = frame.to_dict("records")
    return row


def test_a_total_is_the_mean_week_of_each_period():
    """6 people with 4 and 6 commits, then 10 and 14: 30 a week, then 72."""
    row = the_row(cca.period_change(history([4, 6, 10, 14]), "commits", "2026-10-26"))
    assert (row["previous"], row["value"], row["change"]) == (30.0, 72.0, 42.0)
    assert (row["weeks_before"], row["weeks"], row["n_actors"]) == (4, 4, 6)
    assert row["verdict"] == "up"


def test_a_ratio_is_of_the_sums_of_all_weeks():
    """24 dollars for 120 commits, then 24 for 288."""
    row = the_row(cca.period_change(history([4, 6, 10, 14]), "cost_per_commit", "2026-10-26"))
    assert row["previous"] == pytest.approx(12 / 60)
    assert row["value"] == pytest.approx(12 / 144)
    assert row["verdict"] == "down"


def test_equal_people_who_change_nothing_are_no_change():
    """Only a drift of 0.8 % a week is left over four weeks, and t(6) is 1.943."""
    row = the_row(cca.period_change(history([5, 5, 5, 5]), "commits", "2026-10-26"))
    assert row["high"] == pytest.approx(np.expm1(1.943 * 4 * 0.008), abs=1e-4)
    assert (row["value"], row["verdict"]) == (row["previous"], "no detectable change")


def test_the_week_containing_the_start_is_in_neither_period():
    """Four weeks before Wednesday the 28th, three after its week."""
    row = the_row(cca.period_change(history([4, 6, 10, 14]), "commits", "2026-10-28"))
    assert (row["previous"], row["value"]) == (30.0, 76.0)
    assert (row["weeks_before"], row["weeks"]) == (4, 3)


def test_few_people_or_few_events_are_too_few_to_say():
    """Four people; and six with fewer than twenty commits in one period."""
    few_people = history([9, 9, 9, 9], people=4)
    row = the_row(cca.period_change(few_people, "commits", "2026-10-26"))
    assert row["verdict"] == "too few to say"
    assert math.isnan(row["change_share"])
    few_events = history([0, 1, 9, 9])
    assert cca.period_change(few_events, "cost_per_commit", "2026-10-26").isna()["value"].sum() == 0
    row = the_row(cca.period_change(few_events, "cost_per_commit", "2026-10-26"))
    assert row["verdict"] in ("nothing to compare", "too few to say")


def test_without_earlier_weeks_there_is_no_comparison():
    """The range starts with the data."""
    row = the_row(cca.period_change(history([4, 6, 10, 14]), "commits", "2026-09-28"))
    assert (row["verdict"], row["weeks_before"]) == ("nothing to compare", 0)


def test_one_withheld_week_withholds_its_period():
    """Together with the other weeks, the sum would reveal the hidden one."""
    records = [record(monday, f"p{n}@x.example") for monday in MONDAYS for n in range(6)]
    lonely = [
        one
        for one in records
        if not (one.date[:10] == MONDAYS[0] and one.actor.email_address > "p1")
    ]
    data = dataset(lonely, **EIGHT_WEEKS, minimum_group=5)
    assert cca.by_week(data, "active_actors")["value"].isna().tolist() == [True] + [False] * 7
    row = the_row(cca.period_change(data, "active_actors", "2026-10-26"))
    assert math.isnan(row["previous"])
    assert row["verdict"] == "nothing to compare"


def test_a_week_without_prices_has_no_value_for_its_period():
    """Prices are unknown in one of two weeks."""
    data = history([30, 30, 30, 30], cents=None)
    row = the_row(cca.period_change(data, "cost_per_commit", "2026-10-26"))
    assert math.isnan(row["value"])


def test_a_split_has_a_row_for_each_group():
    """Two terminals, each with its own change; people in one are not counted in the other."""
    records = [
        record(monday, f"p{n}@x.example", terminal=terminal, commits=many)
        for monday, many in zip(MONDAYS, (5, 5, 5, 5, 9, 9, 9, 9), strict=True)
        for n in range(12)
        for terminal in (["vscode"] if n < 6 else ["tmux"])
    ]
    frame = cca.period_change(
        dataset(records, **EIGHT_WEEKS), "commits", "2026-10-26", by="terminal"
    )
    assert frame["terminal"].tolist() == ["tmux", "vscode"]
    assert frame["n_actors"].tolist() == [6, 6]
    assert frame["change"].tolist() == [24.0, 24.0]


def test_without_a_week_there_is_one_row_without_numbers():
    """It has the same columns, and no verdict."""
    row = the_row(cca.period_change(dataset([], "2026-11-17", "2026-11-20"), "cost", "2026-11-18"))
    assert row["verdict"] == "nothing to compare"
