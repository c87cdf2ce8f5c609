"""`ccanalytics roster`: who is on the roster."""

from datetime import date
from pathlib import Path
from typing import Any

import click

import ccanalytics.cli.options as options
from ccanalytics.cli.group import with_uncut_help
from ccanalytics.cli.terminal import say
from ccanalytics.words import counted


@click.group()
def roster() -> None:
    """Who is on the roster: pull it from the Admin API, or check a file."""


@with_uncut_help
@roster.command("pull", epilog=options.examples(("roster pull --out people.csv", "")))
@click.option("--out", type=options.OUT, default=Path("people.csv"), show_default=True)
@click.option("--groups", is_flag=True, help="claude.ai groups as teams of people without one.")
@options.flags(options.KEY_FILE)
def roster_pull(out: Path, groups: bool, **flags: Any) -> None:
    """Update the roster file with today's members; teams written into it stay."""
    from ccanalytics.people.roster_pull import pull_roster
    from ccanalytics.sources.admin_api import MemberClient
    from ccanalytics.sources.keys import ADMIN_KEY, ANALYTICS_KEY, find_key
    from ccanalytics.sources.registry import source_with_key
    from ccanalytics.wire.organization import utc_day

    run = options.run_options(**flags)
    keys = (find_key(run.environ, run.key_file, kind) for kind in (ADMIN_KEY, ANALYTICS_KEY))
    key, url = next(filter(None, keys), None), run.settings.base_url
    teams: dict[str, dict[str, date]] = {}
    with MemberClient(key, base_url=url) as client:
        members, unable = client.members(), client.roles_without
        run.store.check_organization(source_with_key(run.access), client.organization_id)
        today = (client.answered_at or run.now).date()  # this machine's clock may be wrong
        for name, joined in client.groups() if groups else ():
            since = {one.email: utc_day(one.created_at, today) for one in joined if one.email}
            teams.setdefault(name, {}).update(since)
    say(pull_roster(out, members, today, unable, teams))
    say(out)


@with_uncut_help
@roster.command(
    "check", epilog=options.examples(("roster check people.csv --source api --named", ""))
)
@click.argument("file", type=options.FILE)
@click.option("--source", type=options.SourceName(), help="Compare with its stored days.")
@click.option("--named", is_flag=True, help="Also say who.")
@options.flags(options.STORE)
def roster_check(file: Path, source: str | None, named: bool, **flags: Any) -> None:
    """Check a roster file: errors, people per team, and who is missing."""
    import pandas as pd

    from ccanalytics.dataset.loading import load
    from ccanalytics.people import roster as rosters
    from ccanalytics.weeks import monday

    found = rosters.read_roster(file, lambda names: say(f"Ignored columns: {', '.join(names)}"))
    run = options.run_options(roster=file, source=source, **flags)
    now = rosters.roster_of_weeks(found, pd.DatetimeIndex([monday(run.now.date())]))
    people = counted(found["actor"].nunique(), "person", "people")
    say(f"{people} in {counted(len(found), 'row')}, {len(now):,} of them this week")
    for team, size in now["team"].fillna("without a team").value_counts(sort=False).items():
        say(f"  {team}: {size}")
    if not source:
        return
    data = load(source=source, store=run.store, roster=found, identity="named")
    strangers = rosters.not_on_roster(data.activity, found)
    silent = rosters.never_seen(data.activity, found, data.since, data.until)
    for missing, what in (
        (strangers, "with records on days they were not on the roster"),
        (silent, f"on the roster without a record from {data.since} to {data.until}"),
    ):
        say(f"{counted(len(missing), 'person', 'people')} {what}")
        for actor in missing if named else ():
            say(f"  {actor}")
