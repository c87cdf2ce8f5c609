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
@click.option(
    "--source",
    type=click.Choice(options.NETWORK),
    help="Whose days; default: that which there is a key for.",
)
@click.option("--billed", is_flag=True, help="Also what was billed, to compare; source api only.")
@JSON
@options.flags(options.STORE, options.KEY_FILE)
def sync(
    since: str,
    until: str | None,
    workers: int,
    source: str | None,
    billed: bool,
    as_json: bool,
    **flags: Any,
) -> None:
    """Bring the days of an organisation into the store; again only those that may have changed."""
    from ccanalytics.periods import parse_day
    from ccanalytics.weekly import chosen_source, fetch, fetch_billing

    wish = options.wish_of(source=source or "", **flags)
    if billed and chosen_source(wish) != "api":
        raise ValueError("--billed needs --source api: what was billed is told to Admin keys only.")
    first = parse_day(since)
    last = parse_day(until) if until else date.fromordinal(wish.now.date().toordinal() - 1)
    with bars.days() as days:
        result = fetch(wish, first, last, workers=workers, progress=days)
    click.echo(str(result), err=as_json)
    if billed:
        click.echo(f"Billed: {fetch_billing(wish, first, last)}", err=as_json)
    click.echo(str(wish.settings.store), err=as_json)
    if as_json:
        told = asdict(result)
        newest = told.pop("newest")
        days_by = {kind: [str(day) for day in days] for kind, days in told.items()}
        answer(
            "sync",
            0,
            since=str(first),
            until=str(last),
            days=days_by,
            newest=str(newest) if newest else None,
            store=str(wish.settings.store.absolute()),
        )
