"""FOCUS-shaped rows: every column the specification requires, exact sums, and no names by
default."""

import csv
import io
import json
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders import record
from charges_made import billed_dataset, charge
from export_stores import DAY, awkward, export, fill, roster

from ccanalytics.export.focus_rows import FOCUS, focus_table
from ccanalytics.people.roster import parse_roster
from ccanalytics.store.day_store import Store
from ccanalytics.wire.analytics_cost import CostGroup
from ccanalytics.wire.claude_code import OtherActor

ALLOWED = {
    "BillingCurrency": ("USD",),
    "ChargeCategory": ("Usage", "Purchase", "Tax", "Credit", "Adjustment"),
    "ChargeClass": ("Correction",),
    "ChargeFrequency": ("One-Time", "Recurring", "Usage-Based"),
    "PricingCategory": ("Standard", "Dynamic", "Committed", "Other"),
    "ServiceCategory": ("AI and Machine Learning",),
    "ServiceSubcategory": ("Generative AI",),
}
"""The values FOCUS allows in a column, as far as these rows use it."""

MANDATORY = {
    "BilledCost": False,
    "BillingAccountId": False,
    "BillingAccountName": True,
    "BillingCurrency": False,
    "BillingPeriodEnd": False,
    "BillingPeriodStart": False,
    "ChargeCategory": False,
    "ChargeClass": True,
    "ChargeDescription": True,
    "ChargePeriodEnd": False,
    "ChargePeriodStart": False,
    "ContractedCost": False,
    "EffectiveCost": False,
    "InvoiceIssuerName": False,
    "ListCost": False,
    "PricingQuantity": True,
    "PricingUnit": True,
    "ProviderName": False,
    "PublisherName": False,
    "ServiceCategory": False,
    "ServiceName": False,
}
"""The mandatory columns of FOCUS 1.2, and whether they may be null."""

USAGE = {"claude-sonnet-4-5-20250929": {"input": 1_000_000, "output": 100_000, "cents": 450}}


def rows_of(folder):
    """The rows of all files, as text."""
    paths = sorted(folder.glob("focus/*.csv"))
    texts = [path.read_text(encoding="utf-8") for path in paths]
    return [row for text in texts for row in csv.DictReader(io.StringIO(text, newline=""))]


def exported(tmp_path, records, **more):
    export(fill(tmp_path / "store", records), tmp_path / "out", form="focus", **more)
    return rows_of(tmp_path / "out")


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    """The rows of a varied store, as Parquet."""
    root = tmp_path_factory.mktemp("focus")
    store = awkward(root / "store")
    export(store, root / "out", form="focus-parquet", roster=roster())
    return store, pa.concat_tables(map(pq.read_table, sorted(root.glob("out/focus/*"))))


def test_every_mandatory_column_is_present_and_null_only_where_allowed(big):
    """By the specification's own list; our own columns start with x_."""
    _, table = big
    assert set(MANDATORY) <= set(FOCUS.names)
    for name, nullable in MANDATORY.items():
        assert nullable or table[name].null_count == 0, name
    for field in FOCUS:
        assert field.nullable or table[field.name].null_count == 0, field.name
        assert field.name.startswith("x_") or field.name[0].isupper()


def test_columns_have_only_allowed_values(big):
    """Readers would reject a value outside the specification's list."""
    _, table = big
    for name, allowed in ALLOWED.items():
        assert set(table[name].unique().to_pylist()) <= {*allowed, None}, name


def test_sku_columns_are_null_exactly_when_there_is_no_sku(big):
    """Meter, price details, category and quantity depend on SkuId and SkuPriceId."""
    _, table = big
    for name in ("SkuId", "SkuPriceId", "SkuMeter", "PricingCategory", "PricingQuantity"):
        assert table[name].null_count == 0
    with_account = [one is not None for one in table["SubAccountId"].to_pylist()]
    assert [one is not None for one in table["SubAccountType"].to_pylist()] == with_account


def test_the_rows_of_a_model_add_up_to_its_estimated_cost(big):
    """Split by kind of token without losing a hundredth of a cent, day by day."""
    store, table = big
    stored = defaultdict(Decimal)
    usage = store.read("api", "model_usage", DAY - timedelta(99), DAY + timedelta(99))
    for row in usage.select(["date", "cost_usd"]).to_pylist():
        stored[row["date"].date()] += row["cost_usd"] or 0
    found = defaultdict(Decimal)
    for row in table.select(["ChargePeriodStart", "EffectiveCost"]).to_pylist():
        found[row["ChargePeriodStart"].date()] += row["EffectiveCost"]
    assert {day: cost for day, cost in found.items() if cost} == (
        {day: cost for day, cost in stored.items() if cost}
    )
    assert table["ListCost"].equals(table["EffectiveCost"])
    assert table["ContractedCost"].equals(table["EffectiveCost"])


def test_days_with_a_known_bill_have_the_billed_cost(tmp_path, sample_days):
    """The bill of the sample starts on 31 August; the day before is an unbilled estimate."""
    days = {"since": date(2026, 8, 30), "until": date(2026, 9, 1)}
    store = Store(sample_days)
    export(store, tmp_path / "out", source="sample", form="focus-parquet", **days)
    table = pa.concat_tables(map(pq.read_table, (tmp_path / "out/focus").glob("*.parquet")))
    found = defaultdict(lambda: defaultdict(Decimal))
    for row in table.to_pylist():
        for name in ("BilledCost", "EffectiveCost", "ListCost", "ConsumedQuantity"):
            found[row["ChargePeriodStart"].date()][name] += row[name]
        assert row["x_IsEstimate"] == (row["ChargePeriodStart"].date() == days["since"])
    charges = store.read("sample-charges", "charges", days["since"], days["until"]).to_pylist()
    assert found[days["since"]]["BilledCost"] == 0
    for day in (date(2026, 8, 31), days["until"]):
        for name, column in (("BilledCost", "amount_usd"), ("ListCost", "list_usd")):
            assert found[day][name] == sum(c[column] for c in charges if c["date"].date() == day)
        assert found[day]["BilledCost"] == found[day]["EffectiveCost"] > 0
        assert found[day]["ConsumedQuantity"] > 0
    accounts = {(row["SubAccountId"], row["SubAccountType"]) for row in table.to_pylist()}
    assert (None, None) in accounts  # cost that cannot be attributed is billed as well
    assert "web_search/Other" in table["SkuId"].to_pylist()


def test_a_charge_without_model_and_kind_is_billed_as_other():
    """150 cents of nobody knows what."""
    one = msgspec.structs.replace(charge(cents=150), group=CostGroup())
    data = billed_dataset([], [one], "2026-11-16", "2026-11-16")
    (row,) = focus_table(data).to_pylist()
    assert (row["SkuId"], row["BilledCost"]) == ("Other/Other", Decimal("1.5"))


def test_without_a_bill_everything_is_an_estimate(tmp_path):
    """BilledCost is 0, because no invoice exists; the estimate is in a separate column."""
    for row in exported(tmp_path, [record(str(DAY), models=USAGE)]):
        assert Decimal(row["BilledCost"]) == 0
        assert row["x_IsEstimate"] == "true"
        assert row["x_EstimatedCost"] == row["EffectiveCost"]


def test_cost_is_split_by_list_price(tmp_path):
    """A million tokens in at $3 and a tenth of a million out at $15: $3.00 and $1.50 of $4.50."""
    rows = exported(tmp_path, [record(str(DAY), models=USAGE)])
    found = {row["SkuMeter"]: (row["ConsumedQuantity"], row["EffectiveCost"]) for row in rows}
    assert found == {
        "Input Tokens": ("1000000.000000", "3"),
        "Output Tokens": ("100000.000000", "1.5"),
    }
    assert {row["x_CostAllocation"] for row in rows} == {"list price"}
    assert {Decimal(row["PricingQuantity"]) for row in rows} == {1, Decimal("0.1")}


def test_a_model_without_a_list_price_is_split_by_the_usual_ratios(tmp_path):
    """Output is five times input, and the row says that this is not a price."""
    models = {"house-model": {"input": 500, "output": 100, "cents": 200}}
    rows = exported(tmp_path, [record(str(DAY), models=models)])
    assert [row["EffectiveCost"] for row in rows] == ["1", "1"]
    assert {row["x_CostAllocation"] for row in rows} == {"typical ratio of list prices"}


def test_an_unknown_cost_is_zero_and_marked_unknown(tmp_path):
    """FOCUS requires a number; the estimate itself stays empty."""
    (row,) = exported(tmp_path, [record(str(DAY), models={"x": {"output": 9, "cents": None}})])
    assert (Decimal(row["EffectiveCost"]), row["x_EstimatedCost"]) == (0, "")


def test_a_cost_without_tokens_is_not_lost(tmp_path):
    """A web search has a cost but no tokens."""
    (row,) = exported(tmp_path, [record(str(DAY), models={"claude-sonnet-5": {"cents": 7}})])
    assert (row["SkuMeter"], row["EffectiveCost"], row["x_CostAllocation"]) == (
        "Other",
        "0.07",
        "none",
    )


def test_periods_are_utc_days_and_months_with_an_exclusive_end(tmp_path):
    """In the date format of the specification, also across the end of a year."""
    (row, *_) = exported(tmp_path, [record("2026-12-31", models=USAGE)])
    names = ["ChargePeriodStart", "ChargePeriodEnd", "BillingPeriodStart", "BillingPeriodEnd"]
    assert [row[name] for name in names] == [
        "2026-12-31T00:00:00Z",
        "2027-01-01T00:00:00Z",
        "2026-12-01T00:00:00Z",
        "2027-01-01T00:00:00Z",
    ]


def test_named_rows_are_of_people_and_keys(tmp_path):
    """Sub account, its type, and the team as a tag."""
    records = [record(str(DAY), models=USAGE), record(str(DAY), api_key="ci", models=USAGE)]
    team = parse_roster("email,team,start\nann@x.example,Web,\n", "r")
    rows = exported(tmp_path, records, roster=team)
    assert {(r["SubAccountId"], r["SubAccountType"], r["Tags"]) for r in rows} == {
        ("ann@x.example", "Person", '{"team": "Web"}'),
        ("ci", "API key", ""),
    }
    assert json.loads(rows[0]["SkuPriceDetails"])["ModelFamily"] == "Sonnet 4.5"


def test_an_actor_of_another_kind_is_no_person(tmp_path):
    """A service account is called what the service calls it."""
    bot = OtherActor("service_account_actor", "release-bot")
    one = msgspec.structs.replace(record(str(DAY), models=USAGE), actor=bot)
    rows = exported(tmp_path, [one])
    assert {(row["SubAccountId"], row["SubAccountType"]) for row in rows} == {
        ("release-bot", "service_account")
    }


def test_rows_of_people_are_refused_under_aggregate(tmp_path):
    """The bill of teams is in the showback."""
    with pytest.raises(ValueError, match="showback --by team"):
        exported(tmp_path, [record(str(DAY), models=USAGE)], identity="aggregate")
