"""`ccanalytics sync`: only fill the store."""

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

import click

import ccanalytics.cli.bars as bars
import ccanalytics.cli.options as options
from ccanalytics.cli.answers import JSON, Answering, answer

if TYPE_CHECKING:
    from ccanalytics.issue.weekly import Wish
    from ccanalytics.store.sync import SyncResult


@click.command(cls=Answering)
@click.option(
    "--source",
    type=click.Choice((*options.NETWORK, "local")),
    help="Whose days; default: that which there is a key for.",
)
@click.option("--since", metavar="DATE", help="First UTC day; of session logs it is all there is.")
@click.option("--until", metavar="DATE", help="Last UTC day, included; default: yesterday's.")
@click.option("--workers", type=click.IntRange(1, 8), default=4, show_default=True)
@click.option("--billed", is_flag=True, help="Also what was billed, to compare; source api only.")
@JSON
@options.flags(options.STORE, options.KEY_FILE, options.LOGS)
def sync(
    source: str | None,
    since: str | None,
    until: str | None,
    workers: int,
    billed: bool,
    as_json: bool,
    **flags: Any,
) -> None:
    """Bring days into the store; again only those that may have changed.

    Of an organisation those from --since to --until, of session logs (--source local) all there is.
    """
    wish = options.wish_of(source=source or "", **flags)
    if source == "local":
        _refuse(since or until or billed, "Session logs are brought in whole: no dates, no bill.")
        _bring_logs(wish, as_json)
        return
    _refuse(wish.logs, "--logs is for --source local.")
    _refuse(not since, "Missing option '--since': the first day to fetch.")
    _bring_days(wish, str(since), until, workers, billed, as_json)


def _bring_logs(wish: "Wish", as_json: bool) -> None:
    from ccanalytics.issue.weekly import fetch_logs

    _tell(wish, fetch_logs(wish), as_json)


def _bring_days(
    wish: "Wish", since: str, until: str | None, workers: int, billed: bool, as_json: bool
) -> None:
    from ccanalytics.issue.weekly import chosen_source, fetch, fetch_billing
    from ccanalytics.weeks import parse_day

    if billed and chosen_source(wish) != "api":
        raise ValueError("--billed needs --source api: what was billed is told to Admin keys only.")
    first = parse_day(since)
    last = parse_day(until) if until else date.fromordinal(wish.now.date().toordinal() - 1)
    with bars.days() as days:
        result = fetch(wish, first, last, workers=workers, progress=days)
    if billed:
        click.echo(f"Billed: {fetch_billing(wish, first, last)}", err=as_json)
    _tell(wish, result, as_json, since=str(first), until=str(last))


def _tell(wish: "Wish", result: "SyncResult", as_json: bool, **about: str) -> None:
    click.echo(str(result), err=as_json)
    click.echo(str(wish.settings.store), err=as_json)
    if as_json:
        told = asdict(result)
        newest = told.pop("newest")
        answer(
            "sync",
            0,
            **about,
            days={kind: [str(day) for day in days] for kind, days in told.items()},
            newest=str(newest) if newest else None,
            store=str(wish.settings.store.absolute()),
        )


def _refuse(wrong: object, why: str) -> None:
    if wrong:
        raise click.UsageError(why)
