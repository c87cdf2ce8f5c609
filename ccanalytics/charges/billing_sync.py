"""What was billed -> the store, the days that may still change a month at a time; and back."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Protocol, runtime_checkable

import pandas as pd

from ccanalytics.charges.billing_frames import Billing, build_billing
from ccanalytics.errors import StoreError
from ccanalytics.frames.record_frames import to_pandas
from ccanalytics.store.day_store import DayChange, Store
from ccanalytics.store.sync import SyncResult
from ccanalytics.weeks import days_between, is_closed, parse_day
from ccanalytics.wire.cost_report import DayBill

AT_A_TIME = 31
"""Days of one question: what is answered is stored before the next one is asked."""


@runtime_checkable
class Biller(Protocol):
    """Anything that can tell what UTC days were billed."""

    @property
    def organization_id(self) -> str | None:
        """Whose bill it is; None when nothing told."""
        ...

    def bills(self, since: date, until: date) -> dict[date, DayBill]:
        """The bill of every day from `since` to `until`; an error rather than a part."""
        ...


def billing_of(source: str) -> str:
    """The name under which the billed days that go with a source are stored."""
    return f"{source}-billing"


def sync_billing(
    biller: Biller,
    store: Store,
    source: str,
    since: date | str,
    until: date | str,
    *,
    now: datetime | None = None,
    force: bool = False,
) -> SyncResult:
    """Bring what was billed from `since` to `until`, both inclusive, into `store`.

    It is kept beside the days of `source`, never among them, and must be of the same organization.
    """
    now, name = now or datetime.now(UTC), billing_of(source)
    wanted = days_between(parse_day(since), parse_day(until))
    open_days = tuple(day for day in wanted if not is_closed(day, now, name))
    stored = {} if force else store.days(name)
    final = tuple(day for day in wanted if day in stored and stored[day].final)
    missing = [day for day in wanted if day not in {*final, *open_days}]
    changes = [change for days in _stretches(missing)
               for change in _fetch(biller, store, source, days, now)]  # fmt: skip
    return SyncResult.of(changes, final=final, open=open_days)


def stored_billing(store: Store, source: str, since: date, until: date) -> Billing | None:
    """What was billed in the range, on closed days; None when nothing of it was fetched."""
    stored, tables = store.read_range(billing_of(source), since, until)
    days = [day for day, one in stored.items() if one.closed]
    if not days:
        return None
    return Billing(
        pd.DatetimeIndex(days).as_unit("ms"),
        billed=to_pandas(tables["billed"]),
        billed_tokens=to_pandas(tables["billed_tokens"]),
    )


def _fetch(
    biller: Biller, store: Store, source: str, days: Sequence[date], now: datetime
) -> Iterator[DayChange]:
    bills = biller.bills(days[0], days[-1])
    whose = store.organization(source)
    if whose and biller.organization_id and whose != biller.organization_id:
        raise StoreError(
            f"The store {store.root} holds {source} days of organization {whose}, the bill is of "
            f"{biller.organization_id}: it is not compared with them. Use the key of {whose}."
        )
    for day in days:
        yield store.write_day(
            billing_of(source),
            day,
            build_billing(day, bills[day]),
            fetched_at=now,
            organization=biller.organization_id,
        )


def _stretches(days: Sequence[date]) -> Iterator[Sequence[date]]:
    """`days` in groups that lie within `AT_A_TIME` days."""
    while days:
        last = days[0].toordinal() + AT_A_TIME
        size = sum(day.toordinal() < last for day in days)
        yield days[:size]
        days = days[size:]
