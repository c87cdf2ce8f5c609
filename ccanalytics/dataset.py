"""Stored days of one date range -> a Dataset, ready to ask.

Dataset ┬─ activity, model_usage, tool_actions   tidy frames, each with the actor's `team`
        ├─ sessions                              one row per session; local logs only
        ├─ roster                                people with dates and teams
        └─ days ─▶ weeks, coverage               what is stored, and how far it can be trusted
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa

from ccanalytics.errors import SettingsError, StoreError
from ccanalytics.frames import to_pandas
from ccanalytics.people import (
    check_identity,
    disguised,
    disguised_roster,
    disguises,
    load_secret,
    no_roster,
    normalised_actors,
    parse_roster,
    read_roster,
    with_teams,
)
from ccanalytics.periods import (
    days_between,
    monday,
    newest_closed_week,
    parse_day,
    parse_week,
    week_days,
    week_name,
)
from ccanalytics.settings import read_settings
from ccanalytics.sources import Source
from ccanalytics.sources.keys import KEY_VARIABLES, find_key
from ccanalytics.store import Store, StoredDay
from ccanalytics.sync import sync

__all__ = ["MINIMUM_GROUP", "SOURCES", "Dataset", "build_dataset", "load", "parse_week"]

SOURCES = ("api", "local", "sample")

MINIMUM_GROUP = 5
"""Fewest people a group must have to be shown, unless the records are one's own."""


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """The three tidy frames of `since` to `until`, both inclusive, and what they rest on.

    `days` has one row per UTC day: date, stored, closed (an hour after its end), final (two days
    after its end) and fetched_at. Closed and final are as the day was fetched, not as it is now.
    """

    source: str
    since: date
    until: date
    activity: pd.DataFrame
    model_usage: pd.DataFrame
    tool_actions: pd.DataFrame
    sessions: pd.DataFrame | None
    roster: pd.DataFrame
    days: pd.DataFrame
    minimum_group: int = MINIMUM_GROUP
    identity: str = "named"
    team: str = ""

    @property
    def weeks(self) -> pd.DatetimeIndex:
        """The Mondays of the ISO weeks of which all seven days are in range, stored and closed."""
        coverage = self.coverage
        whole = (coverage["days_closed"] == 7) & (coverage["days_stored"] == 7)
        return pd.DatetimeIndex(coverage["week"][whole], name="week")

    @property
    def coverage(self) -> pd.DataFrame:
        """One row per ISO week in range: days_in_range, days_stored, days_closed, days_final,
        and fetched_at of the day fetched longest ago."""
        monday = self.days["date"] - pd.to_timedelta(self.days["date"].dt.day_of_week, unit="D")
        weeks = self.days.groupby(monday.astype("datetime64[ms]").rename("week")).agg(
            days_in_range=("date", "size"),
            days_stored=("stored", "sum"),
            days_closed=("closed", "sum"),
            days_final=("final", "sum"),
            fetched_at=("fetched_at", "min"),
        )
        return weeks.reset_index()

    def __repr__(self) -> str:
        who = f" of team {self.team}" if self.team else ""
        return (
            f"<Dataset {self.source}{who}: {self.since} to {self.until}, {len(self.weeks)} closed "
            f"weeks, {len(self.activity)} records of {self.activity['actor'].nunique()} actors>"
        )


def load(
    since: date | str | None = None,
    until: date | str | None = None,
    *,
    week: str = "",
    weeks: int = 12,
    source: str = "",
    store: Store | Path | str | None = None,
    roster: pd.DataFrame | Path | str | None = None,
    team: str = "",
    identity: str = "",
    logs: Sequence[Path | str] = (),
    now: datetime | None = None,
) -> Dataset:
    """The days from `since` to `until`, both inclusive, or `weeks` closed weeks ending with `week`.

    `week` is "2026-W47", a date inside it, or "": the newest closed week there is. Sample and
    local days are brought into the store first; of `api` it has what `ccanalytics sync` put there.
    Store, roster and identity are those of ccanalytics.toml and the environment unless given.
    """
    settings = read_settings(os.environ, Path.cwd())
    identity = identity or settings.identity
    check_identity(identity)
    shelf = store if isinstance(store, Store) else Store(Path(store or settings.store))
    source = _known_source(source, shelf)
    period = Period(since, until, week, weeks, now or datetime.now(UTC))
    origin = _origin(source, logs)
    if origin is not None:
        period = period.at_hand(origin)
