"""A source -> the store: fetch and write the days that are missing or may still change."""

import contextlib
import copy
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from multiprocessing.pool import ThreadPool
from time import monotonic

from ccanalytics.errors import (
    ApiError,
    AuthError,
    CCAnalyticsError,
    NotYetError,
    SchemaError,
    StoreError,
)
from ccanalytics.frames.record_frames import build_addresses, build_frames, build_seats
from ccanalytics.sources.registry import Source, source_spec, source_specs
from ccanalytics.store.day_changes import Changes, SyncResult
from ccanalytics.store.day_store import NewDay, Store
from ccanalytics.store.layout import companions
from ccanalytics.store.repair import repair
from ccanalytics.store.source_files import StoredDay
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
    now, report = _moment(source, now or datetime.now(UTC)), progress or (lambda day: None)
    if spec.sync_all:
        result: SyncResult = resolve(spec.sync_all)(source, store, now, again)
        for day in (*result.new, *result.changed, *result.same):
            report(day)
        return result
    if since is None or until is None:
        raise ValueError(f"A range needs both ends: since is {since}, until is {until}.")
    wanted = _known(source, days_between(parse_day(since), parse_day(until)))
    # Threads only help while waiting for a network.
    run = _DaySync(source, store, now, workers if spec.network else 1, report, monotonic())
    with store.alone(source.name) if spec.network else contextlib.nullcontext():
        return run.result(wanted, again)


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
    for spec in source_specs():
        if spec.merge:
            result: SyncResult = resolve(spec.merge)(other, store, now or datetime.now(UTC))
            return result
    raise StoreError("No source that is installed here can be merged.")


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


@dataclass
class _DaySync:
    """A sync that fetches day by day, which began at `now`."""

    source: Source
    store: Store
    now: datetime
    workers: int
    report: Callable[[date], None]
    began: float
    """The monotonic clock at `now`."""
    seats: Seats = None
    early: dict[date, date | None] = field(default_factory=dict)
    """Days the service has not counted yet, with the newest it has."""
    warned: bool = False
    """Whether it was said that the clocks differ."""

    def result(self, wanted: list[date], again: bool) -> SyncResult:
        """Fetch and store the days of `wanted` that are missing or may still change."""
        spec, name = source_spec(self.source.name), self.source.name
        lost = repair(self.store, name, wanted[0], wanted[-1]) if wanted else {}
        # All days of a month with a damaged file are fetched again, together.
        together = {day for day, frames in lost.items() if frames}
        wanted = sorted({*wanted, *together})
        open_days = {day for day in wanted if not is_closed(day, self.now, spec.settling)}
        known = {} if again else self._trusted()
        final = tuple(d for d in wanted if d not in lost and self._is_settled(known.get(d)))
        for day in (*final, *sorted(open_days)):
            self.report(day)
        missing = [day for day in wanted if day not in {*final, *open_days}]
        self.seats, remark = _seats(self.source, missing)
        at_once = self._fetched([day for day in missing if day in together])
        changes = self.store.write_days(name, list(at_once))
        others = self._fetched([day for day in missing if day not in together])
        return SyncResult.of(
            changes | self._stored(others),
            final=final,
            open=tuple(sorted({*open_days, *self.early})),
            newest=max(filter(None, self.early.values()), default=None),
            remark=remark,
        )

    def _trusted(self) -> dict[date, StoredDay]:
        """The stored days that can be trusted once they are final."""
        stored = self.store.days(self.source.name)
        if source_spec(self.source.name).invented and stored:
            # Another version of the package may generate other data; one day is enough to see it.
            last = stored[max(stored)]
            new = self._fetch(last.day)
            return stored if new and new.digest == last.digest else {}
        return stored

    def _is_settled(self, day: StoredDay | None) -> bool:
        """Whether it need not be fetched again; a fetch time in the future is a wrong clock."""
        return day is not None and day.final and day.fetched_at <= self.now + CLOCKS_APART

    def _fetch(self, day: date) -> NewDay | None:
        """The day to store; None when it is not over or not counted yet, by the service's clock."""
        spec = source_spec(self.source.name)
        try:
            records = self.source.records(day)
        except NotYetError as error:
            self.early[day] = error.newest
            return None
        now = self._answered_at()
        if not is_closed(day, now, spec.settling):
            self.early[day] = None
            return None
        frames = build_frames(day, records)
        if "addresses" in spec.frames:
            frames["addresses"] = build_addresses(day, records)
        if "seats" in spec.frames and self.seats is not None:
            frames["seats"] = build_seats(day, self.seats.get(day))
        elif "seats" in spec.frames:
            _, stored = self.store.read_days(spec.name, [day], ["seats"], lost_ok=True)
            frames |= stored
        organizations = {record.organization_id for record in records}
        if len(organizations) > 1:
            names = sorted(organizations)
            raise StoreError(f"The records of {day} are of several organizations: {names}.")
        return NewDay(
            day,
            frames,
            now,
            next(iter(organizations), None),
            tuple(self.source.unknown_fields),
            may_be_final=self.source.answered_at is not None or not spec.network,
        )

    def _answered_at(self) -> datetime:
        """When the service answered, by its own clock where it has one; `StoreError` when ahead."""
        theirs = self.source.answered_at or self.now
        ours = self.now + timedelta(seconds=monotonic() - self.began)
        if theirs > ours + CLOCKS_APART:
            raise StoreError(
                f"The service says it is {theirs:%Y-%m-%d %H:%M} UTC, this machine "
                f"{ours:%Y-%m-%d %H:%M}: a day fetched in the future would seem to be over. Set "
                "the clock of this machine."
            )
        if theirs < ours - CLOCKS_APART and not self.warned:
            self.warned = True
            log.warning("This machine says it is %s, the service %s: the service's clock counts.",
                        f"{ours:%Y-%m-%d %H:%M} UTC", f"{theirs:%Y-%m-%d %H:%M}")  # fmt: skip
        return theirs

    def _fetched(self, days: list[date]) -> Iterator[NewDay]:
        """Each day as it is fetched; after a failure, started days are finished, then it is raised.

        The threads end with the program, so that nobody waits for a service that does not answer.
        """
        failed: list[Exception] = []

        def work(day: date) -> tuple[date, NewDay | None]:
            if not failed:
                try:
                    return day, self._fetch(day)
                except Exception as error:
                    failed.append(_named(day, error))
            return day, None

        with ThreadPool(min(self.workers, len(days)) or 1) as pool:
            for day, new in pool.imap_unordered(work, days):
                if new:
                    yield new
                if not failed:
                    self.report(day)
        if failed:
            raise failed[0]

    def _stored(self, days: Iterable[NewDay]) -> Changes:
        """What storing the days in batches did; those before a failure are stored too."""
        changes: Changes = {}
        waiting = list[NewDay]()
        try:
            for day in days:
                waiting.append(day)
                if _is_enough(waiting):
                    changes |= self.store.write_days(self.source.name, waiting)
                    waiting = []
        except Exception:
            self.store.write_days(self.source.name, waiting)
            raise
        return changes | self.store.write_days(self.source.name, waiting)


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
