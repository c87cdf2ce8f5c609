"""`ccanalytics sync`: only fill the store."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import click

import ccanalytics.cli.options as options
from ccanalytics.cli.group import JSON, Answering, answer
from ccanalytics.cli.terminal import ended_by_sigterm, progress, say
from ccanalytics.weeks import days_between, parse_day
from ccanalytics.wings import resolve, wings

if TYPE_CHECKING:
    from ccanalytics.issue.run_options import RunOptions


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
    type=options.SourceName(),
    help="Where the days come from; default: the source with a key.",
)
@click.option("--since", metavar="DATE", help="First UTC day; session logs are synced completely.")
@click.option("--until", metavar="DATE", help="Last UTC day, included; default: yesterday's.")
@click.option("--again", is_flag=True, help="Fetch or read days again, even final ones.")
@click.option(
    "--workers", type=click.IntRange(1, 8), default=4, show_default=True, help="Days at once."
)
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
    # The algebra behind numpy would start a thread for each core, which wait by turning.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from ccanalytics.issue.run_options import with_source

    missing = "Missing option '--since': the first day to fetch."
    _refuse(not (source or since), missing)
    given = {flag: flags.pop(flag.replace("-", "_")) for flag in _FLAGS}
    asked = options.run_options(source=source, **flags)
    last = parse_day(until) if until else asked.now.date() - timedelta(days=1)
    days = [parse_day(since), last] if since else []
    if days:
        days_between(*days)
    for flag, place in _FILES.items():
        if file := given.pop(flag):
            _refuse(not (since and until), "A file needs --since and --until: the days it covers.")
            click.echo(resolve(place)(file, asked.store, *days, asked.now))
            return
    extra = [flag for flag, is_given in given.items() if is_given]
    chosen = with_source(asked)
    if chosen.spec.sync_all:
        _refuse(since or until or extra, "Session logs are synced as a whole: no dates, no bill.")
    else:
        _refuse(asked.logs, "--logs is for session logs: --source local.")
        _refuse(not days, missing)
    with ended_by_sigterm():
        _sync(chosen, days, extra, as_json, workers=workers, again=again)


_FLAGS = {flag: help for wing in wings() for flag, help in wing.flags.items()}
_FILES = {flag: place for wing in wings() for flag, place in wing.files.items()}
for _flag, _help in _FLAGS.items():
    _form: Any = {"type": options.FILE} if _flag in _FILES else {"is_flag": True}
    sync.params.append(click.Option([f"--{_flag}"], help=_help, **_form))


def _sync(
    chosen: "RunOptions", days: Sequence[date], extra: list[str], as_json: bool, **how: Any
) -> None:
    """Sync the range of days, all without one, and the companions of the range."""
    ends = dict(zip(("since", "until"), map(str, days), strict=False))
    begin = f"days from {' to '.join(ends.values())}" if days else "session logs"
    with progress(begin) as shown:
        from ccanalytics.frames.arrow_tables import do_without_pandas
        from ccanalytics.issue.fetching import fetch_companion, fetch_days
        from ccanalytics.store.layout import companions

        do_without_pandas()
        parts = {flag: companions(flag)[0] for flag in extra}
        for part in parts.values():
            part.open(chosen.spec, chosen.access)  # refused before anything is fetched
        result = fetch_days(chosen, *days, progress=shown, **how)
    say(result, err=as_json)  # the days are stored, whatever becomes of their companions
    for flag, part in parts.items():
        say(f"{flag}: {fetch_companion(chosen, part, *days)}", err=as_json)
    say(options.shown(chosen.settings.store), err=as_json)
    if as_json:
        answer("sync", 0, **ends, days=asdict(result), store=chosen.settings.store)


def _refuse(wrong: object, why: str) -> None:
    if wrong:
        raise click.UsageError(why)
