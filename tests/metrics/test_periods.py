"""Months and days of the same closed weeks: they add up, and withheld values stay withheld."""

import pandas as pd
import pytest
from builders import dataset, record

import ccanalytics as cca

DOLLAR = {"claude-sonnet-5": {"output": 9, "cents": 100}}


def used(*days, people=("ann", "bob"), **how):
    """A record of a dollar and ten commits for each person on each day."""
    return [
        record(day, f"{name}@x.example", commits=10, models=DOLLAR, **how)
        for day in days
        for name in people
    ]


def values(frame):
    return {f"{row.iloc[0]:%m-%d}": row["value"] for _, row in frame.iterrows()}


def test_a_month_is_the_whole_weeks_whose_thursday_is_in_it():
    """October 2026 has five Thursdays: its weeks run from 28 September to 1 November. Only one week
    of November is stored, so November is not included."""
    data = dataset(used("2026-09-28", "2026-11-01", "2026-11-02"), "2026-09-28", "2026-11-08")
    assert values(cca.by_period(data, "cost", "month")) == {"10-01": 4.0}


def test_a_ratio_is_of_sums_and_people_count_once():
    """Two people on two days: $4 for 40 commits, and two people, not four."""
    data = dataset(used("2026-10-06", "2026-10-20"), "2026-09-28", "2026-11-01")
    ratio = cca.by_period(data, "cost_per_commit", "month")
    assert values(ratio) == {"10-01": 0.1}
    assert ratio["n_actors"].tolist() == [2]
    assert values(cca.by_period(data, "active_actors", "month")) == {"10-01": 2.0}


def test_days_are_those_of_the_closed_weeks():
    """An inactive day has no cost, and a day outside a closed week has no row."""
    data = dataset(used("2026-11-03", "2026-11-09"), "2026-11-02", "2026-11-09")
    days = cca.by_period(data, "commits", "day")
    assert list(values(days).values()) == [0, 20, 0, 0, 0, 0, 0]
    assert days.columns[0] == "date"


def test_a_month_with_a_withheld_week_is_withheld():
    """One week has two people, too few: the month minus the other weeks would reveal it."""
    many = [f"p{n}" for n in range(6)]
    busy = used("2026-09-29", "2026-10-13", "2026-10-20", "2026-10-27", people=many)
    data = dataset([*busy, *used("2026-10-06")], "2026-09-28", "2026-11-01", minimum_group=5)
    assert cca.by_week(data, "cost")["value"].isna().tolist() == [False, True, False, False, False]
    assert cca.by_period(data, "cost", "month")["value"].isna().all()
    quiet = dataset(busy, "2026-09-28", "2026-11-01", minimum_group=5)
    assert values(cca.by_period(quiet, "cost", "month")) == {"10-01": 24.0}


def test_a_team_withheld_in_a_week_is_withheld_in_its_month():
    """Red has six people but only two in the first week: just its later weeks are shown."""
    teams = {name: [f"{name}{n}" for n in range(6)] for name in ("red", "blue", "green")}
    lines = [f"{one}@x.example,{team},2026-01-01," for team, all_ in teams.items() for one in all_]
    roster = "\n".join(["email,team,start,end", *lines])
    weeks = ("2026-10-06", "2026-10-13", "2026-10-20", "2026-10-27")
    rest = [*teams["blue"], *teams["green"]]
    records = [
        *used("2026-09-29", people=[*teams["red"][:2], *rest]),
        *used(*weeks, people=[*teams["red"], *rest]),
    ]
    data = dataset(records, "2026-09-28", "2026-11-01", roster=roster, minimum_group=5)
    weekly = cca.by_week(data, "cost", by="team").set_index(["week", "team"])["value"]
    first = weekly.loc[pd.Timestamp("2026-09-28")].drop("other teams")
    assert pd.isna(first["red"])
    monthly = cca.by_period(data, "cost", "month", by="team").set_index("team")["value"]
    assert monthly.isna().equals(first.isna())
    assert monthly["green"] == 30.0


def test_a_day_of_few_people_is_withheld_with_the_days_that_reveal_it():
    """Two people on Tuesday are too few, and the week minus the other day would reveal them."""
    many = [f"p{n}" for n in range(6)]
    records = [*used("2026-11-02", people=many), *used("2026-11-03")]
    data = dataset(records, "2026-11-02", "2026-11-08", minimum_group=5)
    days = cca.by_period(data, "cost", "day")
    assert days["value"].tolist()[2:] == [0.0] * 5
    assert days["value"][:2].isna().all()


@pytest.mark.parametrize(
    ("metric", "period", "by", "words"),
    [
        ("stickiness", "month", None, "is weekly"),
        ("returning_share", "day", None, "is weekly"),
        ("cost", "day", "team", "days are not split"),
        ("cost", "year", None, "'year'"),
    ],
)
def test_an_unsupported_period_is_refused(metric, period, by, words):
    """A share of a week has no meaning for a month, and splitting days would reveal small teams."""
    data = dataset(used("2026-11-03"), "2026-11-02", "2026-11-08")
    with pytest.raises(ValueError, match=words):
        cca.by_period(data, metric, period, by)
