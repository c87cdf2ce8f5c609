"""`ccanalytics check`: why does it not work?"""

import json
import shutil
import textwrap
from collections import Counter
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import ccanalytics.cli.options as options
from ccanalytics.cli.terminal import plain

if TYPE_CHECKING:
    from ccanalytics.check.finding import CheckFinding

PATH = click.Path(path_type=Path)
"""A path that may be missing: the check reports it."""

WIDEST, MARGIN = 100, 24
"""Letters of the longest line, and before what was found."""


@click.command(
    epilog=options.examples(("check", "everything"), ("check --source api --json", "for monitors"))
)
@click.option("--source", type=options.SourceName(), help="Only this source.")
@click.option("--date", "day", metavar="DATE", help="The UTC day to ask for; default: the newest.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for monitors.")
@click.option("--store", type=PATH, help="Folder of the stored days.")
@click.option("--roster", type=PATH, help="CSV: email,team,start,end,name.")
@click.option("--logs", type=PATH, multiple=True, help="Session logs; may be repeated.")
@click.option("--key-file", type=PATH, help="File that holds the key of the source.")
def check(day: str | None, as_json: bool, **flags: Any) -> None:
    """Find out why it does not work: key, service, records, store, logs and files.

    Exits with 1 when a check failed; a warning is not a failure.
    """
    from ccanalytics.check.all_checks import diagnose
    from ccanalytics.check.finding import verdict
    from ccanalytics.weeks import parse_day

    run = options.run_options(**flags)
    findings: list[CheckFinding] = []
    for one in diagnose(run, parse_day(day) if day else None):
        if not as_json:
            if not findings or one.source != findings[-1].source:
                click.echo(("\n" if findings else "") + (one.source or "this machine"))
            click.echo("\n".join(_lines(one)))
        findings.append(one)
    status = verdict(findings)
    if as_json:
        document = {
            "status": status,
            "checked_at": f"{run.now:%Y-%m-%dT%H:%M:%SZ}",
            "ccanalytics": version("ccanalytics"),
            "findings": [asdict(finding) for finding in findings],
        }
        click.echo(json.dumps(document, indent=2))
    else:
        counts = Counter(one.status for one in findings)
        click.echo("\n" + ", ".join(f"{name}: {number}" for name, number in counts.items()))
    if status == "failed":
        raise SystemExit(1)


def _lines(one: "CheckFinding") -> list[str]:
    """A finding, and below it what to do, as lines of a terminal."""
    status = one.status.upper() if one.status == "failed" else one.status
    parts = {f"  {status:8}{one.id:14}": one.found, " " * (MARGIN - 3) + "-> ": one.next}
    width = min(WIDEST, max(50, shutil.get_terminal_size().columns))
    return [
        line
        for head, text in parts.items()
        for line in textwrap.wrap(
            plain(" ".join(text.split())),  # a service or a file may have said it
            width,
            initial_indent=head,
            subsequent_indent=" " * MARGIN,
            break_on_hyphens=False,
        )
    ]
