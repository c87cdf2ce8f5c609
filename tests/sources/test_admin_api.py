"""The client reads a day completely or says why it could not; real HTTP on loopback."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from random import Random

import httpx
import pytest
from builders import record

from ccanalytics.errors import ApiError, AuthError, SchemaError, SettingsError
from ccanalytics.fake_api.fake_service import FakeService, serve
from ccanalytics.fake_api.faults import FAULTS, random_faults
from ccanalytics.sources.admin_api import AdminClient

KEY = "sk-ant-admin01-do-not-print-me"
DAY = date(2026, 11, 16)
MANY = 2500


class Clock:
    """A clock that advances only by sleeping."""

    def __init__(self):
        self.now, self.slept, self.lock = 0.0, [], threading.Lock()

    def sleep(self, seconds):
        with self.lock:
            self.now += seconds
            self.slept.append(seconds)

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def fake(clock):
    """Make a client of a service with these faults, over a real socket."""
    open_now = []

    def make(faults=None, *, people=MANY, key=KEY, **options):
        def of_day(day):
            return [record(str(day), f"p{n}@x.example") for n in range(people)]

        moment = datetime(2026, 11, 24, 12, tzinfo=UTC)
        service = FakeService(of_day, now=lambda: moment, faults=faults)
        server = serve(service)
        url = server.__enter__().url
        client = AdminClient(
            key, base_url=url, sleep=clock.sleep, clock=clock, jitter=Random(1), **options
        )
        open_now.extend([lambda: server.__exit__(None, None, None), client.close])
        return client, service

    yield make
    for close in reversed(open_now):
        close()


def test_a_day_is_all_its_pages(fake):
    """2,500 records come in three pages of one walk."""
    client, service = fake()
    actors = [r.actor.email_address for r in client.records(DAY)]
    assert actors == [f"p{n}@x.example" for n in range(MANY)]
    assert [asked.url.params.get("limit") for asked in service.asked] == ["1000"] * 3
    assert {asked.url.params["starting_at"] for asked in service.asked} == {"2026-11-16"}


def test_a_request_has_user_agent_and_version_headers(fake):
    """Every request has the headers required by the service."""
    client, service = fake(people=1)
    client.records("2026-11-16")
    headers = service.asked[0].headers
    assert headers["anthropic-version"] == "2023-06-01"
    assert headers["user-agent"].startswith("ccanalytics/")
    assert headers["x-api-key"] == KEY


def test_an_empty_day_has_no_records(fake):
    """No activity is a valid answer, not an error."""
    assert fake(people=0)[0].records(DAY) == []


@pytest.mark.parametrize("fault", [*FAULTS, "slow"])
@pytest.mark.parametrize("number", [0, 1])
def test_a_fault_at_the_start_or_mid_walk_changes_no_number(fake, fault, number):
    """After one failure of any kind, the day is complete on the next try."""
    client, _ = fake({number: fault}.get)
    assert len(client.records(DAY)) == MANY


def test_many_faults_change_no_number(fake):
    """With a third of the requests failing, ten days are the same as without faults."""
    days = [date(2026, 11, n) for n in range(1, 11)]
    client, _ = fake(random_faults(0.3, seed=2), budget=1e6)
    assert [len(client.records(day)) for day in days] == [MANY] * 10


def test_waits_grow_when_a_refusal_gives_no_time(fake, clock):
    """Three refusals in a row: each wait is longer than the one before."""
    client, _ = fake({0: "429", 1: "429", 2: "429"}.get, people=1)
    client.records(DAY)
    pauses = [pause for pause in clock.slept if pause > 5]
    assert len(pauses) == 3
    assert pauses == sorted(pauses)


def test_the_retry_after_of_the_service_is_respected(fake, clock):
    """After `retry-after: 1` the next request comes a second later, not ten."""
    client, _ = fake({0: "429-after"}.get, people=1)
    client.records(DAY)
    assert 1 <= clock.now < 5


def test_a_refusal_pauses_every_worker(fake, clock):
    """Four workers share one limiter: one refusal makes none of them fail."""
    client, _ = fake({2: "429", 5: "529"}.get, people=3)
    days = [date(2026, 11, n) for n in range(1, 13)]
    with ThreadPoolExecutor(4) as pool:
        assert [len(found) for found in pool.map(client.records, days)] == [3] * 12


def test_an_exhausted_retry_budget_is_an_error(fake):
    """The error for a service that never answers has the day and a hint."""
    client, _ = fake(random_faults(1.0), people=1, budget=120)
    with pytest.raises(ApiError, match=r"2026-11-16.*Gave up after \d+ tries"):
        client.records(DAY)


def test_a_repeated_cursor_restarts_the_day(fake):
    """A cursor that leads back to the same page discards the walk rather than loop forever."""
    client, service = fake({1: "repeat"}.get)
    assert len(client.records(DAY)) == MANY
    assert len(service.asked) > 4


def test_an_expired_cursor_restarts_the_day(fake):
    """The pages of the expired walk are discarded; a new walk is complete."""
    client, service = fake({1: "expired"}.get)
    assert len(client.records(DAY)) == MANY
    assert len(service.asked) == 5


def test_a_cursor_that_always_repeats_is_an_error(fake):
    """It gives up after three walks, and keeps nothing."""
    client, _ = fake(lambda number: "repeat")
    with pytest.raises(ApiError, match="repeats a cursor"):
        client.records(DAY)


@pytest.mark.parametrize(
    ("key", "words"),
    [("sk-ant-api03-secret", "Admin"), ("hello", "Admin")],
)
def test_a_key_of_another_kind_is_refused_with_the_right_kind(fake, key, words):
    """The refusal names the required kind of key, and never the key."""
    client, _ = fake(key=key)
    with pytest.raises(AuthError, match=words) as refusal:
        client.records(DAY)
    assert "secret" not in f"{refusal.value} {refusal.value.__cause__} {client!r}"


def test_an_analytics_key_is_refused_before_it_is_sent():
    """It can never open this API: the error says which source it is for, and no request is made."""
    with pytest.raises(AuthError, match="--source enterprise") as refusal:
        AdminClient("sk-ant-api01-secret")
    assert "secret" not in str(refusal.value)


def test_no_key_is_an_error_before_any_request():
    """The error names the variable to set."""
    with pytest.raises(AuthError, match="ANTHROPIC_ADMIN_KEY"):
        AdminClient(None)


def test_the_key_is_in_no_error(fake, caplog):
    """Faults, refusals and logs never repeat the key."""
    client, _ = fake(random_faults(1.0), budget=50)
    caplog.set_level("DEBUG", logger="ccanalytics")
    with pytest.raises(ApiError) as error:
        client.records(DAY)
    assert KEY not in f"{error.value!r} {error.value.__cause__!r} {client!r} {caplog.text}"


@pytest.mark.parametrize("fault", ["echo", "echo-403"])
@pytest.mark.parametrize("length", [40, 55, 100])
def test_a_key_repeated_by_a_proxy_is_not_shown(fake, fault, length):
    """Not even its start, if the page is truncated in the middle of the key."""
    key = "sk-ant-admin01-" + "".join(chr(97 + n % 26) for n in range(length))
    client, _ = fake(lambda number: fault, key=key)
    with pytest.raises((ApiError, SchemaError)) as error:
        client.records(DAY)
    assert key[13:26] not in f"{error.value!r} {error.value.__cause__!r}"
    assert "[key]" in str(error.value)


def test_another_envelope_is_named_not_retried(clock):
    """A service that answers with `records` is not this service."""
    asked = []

    def answer(request):
        asked.append(request)
        return httpx.Response(200, json={"records": []}, headers={"request-id": "req_9"})

    client = AdminClient(KEY, transport=httpx.MockTransport(answer), sleep=clock.sleep, clock=clock)
    with pytest.raises(SchemaError, match="req_9"):
        client.records(DAY)
    assert len(asked) == 1


def test_an_error_has_the_message_and_id_of_the_service(fake):
    """For a refused key, the service's message and its request id."""
    client, _ = fake(key="sk-ant-api03-x")
    with pytest.raises(AuthError, match=r"invalid x-api-key.*request req_000000"):
        client.records(DAY)


@pytest.mark.parametrize("day", ["2026-13-01", "yesterday", datetime(2026, 11, 16), ""])
def test_only_a_date_is_accepted_as_a_day(fake, day):
    """Timestamps and other texts are refused before any request."""
    client, service = fake()
    with pytest.raises(ValueError, match="not a day"):
        client.records(day)
    assert service.asked == []


def test_an_invalid_address_is_refused():
    """The error shows a base URL without a scheme."""
    with pytest.raises(SettingsError, match=r"api\.example"):
        AdminClient(KEY, base_url="api.example")


def test_the_organization_of_a_key_can_be_requested(fake):
    """One cheap request says which organization the key belongs to."""
    assert fake()[0].organization().id == "5a3c1e00-0000-4000-8000-000000000001"


@pytest.mark.parametrize("status", [413, 504])
def test_pages_that_are_too_large_are_requested_in_smaller_sizes(status):
    """The service manages 300 records at a time: 250 are requested, and no record is lost."""
    service = FakeService(lambda day: [record(str(day), f"p{n}@x.example") for n in range(600)])
    inner, asked = service.transport(), []

    def answer(request):
        asked.append(int(request.url.params["limit"]))
        error = {"type": "error", "error": {"type": "some_error", "message": "too large"}}
        too_large = asked[-1] > 300
        return httpx.Response(status, json=error) if too_large else inner.handle_request(request)

    client = AdminClient(KEY, transport=httpx.MockTransport(answer), sleep=lambda seconds: None)
    assert len(client.records(DAY)) == 600
    assert set(asked) == {1000, 250}
