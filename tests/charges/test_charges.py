"""Charges are read to the last page, kept exactly, and never mixed with the records."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import httpx
import pytest
from builders import record
from charges_made import NAMES, charge
from hypothesis import given
from hypothesis import strategies as st

from ccanalytics.charges.charge_days import build_charges, stored_charges, sync_charges
from ccanalytics.charges.cost_client import BETA, COST, CostClient
from ccanalytics.dataset.loading import load
from ccanalytics.errors import SchemaError
from ccanalytics.sources.sample.organisation import SampleOrganisation
from ccanalytics.store.day_store import Store
from ccanalytics.wire.analytics_cost import ChargedDays, decode_cost_items

KEY, ANALYTICS = "sk-ant-admin01-do-not-print-me", "sk-ant-api01-do-not-print-me"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MONDAY, SUNDAY = date(2026, 11, 16), date(2026, 11, 22)


def offline(*bodies, key=ANALYTICS):
    """A client that answers with each of `bodies` in turn and remembers its requests."""
    answers, asked = iter(bodies), []

    def answer(request):
        asked.append(request)
        return httpx.Response(200, json=next(answers))

    quiet = {"sleep": lambda seconds: None, "budget": 30, "now": lambda: NOW}
    client = CostClient(key, transport=httpx.MockTransport(answer), **quiet)
    client.asked = asked
    return client


def row(day="2026-11-16", amount="100", listed="100", currency="USD", width=1, **group):
    end = date.fromisoformat(day) + timedelta(days=width)
    cost = {"amount": amount, "list_amount": listed, "currency": currency, "requests": None}
    ends = {"starting_at": f"{day}T00:00:00Z", "ending_at": f"{end}T00:00:00Z"}
    return {**ends, "group": {"actor": None, **group}, "cost": cost}


def page(*rows, refreshed="2026-11-24T08:00:00Z", next_page=None):
    more = {"has_more": next_page is not None, "next_page": next_page}
    return {"data": list(rows), "data_refreshed_at": refreshed, **more}


def test_the_bill_is_read_even_when_the_list_of_keys_is_refused(caplog):
    """Keys are then named by their ids, with the reason."""

    def answer(request):
        bill = request.url.path == COST
        return httpx.Response(200, json=page(row())) if bill else httpx.Response(404)

    with CostClient(KEY, transport=httpx.MockTransport(answer), now=lambda: NOW) as client:
        charged = client.charges(MONDAY, MONDAY)
    assert (len(charged.days[MONDAY]), charged.key_names) == (1, {})
    assert "their names are unknown" in caplog.text


def test_it_requests_claude_code_by_actor_model_and_kind():
    """The request as documented, with its beta header and an exclusive end."""
    client = offline(page())
    client.charges(MONDAY, SUNDAY)
    (asked,) = client.asked
    assert asked.url.path == COST
    assert asked.headers["anthropic-beta"] == BETA
    params = asked.url.params
    assert (params["starting_at"], params["ending_at"]) == (
        "2026-11-16T00:00:00Z",
        "2026-11-23T00:00:00Z",
    )
    assert params["products[]"] == "claude_code"
    assert params["limit"] == "1000"
    assert params.get_list("group_by[]") == ["actor", "model", "cost_type", "token_type"]


def test_days_older_than_the_service_keeps_are_not_requested(tmp_path):
    """One year back and no further, in walks of at most 31 days."""
    client = offline(*[page() for _ in range(12)])
    result = sync_charges(client, Store(tmp_path), "api", date(2025, 6, 1), SUNDAY, now=NOW)
    assert min(result.new) == date(2026, 1, 1)
    assert len(result.new) == 326
    starts = [date.fromisoformat(one.url.params["starting_at"][:10]) for one in client.asked]
    ends = [date.fromisoformat(one.url.params["ending_at"][:10]) for one in client.asked]
    assert starts[0] == date(2026, 1, 1)
    assert starts[1:] == ends[:-1]  # an end is exclusive
    assert max(end - start for start, end in zip(starts, ends, strict=True)).days == 31


@pytest.mark.parametrize(
    "wrong",
    [
        row(amount="1,00"),
        row(amount="NaN"),
        row(listed="1e30"),
        row(currency="EUR"),
        row(width=2),
        row(day="2026-11-15"),
        {**row(), "starting_at": "2026-11-16T06:00:00Z"},
    ],
)
def test_an_invalid_amount_currency_or_span_is_refused(wrong):
    """Not a number, another currency, or not one UTC day: an error, never a zero."""
    with pytest.raises(SchemaError):
        offline(page(wrong)).charges(MONDAY, SUNDAY)


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=6))
def test_cents_become_the_same_money_in_dollars(amount):
    """Dividing any amount with up to six decimals of a cent by 100 and multiplying again is
    exact."""
    body = httpx.Response(200, json=page(row(amount=str(amount)))).content
    table = build_charges(MONDAY, ChargedDays({MONDAY: decode_cost_items(body).data}, None, {}))
    assert table["amount_usd"][0].as_py() * 100 == amount


def test_every_kind_of_actor_is_kept_and_so_is_none():
    """A person by address, a deleted one by id, a key by name, others by their id."""
    actors = [
        {"type": "user_actor", "user_id": "user_1", "email_address": "ann@x.example"},
        {"type": "user_actor", "user_id": "user_2", "email_address": None, "deleted": True},
        {"type": "api_actor", "api_key_id": "apikey_1"},
        {"type": "service_account_actor", "service_account_id": "svac_1"},
        {"type": "federated_actor", "provider": "aws", "subject": "arn:1"},
        {"type": "robot_actor"},
        None,
    ]
    body = httpx.Response(200, json=page(*(row(actor=one) for one in actors))).content
    table = build_charges(MONDAY, ChargedDays({MONDAY: decode_cost_items(body).data}, None, NAMES))
    assert list(zip(table["actor"].to_pylist(), table["actor_kind"].to_pylist(), strict=True)) == [
        ("ann@x.example", "user"),
        ("user_2", "user"),
        ("ci", "api_key"),
        ("svac_1", "service_account"),
        ("arn:1", "federated"),
        ("robot_actor", "robot"),
        (None, "unattributed"),
    ]


def test_days_after_the_last_refresh_are_not_stored(tmp_path):
    """Refreshed on Saturday noon: Friday is the newest day that is complete."""
    client = offline(page(row("2026-11-21"), refreshed="2026-11-21T12:00:00Z"))
    store = Store(tmp_path)
    result = sync_charges(client, store, "api", MONDAY, SUNDAY, now=NOW)
    assert (result.new[-1], result.open) == (date(2026, 11, 20), (date(2026, 11, 21), SUNDAY))
    assert store.days("api-charges")[MONDAY].fetched_at == datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_without_a_refresh_no_day_is_complete(tmp_path):
    """Null means that nothing has been loaded yet, not that nothing was charged."""
    store = Store(tmp_path)
    result = sync_charges(offline(page(refreshed=None)), store, "api", MONDAY, SUNDAY, now=NOW)
    assert (result.new, len(result.open)) == ((), 7)


def test_a_day_without_rows_cost_nothing(tmp_path):
    """It is stored as empty, so it is not requested again as missing."""
    store = Store(tmp_path)
    sync_charges(offline(page()), store, "api", MONDAY, MONDAY, now=NOW)
    frames = stored_charges(store, "api", MONDAY, SUNDAY)
    assert (len(frames["charges"]), len(frames["charged_days"])) == (0, 1)


def test_a_changed_address_is_still_one_person(tmp_path, monkeypatch):
    """The service sends the current address; the same id had another one before."""
    monkeypatch.chdir(tmp_path)
    from builders import dataset
    from charges_made import charged

    before, after = charge(who="ann@x.example"), charge("2026-11-17", who="ann.b@x.example")
    after.group.actor.user_id = before.group.actor.user_id
    extras = charged([before, after], MONDAY, SUNDAY)
    data = dataset([record()], MONDAY, SUNDAY, extras=extras)
    assert data.charges["actor"].nunique() == 1


def test_people_without_an_id_stay_apart(tmp_path, monkeypatch):
    """That an id is missing says nothing about who it is."""
    monkeypatch.chdir(tmp_path)
    from builders import dataset
    from charges_made import charged

    both = [charge(who="ann@x.example"), charge(who="ben@x.example")]
    for one in both:
        one.group.actor.user_id = None
    data = dataset([record()], MONDAY, SUNDAY, extras=charged(both, MONDAY, SUNDAY))
    assert sorted(data.charges["actor"]) == ["ann@x.example", "ben@x.example"]


def test_the_charges_of_the_sample_are_stored_to_the_last_decimal(
    sample_days, tmp_path, monkeypatch
):
    """Loaded for a week: dollars times 100 are the cents of the organisation."""
    monkeypatch.chdir(tmp_path)
    data = load("2026-11-16", "2026-11-22", source="sample", store=sample_days, now=NOW)
    sample = SampleOrganisation()
    exact = sum(
        (one.cost.amount for n in range(7) for one in sample.day_charges(MONDAY + timedelta(n))),
        Decimal(0),
    )
    units = (data.charges["amount_usd"] * 1e8).round().astype("int64").sum()
    assert Decimal(int(units)).scaleb(-6) == exact
