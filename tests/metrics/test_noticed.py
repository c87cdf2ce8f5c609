"""Findings other than changes, ranked with them: models, missing days, budgets, people who
stopped."""

from dataclasses import replace

import pandas as pd
import pytest
from builders import dataset, record

import ccanalytics as cca

MONDAYS = [f"{day:%Y-%m-%d}" for day in pd.date_range("2026-08-31", periods=12, freq="7D")]
OLD, NEW = "claude-sonnet-5", "claude-opus-5"


def three_months(model=lambda week, n: OLD, *, people=10, active=lambda week, n: True, **options):
    """Ten people, each with a dollar of one model and four commits a week, on Monday."""
    records = [
        record(
            monday,
            f"p{n}@x.example",
            commits=4,
            models={model(week, n): {"output": 100, "cents": 100}},
        )
        for week, monday in enumerate(MONDAYS)
        for n in range(people)
        if active(week, n)
    ]
    return dataset(records, MONDAYS[0], "2026-11-22", **{"minimum_group": 5, **options})


def of_kind(kind, data):
    return [one for one in cca.findings(data) if one.kind == kind]


def test_nothing_is_noticed_if_nothing_happened():
    """The same ten people, the same model, every Monday."""
    assert [one.kind for one in cca.findings(three_months())] == ["nothing"]


def test_a_new_model_is_reported_with_its_people_and_share():
    """Five of ten people use it from the tenth week on."""
    (one,) = of_kind("model", three_months(lambda week, n: NEW if week >= 9 and n < 5 else OLD))
    assert one.title == "Opus 5 is new since 2 November"
    assert one.text == "5 people used it, for 50 % of the cost, in the last week."


def test_a_retired_model_is_reported_after_two_weeks_without_it():
    """Everybody had moved away from it by the eleventh week."""
    found = of_kind("model", three_months(lambda week, n: NEW if week < 10 and n < 5 else OLD))
    assert [one.title for one in found] == ["Opus 5 is no longer used since 9 November"]
    assert not of_kind("model", three_months(lambda week, n: NEW if week < 11 and n < 5 else OLD))


def test_a_model_of_few_people_is_not_reported():
    """Four are below the minimum group, and so are four who are left."""
    assert not of_kind("model", three_months(lambda week, n: NEW if week >= 9 and n < 4 else OLD))


def test_a_week_that_costs_nothing_has_no_share_of_a_new_model():
    """Use that seats pay has an amount of $0.00, also that of a model which is new."""
    data = three_months(lambda week, n: NEW if week >= 9 and n < 5 else OLD)
    free = data.model_usage["cost_usd"].mask(data.model_usage["date"] >= MONDAYS[-1], 0.0)
    assert not of_kind("model", replace(data, model_usage=data.model_usage.assign(cost_usd=free)))


def test_records_of_api_keys_alone_are_not_called_none():
    """Three keys were used, and nobody signed in."""
    records = [record(MONDAYS[-1], api_key=f"ci-{n}") for n in range(3)]
    titles = [one.title for one in cca.findings(dataset(records, MONDAYS[0], "2026-11-22"))]
    nothing = [one.title for one in cca.findings(dataset([], MONDAYS[0], "2026-11-22"))]
    assert (titles, nothing) == (["Only API keys have records"], ["No records in these weeks"])


def test_a_day_that_is_not_stored_is_a_gap():
    """Wednesday of the eleventh week is missing; the last day is only not loaded yet."""
    data = three_months()
    lost = data.days["date"].isin(pd.to_datetime(["2026-11-11", "2026-11-22"]))
    data = replace(data, days=data.days.assign(stored=~lost))
    (one,) = of_kind("hole", data)
    assert one.title == "1 day without records on 11 November"


def test_a_working_day_without_activity_is_a_gap():
    """All ten work on every working day, except Tuesday to Thursday of the last week."""
    days = [day for day in pd.date_range(MONDAYS[0], "2026-11-22") if day.day_of_week < 5]
    lost = {"2026-11-17", "2026-11-18", "2026-11-19"}
    records = [
        record(f"{day:%Y-%m-%d}", f"p{n}@x.example")
        for day in days
        for n in range(10)
        if f"{day:%Y-%m-%d}" not in lost
    ]
    (one,) = of_kind("hole", dataset(records, MONDAYS[0], "2026-11-22"))
    assert one.title == "3 days without records from 17 November to 19 November"
    assert "3 working days stored without a record; about 10 people are usually active" in one.text


def test_people_who_stopped_after_a_first_week_are_reported():
    """Seven of the twelve who started in week six never came back; ten others are always active."""

    def active(week, n):
        return n < 10 or week == 5 or (week > 5 and n >= 17)

    (one,) = of_kind("stopped", three_months(people=22, active=active))
    assert one.title == "7 of 12 people who started stopped after their first week"


@pytest.mark.parametrize("stayed", [3, 9])
def test_people_who_stopped_are_not_reported_if_few_or_if_most_stay(stayed):
    """Three who stayed would be revealed by subtraction; seven of sixteen may be under a third."""

    def active(week, n):
        return n < 10 or week == 5 or (week > 5 and n >= 17)

    assert not of_kind("stopped", three_months(people=17 + stayed, active=active))


def test_a_budget_below_the_low_end_of_the_forecast_is_reported():
    """$10 a week: a budget of $30 is used up on the fourth Monday of November."""
    data = three_months(monthly_budget_usd=30.0)
    (one,) = of_kind("budget", data)
    assert one.title == "The budget of $30.00 was used up by 16 November"
    assert not of_kind("budget", replace(data, monthly_budget_usd=80.0))


def test_findings_of_all_kinds_are_ranked_together():
    """A model with half of the cost comes before a missing day."""
    data = three_months(lambda week, n: NEW if week >= 9 and n < 5 else OLD)
    lost = data.days["date"] == pd.Timestamp("2026-11-11")
    found = cca.findings(replace(data, days=data.days.assign(stored=~lost)))
    weights = [one.weight for one in found[:-1]]
    assert weights == sorted(weights, reverse=True)
    assert found[-1].kind in ("nothing", "unknown")
