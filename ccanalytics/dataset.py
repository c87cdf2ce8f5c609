"""Stored days of one date range -> a Dataset, ready to ask.

    Dataset ┬─ activity, model_usage, tool_actions   tidy frames, each with the actor's `team`
            ├─ sessions                              one row per session; local logs only
            ├─ roster                                people with dates and teams
            └─ days ─▶ weeks, coverage               what is stored, and how far it can be trusted
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd
import pyarrow as pa

from ccanalytics.frames import to_pandas

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
        monday = self.days["date"] - pd.to_timedelta(self.days["date"].dt.dayofweek, unit="D")
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


def build_dataset(
    tables: Mapping[str, pa.Table],
    days: pd.DataFrame,
    roster: pd.DataFrame,
    *,
    source: str,
    minimum_group: int = MINIMUM_GROUP,
    identity: str = "named",
    team: str = "",
) -> Dataset:
    """The dataset of all `days`: actors normalised, teams from the roster, only `team` if named."""
    from ccanalytics.people import normalised_actors, with_teams

    frames = {
        name: with_teams(normalised_actors(to_pandas(table)), roster)
        for name, table in tables.items()
        if name != "sessions"
    }
    sessions = to_pandas(tables["sessions"]) if "sessions" in tables else None
    if team:
        frames = {n: f[f["team"] == team].reset_index(drop=True) for n, f in frames.items()}
        roster = roster[roster["team"] == team].reset_index(drop=True)
    return Dataset(
        source=source,
        since=days["date"].iloc[0].date(),
        until=days["date"].iloc[-1].date(),
        **frames,
        sessions=sessions,
        roster=roster,
        days=days,
        minimum_group=minimum_group,
        identity=identity,
        team=team,
    )
