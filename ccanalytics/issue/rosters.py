"""Rosters for the command line: pulled from the service, checked against the store."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pandas as pd

from ccanalytics.dataset.loading import load
from ccanalytics.issue.run_options import RunOptions
from ccanalytics.people.roster import never_seen, not_on_roster, roster_of_week
from ccanalytics.people.roster_pull import Pull, pull_roster
from ccanalytics.sources.admin_api import GroupClient, MemberClient
from ccanalytics.sources.keys import ADMIN_KEY, ANALYTICS_KEY, find_key
from ccanalytics.sources.registry import source_with_key
from ccanalytics.weeks import monday
from ccanalytics.words import counted


def pull_members(options: RunOptions, path: Path, *, groups: bool = False) -> Pull:
    """Update the roster file at `path` with today's members, on request with groups as teams."""
    kinds = (ADMIN_KEY, ANALYTICS_KEY)
    keys = (find_key(options.environ, options.key_file, kind) for kind in kinds)
    key, url = next(filter(None, keys), None), options.settings.base_url
    with MemberClient(key, base_url=url) as client:
        members, unable = client.members(), client.roles_without
        options.store.check_organization(source_with_key(options.access), client.organization_id)
        today = (client.answered_at or options.now).date()  # this machine's clock may be wrong
    teams: dict[str, dict[str, date]] = {}
    if groups:
        with GroupClient(key, base_url=url) as client:
            for name, joined in client.groups():
                teams.setdefault(name, {}).update(
                    {one.email: one.since(today) for one in joined if one.email}
                )
    return pull_roster(path, members, today, unable, teams)


def roster_lines(options: RunOptions, roster: pd.DataFrame, named: bool) -> Iterator[str]:
    """A summary of a roster file, as lines; people only as counts."""
    now = roster_of_week(roster, pd.Timestamp(monday(options.now.date())))
    people = counted(roster["actor"].nunique(), "person", "people")
    yield f"{people} in {counted(len(roster), 'stay')}, {len(now)} of them this week"
    for team, size in now["team"].fillna("without a team").value_counts(sort=False).items():
        yield f"  {team}: {size}"
    if not options.source:
        return
    data = load(source=options.source, store=options.store, roster=roster, identity="named")
    strangers = not_on_roster(data.activity, roster)["actor"]
    silent = never_seen(data.activity, roster, data.since, data.until)["actor"]
    yield f"{counted(len(strangers), 'person', 'people')} with records on days when not on it"
    yield from (f"  {actor}" for actor in strangers if named)
    range_ = f"{data.since} to {data.until}"
    yield f"{counted(len(silent), 'person', 'people')} on it without a record from {range_}"
    yield from (f"  {actor}" for actor in silent if named)
