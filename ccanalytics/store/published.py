"""What was published of a week, so that later outputs of the same store do not undo it.

A week changes when its days are restated. If one person's records came late, the new figure minus
the published one would be theirs; if a withheld team grew, its earlier figure would follow from the
teams that did not change. So the store remembers when a week was first published and which teams
were withheld: they stay withheld, and a week that few people changed since is withheld as a whole.
It also remembers the roster: a team that few people left or joined for past weeks would tell them.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

import msgspec

from ccanalytics.store.day_changes import Restatement
from ccanalytics.store.day_store import Store
from ccanalytics.weeks import monday

PUBLISHED = "published.json"

ROSTER = "published_roster.json"
"""The roster of the newest output without names."""


class PublishedStay(msgspec.Struct, frozen=True):
    """A row of that roster, as far as it says whose records are whose, and of which team."""

    actor: str
    team: str | None
    start: date | None
    end: date | None
    alias: str = ""
    user_id: str = ""


class PublishedWeek(msgspec.Struct, frozen=True):
    """When a week was published first, and the teams that any output withheld."""

    at: datetime
    withheld: frozenset[str] = frozenset()
    withheld_money: frozenset[str] = frozenset()
    """Those of which only money was withheld."""


def published_weeks(store: Store, source: str) -> dict[date, PublishedWeek]:
    """What was published, by the Mondays of the weeks."""
    return weeks_in(store.read_file(source, PUBLISHED) or b"{}")


def weeks_in(content: bytes) -> dict[date, PublishedWeek]:
    return msgspec.json.decode(content, type=dict[date, PublishedWeek])


def published_roster(store: Store, source: str) -> list[PublishedStay] | None:
    """The roster of the newest output; None before the first."""
    content = store.read_file(source, ROSTER)
    return None if content is None else stays_in(content)


def stays_in(content: bytes) -> list[PublishedStay]:
    return msgspec.json.decode(content, type=list[PublishedStay])


def remember_published(
    store: Store,
    source: str,
    weeks: Mapping[date, PublishedWeek],
    roster: Sequence[PublishedStay],
) -> None:
    """Remember that these weeks were published, by this roster."""
    known = published_weeks(store, source)
    after = dict(known)
    for week, new in weeks.items():
        old = known.get(week, new)
        money = old.withheld_money | new.withheld_money
        after[week] = PublishedWeek(old.at, old.withheld | new.withheld, money)
    if after != known or published_roster(store, source) != roster:
        files = {PUBLISHED: msgspec.json.encode(after), ROSTER: msgspec.json.encode(roster)}
        store.write_days(source, [], files)


def changed_by_few(
    weeks: Mapping[date, PublishedWeek], restatements: Iterable[Restatement], minimum: int
) -> set[date]:
    """The published weeks that the records of fewer than `minimum` people changed afterwards."""
    return {
        week
        for one in restatements
        if (week := monday(one.day)) in weeks
        and one.fetched_after > weeks[week].at
        and 0 < one.people < minimum
    }
