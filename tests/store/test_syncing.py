"""Sync fetches days that are missing or may still change, and no final ones."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from builders import record
from records_of_other_years import next_year

from ccanalytics.dataset.loading import load
from ccanalytics.dataset.preflight import preflight
from ccanalytics.errors import ApiError, StoreError
from ccanalytics.fake_api.fake_service import FakeService
from ccanalytics.sources.admin_api import AdminClient
from ccanalytics.sources.registry import Source
from ccanalytics.store.day_store import Store
from ccanalytics.store.sync import sync
from ccanalytics.weeks import week_days

MONDAY = date(2026, 11, 16)
SUNDAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Days(Source):
    """A source of one record a day that has a clock and remembers the requested days."""

    def __init__(
        self, name="api", commits=1, broken=(), span=None, organizations=("org-1",), at=NOW
    ):
        self.name, self.commits, self.broken = name, commits, broken
        self.known, self.organizations, self.answered_at = (
            span,
            organizations,
            at if name == "api" else None,
        )
        self.asked = []

    def span(self):
        return self.known

    def records(self, day):
        self.asked.append(day)
        if day in self.broken:
            raise ApiError("The service is overloaded.", status=529)
        return [
            record(str(day), commits=self.commits, organization=name) for name in self.organizations
        ]


def commits(store, source="api"):
    return store.read(source, "activity", MONDAY, SUNDAY)["commits"].to_pylist()


def test_a_week_is_fetched_day_by_day(tmp_path):
    """Seven days, seven requests, seven stored days."""
    source, store = Days(), Store(tmp_path)
    result = sync(source, store, "2026-11-16", SUNDAY, now=NOW)
    assert sorted(source.asked) == list(result.new) == list(store.days("api"))
    assert len(result.new) == 7


def test_final_days_are_not_fetched_again(tmp_path):
    """On Tuesday noon only Sunday is younger than 48 hours: one request instead of seven."""
    store = Store(tmp_path)
    sync(Days(), store, MONDAY, SUNDAY, now=NOW)
    again = Days()
    result = sync(again, store, MONDAY, SUNDAY, now=NOW)
    assert again.asked == [SUNDAY]
    assert (len(result.final), result.same) == (6, (SUNDAY,))


def test_a_day_fetched_early_is_fetched_again_however_long_ago_that_was(tmp_path):
    """A sync at 2 o'clock the next day, then none for months: the day is still not final."""
    store = Store(tmp_path)
    early, late = datetime(2026, 11, 17, 2, tzinfo=UTC), NOW + timedelta(days=90)
    sync(Days(commits=1, at=early), store, MONDAY, MONDAY, now=early)
    result = sync(Days(commits=5, at=late), store, MONDAY, MONDAY, now=late)
    assert result.changed == (MONDAY,)
    assert commits(store) == [5]


def test_force_fetches_final_days_too(tmp_path):
    """A final day can still be wrong."""
    store = Store(tmp_path)
    sync(Days(), store, MONDAY, MONDAY, now=NOW)
    assert sync(Days(commits=2), store, MONDAY, MONDAY, now=NOW, again=True).changed == (MONDAY,)


def test_days_that_are_not_closed_are_not_fetched(tmp_path):
    """At half past midnight yesterday is incomplete, and today has hardly started."""
    now = datetime(2026, 11, 18, 0, 30, tzinfo=UTC)
    source, store = Days(at=now), Store(tmp_path)
    result = sync(source, store, MONDAY, date(2026, 11, 18), now=now)
    assert source.asked == [MONDAY]
    assert result.open == (date(2026, 11, 17), date(2026, 11, 18))


def test_a_sync_may_take_longer_than_clocks_may_differ(tmp_path, monkeypatch):
    """Seven days of five minutes each: the last answer is not from the future."""
    passed = []

    class Slow(Days):
        def records(self, day):
            passed.append(timedelta(minutes=5))
            self.answered_at = NOW + sum(passed, timedelta())
            return super().records(day)

    monkeypatch.setattr(
        "ccanalytics.store.sync.monotonic", lambda: sum(passed, timedelta()).total_seconds()
    )
    assert sync(Slow(), Store(tmp_path), MONDAY, SUNDAY, now=NOW, workers=1).new == tuple(
        week_days(MONDAY)
    )


def test_a_sync_may_wait_for_another_longer_than_clocks_may_differ(tmp_path, monkeypatch):
    """The time it waits before its first day passes for this machine's clock too."""
    store, waited = Store(tmp_path), timedelta(minutes=30)
    clock, held = [0.0], store.alone

    class Later(Days):
        def records(self, day):
            self.answered_at = NOW + waited
            return super().records(day)

    def after_another(source):
        clock[0] = waited.total_seconds()
        return held(source)

    monkeypatch.setattr(store, "alone", after_another)
    monkeypatch.setattr("ccanalytics.store.sync.monotonic", lambda: clock[0])
    assert sync(Later(), store, MONDAY, SUNDAY, now=NOW, workers=1).new == tuple(week_days(MONDAY))


def test_a_failing_day_is_named_and_the_others_are_kept(tmp_path):
    """The third day fails: fetched days stay, and the next sync needs only the rest."""
    store, third = Store(tmp_path), date(2026, 11, 18)
    with pytest.raises(ApiError, match="2026-11-18: The service is overloaded") as error:
        sync(Days(broken=[third]), store, MONDAY, SUNDAY, now=NOW, workers=1)
    assert error.value.status == 529
    assert list(store.days("api"))[:2] == [MONDAY, date(2026, 11, 17)]
    assert third not in store.days("api")
    rest = Days()
    sync(rest, store, MONDAY, SUNDAY, now=NOW)
    assert MONDAY not in rest.asked
    assert len(store.days("api")) == 7


def test_progress_is_reported_once_for_every_day(tmp_path):
    """Fetched, final or not closed: a progress bar over the range reaches its end."""
    reported, store = [], Store(tmp_path)
    sync(Days(), store, MONDAY, MONDAY, now=NOW)
    sync(Days(), store, MONDAY, date(2026, 11, 25), now=NOW, progress=reported.append)
    assert sorted(reported) == [MONDAY + timedelta(n) for n in range(10)]


def test_a_reversed_range_is_refused_with_both_ends(tmp_path):
    """It is a mistake, not an empty answer."""
    with pytest.raises(ValueError, match=r"2026-11-22.*2026-11-16"):
        sync(Days(), Store(tmp_path), SUNDAY, MONDAY, now=NOW)


def test_a_day_of_two_organizations_is_refused(tmp_path):
    """An answer that mixes organizations is not stored."""
    source, store = Days(organizations=("org-1", "org-2")), Store(tmp_path)
    with pytest.raises(StoreError, match=r"2026-11-16.*org-1.*org-2"):
        sync(source, store, MONDAY, MONDAY, now=NOW)
    assert store.days("api") == {}


def test_the_records_of_another_organization_are_refused(tmp_path):
    """The second key belongs to another one: the error has both ids and the flag."""
    store = Store(tmp_path)
    sync(Days(), store, MONDAY, MONDAY, now=NOW)
    with pytest.raises(StoreError, match=r"org-1.*org-2.*--store"):
        sync(Days(organizations=["org-2"]), store, SUNDAY, SUNDAY, now=NOW)


def test_the_sample_does_not_depend_on_the_clock(tmp_path):
    """Its days are closed and final in any year, and its end is its end."""
    store = Store(tmp_path)
    early = datetime(2025, 1, 1, tzinfo=UTC)
    sync(Days("sample", span=(MONDAY, SUNDAY)), store, MONDAY, SUNDAY, now=early)
    assert all(day.final for day in store.days("sample").values())


def test_a_new_version_of_the_sample_replaces_the_old_one(tmp_path):
    """A later version has other numbers: all its days are written again."""
    store, span = Store(tmp_path), (MONDAY, SUNDAY)
    sync(Days("sample", span=span), store, MONDAY, SUNDAY, now=NOW)
    same = Days("sample", span=span)
    sync(same, store, MONDAY, SUNDAY, now=NOW)
    assert same.asked == [SUNDAY]
    sync(Days("sample", commits=3, span=span), store, MONDAY, SUNDAY, now=NOW)
    assert commits(store, "sample") == [3] * 7


def test_two_concurrent_syncs_give_the_result_of_one(tmp_path):
    """The same week twice at the same time: seven complete days, nothing restated."""
    with ThreadPoolExecutor() as pool:
        runs = [
            pool.submit(sync, Days(), Store(tmp_path), MONDAY, SUNDAY, now=NOW) for _ in range(2)
        ]
        assert {len(run.result().final) for run in runs} <= set(range(7))
    assert commits(Store(tmp_path)) == [1] * 7
    assert Store(tmp_path).restatements("api") == []


def test_a_sync_that_waits_for_another_says_so(tmp_path, caplog):
    """It starts when the other has finished."""
    store = Store(tmp_path)
    with ThreadPoolExecutor() as pool:
        with store.alone("api"):
            second = pool.submit(sync, Days(), store, MONDAY, MONDAY, now=NOW)
            while not caplog.records:
                time.sleep(0.01)
            assert not second.done()
        assert second.result().new == (MONDAY,)
    assert "Another sync of api is going on" in caplog.text


def test_a_result_says_what_was_done(tmp_path):
    """One line for the command line, in words."""
    result = sync(Days(), Store(tmp_path), MONDAY, date(2026, 11, 24), now=NOW)
    assert str(result) == "Days: 8 new, 0 changed, 0 unchanged, 1 not closed yet."


def test_unknown_fields_are_named_by_the_dataset_and_the_checks(tmp_path, monkeypatch):
    """The service adds a field: the day is stored, and the field is reported."""
    monkeypatch.chdir(tmp_path)
    service = FakeService(lambda day: [record(str(day))], now=lambda: NOW, shape=next_year)
    client = AdminClient("sk-ant-admin01-x", transport=service.transport())
    store = Store(tmp_path / "store")
    sync(client, store, "2026-11-09", "2026-11-15", now=NOW)
    data = load("2026-11-09", "2026-11-15", source="api", store=store, now=NOW)
    assert data.unknown_fields == ("seen_next_year",)
    found = {check.name: check for check in preflight(data)}
    assert "field seen_next_year" in found["Schema as expected"].found


def test_a_clock_that_is_days_off_does_not_finalise_an_open_day(tmp_path):
    """It is Wednesday noon; this machine says Monday. Tuesday is stored, but is not final."""
    source, store = Days(at=datetime(2026, 11, 18, 12, tzinfo=UTC)), Store(tmp_path)
    result = sync(source, store, MONDAY, SUNDAY, now=source.answered_at + timedelta(days=5))
    tuesday = date(2026, 11, 17)
    assert result.new == (MONDAY, tuesday)
    assert len(result.open) == 5
    assert not store.days("api")[tuesday].final
    rest = Days()
    sync(rest, store, MONDAY, SUNDAY, now=NOW)
    assert sorted(rest.asked)[0] == MONDAY


def test_the_time_of_fetching_comes_from_the_service(tmp_path):
    """Nine minutes are not a wrong clock, and still the service's time is stored."""
    store, reported = Store(tmp_path), NOW - timedelta(minutes=9)
    sync(Days(at=reported), store, MONDAY, MONDAY, now=NOW)
    assert store.days("api")[MONDAY].fetched_at == reported


def test_a_day_is_not_final_by_the_clock_of_this_machine(tmp_path):
    """The service sends no time: the day is stored, and fetched again."""
    store = Store(tmp_path)
    sync(Days(at=None), store, MONDAY, MONDAY, now=NOW)
    assert not store.days("api")[MONDAY].final
    assert sync(Days(), store, MONDAY, MONDAY, now=NOW).same == (MONDAY,)
    assert store.days("api")[MONDAY].final


def test_a_day_of_the_future_is_refused(tmp_path):
    """One of the two clocks is wrong by a year: the error has both, and nothing is stored."""
    store = Store(tmp_path)
    with pytest.raises(StoreError, match=r"2027-11-24 12:00 UTC.*2026-11-24 12:00"):
        sync(Days(at=NOW + timedelta(days=365)), store, MONDAY, MONDAY, now=NOW)
    assert store.days("api") == {}


def test_a_day_fetched_in_the_future_is_fetched_again(tmp_path):
    """A clock five days fast stored Monday at noon as if it were over; then it was corrected."""
    store, noon = Store(tmp_path), datetime(2026, 11, 16, 12, tzinfo=UTC)
    wrong, right = noon + timedelta(days=5), noon + timedelta(days=1)
    sync(Days(commits=1, at=wrong), store, MONDAY, MONDAY, now=wrong)
    result = sync(Days(commits=5, at=right), store, MONDAY, MONDAY, now=right)
    assert result.changed == (MONDAY,)
    assert commits(store) == [5]


def test_days_before_the_start_of_a_source_are_named(tmp_path, caplog):
    """They are not stored, which is different from no activity."""
    before = MONDAY - timedelta(days=1)
    result = sync(Days(span=(MONDAY, date.max)), Store(tmp_path), before, MONDAY, now=NOW)
    assert result.new == (MONDAY,)
    assert f"begins on {MONDAY}" in caplog.text
