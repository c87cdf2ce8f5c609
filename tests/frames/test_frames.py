"""The records of a day become three tidy tables, exact and with fixed types."""

from datetime import date
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest
from builders import record
from hypothesis import given
from hypothesis import strategies as st

from ccanalytics.errors import SchemaError
from ccanalytics.frames.arrow_tables import to_pandas
from ccanalytics.frames.record_frames import build_frames
from ccanalytics.frames.schemas import KEYS, SCHEMAS
from ccanalytics.logs.log_schemas import SESSIONS
from ccanalytics.wire.claude_code import EstimatedCost

DAY = date(2026, 11, 16)

BUSY = record(
    commits=3,
    added=10,
    tools={"edit_tool": (4, 1), "write_tool": (2, 0)},
    models={
        "claude-sonnet-5": {"input": 100, "output": 20, "cents": 186},
        "claude-opus-5": {"cents": "0.000001"},
        "claude-haiku-4-5": {"cents": None},
    },
)


def test_a_record_is_one_row_of_activity_and_one_per_model_and_tool():
    """Three models and two tools do not repeat the commits of their record."""
    frames = build_frames(DAY, [BUSY, record(actor="bob@x.example")])
    assert {name: len(table) for name, table in frames.items()} == {
        "activity": 2,
        "model_usage": 3,
        "tool_actions": 2,
    }
    assert frames["activity"]["commits"].to_pylist() == [3, 0]
    assert frames["tool_actions"]["accepted"].to_pylist() == [4, 2]


def test_every_row_carries_the_keys_of_its_record():
    """An empty record does not shift the keys of the next one."""
    quiet = record(actor="zoe@x.example")
    usage = build_frames(DAY, [quiet, BUSY, quiet])["model_usage"]
    assert set(usage["actor"].to_pylist()) == {"ann@x.example"}
    assert usage.schema.names[: len(KEYS)] == [field.name for field in KEYS]


def test_cents_become_dollars_without_losing_a_digit():
    """186 cents are 1.86 dollars, a millionth of a cent is kept, an unknown price stays null."""
    costs = build_frames(DAY, [BUSY])["model_usage"]["cost_usd"].to_pylist()
    assert costs == [Decimal("1.86"), Decimal("0.00000001"), None]


@given(st.lists(st.integers(0, 10**15), min_size=1, max_size=20))
def test_any_sum_of_costs_is_exact(millionths):
    """Costs add up to the last millionth of a cent, whatever they are."""
    cents = [Decimal(n).scaleb(-6) for n in millionths]
    rows = [record(models={"m": {"cents": amount}}) for amount in cents]
    costs = build_frames(DAY, rows)["model_usage"]["cost_usd"].to_pylist()
    assert sum(costs) == sum(cents) / 100


def test_an_empty_day_has_the_same_columns_and_types_as_a_full_one():
    """No activity is a frame with no rows, not a frame with no columns."""
    empty, full = build_frames(DAY, []), build_frames(DAY, [BUSY])
    for name, schema in SCHEMAS.items():
        assert len(empty[name]) == 0
        assert empty[name].schema == full[name].schema == schema
        assert to_pandas(empty[name]).dtypes.to_dict().keys() == set(schema.names)


def test_a_key_is_distinguished_from_a_person():
    """The name of an API key is its actor, and its kind says that it is not a person."""
    activity = build_frames(DAY, [record(api_key="ci"), record()])["activity"]
    assert activity["actor"].to_pylist() == ["ci", "ann@x.example"]
    assert activity["actor_kind"].to_pylist() == ["api_key", "user"]


def test_a_missing_field_is_null():
    """An absent is_remote or subscription is null, which is neither false nor none."""
    activity = build_frames(DAY, [record(is_remote=None), record(is_remote=True)])["activity"]
    assert activity["is_remote"].to_pylist() == [None, True]
    assert activity["subscription_type"].null_count == 2


def test_a_record_of_another_day_is_refused():
    """A day that contained its neighbour's records would count them twice."""
    with pytest.raises(SchemaError, match=r"2026-11-17.*2026-11-16"):
        build_frames(DAY, [record("2026-11-17")])


@pytest.mark.parametrize(
    ("cost", "words"),
    [
        (EstimatedCost(Decimal(1), "EUR"), "EUR"),
        (EstimatedCost(Decimal("NaN")), "cents"),
        (EstimatedCost(Decimal("1e20")), "cents"),
    ],
)
def test_a_cost_that_cannot_be_added_up_is_refused(cost, words):
    """Another currency, not a number, or too large: an error, never a wrong sum."""
    odd = record(models={"m": {}})
    odd.model_breakdown[0].estimated_cost = cost
    with pytest.raises(SchemaError, match=words):
        build_frames(DAY, [odd])


def test_pandas_gets_categories_numbers_and_days():
    """Text keys are categories, counts int64, dollars float64, the date a timestamp."""
    frame = to_pandas(build_frames(DAY, [BUSY])["model_usage"])
    assert frame.dtypes.astype(str).to_dict() | {"actor": "category"} == {
        "date": "datetime64[ms]",
        **dict.fromkeys(
            ["organization", "actor", "actor_kind", "customer_type", "subscription_type"],
            "category",
        ),
        "terminal": "category",
        "is_remote": "boolean",
        "project": "category",
        "model": "category",
        "input_tokens": "int64",
        "output_tokens": "int64",
        "cache_read_tokens": "int64",
        "cache_creation_tokens": "int64",
        "cost_usd": "float64",
    }
    assert frame["date"].unique().tolist() == [pd.Timestamp("2026-11-16")]
    assert frame["cost_usd"].tolist()[:2] == [1.86, 1e-8]


def test_every_column_says_what_it_holds():
    """The schemas are the data dictionary, so no column is without its description."""
    for schema in (*SCHEMAS.values(), SESSIONS):
        for field in schema:
            assert field.metadata[b"description"], field.name


def test_frames_of_different_days_have_one_schema():
    """Days can be concatenated into one table."""
    days = [build_frames(date(2026, 11, d), [record(f"2026-11-{d}")]) for d in (16, 17)]
    together = pa.concat_tables(day["activity"] for day in days)
    assert together.schema == SCHEMAS["activity"]
    assert len(together) == 2


@pytest.mark.parametrize(
    ("cents", "dollars"),
    [("0.30000000000000004", "0.00300000"), ("141.12512345678", "1.41125123"), ("7", "0.07000000")],
)
def test_floating_point_noise_is_rounded_away(cents, dollars):
    """An amount like 0.1 + 0.2 does not fail the day: a millionth of a cent is kept."""
    frames = build_frames(date(2026, 11, 16), [record(models={"m": {"cents": cents}})])
    assert frames["model_usage"]["cost_usd"].to_pylist() == [Decimal(dollars)]


@pytest.mark.parametrize("cents", ["NaN", "Infinity", "1e30", "1e400"])
def test_an_amount_that_is_not_a_number_is_refused(cents):
    """Not a number, or out of range."""
    with pytest.raises(SchemaError, match="out of range"):
        build_frames(date(2026, 11, 16), [record(models={"m": {"cents": cents}})])


def test_a_count_out_of_range_is_refused():
    """64 bits hold every real count; a larger one is one of our own errors, with the day."""
    with pytest.raises(SchemaError, match="2026-11-16"):
        build_frames(date(2026, 11, 16), [record(commits=2**63)])


def test_a_control_character_in_a_name_is_replaced():
    """A vertical tab crashes the chart converter; two names that become equal are one."""
    names = pa.array(["a\x0bb", "a\x1bb", "a\ufffdb", "Ärzte", None])
    parts = [names[:2].dictionary_encode(), names[2:].dictionary_encode()]
    frame = to_pandas(pa.table({"project": pa.chunked_array(parts)}))
    assert frame["project"].cat.categories.to_list() == ["a\ufffdb", "Ärzte"]
    assert frame["project"].notna().sum() == 4
