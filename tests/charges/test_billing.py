"""What was billed: read to the last bucket, kept exactly, and never mixed with the records."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import httpx
import pytest
from builders import record
from hypothesis import given
from hypothesis import strategies as st

from ccanalytics.charges.billing_client import COSTS, USAGE, BillingClient
from ccanalytics.charges.billing_frames import build_billing, dollars, has_bill
from ccanalytics.charges.billing_sync import sync_billing
from ccanalytics.dataset.loading import load
from ccanalytics.errors import ApiError, AuthError, SchemaError, StoreError
from ccanalytics.fake_api.fake_server import serve
from ccanalytics.fake_api.fake_service import FakeService
from ccanalytics.fake_api.faults import Faults
from ccanalytics.sources.admin_api import AdminClient
from ccanalytics.sources.sample.organisation import SampleOrganisation
from ccanalytics.store.day_store import Store
from ccanalytics.store.sync import sync
from ccanalytics.wire.cost_report import DayBill, decode_costs

KEY = "sk-ant-admin01-do-not-print-me"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MONDAY, SUNDAY = date(2026, 11, 16), date(2026, 11, 22)


def service_of(sample=None, **options):
    sample = sample or SampleOrganisation()
    return FakeService(
        sample.records,
        bill=sample.bill,
        workspaces=sample.workspaces,
        now=lambda: NOW,
        **options,
    )


def client_of(service, **options):
    quiet = {"sleep": lambda seconds: None, "budget": 1e6}
    return BillingClient(KEY, transport=service.transport(), **quiet, **options)


def offline(*bodies):
    """A client that gets an empty list of workspaces, then each of `bodies` in turn."""
    answers = iter([{"data": [], "has_more": False}, *bodies])
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=next(answers)))
    return BillingClient(KEY, transport=transport, sleep=lambda seconds: None, budget=30)


def bucket(day, *results, width=1):
    end = date.fromisoformat(day) + timedelta(days=width)
    ends = {"starting_at": f"{day}T00:00:00Z", "ending_at": f"{end}T00:00:00Z"}
    return {**ends, "results": list(results)}


def page(*buckets, next_page=None):
    return {"data": list(buckets), "has_more": next_page is not None, "next_page": next_page}


def cents(amount, **dimensions):
    return {"amount": amount, "currency": "USD", **dimensions}


def test_the_billed_frames_sum_to_what_the_service_billed(tmp_path):
    """By day, over real HTTP: dollars and tokens are the sample's own, to the last decimal."""
    sample, store = SampleOrganisation(), Store(tmp_path)
    with serve(service_of()) as server, BillingClient(KEY, base_url=server.url) as client:
        sync_billing(client, store, "api", MONDAY, SUNDAY, now=NOW)
    billed = store.read("api-billing", "billed", MONDAY, SUNDAY)
    tokens = store.read("api-billing", "billed_tokens", MONDAY, SUNDAY)
    bills = sample.bills(MONDAY, SUNDAY).values()
    exact = sum(dollars(cost.amount) for bill in bills for cost in bill.costs)
    assert sum(billed["amount_usd"].to_pylist()) == exact
    assert sum(tokens["output_tokens"].to_pylist()) == sum(
        used.output_tokens for bill in bills for used in bill.usage
    )
    assert set(billed["workspace"].to_pylist()) == {
        "Claude Code",
        "Shop search",
        "default workspace",
    }


def test_a_month_is_a_few_requests_and_the_end_is_the_day_after():
    """40 days are two walks of each report; the last midnight asked for is not in them."""
    service = service_of()
    found = client_of(service).bills(date(2026, 10, 1), date(2026, 11, 9))
    assert (min(found), max(found), len(found)) == (date(2026, 10, 1), date(2026, 11, 9), 40)
    asked = [one for one in service.asked if one.url.path == COSTS]
    assert [one.url.params["starting_at"] for one in asked] == [
        "2026-10-01T00:00:00Z",
        "2026-11-01T00:00:00Z",
    ]
    assert asked[-1].url.params["ending_at"] == "2026-11-10T00:00:00Z"
    assert asked[0].url.params.get_list("group_by[]") == ["workspace_id", "description"]
    assert {one.url.params["limit"] for one in service.asked if one.url.path == USAGE} == {"31"}


def test_faults_change_no_number():
    """With a third of the requests failing the bill is the same."""
    whole = client_of(service_of()).bills(MONDAY, SUNDAY)
    for seed in range(5):
        faulty = service_of(faults=Faults.random(0.3, seed=seed))
        assert client_of(faulty).bills(MONDAY, SUNDAY) == whole


def test_pages_are_followed_to_the_last():
    """A day on the second page, and one spread over both, are whole."""
    first = page(bucket("2026-11-16", cents("1")), bucket("2026-11-17", cents("2")), next_page="p2")
    second = page(bucket("2026-11-17", cents("3.5")), bucket("2026-11-18"))
    nothing = page(*(bucket(f"2026-11-{n}") for n in (16, 17, 18)))
    found = offline(first, second, nothing).bills(MONDAY, date(2026, 11, 18))
    amounts = [[cost.amount for cost in bill.costs] for bill in found.values()]
    assert amounts == [[Decimal(1)], [Decimal(2), Decimal("3.5")], []]


def test_a_day_without_a_bucket_is_not_a_day_without_cost():
    """The service leaves Tuesday out: nothing of it is kept, and the day is named."""
    with pytest.raises(SchemaError, match=r"2026-11-17: .*cost_report.* 1 of 2"):
        offline(page(bucket("2026-11-16"))).bills(MONDAY, date(2026, 11, 17))


def test_a_page_that_does_not_go_on_is_an_error():
    """More is promised without a cursor, three times: the walk is given up."""
    endless = {**page(bucket("2026-11-16")), "has_more": True}
    with pytest.raises(ApiError, match="gives no cursor"):
        offline(endless, endless, endless).bills(MONDAY, MONDAY)


@pytest.mark.parametrize(
    "wrong",
    [
        bucket("2026-11-16", cents("NaN")),
        bucket("2026-11-16", cents("Infinity")),
        bucket("2026-11-16", cents("1e15")),
        bucket("2026-11-16", cents("12,5")),
        bucket("2026-11-16", cents(None)),
        bucket("2026-11-16", {"amount": "1", "currency": "EUR"}),
        bucket("2026-11-16", width=2),
        {"starting_at": "2026-11-16T06:00:00Z", "ending_at": "2026-11-17T06:00:00Z", "results": []},
    ],
)
def test_what_is_no_amount_of_a_utc_day_is_refused(wrong):
    """Text that is no number, another currency, another span of time: an error, never a zero."""
    with pytest.raises(SchemaError):
        offline(page(wrong)).bills(MONDAY, MONDAY)


AMOUNTS = st.decimals(min_value=-(10**9), max_value=10**9, places=6)


@given(AMOUNTS)
def test_cents_become_the_same_money_in_dollars(amount):
    """Any amount with up to six decimals of a cent: a hundred times the dollars is it again."""
    body = httpx.Response(200, json=page(bucket("2026-11-16", cents(str(amount))))).content
    (cost,) = decode_costs(body).data[0].results
    table = build_billing(MONDAY, DayBill([cost], [], {}))["billed"]
    assert table["amount_usd"][0].as_py() * 100 == amount


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=12))
def test_finer_decimals_are_rounded_and_no_more(amount):
    """What lies below a millionth of a cent may differ by half of one."""
    assert abs(dollars(amount) * 100 - amount) <= Decimal("5e-7")


def test_billed_days_are_fetched_again_for_a_month(tmp_path):
    """Of 35 days five are final on the second sync; the rest are asked for in one go."""
    store, since = Store(tmp_path), date(2026, 10, 20)
    sync_billing(client_of(service_of()), store, "api", since, "2026-11-23", now=NOW)
    service = service_of()
    result = sync_billing(client_of(service), store, "api", since, "2026-11-23", now=NOW)
    assert (len(result.final), len(result.same)) == (5, 30)
    assert sum(one.url.path == COSTS for one in service.asked) == 1


def test_a_failure_keeps_the_months_before_it(tmp_path):
    """The second walk fails: the first 31 days are stored, and only the rest is asked for next."""
    store, since = Store(tmp_path), date(2026, 9, 1)
    faults = Faults(lambda number: "500" if number >= 3 else None)
    broken = BillingClient(KEY, transport=service_of(faults=faults).transport(),
                           sleep=lambda seconds: None, budget=30)  # fmt: skip
    with pytest.raises(ApiError):
        sync_billing(broken, store, "api", since, "2026-10-15", now=NOW)
    assert len(store.days("api-billing")) == 31
    done = sync_billing(client_of(service_of()), store, "api", since, "2026-10-15", now=NOW)
    assert len(done.new) == 14


def test_the_bill_of_another_organization_is_refused(tmp_path):
    """It would be compared with records it has nothing to do with."""
    store = Store(tmp_path)
    service = FakeService(lambda day: [record(str(day))], now=lambda: NOW)
    sync(AdminClient(KEY, transport=service.transport()), store, MONDAY, MONDAY, now=NOW)
    other = service_of(organization="org-other")
    with pytest.raises(StoreError, match=r"org-1.*org-other"):
        sync_billing(client_of(other), store, "api", MONDAY, MONDAY, now=NOW)


def test_an_analytics_key_does_not_open_it():
    """Only an Admin key does."""
    with pytest.raises(AuthError, match="--source enterprise"):
        BillingClient("sk-ant-api01-x")


def test_billed_days_are_kept_apart_from_the_records(tmp_path, monkeypatch):
    """The sample's estimates are what they are without its bill, which is in a place of its own."""
    monkeypatch.chdir(tmp_path)
    data = load("2026-08-31", "2026-09-06", source="sample", store=tmp_path, now=NOW)
    assert data.billed_days["date"][0] == data.days["date"][1]  # known from the first of September
    exact = sum(
        usage.estimated_cost.amount
        for n in range(7)
        for one in SampleOrganisation().records(date(2026, 8, 31) + timedelta(n))
        for usage in one.model_breakdown
    )
    assert data.model_usage["cost_usd"].sum() == pytest.approx(float(exact) / 100)


def test_a_team_has_no_bill(tmp_path, monkeypatch):
    """Bills are by workspace, so a dataset of one team has none."""
    monkeypatch.chdir(tmp_path)
    data = load("2026-09-07", "2026-09-13", source="sample", store=tmp_path, team="Web", now=NOW)
    assert not has_bill(data)
