"""A measure that a source does not have is unknown everywhere, and nowhere zero."""

from dataclasses import replace
from datetime import date

import pyarrow as pa
import pytest
from builders import dataset, record
from metric_results import card_of, result_of

import ccanalytics as cca
from ccanalytics.dataset.coverage import coverage_ledger, data_inventory, trust_facts
from ccanalytics.frames.arrow_tables import to_pandas
from ccanalytics.frames.record_frames import build_seats
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.wire.enterprise import Summary

TOOLS = {"edit_tool": (3, 1)}


def enterprise(people=12, **options):
    """Three weeks of people with commits and decisions, without model, token or cost."""
    records = [
        record(day, f"p{n}@x.example", commits=4, tools=TOOLS, terminal=None, customer_type=None)
        for day in ("2026-11-03", "2026-11-10", "2026-11-17")
        for n in range(people)
    ]
    return dataset(records, "2026-11-02", "2026-11-22", source="enterprise", **options)


USAGE = [name for name, metric in METRICS.items() if metric.needs_usage]


@pytest.mark.parametrize("metric", USAGE)
def test_a_number_about_usage_is_null_and_says_so(metric):
    """The card shows no figure, no zero and no useless advice."""
    headline = cca.headline(enterprise(), metric)
    card = card_of(headline)
    assert (card["value"], card["verdict"]) == ("n/a", "not known from this source")
    assert card["detail"].endswith("not known from this source.")
    assert cca.by_week(enterprise(), metric)[["value", "low", "high"]].isna().all(axis=None)


@pytest.mark.parametrize("metric", [m for m, one in METRICS.items() if one.numerator])
def test_numbers_about_people_are_the_same_as_from_other_sources(metric):
    """The same records as those of the Admin API give the same frame, except for usage."""
    if metric in USAGE or metric == "active_rate":
        return
    data = enterprise()
    other = dataset(
        [
            record(day, f"p{n}@x.example", commits=4, tools=TOOLS)
            for day in ("2026-11-03", "2026-11-10", "2026-11-17")
            for n in range(12)
        ],
        "2026-11-02",
        "2026-11-22",
    )
    assert cca.by_week(data, metric).equals(cca.by_week(other, metric))


def test_every_metric_frame_about_cost_is_empty_or_null():
    """No frame drawn by a notebook contains a 0."""
    data = enterprise()
    for metric in (
        "model_mix",
        "api_key_cost",
        "typical_cost_per_commit",
        "gini",
        "halfcount",
        "top10_share",
        "daily_cost",
    ):
        assert result_of(data, metric)["value"].isna().all(), metric


def test_sentences_about_cost_say_that_it_is_unknown():
    """The forecast, the drivers, the teams and the distribution."""
    data = enterprise()
    for said in (
        cca.month_forecast(data).sentence(),
        cca.cost_drivers(data).sentence(),
        cca.team_shift(data).sentence(),
        cca.sentence(data, "top10_share"),
        str(cca.metric_frame(data, "unusual_days")._repr_mimebundle_()),
    ):
        assert "not known from this source" in said


def test_actor_weeks_have_no_tokens_and_no_cost():
    """They are unknown in custom analyses too."""
    rows = cca.actor_weeks(enterprise())
    assert rows[["cost_usd", "output_tokens", "total_tokens"]].isna().all(axis=None)
    assert rows["commits"].sum() == 3 * 12 * 4


def test_the_ledger_and_the_facts_say_what_is_unknown():
    """They mention no prices and no API keys, which the source does not have."""
    data = enterprise()
    ledger = coverage_ledger(data).set_index("who")["state"]
    assert ledger["Models, tokens and cost"] == "not known"
    assert ledger["API keys and pipelines"] == "not in the data"
    facts = trust_facts(data).set_index("what")["state"]
    assert facts["Prices"] == "neither tokens nor cost are known from this source"
    assert "Tokens and estimated cost by model" not in set(data_inventory(data)["what"])


def test_checks_do_not_call_an_unknown_cost_plausible():
    """The check of cost passes and says that there is nothing to check."""
    (found,) = [c for c in cca.preflight(enterprise()) if c.name.startswith("Cost")]
    assert (found.level, found.found) == (
        "passed",
        "This source has neither cost nor tokens.",
    )


def seats(*days):
    """Known seats as {day: seats or None}."""
    tables = [
        build_seats(date.fromisoformat(day), Summary(f"{day}T00:00:00Z", count, 2))
        for day, count in days
    ]
    return to_pandas(pa.concat_tables(tables))


def with_seats(*days, **options):
    return replace(enterprise(**options), extras={"seats": seats(*days)})


def test_seats_are_the_denominator_without_a_roster():
    """Twelve people of twenty seats on the Sunday of the week."""
    data = with_seats(("2026-11-15", None), ("2026-11-22", 20))
    frame = cca.seat_rate(data)
    assert frame["value"].tolist()[-1] == 0.6
    assert frame["value"][:2].isna().all()
    assert "20 assigned seats" in cca.sentence(data, "active_rate")
    assert "60 % of them" in cca.sentence(data, "active_rate")


def test_the_share_of_seats_of_few_people_is_withheld():
    """Three people are too few, whatever the number of seats."""
    data = with_seats(("2026-11-22", 20), people=3, minimum_group=5)
    assert cca.seat_rate(data)["value"].isna().all()
    assert "assigned seats" not in cca.sentence(data, "active_rate")


def test_other_sources_have_no_seats():
    """They have no share of seats and do not mention it."""
    data = dataset([record("2026-11-17")], "2026-11-16", "2026-11-22")
    assert cca.seat_rate(data)["value"].isna().all()
    assert "seats" not in cca.sentence(data, "active_rate")


def test_without_a_roster_no_chart_is_split_by_team():
    """Everybody is in no team, so a split by team would show them all as one."""
    split = cca.by_week(enterprise(), "commits", by="team")
    assert cca.chart(split).to_dict()["usermeta"]["ccanalytics"]["missing"] == "no roster"
    assert split["value"].tolist() == [48, 48, 48]
