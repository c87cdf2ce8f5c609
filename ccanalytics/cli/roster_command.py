"""`ccanalytics roster`: who is on the roster."""

from pathlib import Path
from typing import Any

import click

import ccanalytics.cli.options as options
from ccanalytics.cli.group import CommandGroup
from ccanalytics.cli.terminal import say


@click.group(cls=CommandGroup)
def roster() -> None:
    """Who is on the roster: pull it from the Admin API, or check a file."""


@roster.command("pull", epilog=options.examples(("roster pull --out people.csv", "")))
@click.option("--out", type=options.OUT, default=Path("people.csv"), show_default=True)
@click.option("--groups", is_flag=True, help="claude.ai groups as teams of people without one.")
@options.flags(options.KEY_FILE)
def roster_pull(out: Path, groups: bool, **flags: Any) -> None:
    """Update the roster file with today's members; teams written into it stay."""
    from ccanalytics.issue.rosters import pull_members

    pull = pull_members(options.run_options(**flags), out, groups=groups)
    say(pull)
    say(out)


@roster.command(
    "check", epilog=options.examples(("roster check people.csv --source api --named", ""))
)
@click.argument("file", type=options.FILE)
@click.option("--source", type=options.SourceName(), help="Compare with its stored days.")
@click.option("--named", is_flag=True, help="Also say who.")
@options.flags(options.STORE)
def roster_check(file: Path, source: str | None, named: bool, **flags: Any) -> None:
    """Check a roster file: errors, people per team, and who is missing."""
    from ccanalytics.issue.rosters import roster_lines
    from ccanalytics.people.csv_rows import read_text
    from ccanalytics.people.roster import columns_not_read, read_roster

    found = read_roster(file)
    if passed_over := columns_not_read(read_text(file, "roster")):
        say(f"Ignored columns: {', '.join(passed_over)}")
    for line in roster_lines(
        options.run_options(roster=file, source=source or "", **flags), found, named
    ):
        say(line)
