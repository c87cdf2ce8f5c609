"""`ccanalytics sync`: only fill the store."""

from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import ccanalytics.cli.options as options
from ccanalytics.cli.group import JSON, Answering, answer
from ccanalytics.cli.terminal import ended_by_sigterm, progress, say
from ccanalytics.errors import CCAnalyticsError
from ccanalytics.weeks import days_between, parse_day
from ccanalytics.wings import Reference, resolve, wings

if TYPE_CHECKING:
    from ccanalytics.issue.run_options import RunOptions
    from ccanalytics.store.day_changes import SyncResult


@click.command(
    cls=Answering,
    epilog=options.examples(
        ("sync --since 2026-09-01", "from then until yesterday"),
        ("sync --source local", "all session logs here"),
        ("sync --since 2026-11-01 --again", "restated days"),
    ),
)
@click.option(
    "--source",
    type=options.SourceName(lambda spec: not spec.invented),
    help="Where the days come from; default: the source with a key.",
)
@click.option("--since", metavar="DATE", help="First UTC day; session logs are synced completely.")
@click.option("--until", metavar="DATE", help="Last UTC day, included; default: yesterday's.")
@click.option("--again", is_flag=True, help="Fetch or read days again, even final ones.")
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
    **flags: Any,
) -> None:
    """Sync days into the store; days that cannot have changed are not fetched again.

    For an organisation from --since to --until, for session logs (--source local) everything.
    """
    from ccanalytics.issue.run_options import with_source

    missing = "Missing option '--since': the first day to fetch."
    _refuse(not (source or since), missing)
    files, extra = _of_wings(flags)
    asked = options.run_options(source=source or "", **flags)
    last = parse_day(until) if until else asked.now.date() - timedelta(days=1)
    range_ = (parse_day(since), last) if since else None
    if range_:
        days_between(*range_)
    for place, file in files:
        _refuse(not (range_ and until), "A file needs --since and --until: the days it covers.")
        click.echo(resolve(place)(file, asked.store, *(range_ or ()), asked.now))
        return
    chosen = with_source(asked)
    with ended_by_sigterm():
        if chosen.spec.sync_all:
            whole = "Session logs are synced as a whole: no dates, no bill."
            _refuse(since or until or extra, whole)
            _sync_all(chosen, again, as_json)
        else:
            _refuse(asked.logs, "--logs is for session logs: --source local.")
            if range_ is None:
                raise click.UsageError(missing)
            _sync_days(chosen, range_, extra, as_json, workers=workers, again=again)


for _wing in wings():
    for _flag, _help in _wing.flags.items():
        _form: Any = {"type": options.FILE} if _flag in _wing.files else {"is_flag": True}
        sync.params.append(click.Option([f"--{_flag}"], help=_help, **_form))


def _of_wings(flags: dict[str, Any]) -> tuple[list[tuple[Reference, Path]], list[str]]:
    """What syncs the given files, and the companions to fetch: taken out of the flags."""
    files, extra = [], []
    for wing in wings():
        for flag in wing.flags:
            given = flags.pop(flag.replace("-", "_"))
            if given and flag in wing.files:
                files.append((wing.files[flag], given))
            elif given:
                extra.append(flag)
    return files, extra


def _sync_all(chosen: "RunOptions", again: bool, as_json: bool) -> None:
    with progress("session logs"):
        from ccanalytics.store.sync import sync as sync_store

        result = sync_store(chosen.open_source(), chosen.store, now=chosen.now, again=again)
    _answer(chosen, result, as_json)


def _sync_days(
    chosen: "RunOptions", range_: tuple[date, date], extra: list[str], as_json: bool, **how: Any
) -> None:
    with progress(f"days from {range_[0]} to {range_[1]}") as shown:
        from ccanalytics.issue.fetching import fetch_companion, fetch_days
        from ccanalytics.store.layout import companion_of

        parts = [companion_of(flag) for flag in extra]
        for part in parts:
            part.open(chosen.spec, chosen.access)  # refused before anything is fetched
        result = fetch_days(chosen, *range_, progress=shown, **how)
        for flag, part in zip(extra, parts, strict=True):
            try:
                said = fetch_companion(chosen, part, *range_)
            except CCAnalyticsError:  # the days are stored all the same
                say(result, err=True)
                raise
            say(f"{flag.capitalize()}: {said}", err=as_json)
    _answer(chosen, result, as_json, since=str(range_[0]), until=str(range_[1]))


def _answer(chosen: "RunOptions", result: "SyncResult", as_json: bool, **about: str) -> None:
    say(result, err=as_json)
    say(chosen.settings.store, err=as_json)
    if as_json:
        days = asdict(result)
        newest, remark = days.pop("newest"), days.pop("remark")
        answer(
            "sync",
            0,
            **about,
            days={kind: [str(day) for day in some] for kind, some in days.items()},
            newest=str(newest) if newest else None,
            remark=remark,
            store=str(chosen.settings.store.absolute()),
        )


def _refuse(wrong: object, why: str) -> None:
    if wrong:
        raise click.UsageError(why)
