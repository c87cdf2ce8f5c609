"""`ccanalytics sync`: only fill the store."""

from dataclasses import asdict
from datetime import date
from typing import Any

import click

import ccanalytics.cli.bars as bars
import ccanalytics.cli.options as options
from ccanalytics.cli.answers import JSON, Answering, answer


@click.command(cls=Answering)
@click.option("--since", required=True, metavar="DATE", help="First UTC day.")
@click.option("--until", metavar="DATE", help="Last UTC day, included; default: yesterday's.")
@click.option("--workers", type=click.IntRange(1, 8), default=4, show_default=True)
@JSON
@options.flags(options.STORE, options.KEY_FILE)
def sync(since: str, until: str | None, workers: int, as_json: bool, **flags: Any) -> None:
    """Bring the days of the Admin API into the store; again only those that may have changed."""
    from ccanalytics.periods import parse_day
    from ccanalytics.weekly import fetch

    wish = options.wish_of(**flags)
    first = parse_day(since)
    last = parse_day(until) if until else date.fromordinal(wish.now.date().toordinal() - 1)
    with bars.days() as days:
        result = fetch(wish, first, last, workers=workers, progress=days)
    click.echo(str(result), err=as_json)
    click.echo(str(wish.settings.store), err=as_json)
    if as_json:
        days_by = {kind: [str(day) for day in days] for kind, days in asdict(result).items()}
        answer(
            "sync",
            0,
            since=str(first),
            until=str(last),
            days=days_by,
            store=str(wish.settings.store.absolute()),
        )
