"""`ccanalytics sync`: only fill the store."""

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import ccanalytics.cli.bars as bars
import ccanalytics.cli.options as options
from ccanalytics.cli.answers import JSON, Answering, answer
from ccanalytics.wings import wings

if TYPE_CHECKING:
    from ccanalytics.issue.run_options import RunOptions
    from ccanalytics.store.sync import SyncResult


@click.command(cls=Answering)
@click.option(
    "--source",
    type=options.SourceName(lambda spec: not spec.invented),
    help="Where the days come from; default: the source with a key.",
)
@click.option("--since", metavar="DATE", help="First UTC day; of session logs it is all there is.")
@click.option("--until", metavar="DATE", help="Last UTC day, included; default: yesterday's.")
@click.option("--again", is_flag=True, help="Fetch or read days again that are stored as final.")
@click.option("--workers", type=click.IntRange(1, 8), default=4, show_default=True)
@JSON
@options.flags(options.STORE, options.KEY_FILE, options.LOGS)
def sync(
    source: str | None,
    since: str | None,
    until: str | None,
    again: bool,
    workers: int,
    as_json: bool,
    store: Path | None,
    key_file: Path | None,
    logs: tuple[Path, ...],
    **flags: bool,
) -> None:
    """Sync days into the store; days that cannot have changed are not fetched again.

    Of an organisation those from --since to --until, of session logs (--source local) all there is.
    """
    from ccanalytics.issue.fetching import fetch_all
    from ccanalytics.issue.run_options import with_source

    asked = options.run_options(source=source or "", store=store, key_file=key_file, logs=logs)
    _refuse(not (source or since), "Missing option '--since': the first day to fetch.")
    chosen = with_source(asked)
    extra = [name for name, wanted in flags.items() if wanted]
    if chosen.spec.sync_all:
        _refuse(since or until or extra, "Session logs are synced as a whole: no dates, no bill.")
        _answer(chosen, fetch_all(chosen, again=again), as_json)
        return
    _refuse(logs, "--logs is for session logs: --source local.")
    _refuse(not since, "Missing option '--since': the first day to fetch.")
    _sync_days(chosen, (str(since), until), extra, as_json, workers=workers, again=again)


for _wing in wings():
    for _flag, _help in _wing.flags.items():
        sync.params.append(click.Option([f"--{_flag}"], is_flag=True, help=_help))


def _sync_days(
    chosen: "RunOptions",
    range_: tuple[str, str | None],
    extra: list[str],
    as_json: bool,
    **how: Any,
) -> None:
    from ccanalytics.issue.fetching import fetch_companion, fetch_days
    from ccanalytics.store.layout import companion_of
    from ccanalytics.weeks import parse_day

    since, until = range_
    first = parse_day(since)
    last = parse_day(until) if until else chosen.now.date() - timedelta(days=1)
    parts = [companion_of(flag) for flag in extra]
    for part in parts:
        part.open(chosen.spec, chosen.access)  # refused before anything is fetched
    with bars.days() as days:
        result = fetch_days(chosen, first, last, progress=days, **how)
    for flag, part in zip(extra, parts, strict=True):
        said = fetch_companion(chosen, part, first, last)
        click.echo(f"{flag.capitalize()}: {said}", err=as_json)
    _answer(chosen, result, as_json, since=str(first), until=str(last))


def _answer(done_for: "RunOptions", result: "SyncResult", as_json: bool, **about: str) -> None:
    click.echo(str(result), err=as_json)
    click.echo(str(done_for.settings.store), err=as_json)
    if as_json:
        told = asdict(result)
        newest, remark = told.pop("newest"), told.pop("remark")
        answer(
            "sync",
            0,
            **about,
            days={kind: [str(day) for day in days] for kind, days in told.items()},
            newest=str(newest) if newest else None,
            remark=remark,
            store=str(done_for.settings.store.absolute()),
        )


def _refuse(wrong: object, why: str) -> None:
    if wrong:
        raise click.UsageError(why)
