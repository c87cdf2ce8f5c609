"""What was charged <-> the store: fetched a month at a time, kept next to the source's own days."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Protocol, runtime_checkable

import pandas as pd

from ccanalytics.charges.charge_frames import build_charges
from ccanalytics.charges.cost_client import LONGEST_WALK, CostClient
from ccanalytics.errors import StoreError
from ccanalytics.frames.arrow_tables import to_pandas
from ccanalytics.frames.schemas import SCHEMAS
from ccanalytics.sources.keys import find_key
from ccanalytics.sources.registry import Access, SourceSpec, source_spec
from ccanalytics.sources.source import Source
from ccanalytics.store.day_store import DayChange, NewDay, Store
from ccanalytics.store.layout import Companion
from ccanalytics.store.sync import SyncResult
from ccanalytics.weeks import Settling, days_between, is_closed, parse_day
from ccanalytics.wire.analytics_cost import ChargedDays


@runtime_checkable
class ChargedSource(Protocol):
    """A source that knows what UTC days were charged: the client, or the sample."""

    @property
    def organization_id(self) -> str | None:
        """Whose charges they are; None when that is unknown."""
        ...

    @property
    def charged_since(self) -> date | None:
        """The first day with charges; None when only the service knows."""
        ...

    def charges(self, since: date, until: date) -> ChargedDays:
        """The rows of every day from `since` to `until`, or an error."""
        ...


def sync_charges(
    client: ChargedSource,
    store: Store,
    source: str,
    since: date | str,
    until: date | str,
    *,
    now: datetime | None = None,
    force: bool = False,
) -> SyncResult:
    """Store what was charged from `since` to `until`, both inclusive.

    The charges must be of the same organization as the days of `source`. A day counts as fetched
    when the service refreshed its costs: later days are not complete and are not stored, and a day
    may still be revised for a month. Every month is stored before the next one is asked for, so
    that a failure loses little.
    """
    now, name = now or datetime.now(UTC), COMPANION.stored_as(source)
    wanted = days_between(parse_day(since), parse_day(until))
    stored = {} if force else store.days(name)
    final = tuple(day for day in wanted if day in stored and stored[day].final)
    missing = [day for day in wanted if day not in final and is_closed(day, now, SETTLING)]
    months = groupby(missing, lambda day: (day - missing[0]).days // LONGEST_WALK)
    changes = [change for _, days in months
               for change in _fetch(client, store, source, list(days), now)]  # fmt: skip
    done = {*final, *(change.day for change in changes)}
    return SyncResult.of(changes, final=final, open=tuple(d for d in wanted if d not in done))


def stored_charges(
    store: Store, source: str, since: date, until: date
) -> Mapping[str, pd.DataFrame]:
    """The frames of the range: `charges`, and `charged_days`; none when nothing was fetched.

    For a source without cost of its own also its `model_usage`, at the list prices of the charges.
    """
    stored, tables = store.read_range(COMPANION.stored_as(source), since, until)
    if not stored:
        return {}
    charges = to_pandas(tables["charges"])
    days = pd.DataFrame({"date": pd.DatetimeIndex([*stored]).as_unit("ms")})
    found = {"charges": charges, "charged_days": days}
    if source_spec(source).has_usage:
        return found
    return {**found, "model_usage": usage_of(charges, "list_usd"), "cost_days": days}


def usage_of(charges: pd.DataFrame, money: str) -> pd.DataFrame:
    """Charges as rows of `model_usage`: `money` is their cost, tokens are not known."""
    rows = charges.rename(columns={money: "cost_usd"})
    counts = [name for name in SCHEMAS["model_usage"].names if name.endswith("_tokens")]
    unknown = [name for name in SCHEMAS["model_usage"].names if name not in (*rows, *counts)]
    text = pd.Categorical([None] * len(rows), [])
    filled = {**dict.fromkeys(unknown, text), "is_remote": pd.array([pd.NA] * len(rows), "boolean")}
    kept = [name for name in ("team", "actor_id", "cost_centre") if name in rows]
    rows = rows.assign(**filled, **dict.fromkeys(counts, 0))
    return rows[[*SCHEMAS["model_usage"].names, *kept]]


def _fetch(
    client: ChargedSource, store: Store, source: str, days: Sequence[date], now: datetime
) -> list[DayChange]:
    charged = client.charges(days[0], days[-1])
    whose = store.organization(source)
    if whose and client.organization_id and whose != client.organization_id:
        raise StoreError(
            f"The store {store.root} holds {source} days of organization {whose}, the charges are "
            f"of {client.organization_id}: they cannot be compared. Use the key of {whose}."
        )
    known_at = min(now, charged.refreshed_at or datetime.min.replace(tzinfo=UTC))
    whose, names = client.organization_id, charged.key_names
    return store.write_days(
        COMPANION.stored_as(source),
        [
            NewDay(day, {"charges": build_charges(day, charged.days[day], names, whose)},
                   known_at, whose)
            for day in days
            if day in charged.days and is_closed(day, known_at, SETTLING)
        ],
    )  # fmt: skip


def _open(spec: SourceSpec, access: Access) -> Source:
    """The client of the cost report, with the key of the source."""
    if spec.key is None:
        raise ValueError(f"--billed is for the sources of an organisation, not for {spec.name}.")
    key = find_key(access.environ, access.key_file, spec.key)
    return CostClient(key, base_url=access.base_url)


def _sync(
    source: Source, store: Store, name: str, since: date, until: date, now: datetime, again: bool
) -> SyncResult | None:
    """Sync the charges, if the source knows any."""
    if not isinstance(source, ChargedSource):
        return None
    first = max(since, source.charged_since or since)
    return sync_charges(source, store, name, first, until, now=now, force=again)


SETTLING = Settling(timedelta(0), timedelta(days=30))
"""By the moment of the last refresh; the service revises costs for up to 30 days."""

COMPANION = Companion(
    name="charges",
    settling=SETTLING,
    frames=("charges",),
    open=_open,
    load=stored_charges,
    sync=_sync,
)
"""What was charged is stored next to the days of its source, as `api-charges`."""
