"""A source -> the store: fetch and write the days that are missing or may still change."""

import contextlib
import copy
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from multiprocessing.pool import ThreadPool
from time import monotonic
from typing import Any

from ccanalytics.errors import (
    ApiError,
    AuthError,
    CCAnalyticsError,
    NotYetError,
    SchemaError,
    StoreError,
)
from ccanalytics.frames.record_frames import build_addresses, build_frames, build_seats
from ccanalytics.sources.registry import Source, source_spec
from ccanalytics.store.day_store import Changes, NewDay, Store, repair
from ccanalytics.store.layout import companions
from ccanalytics.weeks import CLOCKS_APART, day_end, days_between, is_closed
from ccanalytics.wings import resolve
from ccanalytics.wire.enterprise import Summary

log = logging.getLogger(__name__)

DAYS_PER_COMMIT, ROWS_PER_COMMIT = 31, 2_000_000  # fetched before they are stored together

Report = Callable[[date], None]


@dataclass(frozen=True)
class SyncResult:
    """The result of a sync: days by outcome, in order."""

    new: tuple[date, ...] = ()
    changed: tuple[date, ...] = ()
    same: tuple[date, ...] = ()
    final: tuple[date, ...] = ()  # not fetched again
    open: tuple[date, ...] = ()  # not over or not counted yet: not stored, except from logs

    @classmethod
    def of(cls, changes: Changes, **others: Any) -> "SyncResult":
        """The days of `changes` by outcome; `others` are the further fields."""
        for kind in ("new", "changed", "same"):
            others[kind] = tuple(day for day in sorted(changes) if changes[day] == kind)
        return cls(**others)

    def __str__(self) -> str:
        unchanged, opened = len(self.same) + len(self.final), len(self.open)
        text = f"Days: {len(self.new)} new, {len(self.changed)} changed, {unchanged} unchanged"
        return text + (f", {opened} not closed yet." if opened else ".")


def sync(
    source: Source,
    store: Store,
    since: date | str | None = None,
    until: date | str | None = None,
    *,
    now: datetime | None = None,
    workers: int = 4,
    progress: Report | None = None,
    again: bool = False,
) -> SyncResult:
    """Fetch the days from `since` to `until`, both inclusive, into `store`, with their seats.

    A source whose days cannot be fetched one by one is synced whole, whatever the range.
    Final days are fetched again only with `again`. When a day fails, those already fetched are
    stored, and the error names the day; the next sync continues from there. Two syncs of a source
    wait for each other. `progress` is called with each day that is done, where they are fetched
    one by one.
    """
    spec = source_spec(source.name)
    now, report = now or datetime.now(UTC), progress or (lambda day: None)
    if now.tzinfo is None:
        raise ValueError(f"now is {now}, without a time zone.")
    if spec.sync_all:
        result: SyncResult = resolve(spec.sync_all)(source, store, now, again)
        return result
    if since is None or until is None:
        raise ValueError(f"A range needs both ends: since is {since}, until is {until}.")
    wanted, span = days_between(since, until), source.span()
    if span and wanted[0] < span[0]:
        log.warning("%s begins on %s; days before it are not known.", source.name, span[0])
        wanted = [day for day in wanted if day >= span[0]]
    if span and spec.invented:  # invented data does not depend on the clock
        now = day_end(span[1]) + spec.settling.final
    run = _DaySync(source, store, now, workers, report)
    with store.alone(source.name) if spec.network else contextlib.nullcontext():
        return run.result(wanted, again)


def sync_available(
    source: Source,
    store: Store,
    *,
    now: datetime,
    progress: Callable[[date, int], None] | None = None,
) -> None:
    """Sync all of a source that needs no network.

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
    total = (span[1] - span[0]).days + 1
    each = (lambda day: progress(day, total)) if progress else None
    done = sync(source, store, *span, now=now, progress=each)
    for companion in companions():
        # Like all invented data it does not depend on the clock.
        settled = day_end(span[1]) + companion.settling.final
        companion.sync(source, store, source.name, *span, settled, bool(done.changed))


class _DaySync:
    """A sync that fetches day by day, which began at `now`."""

    def __init__(
        self, source: Source, store: Store, now: datetime, workers: int, report: Report
    ) -> None:
        self.source, self.store, self.now, self.report = source, store, now, report
        self.spec, self.began = source_spec(source.name), monotonic()
        # Threads only help while waiting for a network.
        self.workers = workers if self.spec.network else 1
        self.seats: Mapping[date, Summary] | None = {}
        """The seats by day; None where the service refused."""
        self.early = set[date]()
        """Days that are not over, or that the service has not counted yet."""

    def result(self, wanted: list[date], again: bool) -> SyncResult:
        """Fetch and store the days of `wanted` that are missing or may still change."""
        name = self.spec.name
        lost = repair(self.store, name, wanted[0], wanted[-1]) if wanted else {}
        # All days of a month with a damaged file are fetched again, together.
        together = [day for day, frames in lost.items() if frames]
        wanted = sorted({*wanted, *together})
        self.early |= {d for d in wanted if not is_closed(d, self.now, self.spec.settling)}
        known = {} if again else self.store.days(name)
        if self.spec.invented and known:
            # Another version of the package may generate other data; one day is enough to see it.
            new, last = self._fetch(max(known)), known[max(known)]
            known = known if new and new.digest == last.digest else {}
        # A fetch time in the future is a wrong clock's.
        latest = self.now + CLOCKS_APART
        settled = {day for day, one in known.items() if one.final and one.fetched_at <= latest}
        final = [day for day in wanted if day in settled and day not in lost]
        done = {*final, *self.early}
        for day in done:
            self.report(day)
        if missing := [day for day in wanted if day not in done]:
            self._ask_for_seats(missing)
        changes = self._fetch_all([day for day in missing if day in together], whole=True)
        changes |= self._fetch_all([day for day in missing if day not in together])
        return SyncResult.of(changes, final=tuple(final), open=tuple(sorted(self.early)))

    def _ask_for_seats(self, days: list[date]) -> None:
        """The seats, if the source has any; the days do not depend on them."""
        try:
            self.seats = self.source.seats(days[0], days[-1]) or {}
        except (ApiError, AuthError, SchemaError) as error:
            self.seats, again = None, "Ask for them again with: ccanalytics sync --again."
            log.warning("The seats are not known, all else is complete: %s %s", error, again)

    def _fetch_all(self, days: list[date], *, whole: bool = False) -> Changes:
        """Fetch and store days, with `whole` all or none of them.

        After a failure, started days are finished and stored, then it is raised. The threads end
        with the program, so that nobody waits for a service that does not answer.
        """
        changes, waiting, failed = Changes(), list[NewDay](), list[Exception]()

        def work(day: date) -> tuple[date, NewDay | None]:
            try:
                return day, None if failed else self._fetch(day)
            except Exception as error:
                named = error
                if isinstance(error, CCAnalyticsError) and str(day) not in str(error):
                    named = copy.copy(error)
                    named.args, named.__cause__ = (f"{day}: {error}",), error
                failed.append(named)
                return day, None

        with ThreadPool(min(self.workers, len(days)) or 1) as pool:
            for day, new in pool.imap_unordered(work, days):
                waiting += [new] if new else []
                if not failed:
                    self.report(day)
                rows = sum(len(table) for one in waiting for table in one.frames.values())
                if not whole and (len(waiting) >= DAYS_PER_COMMIT or rows >= ROWS_PER_COMMIT):
                    changes |= self.store.write_days(self.spec.name, waiting)
                    waiting.clear()
        if not (whole and failed):
            changes |= self.store.write_days(self.spec.name, waiting)
        if failed:
            raise failed[0]
        return changes

    def _fetch(self, day: date) -> NewDay | None:
        """The day to store; None when it is not over or not counted yet, by the service's clock."""
        try:
            records = self.source.records(day)
        except NotYetError:
            self.early.add(day)
            return None
        theirs = self.source.answered_at
        ours = self.now + timedelta(seconds=monotonic() - self.began)
        if theirs and theirs > ours + CLOCKS_APART:
            raise StoreError(
                f"The service says it is {theirs:%Y-%m-%d %H:%M} UTC, this machine "
                f"{ours:%Y-%m-%d %H:%M}: a day fetched in the future would seem to be over. Set "
                "the clock of this machine."
            )
        if not is_closed(day, theirs or self.now, self.spec.settling):
            self.early.add(day)
            return None
        frames = build_frames(day, records)
        if "addresses" in self.spec.frames:
            frames["addresses"] = build_addresses(day, records)
        if "seats" in self.spec.frames and self.seats is not None:
            frames["seats"] = build_seats(day, self.seats.get(day))
        elif "seats" in self.spec.frames:
            frames |= self.store.read_days(self.spec.name, [day], ["seats"], lost_ok=True)[1]
        organizations = sorted({record.organization_id for record in records})
        if len(organizations) > 1:
            raise StoreError(f"The records of {day} are of several organizations: {organizations}.")
        return NewDay(
            day,
            frames,
            theirs or self.now,
            next(iter(organizations), None),
            tuple(self.source.unknown_fields),
            may_be_final=theirs is not None or not self.spec.network,
        )
