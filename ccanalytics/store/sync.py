"""A source -> the store: fetch and write the days that are missing or may still change."""

import contextlib
import copy
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from queue import Empty, SimpleQueue
from threading import Event, Thread

from ccanalytics.errors import (
    ApiError,
    AuthError,
    CCAnalyticsError,
    NotYetError,
    SchemaError,
    StoreError,
)
from ccanalytics.frames.address_frames import build_addresses
from ccanalytics.frames.record_frames import build_frames
from ccanalytics.frames.seat_frames import build_seats
from ccanalytics.sources.registry import source_spec, source_specs
from ccanalytics.sources.source import Source
from ccanalytics.store.day_index import StoredDay
from ccanalytics.store.day_store import NewDay, Store
from ccanalytics.store.day_totals import DayChange, digest_of
from ccanalytics.store.layout import companions
from ccanalytics.store.repair import repair
from ccanalytics.store.sync_result import SyncResult
from ccanalytics.weeks import (
    CLOCKS_APART,
    day_end,
    days_between,
    is_closed,
    monday,
    newest_closed_week,
    parse_day,
    week_days,
)
from ccanalytics.wings import resolve
from ccanalytics.wire.enterprise import Summary

log = logging.getLogger(__name__)

DAYS_PER_COMMIT, ROWS_PER_COMMIT = 31, 2_000_000
"""Days fetched before they are stored together."""

Seats = Mapping[date, Summary] | None
"""The seats by day; None where the service refused."""


def sync(
    source: Source,
    store: Store,
    since: date | str | None = None,
    until: date | str | None = None,
    *,
    now: datetime | None = None,
    workers: int = 4,
    progress: Callable[[date], None] | None = None,
    again: bool = False,
) -> SyncResult:
    """Fetch the days from `since` to `until`, both inclusive, into `store`, with their seats.

    A source whose days cannot be fetched one by one is synced whole, whatever the range.
    Final days are fetched again only with `again`. When a day fails, those already fetched are
    stored, and the error names the day; the next sync continues from there. Two syncs of a source
    wait for each other. `progress` is called with each day that is done.
    """
    spec = source_spec(source.name)
    now = _moment(source, now or datetime.now(UTC))
    if spec.sync_all:
        result: SyncResult = resolve(spec.sync_all)(source, store, now, again)
        for day in (*result.new, *result.changed, *result.same):
            _report(progress, day)
        return result
    if since is None or until is None:
        raise ValueError(f"A range needs both ends: since is {since}, until is {until}.")
    wanted = _known(source, days_between(parse_day(since), parse_day(until)))
    with store.alone(source.name) if spec.network else contextlib.nullcontext():
        return _sync_days(source, store, wanted, now, workers, progress, again)


def _sync_days(
    source: Source,
    store: Store,
    wanted: list[date],
    now: datetime,
    workers: int,
    progress: Callable[[date], None] | None,
    again: bool,
) -> SyncResult:
    spec = source_spec(source.name)
    lost = repair(store, source.name, wanted[0], wanted[-1]) if wanted else {}
    # All days of a month with a damaged file are fetched again, together.
    together = {day for day, frames in lost.items() if frames}
    wanted = sorted({*wanted, *together})
    open_days = tuple(day for day in wanted if not is_closed(day, now, spec.settling))
    stored = {} if again else _trusted(source, store, now)
    known = stored.keys() - lost.keys()
    final = tuple(day for day in wanted if day in known and _settled(stored[day], now))
    for day in (*final, *open_days):
        _report(progress, day)
    missing = [day for day in wanted if day not in {*final, *open_days}]
    seats, remark = _seats(source, missing)
    early: dict[date, date | None] = {}

    def fetch(day: date) -> NewDay | None:
        try:
            new = _fetch_day(source, store, day, now, seats)
        except NotYetError as error:
            early[day] = error.newest
            return None
        if new is None:
            early[day] = None
        return new

    changes = list[DayChange]()
    for at_once in (True, False):
        days = [day for day in missing if (day in together) == at_once]
        # Threads only help while waiting for a network.
        fetched = _fetched(fetch, days, workers if spec.network else 1, progress)
        changes += _stored(source.name, store, fetched, at_once)
    return SyncResult.of(
        sorted(changes, key=lambda change: change.day),
        final=final,
        open=tuple(sorted({*open_days, *early})),
        newest=max(filter(None, early.values()), default=None),
        remark=remark,
    )


def sync_available(
    source: Source,
    store: Store,
    until: date | None = None,
    *,
    now: datetime,
    progress: Callable[[date, int], None] | None = None,
) -> None:
    """Sync all of a source that needs no network, and the empty days after it up to `until`.

    `StoreError` when neither source nor store has a day. `progress` is called with each
    finished day and the number of days, where days are read one by one.
    """
    # A source that is synced whole reads everything to know its span, so it is not asked.
    span = None if source_spec(source.name).sync_all else source.span()
    if span is None:
        sync(source, store, now=now)
        if not store.dates(source.name):
            raise StoreError(f"There is nothing from source {source.name} yet.")
        return
    last = max(span[1], week_days(newest_closed_week(now))[-1], until or span[1])
    first = monday(span[0])
    total = (last - first).days + 1
    each = (lambda day: progress(day, total)) if progress else None
    done = sync(source, store, first, last, now=now, progress=each)
    moment = day_end(span[1])
    for companion in companions():
        # Like all invented data it does not depend on the clock.
        settled = moment + companion.settling.final
        companion.sync(source, store, source.name, *span, settled, bool(done.changed))


def merge(other: Store, store: Store, *, now: datetime | None = None) -> SyncResult:
    """Merge the session logs of another store into `store`; what both have counts once."""
    merges = [resolve(spec.merge) for spec in source_specs() if spec.merge]
    if not merges:
        raise StoreError("No source that is installed here can be merged.")
    results = [one(other, store, now or datetime.now(UTC)) for one in merges]
    return SyncResult.united(results)


def _trusted(source: Source, store: Store, now: datetime) -> dict[date, StoredDay]:
    """The stored days that can be trusted once they are final."""
    stored = store.days(source.name)
    if source_spec(source.name).invented and stored:
        # Another version of the package may generate other data; one day is enough to see it.
        last = stored[max(stored)]
        new = _fetch_day(source, store, last.day, now)
        return stored if new and digest_of(new.frames) == last.digest else {}
    return stored


def _settled(day: StoredDay, now: datetime) -> bool:
    """Whether the day need not be fetched again; a fetch time in the future is a wrong clock."""
    return day.final and day.fetched_at <= now + CLOCKS_APART


def _answered_at(source: Source, now: datetime) -> datetime:
    """When the service answered, by its own clock where it has one; `StoreError` for the future."""
    theirs = source.answered_at or now
    if theirs > now + CLOCKS_APART:
        raise StoreError(
            f"The service says it is {theirs:%Y-%m-%d %H:%M} UTC, this machine "
            f"{now:%Y-%m-%d %H:%M}: a day fetched in the future would seem to be over. Set the "
            "clock of this machine."
        )
    if theirs < now - CLOCKS_APART:
        log.warning("This machine says it is %s, the service %s: the service's clock counts.",
                    f"{now:%Y-%m-%d %H:%M} UTC", f"{theirs:%Y-%m-%d %H:%M}")  # fmt: skip
    return theirs


def _moment(source: Source, now: datetime) -> datetime:
    """When the days count as fetched; invented data does not depend on the clock."""
    if now.tzinfo is None:
        raise ValueError(f"now is {now}, without a time zone.")
    spec = source_spec(source.name)
    span = source.span() if spec.invented else None
    return day_end(span[1]) + spec.settling.final if span else now


def _known(source: Source, days: list[date]) -> list[date]:
    """The days without those before a source's first: unknown is not 0."""
    span = source.span()
    known = [day for day in days if span is None or day >= span[0]]
    if span and len(known) < len(days):
        log.warning("%s begins on %s; days before it are not known.", source.name, span[0])
    return known


def _seats(source: Source, days: list[date]) -> tuple[Seats, str]:
    """The seats of `days` if the source has any, else why not; the days do not depend on them."""
    try:
        return (source.seats(days[0], days[-1]) if days else None) or {}, ""
    except (ApiError, AuthError, SchemaError) as error:
        said = f"The seats are not known, all else is complete: {error}"
        log.warning("%s", said)
        return None, f"{said} Ask for them again with: ccanalytics sync --again."


def _fetch_day(
    source: Source,
    store: Store,
    day: date,
    now: datetime,
    seats: Seats = None,
) -> NewDay | None:
    """The day to store; None when it is not over yet by the service's clock."""
    spec, records = source_spec(source.name), source.records(day)
    now = _answered_at(source, now)
    if not is_closed(day, now, spec.settling):
        return None
    frames = build_frames(day, records)
    if "addresses" in spec.frames:
        frames["addresses"] = build_addresses(day, records)
    if "seats" in spec.frames:
        stored = store.read_days(source.name, [day], ["seats"], lost_ok=True)[1]["seats"]
        frames["seats"] = stored if seats is None else build_seats(day, seats.get(day))
    organization = _organization(day, {record.organization_id for record in records})
    by_service = source.answered_at is not None or not spec.network
    return NewDay(
        day, frames, now, organization, tuple(source.unknown_fields), may_be_final=by_service
    )


def _organization(day: date, ids: set[str]) -> str | None:
    if len(ids) > 1:
        raise StoreError(f"The records of {day} are of several organizations: {sorted(ids)}.")
    return next(iter(ids), None)


def _fetched(
    fetch: Callable[[date], NewDay | None],
    days: list[date],
    workers: int,
    progress: Callable[[date], None] | None,
) -> Iterator[NewDay]:
    """Each day as it is fetched; after a failure, started days are finished, then it is raised.

    The threads end with the program, so that nobody waits for a service that does not answer.
    """
    todo, done = SimpleQueue[date](), SimpleQueue[tuple[date, NewDay | Exception | None]]()
    for day in days:
        todo.put(day)
    stop = Event()

    def work() -> None:
        with contextlib.suppress(Empty):
            while not stop.is_set():
                day = todo.get_nowait()
                try:
                    done.put((day, fetch(day)))
                except Exception as error:
                    stop.set()
                    done.put((day, _named(day, error)))

    threads = [Thread(target=work, daemon=True) for _ in range(min(workers, len(days)))]
    for thread in threads:
        thread.start()
    try:
        for _ in days:
            day, found = done.get()
            if isinstance(found, Exception):
                for thread in threads:
                    thread.join()
                rest = [done.get()[1] for _ in range(done.qsize())]
                yield from (new for new in rest if isinstance(new, NewDay))
                raise found
            if found:
                yield found
            _report(progress, day)
    finally:
        stop.set()


def _stored(source: str, store: Store, days: Iterable[NewDay], at_once: bool) -> list[DayChange]:
    """What storing the days did: all `at_once`, else in batches, also before a failure."""
    changes, waiting = list[DayChange](), list[NewDay]()
    try:
        for day in days:
            waiting.append(day)
            if not at_once and _is_enough(waiting):
                changes += store.write_days(source, waiting)
                waiting = []
    except Exception:
        if not at_once:
            store.write_days(source, waiting)
        raise
    return changes + store.write_days(source, waiting)


def _is_enough(days: list[NewDay]) -> bool:
    rows = sum(len(table) for day in days for table in day.frames.values())
    return len(days) >= DAYS_PER_COMMIT or rows >= ROWS_PER_COMMIT


def _named(day: date, error: Exception) -> Exception:
    """The error with the day in its text."""
    if not isinstance(error, CCAnalyticsError) or str(day) in str(error):
        return error
    named = copy.copy(error)
    named.args = (f"{day}: {error}",)
    named.__cause__ = error
    return named


def _report(progress: Callable[[date], None] | None, day: date) -> None:
    if progress is not None:
        progress(day)
