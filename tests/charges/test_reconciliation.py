"""The estimate compared with the bill: the same days, the same scope."""

import math
from datetime import date, timedelta
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest
from builders import dataset, record

import ccanalytics as cca
from ccanalytics.charges.billing_frames import BILLING_SCHEMAS, build_billing
from ccanalytics.frames.arrow_tables import to_pandas
from ccanalytics.wire.cost_report import CacheCreation, Cost, DayBill, Usage

NAMES = {"w1": "Claude Code", "w2": "Shop"}


def cost(cents, model="claude-sonnet-5", place="w1", kind="tokens"):
    return Cost(Decimal(str(cents)), "USD", cost_type=kind, model=model, workspace_id=place)


def used(tokens, model="claude-sonnet-5", place="w1"):
    return Usage(0, 0, CacheCreation(), tokens, model=model, workspace_id=place)


def billing(bills):
    """The frames of what was billed on each day of {day: ([costs], [usage])}."""
    built = [build_billing(date.fromisoformat(day), DayBill(costs, usage, NAMES))
             for day, (costs, usage) in bills.items()]  # fmt: skip
    frames = {n: to_pandas(pa.concat_tables(b[n] for b in built)) for n in BILLING_SCHEMAS}
    days = pd.DataFrame({"date": pd.DatetimeIndex(list(bills)).as_unit("ms")})
    return frames | {"billed_days": days}


def spend(cents, model="claude-sonnet-5", tokens=100):
    return {model: {"output": tokens, "cents": cents}}


def week(records, bills, **options):
    return dataset(records, "2026-11-16", "2026-11-22", extras=billing(bills), **options)


def whole(data):
    frame = cca.reconciliation(data)
    return frame[frame["family"] == "all models"].iloc[0]


def every_day(*costs):
    days = [date(2026, 11, 16) + timedelta(n) for n in range(7)]
    return {str(day): (list(costs) if n == 0 else [], []) for n, day in enumerate(days)}


def test_the_gap_is_signed_and_a_share_of_the_bill():
    """Estimated at five dollars, billed four: a dollar, a quarter of the bill, too high."""
    row = whole(week([record(models=spend(500))], every_day(cost(400))))
    assert (row["estimated"], row["billed"], row["gap"], row["value"]) == (5.0, 4.0, 1.0, 0.25)
    assert row["days"] == 7


def test_only_days_that_both_have_count():
    """Tuesday was not billed yet, and of Saturday there is only a bill: one day of each is left."""
    bills = {"2026-11-16": ([cost(100)], []), "2026-11-21": ([cost(50)], [])}
    data = week([record(models=spend(200)), record("2026-11-17", models=spend(900))], bills)
    data.days.loc[5, "stored"] = False
    row = whole(data)
    assert (row["estimated"], row["billed"], row["days"]) == (2.0, 1.0, 1)


def test_subscriptions_are_left_out():
    """Their amounts are notional: nobody is billed them."""
    records = [record(models=spend(500)), record(customer_type="subscription", models=spend(900))]
    assert whole(week(records, every_day(cost(400))))["estimated"] == 5.0


def test_keys_and_other_workspaces_are_on_neither_side():
    """Where Claude Code has a workspace of its own, people are compared with that one."""
    records = [record(models=spend(500)), record(api_key="ci", models=spend(900))]
    row = whole(week(records, every_day(cost(400), cost(7000, place="w2"), cost(10, place=None))))
    assert (row["estimated"], row["billed"]) == (5.0, 4.0)


def test_without_that_workspace_all_is_compared_with_all():
    """Keys and people, next to everything that was billed; and the words say so."""
    records = [record(models=spend(500)), record(api_key="ci", models=spend(100))]
    data = week(records, every_day(cost(400, place="w2"), cost(400, place=None)))
    assert (whole(data)["estimated"], whole(data)["billed"]) == (6.0, 8.0)
    assert "all workspaces billed $8.00" in cca.reconciliation_sentence(data)
    assert "25 % below the bill" in cca.reconciliation_sentence(data)


def test_models_of_one_family_meet_whatever_their_ids():
    """The records write a date into the id and the bill does not."""
    records = [record(models=spend(500, "claude-sonnet-4-5-20250929"))]
    frame = cca.reconciliation(week(records, every_day(cost(400, "claude-sonnet-4-5"))))
    assert frame.set_index("family").loc["Sonnet 4.5", "value"] == 0.25


def test_what_only_the_bill_has_gets_no_estimate():
    """A web search has no estimate: not zero, and no gap; in the whole it counts."""
    bills = every_day(cost(400), cost(100, model=None, kind="web_search"))
    frame = cca.reconciliation(week([record(models=spend(500))], bills)).set_index("family")
    assert math.isnan(frame.loc["web search", "estimated"])
    assert math.isnan(frame.loc["web search", "gap"])
    assert frame.loc["all models", "billed"] == 5.0


def test_what_one_side_has_nothing_of_is_zero_there():
    """The days are known: a model only billed was not used, and one only used was not billed."""
    data = week([record(models=spend(500))], every_day(cost(300, "claude-opus-5")))
    frame = cca.reconciliation(data).set_index("family")
    assert frame.loc["Opus 5", ["estimated", "billed"]].tolist() == [0.0, 3.0]
    assert frame.loc["Sonnet 5", ["estimated", "billed"]].tolist() == [5.0, 0.0]
    assert math.isnan(frame.loc["Sonnet 5", "value"])


def test_a_bill_of_nothing_says_so():
    """Known days on which nothing was billed are not days of which nothing is known."""
    data = week([record(models=spend(500))], every_day())
    assert cca.reconciliation_sentence(data).startswith("Nothing was billed on the days")


def test_months_stand_apart():
    """A range over a month's end: two months, each with its days."""
    records = [record("2026-10-30", models=spend(100)), record("2026-11-02", models=spend(300))]
    bills = {"2026-10-30": ([cost(100)], []), "2026-11-02": ([cost(200)], [])}
    data = dataset(records, "2026-10-26", "2026-11-08", extras=billing(bills))
    frame = cca.reconciliation(data)
    frame = frame[frame["family"] == "all models"]
    assert frame["gap"].tolist() == [0.0, 1.0]
    assert frame["days"].tolist() == [1, 1]


def test_the_tokens_of_both_sides_say_what_kind_of_gap_it_is():
    """The records have half of the tokens: the gap is use that they did not see."""
    bills = {"2026-11-16": ([cost(400)], [used(200), used(999, place="w2")])}
    data = week([record(models=spend(500, tokens=100))], bills)
    assert "50 % of the tokens" in cca.reconciliation_sentence(data)


def test_an_unknown_price_is_no_estimate():
    """Most tokens have no price: the estimate is null, not small."""
    records = [record(models=spend(500) | spend(None, "house-model", tokens=900))]
    data = week(records, every_day(cost(400)))
    assert math.isnan(whole(data)["estimated"])
    assert "cannot be compared" in cca.reconciliation_sentence(data)


def test_models_that_too_few_people_used_are_one_row():
    """Two of six used another model, and they and a third one more: three people are too few."""
    people = [f"p{n}@x.example" for n in range(6)]
    records = [record(actor=who, models=spend(100)) for who in people]
    records += [record(actor=who, models=spend(50, "claude-opus-5")) for who in people[:2]]
    records += [record(actor=who, models=spend(30, "claude-haiku-4-5")) for who in people[:3]]
    bills = every_day(cost(600), cost(100, "claude-opus-5"), cost(90, "claude-haiku-4-5"))
    frame = cca.reconciliation(week(records, bills, minimum_group=5))
    assert frame["family"].tolist() == ["all models", "withheld together"]
    assert frame["estimated"].tolist() == pytest.approx([7.9, 7.9])


def test_too_few_people_have_no_row_of_their_own():
    """Of three people neither the estimate nor the bill is shown."""
    records = [record(actor=f"p{n}@x.example", models=spend(100)) for n in range(3)]
    row = whole(week(records, every_day(cost(300)), minimum_group=5))
    assert row[["estimated", "billed", "gap", "value"]].isna().all()


@pytest.mark.parametrize(
    ("source", "words"),
    [("api", "ccanalytics sync --since 2026-11-16 --billed"), ("local", "source local")],
)
def test_without_a_bill_it_says_what_to_do(source, words):
    """No rows, and the way to get some."""
    data = dataset([record()], "2026-11-16", "2026-11-22", source=source)
    assert cca.reconciliation(data).empty
    assert words in cca.reconciliation_sentence(data)


def test_the_table_shows_money_and_the_sign():
    """Dollars, a signed difference, a share."""
    frame = cca.reconciliation(week([record(models=spend(500))], every_day(cost(400))))
    rows = frame._repr_mimebundle_()["application/vnd.ccanalytics.table+json"]["rows"]
    assert rows[0] == ["Nov 2026", "all models", "7", "$5.00", "$4.00", "+$1.00", "25 %"]


def test_a_month_does_not_tell_of_a_week_of_few_people():
    """Six people in each week, but three in one: the month less the other weeks would be theirs."""
    days = {"2026-11-03": 6, "2026-11-10": 3, "2026-11-17": 6}
    records = [
        record(day, f"p{n}@x.example", models=spend(100))
        for day, count in days.items()
        for n in range(count)
    ]
    bills = {day: ([cost(600)], []) for day in days}
    data = dataset(records, "2026-11-02", "2026-11-22", extras=billing(bills), minimum_group=5)
    assert cca.reconciliation(data)[["estimated", "billed", "gap"]].isna().all(axis=None)
