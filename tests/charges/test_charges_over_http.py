"""Charges over real HTTP: revised, late, refused and broken answers of the service."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from builders import record
from charges_made import charge

from ccanalytics.charges.charge_days import COMPANION, stored_charges, sync_charges
from ccanalytics.charges.cost_client import COST, CostClient
from ccanalytics.dataset.loading import load
from ccanalytics.errors import ApiError, AuthError, StoreError
from ccanalytics.fake_api.fake_service import FakeService, serve
from ccanalytics.sources.admin_api import AdminClient
from ccanalytics.sources.sample.organisation import SampleOrganisation
from ccanalytics.store.day_store import Store
from ccanalytics.store.sync import sync

KEY, ANALYTICS = "sk-ant-admin01-do-not-print-me", "sk-ant-api01-do-not-print-me"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MONDAY, SUNDAY = date(2026, 11, 16), date(2026, 11, 22)


def nobody(day):
    return []


def monday_only(day):
    return [charge(cents=100)] if day == MONDAY else []


def synced(store, charges=monday_only, *, key=KEY, source="api", since=MONDAY, now=NOW, **options):
    """A sync of the days to Sunday over HTTP, and every request of it."""
    service = FakeService(nobody, charges=charges, now=lambda: now, **options)
    with serve(service) as server:
        quiet = {"sleep": lambda seconds: None, "budget": 30, "now": lambda: now}
        with CostClient(key, base_url=server.url, **quiet) as client:
            done = sync_charges(client, store, source, since, SUNDAY, now=now)
    return done, [one for one in service.asked if one.url.path == COST]


def dollars(store, source="api"):
    frame = stored_charges(store, source, date(2026, 8, 1), SUNDAY)["charges"]
    return frame["amount_usd"].sum()


def test_the_billed_total_matches_the_service_to_the_last_decimal(tmp_path):
    """The sample's twelve weeks over HTTP, in several pages."""
    sample, store = SampleOrganisation(), Store(tmp_path)
    days = [date(2026, 11, 9) + timedelta(n) for n in range(14)]
    options = {"api_keys": sample.api_keys, "since": days[0]}
    _, asked = synced(store, sample.day_charges, **options)
    held = sum((one.cost.amount for day in days for one in sample.day_charges(day)), Decimal(0))
    frame = stored_charges(store, "api", days[0], days[-1])["charges"]
    units = (frame["amount_usd"] * 1e8).round().astype("int64").sum()
    assert Decimal(int(units)).scaleb(-6) == held
    assert len(asked) > 1  # more than one page
    assert "ci-review-bot" in set(frame["actor"])


def test_a_revised_day_replaces_the_stored_one(tmp_path):
    """A discount was corrected within the month: the day is fetched again and has one amount."""
    store = Store(tmp_path)
    synced(store)
    done, _ = synced(store, lambda day: [charge(cents=90)] if day == MONDAY else [])
    assert done.changed == (MONDAY,)
    assert dollars(store) == 0.9


def test_a_day_is_fetched_again_for_a_month_and_no_longer(tmp_path):
    """Eleven of 40 days ended thirty days before the refresh: they are final on the second sync."""
    store, since = Store(tmp_path), date(2026, 10, 14)
    synced(store, since=since)
    done, asked = synced(store, since=since)
    assert (len(done.final), len(done.same)) == (11, 29)
    assert len(asked) == 1


def test_a_late_refresh_leaves_out_the_newest_days(tmp_path):
    """Refreshed three days ago: Saturday and Sunday are incomplete and are loaded later."""
    store = Store(tmp_path)
    done, _ = synced(store, refresh_delay=timedelta(days=3))
    assert done.open == (date(2026, 11, 21), SUNDAY)
    done, _ = synced(store)
    assert done.new == (date(2026, 11, 21), SUNDAY)


def test_an_organisation_without_access_gets_the_reason(tmp_path):
    """400 for organisations set up for HIPAA; nothing is stored."""
    store = Store(tmp_path)
    with pytest.raises(ApiError) as raised:
        synced(store, faults=lambda number: "400")
    assert raised.value.status == 400
    assert not store.days("api-charges")


def test_a_key_without_the_scope_gets_an_error_naming_it(tmp_path):
    """403 names the scope; the key itself is in no message."""
    with pytest.raises(AuthError, match="read:analytics") as raised:
        synced(Store(tmp_path), key=ANALYTICS, faults=lambda number: "403")
    assert "do-not-print-me" not in str(raised.value)


def test_a_truncated_page_is_fetched_again(tmp_path):
    """Half a page is not used: the total is the same as without the fault."""
    store = Store(tmp_path)
    _, asked = synced(store, faults={0: "truncated"}.get)
    assert dollars(store) == 1.0
    assert len(asked) == 2


def test_a_failed_walk_keeps_the_earlier_months(tmp_path):
    """The second month fails: the first 31 days are stored, and the next sync fetches the rest."""
    store, since = Store(tmp_path), date(2026, 9, 7)
    with pytest.raises(ApiError):
        synced(store, since=since, faults=lambda number: "500" if number >= 2 else None)
    assert len(store.days("api-charges")) == 31


def test_an_expired_cursor_restarts_the_walk(tmp_path):
    """410 on the second page: every row is there once, none twice."""
    people = [f"p{n:04}@x.example" for n in range(1500)]
    store = Store(tmp_path)
    _, asked = synced(
        store,
        lambda day: [charge(who=who) for who in people] if day == MONDAY else [],
        faults={1: "expired"}.get,
    )
    assert dollars(store) == 1500.0
    assert len(asked) == 4


def test_a_row_without_an_actor_is_kept(tmp_path):
    """It is part of the bill."""
    store = Store(tmp_path)
    synced(store, lambda day: [charge(), charge(who=None, cents=50)] if day == MONDAY else [])
    frame = stored_charges(store, "api", MONDAY, SUNDAY)["charges"]
    assert frame.set_index("actor_kind")["amount_usd"].to_dict() == {
        "user": 1.0,
        "unattributed": 0.5,
    }


def test_an_analytics_key_needs_no_names_of_keys(tmp_path):
    """It may not list them, so keys are named by their ids."""
    store = Store(tmp_path)
    synced(store, lambda day: [charge(who="apikey_9")], key=ANALYTICS, source="enterprise")
    assert set(stored_charges(store, "enterprise", MONDAY, SUNDAY)["charges"]["actor"]) == {
        "apikey_9"
    }


def test_the_charges_of_another_organization_are_refused(tmp_path):
    """They would be compared with the records of a different organisation."""
    store = Store(tmp_path)
    service = FakeService(lambda day: [record(str(day))], now=lambda: NOW)
    sync(AdminClient(KEY, transport=service.transport()), store, MONDAY, MONDAY, now=NOW)
    with pytest.raises(StoreError, match=r"org-1.*org-other"):
        synced(store, organization="org-other")


def test_an_enterprise_organisation_gets_its_cost_per_commit(tmp_path, monkeypatch):
    """Records and costs by one analytics key over HTTP, and the number is there."""
    import ccanalytics as cca
    from ccanalytics.sources.enterprise_api import EnterpriseClient

    monkeypatch.chdir(tmp_path)
    people, store = [f"p{n}@x.example" for n in range(6)], Store(tmp_path / "store")
    service = FakeService(
        lambda day: [record(str(day), who, commits=4, organization="o") for who in people],
        charges=lambda day: [charge(str(day), who, cents=100, listed=200) for who in people],
        now=lambda: NOW,
        organization="o",
    )
    with serve(service) as server:
        open_to = {"base_url": server.url}
        with EnterpriseClient(ANALYTICS, **open_to) as client:
            sync(client, store, MONDAY, SUNDAY, now=NOW)
        with CostClient(ANALYTICS, **open_to, now=lambda: NOW) as client:
            COMPANION.sync(client, store, "enterprise", MONDAY, SUNDAY, NOW, False)
    data = load(MONDAY, SUNDAY, source="enterprise", store=store, now=NOW)
    assert cca.headline(data, "cost_per_commit").value == 0.5
    assert cca.headline(data, "billed_cost_per_commit").value == 0.25
