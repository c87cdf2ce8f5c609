"""The Enterprise client reads a day completely under a different contract; real HTTP on
loopback."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from random import Random

import httpx
import pytest
from builders import record

from ccanalytics.dataset.loading import load
from ccanalytics.errors import ApiError, AuthError, NotYetError, SchemaError
from ccanalytics.fake_api.fake_service import FakeService, serve
from ccanalytics.fake_api.faults import random_faults
from ccanalytics.sources.enterprise_api import SUMMARIES, USERS, EnterpriseClient
from ccanalytics.sources.sample.organisation import SampleOrganisation
from ccanalytics.store.day_store import Store
from ccanalytics.store.sync import sync

KEY = "sk-ant-api01-do-not-print-me"
DAY = date(2026, 11, 16)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MANY = 2500


class Clock:
    """A clock that advances only by sleeping."""

    def __init__(self):
        self.now, self.lock = 0.0, threading.Lock()

    def sleep(self, seconds):
        with self.lock:
            self.now += seconds

    def __call__(self):
        return self.now


@pytest.fixture
def fake():
    """Make a client of a service with these faults, over a real socket."""
    open_now = []

    def make(faults=None, *, records=None, members=list, budget=1e6):
        def of_day(day):
            return [record(str(day), f"p{n}@x.example") for n in range(MANY)]

        clock = Clock()

        def now():
            return NOON + timedelta(seconds=clock())

        service = FakeService(records or of_day, now=now, faults=faults, members=members)
        server = serve(service)
        url = server.__enter__().url
        client = EnterpriseClient(
            KEY, base_url=url, sleep=clock.sleep, clock=clock, jitter=Random(1), budget=budget
        )
        open_now.extend([lambda: server.__exit__(None, None, None), client.close])
        return client, service

    yield make
    for close in reversed(open_now):
        close()


def offline(answer, key=KEY):
    """A client with answers from a function."""
    clock = Clock()
    transport = httpx.MockTransport(answer)
    return EnterpriseClient(key, transport=transport, sleep=clock.sleep, clock=clock, budget=60)


def row(id="user_1", email="ann@x.example", sessions=2, **more):
    """One person in an answer; `more` has the other counters."""
    count = {"commit_count": 0, "pull_request_count": 0, "added": 0, "removed": 0, **more}
    lines = {"added_count": count.pop("added"), "removed_count": count.pop("removed")}
    tools = {"edit_tool": {"accepted_count": 0, "rejected_count": count.pop("rejected", 0)}}
    core = {**count, "distinct_session_count": sessions, "lines_of_code": lines}
    return {
        "user": {"id": id, "email_address": email},
        "chat_metrics": {"message_count": 9},
        "claude_code_metrics": {"core_metrics": core, "tool_actions": tools},
    }


def test_a_day_is_all_its_pages(fake):
    """2,500 people arrive in three pages of one walk, though no answer says that there is more."""
    client, service = fake()
    actors = [r.actor.email_address for r in client.records(DAY)]
    assert actors == [f"p{n}@x.example" for n in range(MANY)]
    assert [asked.url.path for asked in service.asked] == [USERS] * 3
    assert {asked.url.params["date"] for asked in service.asked} == {"2026-11-16"}


def test_a_row_gets_the_requested_day_and_the_answering_organization():
    """Neither is in the row; missing fields are null, and the other field names are read."""
    body = {"data": [row(commit_count=3, added=5, rejected=4)], "next_page": None}
    headers = {"anthropic-organization-id": "org-7"}
    client = offline(lambda request: httpx.Response(200, json=body, headers=headers))
    (found,) = client.records("2026-11-16")
    assert (found.date[:10], found.organization_id) == ("2026-11-16", "org-7")
    assert (found.core_metrics.num_sessions, found.core_metrics.commits_by_claude_code) == (2, 3)
    assert found.core_metrics.lines_of_code.added == 5
    assert (found.tool_actions["edit_tool"].accepted, found.tool_actions["edit_tool"].rejected) == (
        0,
        4,
    )
    hidden_weeks = (
        found.customer_type,
        found.subscription_type,
        found.terminal_type,
        found.is_remote,
    )
    assert hidden_weeks == (None, None, None, None)
    assert found.model_breakdown == []


def test_a_user_of_another_product_only_has_no_record():
    """Zero or null in every counter of Claude Code is no use of it."""
    rows = [row(sessions=0), row("user_2", sessions=0, removed=1)]
    body = {"data": [*rows, row("user_3") | {"claude_code_metrics": None}], "next_page": None}
    client = offline(lambda request: httpx.Response(200, json=body))
    assert len(client.records(DAY)) == 1


def test_a_count_or_an_address_may_be_null():
    """Missing sessions stay null; without an address the id identifies a person."""
    body = {"data": [row(email=None, sessions=None, commit_count=1)], "next_page": None}
    (found,) = offline(lambda request: httpx.Response(200, json=body)).records(DAY)
    assert (found.core_metrics.num_sessions, found.actor.email_address) == (None, "user_1")


def test_a_new_counter_is_reported_for_claude_code_only():
    """New fields in Claude Code's own block are reported; the rest of the row is not read."""
    new = row(commit_count=1)
    new["claude_code_metrics"]["core_metrics"]["merge_count"] = 1
    client = offline(lambda r: httpx.Response(200, json={"data": [new], "next_page": None}))
    client.records(DAY)
    assert client.unknown_fields == {"claude_code_metrics.core_metrics.merge_count"}


@pytest.mark.parametrize("key", ["sk-ant-admin01-secret", "sk-ant-oat01-x", "sk-ant-api03-x"])
def test_a_key_of_another_kind_is_refused_before_it_is_sent(key):
    """The error says which API it is for, and how to create the right kind; never the key."""
    with pytest.raises(AuthError, match="read:analytics") as refusal:
        EnterpriseClient(key)
    assert "secret" not in str(refusal.value)


def test_no_key_names_the_variable():
    """Without a key no request is made."""
    with pytest.raises(AuthError, match="ANTHROPIC_ANALYTICS_KEY"):
        EnterpriseClient(None)


def test_a_day_not_counted_yet_names_the_newest_available(fake):
    """At noon of the 24th the 23rd has been counted, the 24th has not."""
    client, service = fake()
    assert client.records("2026-11-23")
    with pytest.raises(NotYetError, match="2026-11-23") as early:
        client.records("2026-11-24")
    assert early.value.newest == date(2026, 11, 23)
    assert len(service.asked) == 4


def test_other_refusals_do_not_mean_not_counted_yet():
    """A 400 that names no earlier day is an ordinary error."""
    error = {"type": "error", "error": {"type": "invalid_request_error", "message": "limit: no"}}
    client = offline(lambda request: httpx.Response(400, json=error))
    with pytest.raises(ApiError, match="limit: no") as refused:
        client.records(DAY)
    assert not isinstance(refused.value, NotYetError)


def test_days_before_2026_are_not_requested(fake):
    """The data start on New Year's Day 2026."""
    client, service = fake()
    with pytest.raises(ValueError, match="2026-01-01"):
        client.records("2025-12-31")
    assert service.asked == []


def test_an_expired_cursor_restarts_the_day(fake):
    """The service answers 410: the pages so far are discarded, and the new walk is complete."""
    client, service = fake({1: "expired"}.get)
    assert len(client.records(DAY)) == MANY
    assert len(service.asked) == 5


def test_another_envelope_is_named():
    """An answer of another API is not an empty day."""
    client = offline(lambda request: httpx.Response(200, json={"records": [], "next_page": None}))
    with pytest.raises(SchemaError, match="field `data`"):
        client.records(DAY)


def test_many_faults_change_no_number(fake):
    """With a third of the requests failing, four days are the same as without faults."""
    client, _ = fake(random_faults(0.3, seed=3))
    days = [date(2026, 11, n) for n in range(1, 5)]
    assert [len(client.records(day)) for day in days] == [MANY] * 4


def test_all_workers_together_keep_below_sixty_a_minute(fake):
    """Two hundred days by four workers: the service never has to refuse a request."""
    client, service = fake(records=lambda day: [record(str(day))])
    days = [date(2026, 1, 1) + timedelta(n) for n in range(200)]
    with ThreadPoolExecutor(4) as pool:
        assert [len(found) for found in pool.map(client.records, days)] == [1] * 200
    assert len(service.asked) == 200


def test_the_fake_refuses_the_sixty_first_request_of_a_minute(fake):
    """Without pacing it answers 429 to any client."""
    _, service = fake(records=lambda day: [])
    http = httpx.Client(transport=service.transport(), headers={"x-api-key": KEY})
    url = f"https://fake{USERS}?date=2026-11-16"
    assert [http.get(url).status_code for _ in range(61)] == [200] * 60 + [429]


@pytest.mark.parametrize("beta", ["false", "true"])
def test_seats_are_read_in_both_envelopes(fake, beta):
    """`summaries` and `data` give the same seats."""
    members = [
        {"id": f"user_{n}", "email": f"p{n}@x.example", "added_at": "2026-02-01"} for n in range(7)
    ]
    _, service = fake(records=lambda day: [], members=lambda: members)
    inner = service.transport()

    def later(request):
        query = request.url.copy_merge_params({"beta": beta})
        return inner.handle_request(httpx.Request("GET", query, headers=request.headers))

    seats = offline(later).seats(DAY, DAY + timedelta(1))
    assert {day: one.assigned_seat_count for day, one in seats.items()} == {
        DAY: 7,
        DAY + timedelta(1): 7,
    }


def test_a_refusal_that_repeats_the_request_names_no_newest_day():
    """The earlier day in its message is the one that was sent."""
    words = "The range from 2026-11-16 to 2026-11-19 is too long."
    error = {"type": "error", "error": {"type": "invalid_request_error", "message": words}}
    client = offline(lambda request: httpx.Response(400, json=error))
    with pytest.raises(ApiError, match="too long") as refused:
        client.seats(DAY, DAY + timedelta(2))
    assert not isinstance(refused.value, NotYetError)


@pytest.mark.parametrize("status", [400, 403, 404])
def test_refused_seats_do_not_stop_the_people(tmp_path, status, caplog):
    """Two days of people are stored, and a warning says that the seats are unknown."""
    service = FakeService(lambda day: [record(str(day))], now=lambda: NOON)
    inner = service.transport()
    error = {"type": "error", "error": {"type": "some_error", "message": "no seats for you"}}

    def answer(request):
        refused = request.url.path == SUMMARIES
        return httpx.Response(status, json=error) if refused else inner.handle_request(request)

    store = Store(tmp_path)
    result = sync(offline(answer), store, "2026-11-16", "2026-11-17", now=NOON)
    assert len(result.new) == 2
    assert "seats" in caplog.text and "no seats for you" in caplog.text
    assert len(store.read("enterprise", "seats", DAY, DAY)) == 0


def test_refused_seats_leave_the_stored_ones_unchanged(tmp_path):
    """The first sync got them; the second is refused, and the day is the same."""
    members = [{"id": "user_1", "email": "p@x.example", "added_at": "2026-02-01"}]
    service = FakeService(lambda day: [record(str(day))], now=lambda: NOON, members=lambda: members)
    store, inner = Store(tmp_path), service.transport()
    error = {"type": "error", "error": {"type": "permission_error", "message": "no"}}

    def answer(request):
        refused = request.url.path == SUMMARIES
        return httpx.Response(403, json=error) if refused else inner.handle_request(request)

    sync(enterprise_of(service), store, DAY, DAY, now=NOON)
    result = sync(offline(answer), store, DAY, DAY, now=NOON, again=True)
    assert result.same == (DAY,)
    assert store.read("enterprise", "seats", DAY, DAY)["assigned_seats"].to_pylist() == [1]


def test_seats_of_a_long_range_are_requested_in_parts(fake):
    """The service accepts 31 days at a time, and no day that is not counted yet."""
    client, service = fake(records=lambda day: [])
    found = client.seats(date(2026, 1, 1), date(2026, 11, 25))
    assert (min(found), max(found)) == (date(2026, 1, 1), date(2026, 11, 23))
    assert {asked.url.path for asked in service.asked} == {SUMMARIES}


def enterprise_of(service, clock=None):
    clock = clock or Clock()
    return EnterpriseClient(KEY, transport=service.transport(), sleep=clock.sleep, clock=clock)


def sample_service(**options):
    sample = SampleOrganisation()
    members = sample.members(NOON.date())
    return FakeService(sample.records, now=lambda: NOON, members=lambda: members, **options)


def test_it_has_the_same_numbers_about_people_as_the_admin_api(tmp_path):
    """The same organisation through both: each person's weekly sums are the same."""
    store, sample = Store(tmp_path), SampleOrganisation()
    sync(enterprise_of(sample_service()), store, "2026-11-16", "2026-11-22", now=NOON)
    sync(sample, store, "2026-11-16", "2026-11-22", now=NOON)
    names = ["sessions", "lines_added", "lines_removed", "commits", "pull_requests"]
    sums = []
    for source in ("enterprise", "sample"):
        frame = store.read(source, "activity", DAY, date(2026, 11, 22)).to_pandas()
        frame = frame[frame["actor_kind"] == "user"]
        sums.append(frame.groupby(frame["actor"].str.lower())[names].sum())
    assert len(sums[0]) > 90
    assert sums[0].equals(sums[1])


def test_a_day_that_is_not_counted_yet_is_left_open(tmp_path):
    """Early in the morning yesterday is not counted: it is left open, the others are stored."""
    early = datetime(2026, 11, 24, 9, tzinfo=UTC)
    service = FakeService(lambda day: [record(str(day))], now=lambda: early)
    store = Store(tmp_path)
    late = early + timedelta(hours=3)  # by our own clock it should be available
    result = sync(enterprise_of(service), store, "2026-11-21", "2026-11-23", now=late)
    assert list(store.days("enterprise")) == [date(2026, 11, 21), date(2026, 11, 22)]
    assert result.open == (date(2026, 11, 23),)
    assert str(result).endswith("1 not closed yet.")


def test_days_before_the_first_are_not_stored_as_empty(tmp_path):
    """2025 is unknown, which is not the same as no activity."""
    service = FakeService(lambda day: [], now=lambda: NOON)
    store = Store(tmp_path)
    sync(enterprise_of(service), store, "2025-12-30", "2026-01-02", now=NOON)
    assert list(store.days("enterprise")) == [date(2026, 1, 1), date(2026, 1, 2)]


def test_a_day_is_final_a_week_after_its_end(tmp_path):
    """Days may be revised for a while: of 12 days the older ones are not fetched again."""
    service = FakeService(lambda day: [record(str(day))], now=lambda: NOON)
    store, since = Store(tmp_path), date(2026, 11, 12)
    sync(enterprise_of(service), store, since, "2026-11-23", now=NOON)
    result = sync(enterprise_of(service), store, since, "2026-11-23", now=NOON)
    assert (len(result.final), len(result.same)) == (5, 7)


def test_a_failed_sync_continues_where_it_stopped(tmp_path):
    """It fails on the fourth day; stored days stay, and only the rest is fetched."""
    service = FakeService(
        lambda day: [record(str(day))], now=lambda: NOON, faults=lambda n: "500" if n >= 4 else None
    )
    store = Store(tmp_path)
    with pytest.raises(ApiError, match="2026-11"):
        sync(enterprise_of(service), store, "2026-11-01", "2026-11-10", now=NOON, workers=1)
    assert len(store.days("enterprise")) == 3  # the first request was about seats
    whole = FakeService(lambda day: [record(str(day))], now=lambda: NOON)
    sync(enterprise_of(whole), store, "2026-11-01", "2026-11-10", now=NOON)
    assert len(store.days("enterprise")) == 10
    assert len(whole.asked) == 1 + 7


def test_the_key_is_in_no_error(caplog):
    """Refusals and logs never repeat the key, even when the service does."""
    caplog.set_level("DEBUG", logger="ccanalytics")
    error = {"error": {"type": "authentication_error", "message": f"bad key {KEY}"}}
    client = offline(lambda request: httpx.Response(401, json=error))
    with pytest.raises(AuthError, match="bad key") as refused:
        client.records(DAY)
    assert KEY not in f"{refused.value!r} {client!r} {caplog.text}"


def test_a_404_names_key_and_scope():
    """The service answers 404 if the key lacks the scope or the feature is off."""
    error = {"type": "error", "error": {"type": "not_found_error", "message": "Not found"}}
    client = offline(lambda request: httpx.Response(404, json=error))
    with pytest.raises(ApiError, match=r"scope read:analytics.*switch"):
        client.records(DAY)


@pytest.mark.parametrize("identity", ["named", "pseudonym"])
def test_a_person_with_a_changed_address_stays_one_person(tmp_path, identity):
    """The service's id is the same on both days; no id is in the dataset."""

    def answer(request):
        if request.url.path == SUMMARIES:
            return httpx.Response(200, json={"summaries": []})
        old = request.url.params["date"] < "2026-11-17"
        row = person_day("user_7", "Ann.Old@x.example" if old else "ann.new@y.example")
        return httpx.Response(200, json={"data": [row], "next_page": None})

    store = Store(tmp_path)
    sync(offline(answer), store, "2026-11-16", "2026-11-17", now=NOON)
    data = load(
        "2026-11-16", "2026-11-17", source="enterprise", store=store, identity=identity, now=NOON
    )
    assert data.activity["actor"].nunique() == 1
    assert "addresses" not in data.extras
    if identity == "named":
        assert set(data.activity["actor"]) == {"ann.new@y.example"}


def person_day(user, address):
    """A person with one commit, in the format of the service."""
    core = {
        "commit_count": 1,
        "pull_request_count": 0,
        "distinct_session_count": 1,
        "lines_of_code": {"added_count": 0, "removed_count": 0},
    }
    return {
        "user": {"id": user, "email_address": address},
        "claude_code_metrics": {"core_metrics": core, "tool_actions": {}},
    }
