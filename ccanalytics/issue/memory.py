"""What is kept of a dataset: for the notebooks of a report, on its page, and in the store.

Its notebooks share it in memory, its page has the numbers that later issues compare, and the store
remembers what was published.
"""

import ctypes
import gc
import hashlib
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.dataset.loading import load, roster_of, share_datasets
from ccanalytics.dataset.published_teams import PublishedWeek, remember_published
from ccanalytics.errors import StoreError
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.metrics.findings import findings
from ccanalytics.metrics.ratios import week_frame, withheld
from ccanalytics.metrics.withholding import Subject
from ccanalytics.report.archive import Issue
from ccanalytics.settings import read_settings
from ccanalytics.store.day_store import Store

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


def prepare(parameters: Mapping[str, Any]) -> None:
    """Read data anew from now on; with the parameters of a weekly report, its dataset at once."""
    share_datasets()
    if parameters:
        data = load(**parameters)
        if not data.spec.report:  # of one person there are none
            findings(data)
        data._repr_mimebundle_()  # so that what shows results is loaded once, too
    release_memory()


def release_memory() -> None:
    """Give the memory of frames that are gone back to the system, before other processes start.

    Of ten thousand people that is a quarter of a gigabyte in each process.
    """
    gc.collect()  # frames are held in cycles
    pa.default_memory_pool().release_unused()
    with suppress(AttributeError, TypeError):  # only glibc keeps so much, and has this
        ctypes.CDLL(None).malloc_trim(0)


def memory_of(data: Dataset, store: Store, parameters: Mapping[str, object]) -> Issue:
    """The numbers the issue stores, and a digest that is equal for equal stored days and roster."""
    digest = hashlib.blake2b(digest_size=16)
    for day, stored in store.days(data.source, data.since, data.until).items():
        digest.update(f"{day} {stored.digest} ".encode())
    digest.update(data.roster.to_csv(index=False).encode())
    # One of them belongs to a wing, which may be missing.
    known = [name for name in REMEMBERED if name in METRICS]
    numbers: dict[str, dict[str, float]] = {}
    for name in known:
        weeks = week_frame(data, name).dropna(subset="value").set_index("week")["value"].round(6)
        numbers[name] = weeks.rename(index="{:%Y-%m-%d}".format).to_dict()
    return Issue(
        source=data.source,
        data=digest.hexdigest(),
        definitions={name: METRICS[name].version for name in known},
        numbers=numbers,
        parameters=dict(parameters),
    )


def remember(
    data: Dataset, store: Store, now: datetime, roster: pd.DataFrame | Path | None = None
) -> None:
    """Remember in the store that the weeks of the dataset are published, without whom and by which
    roster: the one `load` was given."""
    if data.identity == "named" or data.minimum_group == 1:
        return
    hidden = {*data.withheld_before}
    if not data.team:  # the page of a team has no other one
        for money in (False, True):
            teams = withheld(data, Subject(money, cut=False, population=""), "team")
            hidden |= {(week, team, money) for week, team in teams}
    weeks = {}
    for week in {*data.weeks, *(week for week, *_ in hidden)}:
        people, money_too = (
            frozenset(team for at, team, of_money in hidden if (at, of_money) == (week, kind))
            for kind in (False, True)
        )
        weeks[week.date()] = PublishedWeek(now, people, money_too - people)
    # That of the dataset has no names.
    named = roster_of(data.spec, roster, read_settings(os.environ, Path.cwd()).roster)
    try:
        remember_published(store, data.source, weeks, named)
    except StoreError as error:  # a store that may only be read has reports all the same
        log.warning("What this output withholds is not remembered for later ones: %s", error)
