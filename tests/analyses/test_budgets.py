"""A budget counts as exceeded when even the low end of the forecast reaches it, not when it
might."""

import json
import math

import pandas as pd
import pytest
from builders import dataset, record
from charges_made import billed_dataset, charge
from click.testing import CliRunner

import ccanalytics as cca
from ccanalytics.cli import main

FIRST, LAST = "2026-09-07", "2026-11-15"
DAYS = pd.date_range(FIRST, LAST).strftime("%Y-%m-%d")
ROSTER = "email,team,cost_centre\nann@x.example,A,41\nbob@x.example,B,42\n"
MODEL = {"claude-opus-5": {"output": 100, "cents": 2000}}


def steady(charges=True, days=None, **prices):
    """Ten weeks in which Ann and Bob are each billed ten dollars a day; the estimate is twenty."""
    people = ("ann@x.example", "bob@x.example")
    records = [record(day, who, models=MODEL) for day in DAYS for who in people]
    costs = [charge(day, who, 1000) for day in DAYS for who in people] if charges else []
    until = (FIRST, days) if days else None
    return billed_dataset(records, costs, FIRST, LAST, days=until, roster=ROSTER, **prices)


def one(**prices):
    (state,) = cca.budget_table(steady(**prices)).itertuples()
    return state


def test_a_budget_below_the_low_end_is_passed_on_the_day_it_is_reached():
    """Thirty days of twenty dollars are 600: a budget of 590 is exceeded on the last day."""
    state = one(monthly_budget_usd=590)
    assert (state.so_far, state.total, state.low) == pytest.approx((300, 600, 600))
    assert state.is_crossed
    assert f"{state.first_day:%Y-%m-%d}" == "2026-11-30"
    assert state.money == "billed"


def test_a_budget_above_the_forecast_is_not_passed():
    """610 is more than 600."""
    assert not one(monthly_budget_usd=610).is_crossed


@pytest.mark.parametrize(("scope", "name"), [("team", "A"), ("cost_centre", "41")])
def test_a_team_and_a_cost_centre_have_their_own_budgets(scope, name):
    """Ann's ten dollars a day are 300 of the 600."""
    state = one(budgets={scope: {name: 290}})
    assert (state.scope, state.name, state.is_crossed) == (scope, name, True)
    assert state.total == pytest.approx(300)


def test_without_a_bill_the_estimate_is_used_and_labelled():
    """Forty dollars a day estimated: 1,200 in the month."""
    data = steady(charges=False, monthly_budget_usd=1_000)
    data.extras.clear()
    (state,) = cca.budget_table(data).itertuples()
    assert (state.money, state.total) == ("estimated", pytest.approx(1_200))


def test_days_that_are_not_billed_yet_are_forecast():
    """Billed up to the 12th: 240 so far, and the same 600 in the month."""
    state = one(days="2026-11-12", monthly_budget_usd=590)
    assert (state.so_far, state.total) == pytest.approx((240, 600))


def test_a_budget_without_a_forecast_still_has_its_amount():
    """Two weeks are billed, which is too little for a forecast: 590 is set all the same."""
    state = one(days="2026-09-20", monthly_budget_usd=590)
    assert (state.budget_usd, state.verdict) == (590, "14 days are known; 21 are needed")


def test_a_budget_for_an_unknown_person_says_so():
    """A name that is not on the roster is a typo, not a month without cost."""
    state = one(budgets={"team": {"C": 10}})
    assert "no team 'C'" in state.verdict
    assert math.isnan(state.total)
    assert not state.is_crossed


def test_a_team_of_too_few_people_has_no_forecast():
    """A team of one person is too small to show its cost."""
    state = one(budgets={"team": {"A": 290}}, minimum_group=5)
    assert math.isnan(state.so_far)
    assert not state.is_crossed


def test_todays_sum_less_yesterdays_is_not_the_cost_of_few_people():
    """Six people work on weekdays, and on this Saturday one of them does, for $7."""
    days = pd.date_range("2026-09-07", "2026-11-21")
    records = [
        record(f"{day:%Y-%m-%d}", f"p{n}@x.example", models={"m": {"output": 9, "cents": cents}})
        for day in days
        for n in range(6)
        for cents in [700 if day == days[-1] else 200]
        if day.day_of_week < 5 or (day == days[-1] and n == 0)
    ]

    def so_far(last):
        known = [one for one in records if one.date[:10] <= last]
        data = dataset(known, "2026-09-07", last, minimum_group=5, monthly_budget_usd=1_000)
        return cca.budget_table(data)["so_far"].item()

    # 2 November was a Monday. The Saturday waits for the end of its week.
    assert so_far("2026-11-20") == so_far("2026-11-21") == 15 * 12
    assert so_far("2026-11-22") == 15 * 12 + 7


def test_a_table_of_no_budgets_says_how_to_set_one():
    """With no budget set there is nothing to compare."""
    table = cca.budget_table(steady())
    assert table.empty
    assert "ccanalytics.toml" in table.empty_text


def test_the_command_exits_with_4_and_reports_it_as_json(sample_days, tmp_path, monkeypatch):
    """Payments, whose cost rose in November, exceeds its budget; a high budget is not exceeded."""
    monkeypatch.chdir(tmp_path)
    asked = ["budget", "--source", "sample", "--store", str(sample_days), "--json"]
    crossed = CliRunner().invoke(main, asked)
    assert crossed.exit_code == 4
    answered = json.loads(crossed.stdout)
    assert answered["status"] == "crossed"
    assert [b["name"] for b in answered["budgets"] if b["is_crossed"]] == ["Payments"]
    high = {"CCANALYTICS_BUDGETS": '{"team": {"Payments": 9000}}'}
    assert CliRunner().invoke(main, asked, env=high).exit_code == 0
