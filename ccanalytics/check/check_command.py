"""`ccanalytics check`: why does it not work?"""

import json
import os
import shutil
import textwrap
from collections import Counter
from dataclasses import asdict
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import ccanalytics.cli.options as options
from ccanalytics.cli.terminal import plain
from ccanalytics.words import counted

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
@click.option("--date", "day", default="", help="The UTC day to ask for; default: the newest.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for monitors.")
@click.option("--store", type=PATH, help="Folder of the stored days.")
@click.option("--roster", type=PATH, help="CSV: email,team,start,end,name.")
@click.option("--logs", type=PATH, multiple=True, help="Session logs; may be repeated.")
@click.option("--key-file", type=PATH, help="File that holds the key of the source.")
def check(source: str | None, as_json: bool, **flags: Any) -> None:
    """Find out why it does not work: key, service, records, store, logs and files.

    Exits with 1 when a check failed; a warning is not a failure.
    """
    from ccanalytics.check.all_checks import diagnose
    from ccanalytics.check.finding import CheckContext, verdict

    context = CheckContext(
        environ=dict(os.environ),
        folder=Path.cwd(),
        now=options.now(),
        source=source or "",
        **flags,
    )
    found: list[CheckFinding] = []
    for source, of_source in groupby(diagnose(context), key=lambda one: one.source):
        if not as_json and found:
            click.echo()
        if not as_json:
            click.echo(source or "this machine")
        # Checks skipped for the same reason share a line.
        for _, alike in groupby(of_source, key=lambda one: (one.status, one.found)):
            same = list(alike)
            found += same
            if not as_json:
                click.echo("\n".join(_lines(same)))
    status = verdict(found)
    document = {
        "status": status,
        "checked_at": f"{context.now:%Y-%m-%dT%H:%M:%SZ}",
        "ccanalytics": version("ccanalytics"),
        "findings": [asdict(finding) for finding in found],
    }
    click.echo(json.dumps(document, indent=2) if as_json else _sum(found))
    if status == "failed":
        raise SystemExit(1)


def _sum(found: "list[CheckFinding]") -> str:
    """The number of findings by status, worst first."""
    from ccanalytics.check.finding import STATUSES

    counts = Counter(one.status for one in found)
    words = {"warning": counted(counts["warning"], "warning")}
    known = [words.get(one, f"{counts[one]} {one}") for one in STATUSES if counts[one]]
    return "\n" + ", ".join(known)


def _lines(alike: "list[CheckFinding]") -> list[str]:
    """One finding, or several skipped for the same reason."""
    first = alike[0]
    status = first.status.upper() if first.status == "failed" else first.status
    if len(alike) > 1:
        titles = ", ".join(one.title for one in alike)
        return _wrapped(f"  {status:8}", f"{titles}: {first.found}")
    lines = _wrapped(f"  {status:8}{first.title:14}", first.found)
    return lines + (_wrapped(" " * (MARGIN - 3) + "-> ", first.next) if first.next else [])


def _wrapped(head: str, text: str) -> list[str]:
    text = plain(" ".join(text.split()))  # a service or a file may have said it
    width = min(WIDEST, max(50, shutil.get_terminal_size().columns))
    return textwrap.wrap(
        text,
        width,
        initial_indent=head,
        subsequent_indent=" " * (MARGIN if len(head) > 12 else len(head)),
        break_on_hyphens=False,
    ) or [head]
