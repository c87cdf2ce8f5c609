"""The forecast of the month and unusual days: what a person would conclude from the same days."""

import math
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from builders import dataset, record

import ccanalytics as cca
from ccanalytics.metrics.ratios import noted_events
from ccanalytics.people.calendars import Calendars, parse_calendar

MONDAY = date(2026, 8, 31)
SUNDAY = date(2026, 11, 22)


def days(cost, *, people=6, until=SUNDAY, since=MONDAY, **more):
    """Records of some people on each day, that cost `cost(day)` dollars a day together."""
    records = []
    for n in range((until - since).days + 1):
        day = since + timedelta(n)
        cents = round(100 * cost(day) / people, 4)
        usage = {"claude-sonnet-5": {"output": 100, "cents": cents}}
        records += [record(str(day), f"p{k}@x.example", models=usage) for k in range(people)]
    return dataset(records, since, until, **more)


def weekly(day):
    """$100 on working days, $10 on those of the weekend."""
    return 10.0 if day.weekday() >= 5 else 100.0


def noisy(seed, spread=0.15):
    random = np.random.default_rng(seed)
    return lambda day: weekly(day) * random.lognormal(0, spread)


def with_calendar(data, kind, text):
    return replace(data, calendars=Calendars(**{kind: parse_calendar(kind, text, kind)}))


def test_the_month_is_forecast_by_weekday():
    """15 working days and 7 weekend days of November are over; 6 and 2 are to come."""
    found = cca.month_forecast(days(weekly))
    assert found.so_far == pytest.approx(15 * 100 + 7 * 10)
    assert found.total == pytest.approx(found.so_far + 6 * 100 + 2 * 10)
    assert found.error == pytest.approx(0)
    assert (found.low, found.high) == (pytest.approx(found.total), pytest.approx(found.total))
    assert f"{found.month:%B}" == "November"


def test_a_holiday_costs_what_a_weekend_does():
    """Thanksgiving is to come: $90 less."""
    data = with_calendar(days(weekly), "holidays", "date,name\n2026-11-26,Thanksgiving\n")
    assert cca.month_forecast(data).total == pytest.approx(
        cca.month_forecast(days(weekly)).total - 90
    )


def test_after_the_last_day_of_a_month_the_next_one_is_forecast():
    """Nothing of December is over yet: 23 working days and 8 of the weekend."""
    found = cca.month_forecast(days(weekly, until=date(2026, 11, 30)))
    assert found.so_far == 0
    assert found.total == pytest.approx(23 * 100 + 8 * 10)


@pytest.mark.parametrize(
    ("until", "month", "days_to_come"),
    [(date(2026, 10, 30), "October", 1), (date(2026, 10, 31), "November", 30)],
)
def test_a_month_is_forecast_up_to_its_own_last_day(until, month, days_to_come):
    """On its last day but one, one day is to come; on its last day, the whole next month."""
    found = cca.month_forecast(days(lambda day: 100.0, until=until))
    assert f"{found.month:%B}" == month
    assert (found.frame["kind"] == "forecast").sum() == days_to_come
    assert found.total == pytest.approx(100 * found.frame["date"].iloc[-1].day)


def test_a_forecast_follows_the_newest_days():
    """Ten days at twice the usual cost are half of the weight; 42 days are slightly more."""
    newest = SUNDAY - timedelta(days=9)
    found = cca.month_forecast(days(lambda day: 200.0 if day >= newest else 100.0))
    share = (1 - 2**-1) / (1 - 2**-4.2)
    assert found.total == pytest.approx(found.so_far + 8 * 100 * (1 + share))


def test_a_forecast_with_a_very_wide_interval_is_withheld():
    """Days that differ tenfold: the interval is wider than the forecast itself."""
    found = cca.month_forecast(days(noisy(1, spread=2.5), until=date(2026, 11, 2)))
    assert math.isnan(found.total)
    assert "is wider than the forecast" in found.sentence()


@pytest.mark.parametrize(
    ("since", "why"), [(date(2026, 11, 9), "14 days are known"), (date(2026, 11, 2), "too few")]
)
def test_there_is_no_forecast_from_too_few_days(since, why):
    """Two weeks, and three that leave nothing to test on."""
    found = cca.month_forecast(days(weekly, since=since))
    assert math.isnan(found.total)
    assert found.frame.empty
    assert why in found.sentence() or "not every day" in found.sentence()


def test_without_a_closed_day_there_is_no_forecast():
    """The first day is not over yet."""
    data = days(weekly, since=SUNDAY)
    data = replace(data, days=data.days.assign(stored=False, closed=False))
    assert "0 days are known" in cca.month_forecast(data).sentence()


def test_a_month_with_unpriced_days_is_not_forecast():
    """One day's tokens have no price."""
    data = days(weekly)
    data.model_usage.loc[data.model_usage["date"] == "2026-11-10", "cost_usd"] = np.nan
    assert "not every day of the month" in cca.month_forecast(data).sentence()


def test_few_people_are_not_forecast():
    """Three people are fewer than may be shown."""
    found = cca.month_forecast(days(weekly, people=3, minimum_group=5))
    assert "0 days are known" in found.sentence()


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        (1000.0, "is used up on 13 November"),
        (1800.0, "is used up on 25 November"),
        (5000.0, "is not reached"),
        (None, "No monthly budget is set"),
    ],
)
def test_the_budget_is_used_up_on_a_day(budget, said):
    """$100 a working day: the tenth working day, or the third of those still to come."""
    data = replace(days(weekly), monthly_budget_usd=budget)
    assert said in cca.month_forecast(data).sentence()


def test_an_uncertain_budget_is_a_range_of_days():
    """If days vary by a third, the exact day is unknown."""
    data = replace(days(noisy(3, spread=0.5)), monthly_budget_usd=None)
    found = cca.month_forecast(data)
    data = replace(data, monthly_budget_usd=found.total)
    found = cca.month_forecast(data)
    assert found.low < found.total < found.high
    assert pd.notna(found.earliest)
    assert "may be used up from" in found.sentence()


def test_a_team_has_no_budget_by_default():
    """The budget is for the organisation."""
    roster = "email,team,start\n" + "\n".join(f"p{n}@x.example,Red," for n in range(6))
    data = replace(days(weekly, roster=roster, team="Red"), monthly_budget_usd=100.0)
    assert "No monthly budget" in cca.month_forecast(data).sentence()


@pytest.mark.slow
def test_the_forecast_interval_covers_the_actual_cost():
    """For 60 organisations with noisy days, about nine months in ten end inside it."""
    inside = 0
    for seed in range(60):
        cost = noisy(seed)
        costs = {MONDAY + timedelta(n): 0.0 for n in range(92)}
        costs = {day: cost(day) for day in costs}
        found = cca.month_forecast(days(lambda day, costs=costs: costs[day], people=1))
        november = sum(value for day, value in costs.items() if day.month == 11)
        inside += found.low <= november <= found.high
    assert 0.83 <= inside / 60 <= 0.99


def test_a_spike_stands_out_with_the_event_of_its_day():
    """Red spends ten times as much on one Wednesday."""
    roster = "email,team,start\n" + "\n".join(
        f"{team}{n}@x.example,{team}," for team in ("Blue", "Red") for n in range(6)
    )
    random = np.random.default_rng(5)
    records = []
    for n in range(84):
        day = MONDAY + timedelta(n)
        for team in ("Blue", "Red"):
            cost = weekly(day) * random.lognormal(0, 0.1)
            cost *= 10 if (team, day) == ("Red", date(2026, 11, 18)) else 1
            usage = {"claude-sonnet-5": {"output": 100, "cents": round(100 * cost / 6, 4)}}
            names = [f"{team}{k}@x.example" for k in range(6)]
            records += [record(str(day), who, models=usage) for who in names]
    data = dataset(records, MONDAY, SUNDAY, roster=roster, minimum_group=5)
    text = "date,what,team\n2026-11-18,Load test,Red\n2026-11-02,Long ago,\n"
    (row,) = cca.metric_frame(with_calendar(data, "events", text), "unusual_days").itertuples()
    assert f"{row.date:%Y-%m-%d}" == "2026-11-18"
    assert row.excess == pytest.approx(900, rel=0.2)
    assert row.event == "Load test"


@pytest.mark.slow
def test_ordinary_noise_is_not_an_anomaly():
    """Of 40 organisations without a spike, at most two have an unusual day."""
    alarms = [
        len(cca.metric_frame(days(noisy(seed), people=1), "unusual_days")) > 0 for seed in range(40)
    ]
    assert sum(alarms) <= 4


@pytest.mark.parametrize("weeks", [12, 26])
def test_an_unusual_day_does_not_depend_on_how_many_weeks_are_shown(weeks):
    """A day is judged by its own six weeks, and not judged if they are missing."""
    cost = noisy(7)
    costs = {SUNDAY - timedelta(n): cost(SUNDAY - timedelta(n)) for n in range(182)}
    costs[date(2026, 11, 18)] = 400.0
    since = SUNDAY - timedelta(weeks=weeks, days=-1)
    found = cca.metric_frame(days(costs.get, people=1, since=since), "unusual_days")
    assert found["date"].dt.date.tolist() == [date(2026, 11, 18)]
    assert 1.5 < found.attrs["detectable"] < 4
    six = days(costs.get, people=1, since=SUNDAY - timedelta(days=41))
    assert cca.metric_frame(six, "unusual_days").empty


def test_a_small_amount_is_not_an_anomaly():
    """Ten times ten cents is still very little."""

    def cost(day):
        return 1.0 if day == date(2026, 11, 18) else 0.1

    assert cca.metric_frame(days(cost), "unusual_days").empty


def test_an_event_of_a_withheld_team_is_not_shown():
    """Its text may describe what three people did."""
    roster = "email,team,start\n" + "\n".join(
        f"p{n}@x.example,{'Red' if n < 3 else 'Blue'}," for n in range(12)
    )

    def cost(day):
        return weekly(day) * (10 if day == date(2026, 11, 18) else 1)

    data = days(cost, people=12, roster=roster, minimum_group=5)
    data = with_calendar(data, "events", "date,what,team\n2026-11-18,Pilot of the three,Red\n")
    (row,) = cca.metric_frame(data, "unusual_days").itertuples()
    assert row.event == ""
    assert noted_events(data).empty
    assert cca.by_week(data, "cost").events == ()


def test_the_baseline_is_the_same_weekday():
    """A Saturday is compared with Saturdays."""
    frame = cca.metric_frame(days(weekly), "daily_cost").set_index("date")
    assert frame.loc[pd.Timestamp("2026-11-21"), "expected"] == pytest.approx(10)
    assert frame.loc[pd.Timestamp("2026-11-20"), "expected"] == pytest.approx(100)
    assert frame["expected"].isna().sum() == 21


def test_a_day_off_has_no_baseline_without_priced_days_off():
    """The tokens of every weekend have no price; working days are still judged."""
    data = days(weekly)
    data.model_usage.loc[data.model_usage["date"].dt.day_of_week >= 5, "cost_usd"] = np.nan
    expected = cca.metric_frame(data, "daily_cost").set_index("date")["expected"]
    assert expected[expected.index.day_of_week >= 5].isna().all()
    assert expected[pd.Timestamp("2026-11-20")] == pytest.approx(100)


def seats_and_use(seats, users):
    """$50 a day on seats and $100 a working day on usage, for this many people each."""
    records = []
    for n in range((SUNDAY - MONDAY).days + 1):
        day = MONDAY + timedelta(n)
        for people, kind, usd in ((seats, "subscription", 50.0), (users, "api", weekly(day))):
            usage = {"claude-sonnet-5": {"output": 100, "cents": round(100 * usd / people, 4)}}
            records += [
                record(str(day), f"{kind}{k}@x.example", customer_type=kind, models=usage)
                for k in range(people)
            ]
    return dataset(records, MONDAY, SUNDAY, minimum_group=5, monthly_budget_usd=2400.0)


def test_use_covered_by_seats_does_not_use_up_a_budget():
    """21 working days at $100 and 9 of the weekend at $10 are $2,190; seats are paid for anyway."""
    found = cca.month_forecast(seats_and_use(seats=20, users=6))
    assert found.total == pytest.approx(21 * 100 + 9 * 10)
    assert pd.isna(found.earliest)
    assert found.left_out


@pytest.mark.parametrize(("seats", "users"), [(20, 3), (3, 20)])
def test_neither_part_of_a_bill_is_shown_for_too_few_people(seats, users):
    """The forecast of the others and the cost of all days would reveal the cost of three people."""
    found = cca.month_forecast(seats_and_use(seats, users))
    assert math.isnan(found.total)
