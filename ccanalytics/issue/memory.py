"""What an issue stores for later issues, and what the store remembers of what was published."""

import hashlib
import logging
import os
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.dataset.loading import roster_of
from ccanalytics.dataset.published_teams import stays_of
from ccanalytics.errors import StoreError
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.metrics.ratios import week_frame, withheld
from ccanalytics.metrics.withholding import Subject
from ccanalytics.report.archive import Issue
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
    """The numbers the issue stores, and a digest that is equal for equal stored days and roster."""
    digest = hashlib.blake2b(digest_size=16)
    for day, stored in store.days(data.source, data.since, data.until).items():
        digest.update(f"{day} {stored.digest} ".encode())
    digest.update(data.roster.to_csv(index=False).encode())
    # One of them belongs to a wing, which may be missing.
    known = [name for name in REMEMBERED if name in METRICS]
    frames = {name: week_frame(data, name).dropna(subset="value") for name in known}
    return Issue(
        source=data.source,
        data=digest.hexdigest(),
        definitions={name: METRICS[name].version for name in known},
        numbers={
            name: {f"{week:%Y-%m-%d}": round(float(value), 6)
                   for week, value in zip(frame["week"], frame["value"], strict=True)}
            for name, frame in frames.items()
        },
        parameters=dict(parameters),
    )  # fmt: skip


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
    for money in (False, True) if not data.team else ():  # the page of a team has no other one
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
