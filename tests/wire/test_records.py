"""The wire format: the allowed forms of a page, and the errors for all others."""

import json
from datetime import date
from decimal import Decimal

import pytest
from builders import record
from hypothesis import given
from hypothesis import strategies as st

from ccanalytics.errors import SchemaError
from ccanalytics.fake_api.endpoints import as_sent
from ccanalytics.frames.record_frames import build_frames
from ccanalytics.wire.claude_code import (
    ApiActor,
    OtherActor,
    Page,
    UserActor,
    decode_page,
    unknown_fields,
)


def page_of(*records, **fields):
    envelope = {"data": list(records), "has_more": False, "next_page": None}
    return json.dumps(envelope | fields).encode()


def wire(**fields):
    usage = {"claude-sonnet-5": {"input": 1, "output": 2, "cents": 186}}
    return as_sent(record(tools={"edit_tool": (3, 1)}, models=usage)) | fields


def test_all_ten_keys_are_read():
    """Every field of a record is read under its own name."""
    text = wire(is_remote=True, customer_type="subscription", subscription_type="team")
    found = decode_page(page_of(text)).data[0]
    assert found.actor == UserActor("ann@x.example")
    assert (found.is_remote, found.customer_type, found.subscription_type) == (
        True,
        "subscription",
        "team",
    )
    assert found.tool_actions["edit_tool"].accepted == 3
    assert found.model_breakdown[0].tokens.output == 2
    assert len(text) == 10


def test_an_api_key_is_an_actor_by_name():
    """`type` distinguishes the two kinds of actor."""
    actor = {"type": "api_actor", "api_key_name": "ci"}
    assert decode_page(page_of(wire(actor=actor))).data[0].actor == ApiActor("ci")


@pytest.mark.parametrize("missing", ["is_remote", "subscription_type"])
def test_a_recently_added_key_may_be_absent_or_null(missing):
    """Older answers lack it, newer ones may send null: both are unknown."""
    absent = {k: v for k, v in wire().items() if k != missing}
    assert getattr(decode_page(page_of(absent)).data[0], missing) is None
    assert getattr(decode_page(page_of(wire(**{missing: None}))).data[0], missing) is None


def test_an_idle_record_has_an_empty_map_and_an_empty_list():
    """`{}` and `[]` are not errors."""
    found = decode_page(page_of(wire(tool_actions={}, model_breakdown=[]))).data[0]
    assert (found.tool_actions, found.model_breakdown) == ({}, [])


def test_new_values_are_accepted():
    """Unknown fields, tools and terminals cause no error."""
    tools = {"vr_tool": {"accepted": 1, "rejected": 0, "later": 3}}
    found = decode_page(page_of(wire(tool_actions=tools, terminal_type="holodeck", new=[1])))
    assert list(found.data[0].tool_actions) == ["vr_tool"]
    assert found.data[0].terminal_type == "holodeck"


@pytest.mark.parametrize(
    ("sent", "cents"), [(186, "186"), (0.1, "0.1"), ("12.345678", "12.345678")]
)
def test_an_amount_is_exact_however_it_is_written(sent, cents):
    """A whole number, a fraction and a text are the same exact cents."""
    text = wire()
    text["model_breakdown"][0]["estimated_cost"]["amount"] = sent
    amount = decode_page(page_of(text)).data[0].model_breakdown[0].estimated_cost.amount
    assert amount == Decimal(cents)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"records": [], "has_more": false}', "field `data`"),
        (b'{"data": [], "next_cursor": null}', "next_page"),
        (b"<html>Sign in</html>", "HTML"),
        (b'{"data": [{"date": "2026', "not a page"),
        (b"\xff\xfe", "not a page"),
        (page_of({"date": "2026-11-16T00:00:00Z"}), "actor"),
    ],
)
def test_a_wrong_answer_is_described(body, words):
    """Another envelope, a web page and a truncated answer are named."""
    with pytest.raises(SchemaError, match=words):
        decode_page(body)


@pytest.mark.parametrize(
    ("part", "odd", "known"),
    [
        ("actor", None, OtherActor("actor", "actor")),
        (
            "actor",
            {"type": "user_actor", "email_address": None, "id": "user_7"},
            OtherActor("unnamed_user_actor", "user_7"),
        ),
        (
            "actor",
            {"type": "user_actor", "email_address": ""},
            OtherActor("unnamed_user_actor", "unnamed_user_actor"),
        ),
        ("actor", {"type": "api_actor"}, OtherActor("unnamed_api_actor", "unnamed_api_actor")),
        ("actor", {"type": "new_actor", "id": "x1"}, OtherActor("new_actor", "x1")),
        ("tool_actions", None, {}),
        ("model_breakdown", None, []),
    ],
)
def test_one_odd_row_does_not_fail_the_day(part, odd, known):
    """A deleted account, a key without a name, null for an empty map: the rest counts."""
    body = page_of(wire(), wire() | {part: odd})
    found = decode_page(body).data
    assert found[0] == decode_page(page_of(wire())).data[0]
    assert getattr(found[1], part) == known
    news = {f"actor.type {known.kind}"} if part == "actor" else set()
    assert unknown_fields(body, found) == news


def test_a_number_may_be_text_and_a_price_may_be_missing():
    """As a proxy writes them; tokens without a cost have none, rather than zero."""
    row = wire()
    del row["terminal_type"]
    row["core_metrics"]["num_sessions"] = "3"
    row["model_breakdown"] = [
        {
            "model": "m",
            "tokens": {"input": 1.0, "output": "2", "cache_read": 0, "cache_creation": 0},
        }
    ]
    (found,) = decode_page(page_of(row)).data
    (usage,) = found.model_breakdown
    assert found.core_metrics.num_sessions == 3
    assert (usage.tokens.input, usage.tokens.output) == (1, 2)
    assert usage.estimated_cost.amount is None


@pytest.mark.parametrize(
    ("envelope", "goes_on"),
    [
        ({"has_more": False}, False),
        ({"next_page": None}, False),
        ({"next_page": "page_2"}, True),
        ({"has_more": True, "next_page": "page_2"}, True),
        ({"has_more": False, "next_page": "page_2"}, False),
    ],
)
def test_missing_envelope_fields_are_inferred_from_the_others(envelope, goes_on):
    """Some proxies drop null or false values."""
    assert decode_page(json.dumps({"data": [], **envelope}).encode()).goes_on == goes_on


counts = st.integers(0, 2**53)
records = st.builds(
    record,
    actor=st.text(min_size=1, max_size=20),
    api_key=st.none() | st.text(min_size=1, max_size=20),
    commits=counts,
    is_remote=st.none() | st.booleans(),
    tools=st.dictionaries(st.text(max_size=10), st.tuples(counts, counts), max_size=3),
)


@given(st.lists(records, max_size=4), st.none() | st.text())
def test_a_page_survives_being_written_and_read(found, cursor):
    """Whatever the names and counts, encoding and decoding gives the same page."""
    page = Page(found, cursor is not None, cursor)
    body = page_of(*map(as_sent, found), has_more=page.has_more, next_page=cursor)
    assert decode_page(body) == page


def test_an_unknown_field_is_named_by_its_path():
    """New fields of the record and of its nested objects, also inside a list."""
    wire = as_sent(record(models={"claude-sonnet-5": {"output": 5, "cents": 1}}))
    wire["core_metrics"]["reviews"] = 3
    wire["model_breakdown"][0]["tokens"]["thinking"] = 7
    wire["seen_next_year"] = {"a": 1}
    body = json.dumps({"data": [wire], "has_more": False, "next_page": None}).encode()
    assert unknown_fields(body, decode_page(body).data) == {
        "core_metrics.reviews",
        "model_breakdown.tokens.thinking",
        "seen_next_year",
    }


def test_a_page_without_records_has_no_unknown_field():
    """There is nothing to check."""
    assert unknown_fields(b'{"data": [], "has_more": false, "next_page": null}', []) == set()


def test_a_field_only_in_later_records_is_reported():
    """Only the third of three records has it, or only the second model of its list."""
    usage = {name: {"output": 1} for name in ("claude-opus-4-8", "claude-haiku-4-5")}
    late = as_sent(record(models=usage))
    late["remote_environment"] = "web"
    late["model_breakdown"][1]["speed"] = "fast"
    body = page_of(wire(), wire(), late)
    assert unknown_fields(body, decode_page(body).data) == {
        "remote_environment",
        "model_breakdown.speed",
    }


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ({"service_account_id": "svac_1", "service_account_name": "release-bot"}, "release-bot"),
        ({"service_account_id": "svac_1"}, "svac_1"),
        ({}, "service_account_actor"),
    ],
)
def test_an_unknown_kind_of_actor_is_kept_and_reported(sent, name):
    """It is kept as a separate kind, next to a person who is read as usual."""
    body = page_of(wire(), wire(actor={"type": "service_account_actor", **sent}))
    records = decode_page(body).data
    assert [one.actor for one in records] == [
        UserActor("ann@x.example"),
        OtherActor("service_account_actor", name),
    ]
    assert records[1].model_breakdown == records[0].model_breakdown
    assert unknown_fields(body, records) == {"actor.type service_account_actor"}
    frame = build_frames(date(2026, 11, 16), records)["activity"]
    assert frame["actor_kind"].to_pylist() == ["user", "service_account"]
