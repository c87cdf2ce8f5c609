"""`ccanalytics sync`: only fill the store."""

from datetime import date
from typing import Any

import click

import ccanalytics.cli.bars as bars
import ccanalytics.cli.options as options


@click.command()
@click.option("--source", type=click.Choice(["api", "local"]), default="api", show_default=True)
@click.option("--since", metavar="DATE", help="First UTC day; needed for api.")
@click.option("--until", metavar="DATE", help="Last UTC day, included; default: yesterday's.")
@click.option("--workers", type=click.IntRange(1, 8), default=4, show_default=True)
@options.flags(options.STORE, options.KEY_FILE, options.LOGS)
def sync(source: str, since: str | None, until: str | None, workers: int, **flags: Any) -> None:
    """Bring days into the store; again only those that may have changed.

    Of the Admin API those from --since to --until, of session logs (--source local) all there is.
    """
    from ccanalytics.periods import parse_day
    from ccanalytics.weekly import fetch, fetch_logs

    wish = options.wish_of(**flags)
    if source == "local":
        if since or until:
            raise click.UsageError("Session logs are brought in whole: no --since, no --until.")
        result = fetch_logs(wish)
    else:
        if wish.logs:
            raise click.UsageError("--logs is for --source local.")
        if not since:
            raise click.UsageError("Missing option '--since': the first day to fetch.")
        first = parse_day(since)
        last = parse_day(until) if until else date.fromordinal(wish.now.date().toordinal() - 1)
        with bars.days() as days:
            result = fetch(wish, first, last, workers=workers, progress=days)
    click.echo(str(result))
    click.echo(str(wish.settings.store))
