"""What earlier outputs of a store withheld or showed -> what a dataset withholds because of it.

A week changes when its days are restated. If one person's records came late, the new figure minus
the published one would be theirs; if a withheld team grew, its earlier figure would follow from the
teams that did not change. So the store remembers when a week was first published and which teams
were withheld: they stay withheld, and a week that few people changed since is withheld as a whole.
It also remembers the roster: a team that few people left or joined for past weeks would tell them.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import pandas as pd

from ccanalytics.frames.arrow_tables import to_pandas
from ccanalytics.people.calendars import week_of
from ccanalytics.people.roster import NO_TEAM, normalised_actors, one_address, roster_of, with_teams
from ccanalytics.people.small_groups import moved_by_few
from ccanalytics.sources.registry import SourceSpec
from ccanalytics.store.day_store import Store
from ccanalytics.weeks import monday

WEEKS, ROSTER = "published.json", "published_roster.json"
"""The published weeks, and the roster of the newest output without names."""

STAY = ["actor", "team", "start", "end", "alias", "user_id"]
"""The columns of that roster: those that say whose records are whose, and of which team."""


class PublishedWeek(msgspec.Struct, frozen=True):
    """When a week was published first, and the teams that any output withheld."""

    at: datetime
    withheld: frozenset[str] = frozenset()
    withheld_money: frozenset[str] = frozenset()  # those of which only money was withheld


def remember_published(
    store: Store, source: str, weeks: Mapping[date, PublishedWeek], roster: pd.DataFrame
) -> None:
    """Remember that these weeks were published, by this roster."""
    (known, published), now = _published(store, source), _stays(roster)
    after = dict(known)
    for week, new in weeks.items():
        old = known.get(week, new)
        money = old.withheld_money | new.withheld_money
        after[week] = PublishedWeek(old.at, old.withheld | new.withheld, money)
    if after != known or published != now:
        store.write_days(source, [], {WEEKS: msgspec.json.encode(after), ROSTER: now})


def withheld_before(store: Store, spec: SourceSpec, roster: pd.DataFrame) -> dict[str, Any]:
    """The fields of a dataset by which it withholds what earlier outputs of the store did, and
    what would tell few people apart from them."""
    weeks, published = _published(store, spec.name)
    withheld = [
        (pd.Timestamp(week), team, money)
        for week, one in weeks.items()
        for money, teams in ((False, one.withheld), (True, one.withheld_money))
        for team in teams
    ]
    if weeks and published is not None and published != _stays(roster):
        last = max(weeks) + timedelta(days=6)
        rows = to_pandas(store.read(spec.name, "activity", min(weeks), last))
        rows = rows.assign(week=week_of(rows["date"]))
        is_published = rows["week"].isin(map(pd.Timestamp, weeks))
        teams = _teams(rows[(rows["actor_kind"] == "user") & is_published], published, roster)
        withheld += [(week, team, False) for week, team in moved_by_few(teams, spec.minimum_group)]
    changed_by_few = {
        week
        for one in store.restatements(spec.name)
        if (week := monday(one.day)) in weeks
        and one.fetched_after > weeks[week].at
        and 0 < one.people < spec.minimum_group
    }
    hidden_weeks = frozenset(map(pd.Timestamp, changed_by_few))
    return {"hidden_weeks": hidden_weeks, "withheld_before": frozenset(withheld)}


def _stays(roster: pd.DataFrame) -> bytes:
    """The file of a roster, to remember it when something is published."""
    days = {name: roster[name].dt.date for name in ("start", "end")}
    rows = roster.reindex(columns=STAY).fillna({"alias": "", "user_id": ""}).assign(**days)
    rows = rows.astype("object")
    return msgspec.json.encode(rows.where(rows.notna(), None).to_dict("records"))


def _published(store: Store, source: str) -> tuple[dict[date, PublishedWeek], bytes | None]:
    """What was published by the Mondays of the weeks, and the roster; None before the first."""
    weeks = store.read_file(source, WEEKS) or b"{}"
    known = msgspec.json.decode(weeks, type=dict[date, PublishedWeek])
    return known, store.read_file(source, ROSTER)


def _teams(rows: pd.DataFrame, published: bytes, roster: pd.DataFrame) -> pd.DataFrame:
    """The week, actor and teams of the records by the published roster and by the new one."""
    rosters = {"before": roster_of(msgspec.json.decode(published)), "now": roster}
    known = {
        name: with_teams(normalised_actors(rows, one_address(one)), one)["team"].astype("str")
        for name, one in rosters.items()
    }
    return rows[["week", "actor"]].assign(**known).fillna(dict.fromkeys(rosters, NO_TEAM))
