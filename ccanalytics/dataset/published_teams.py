"""What earlier outputs of a store withheld or showed -> what a dataset withholds because of it."""

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import Any

import msgspec
import pandas as pd

from ccanalytics.frames.arrow_tables import to_pandas
from ccanalytics.people.calendars import week_of
from ccanalytics.people.roster import (
    NO_TEAM,
    normalised_actors,
    one_address,
    roster_of,
    with_teams,
)
from ccanalytics.people.small_groups import moved_by_few
from ccanalytics.sources.registry import SourceSpec
from ccanalytics.store.day_store import Store
from ccanalytics.store.published import (
    PublishedStay,
    changed_by_few,
    published_roster,
    published_weeks,
)


def withheld_before(store: Store, spec: SourceSpec, roster: pd.DataFrame) -> dict[str, Any]:
    """The fields of a dataset by which it withholds what earlier outputs of the store did, and
    what would tell few people apart from them."""
    weeks = published_weeks(store, spec.name)
    changed = changed_by_few(weeks, store.restatements(spec.name), spec.minimum_group)
    withheld = [
        (pd.Timestamp(week), team, money)
        for week, one in weeks.items()
        for money, teams in ((False, one.withheld), (True, one.withheld_money))
        for team in teams
    ]
    published = published_roster(store, spec.name)
    if published is not None and published != stays_of(roster):
        rows = _records_of_people(store, spec.name, weeks)
        moves = _moves(rows, published, roster)
        withheld += [(week, team, False) for week, team in moved_by_few(moves, spec.minimum_group)]
    hidden_weeks = frozenset(map(pd.Timestamp, changed))
    return {"hidden_weeks": hidden_weeks, "withheld_before": frozenset(withheld)}


def stays_of(roster: pd.DataFrame) -> list[PublishedStay]:
    """A roster as it is remembered when something is published."""
    days = {name: roster[name].dt.date for name in ("start", "end")}
    texts = {
        name: roster[name].fillna("") if name in roster else "" for name in ("alias", "user_id")
    }
    rows = roster[["actor", "team"]].assign(**days, **texts).astype("object")
    return [PublishedStay(*row) for row in rows.where(rows.notna(), None).itertuples(index=False)]


def _records_of_people(store: Store, source: str, weeks: Collection[date]) -> pd.DataFrame:
    """The records of people in these weeks, with their week."""
    last = max(weeks) + timedelta(days=6)
    rows = to_pandas(store.read_range(source, min(weeks), last, ["activity"])[1]["activity"])
    rows = rows.assign(week=week_of(rows["date"]))
    return rows[(rows["actor_kind"] == "user") & rows["week"].isin(map(pd.Timestamp, weeks))]


def _moves(
    rows: pd.DataFrame, published: Sequence[PublishedStay], roster: pd.DataFrame
) -> pd.DataFrame:
    """The week, actor and teams of the records whose team is another one by the new roster."""
    before = roster_of(map(msgspec.structs.asdict, published))
    known = {
        name: with_teams(normalised_actors(rows, one_address(one)), one)["team"].astype("str")
        for name, one in {"before": before, "now": roster}.items()
    }
    moves = rows[["week", "actor"]].assign(**known).fillna({"before": NO_TEAM, "now": NO_TEAM})
    return moves[moves["before"] != moves["now"]]
