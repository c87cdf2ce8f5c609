"""`ccanalytics report`: the main job."""

import os
from pathlib import Path
from typing import Any

import click

import ccanalytics.cli.bars as bars
import ccanalytics.cli.options as options
from ccanalytics.errors import CCAnalyticsError


@click.command()
@click.argument("week", default="")
@click.option("--source", type=click.Choice(options.SOURCES), help="Where the records come from.")
@click.option("--weeks", type=click.IntRange(1, 520), default=12, show_default=True)
@click.option("--team", default="", help="Only this team of the roster.")
@click.option("--out", type=options.FOLDER, default=Path("reports"), show_default=True)
@click.option("--force", is_flag=True, help="Make it also when a check would stop it.")
@click.option("-p", "--parameter", "extra", nargs=2, multiple=True, metavar="NAME VALUE")
@options.flags(
    options.STORE,
    options.ROSTER,
    options.LOGS,
    options.NOTEBOOKS,
    options.KEY_FILE,
    options.IDENTITY,
)
def report(week: str, source: str | None, **flags: Any) -> None:
    """Write the report of WEEK: 2026-W47, a date inside it, or the newest closed week."""
    from ccanalytics.report.execute import NotebookError
    from ccanalytics.weekly import weekly_report

    flags["identity"] = flags["identity"] or os.environ.get("CCANALYTICS_IDENTITY") or "aggregate"
    flags["extra"] = dict(flags["extra"])
    wish = options.wish_of(week=week, source=source or "", **flags)
    with bars.ended_by_sigterm(), bars.cells() as cells, bars.days() as days:
        try:
            path = weekly_report(wish, progress=cells, sync_progress=days)
        except NotebookError as error:
            raise CCAnalyticsError(f"{error}\nSee {options.shown(error.page)}") from error
    click.echo(options.shown(path))
    click.echo(options.shown(path.with_name("index.html")))
