"""What an issue stores for later issues, and what two issues together must not reveal."""

import hashlib
import logging
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.dataset.loading import roster_of
from ccanalytics.dataset.published_teams import stays_of
from ccanalytics.errors import StoreError
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.metrics.ratios import rows_of, week_frame, withheld
from ccanalytics.metrics.withholding import Subject
from ccanalytics.people.small_groups import Part, of_people, revealed
from ccanalytics.report.archive import Issue
from ccanalytics.report.history import week_words
from ccanalytics.settings import read_settings
from ccanalytics.store.day_store import Store
from ccanalytics.store.published import PublishedWeek, remember_published

log = logging.getLogger(__name__)

REMEMBERED = (
    "active_actors",
    "active_rate",
    "stickiness",
    "returning_share",
    "commits_per_active_day",
    "acceptance_rate",
    "cost_per_commit",
    "cost_per_active_day",
    "cost",
    "pull_requests",
    "commits",
)
"""The metrics an issue stores, for later issues to compare and for the index: those of the cards
of the weekly notebooks, and two more."""


def memory_of(data: Dataset, store: Store, parameters: Mapping[str, object]) -> Issue:
    """The numbers the issue stores."""
    # One of them belongs to a wing, which may be missing.
    known = [name for name in REMEMBERED if name in METRICS]
    frames = {name: week_frame(data, name).dropna(subset="value") for name in known}
    numbers = {
        name: {_monday(row.week): round(float(row.value), 6) for row in frame.itertuples()}
        for name, frame in frames.items()
    }
    return Issue(
        source=data.source,
        data=digest_of(data, store),
        definitions={name: METRICS[name].version for name in known},
        numbers=numbers,
        withheld=_withheld_teams(data),
        parameters=dict(parameters),
    )


def remember(
    data: Dataset, store: Store, now: datetime, roster: pd.DataFrame | Path | None = None
) -> None:
    """Remember in the store that the weeks of the dataset are published, without whom and by which
    roster: the one `load` was given."""
    if data.identity == "named" or data.minimum_group == 1:
        return
    teams: dict[tuple[pd.Timestamp, bool], set[str]] = defaultdict(set)
    for week, team, money in data.withheld_before:
        teams[week, money].add(team)
    if not data.team:  # the page of a team has no other one
        for money in (False, True):
            for week, team in withheld(data, Subject(money, cut=False, population=""), "team"):
                teams[week, money].add(team)
    weeks = {
        week.date(): PublishedWeek(
            now, frozenset(teams[week, False]), frozenset(teams[week, True] - teams[week, False])
        )
        for week in {*data.weeks, *(week for week, _ in teams)}
    }
    # That of the dataset has no names.
    named = roster_of(data.spec, roster, read_settings(os.environ, Path.cwd()).roster)
    try:
        remember_published(store, data.source, weeks, stays_of(named))
    except StoreError as error:  # a store that may only be read has reports all the same
        log.warning("What this output withholds is not remembered for later ones: %s", error)


def revealed_with(data: Dataset, now: Issue, earlier: Iterable[Issue]) -> Iterator[str]:
    """One sentence per earlier issue that reveals a small team when compared with this one."""
    if data.identity == "named":
        return
    rows = rows_of(data, METRICS["active_actors"], "team")
    rows = rows[rows["active"] > 0]
    teams: dict[str, dict[str, Part]] = {_monday(week): {} for week in data.weeks}
    for (week, team), people in rows.groupby(["week", "team"], observed=True)["actor"]:
        teams[_monday(week)][str(team)] = of_people(people)
    for issue in earlier:
        if issue.scope != now.scope:
            continue
        shown = issue.numbers.get("active_actors", {})
        for week, parts in teams.items():
            hidden = [one.withheld.get(week, []) for one in (issue, now)]
            if week in shown and revealed(parts, data.minimum_group, *hidden):
                yield (
                    f"Together with {issue.name} this one reveals the figures of a team of fewer "
                    f"than {data.minimum_group} in {week_words(week)}, as each withholds other "
                    "teams. Use the roster of that report, or another folder (--out)."
                )
                break


def digest_of(data: Dataset, store: Store) -> str:
    """A digest that is equal for equal stored days and roster."""
    days = store.days(data.source)
    digest = hashlib.blake2b(digest_size=16)
    for day, stored in sorted(days.items()):
        if data.since <= day <= data.until:
            digest.update(f"{day} {stored.digest} ".encode())
    digest.update(data.roster.to_csv(index=False).encode())
    return digest.hexdigest()


def number_words(metric_id: str, value: float) -> str:
    metric = METRICS[metric_id]
    return f"{metric.name.lower()} {metric.format(value)}"


def _withheld_teams(data: Dataset) -> dict[str, list[str]]:
    """The weeks and teams with too few people to be shown."""
    teams = week_frame(data, "active_actors", by="team")
    hidden = teams[teams["value"].isna()]
    return {_monday(week): sorted(rows["team"]) for week, rows in hidden.groupby("week")}


def _monday(week: object) -> str:
    return f"{week:%Y-%m-%d}"
