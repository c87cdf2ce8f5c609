"""The command `ccanalytics`. What is heavy is imported inside the commands: --help must be quick.

Exit codes: 0 done, 1 what was asked failed, 2 asked wrongly, 3 a check stopped the report.
"""

import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ccanalytics.errors import CCAnalyticsError, PreflightError

if TYPE_CHECKING:
    from ccanalytics.records import Record
    from ccanalytics.settings import Settings
    from ccanalytics.weekly import Wish

FOLDER = click.Path(file_okay=False, path_type=Path)
OUT = click.Path(dir_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, exists=True, path_type=Path)
SOURCES = ("api", "local", "sample")

Options = Callable[[Callable[..., None]], Callable[..., None]]


class Commands(click.Group):
    """Errors made on purpose become one message on stderr and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """What the command returns; --debug lets every error through with its traceback."""
        if ctx.params.get("debug"):
            import logging

            logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
            return super().invoke(ctx)
        try:
            return super().invoke(ctx)
        except ValueError as error:
            raise AskedWrongly(str(error)) from None
        except PreflightError as error:
            raise Stopped(str(error)) from None
        except CCAnalyticsError as error:
            raise Failed(str(error)) from None


class Failed(click.ClickException):
    """What was asked could not be done."""

    exit_code = 1


class Stopped(click.ClickException):
    """A check stopped what was asked."""

    exit_code = 3


class AskedWrongly(click.ClickException):
    """What was asked makes no sense."""

    exit_code = 2


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ccanalytics")
@click.option("--debug", is_flag=True, help="Log everything, and show tracebacks.")
def main(debug: bool) -> None:
    """Claude Code usage records as notebooks and one offline report a week."""


def _options(*options: Options) -> Options:
    def add(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


_store = click.option("--store", type=FOLDER, help="Folder of the stored days.")
_roster = click.option("--roster", type=FILE, help="CSV: email,team,start,end,name.")
_key_file = click.option("--key-file", type=FILE, help="File that holds the Admin API key.")
_logs = click.option("--logs", type=FOLDER, multiple=True, help="Session logs; may be repeated.")
_notebooks = click.option("--notebooks", type=FOLDER, help="Folder of notebooks.")
_identity = click.option(
    "--identity",
    type=click.Choice(["named", "pseudonym", "aggregate"]),
    help="How people appear; a report's default is aggregate: not at all.",
)


@main.command()
@click.argument("week", default="")
@click.option("--source", type=click.Choice(SOURCES), help="Where the records come from.")
@click.option("--weeks", type=click.IntRange(1, 520), default=12, show_default=True)
@click.option("--team", default="", help="Only this team of the roster.")
@click.option("--out", type=FOLDER, default=Path("reports"), show_default=True)
@click.option("--force", is_flag=True, help="Make it also when a check would stop it.")
@click.option("-p", "--parameter", "extra", nargs=2, multiple=True, metavar="NAME VALUE")
@_options(_store, _roster, _logs, _notebooks, _key_file, _identity)
def report(week: str, source: str | None, **flags: Any) -> None:
    """Write the report of WEEK: 2026-W47, a date inside it, or the newest closed week."""
    from ccanalytics.report.execute import NotebookError
    from ccanalytics.weekly import weekly_report

    flags["identity"] = flags["identity"] or os.environ.get("CCANALYTICS_IDENTITY") or "aggregate"
    flags["extra"] = dict(flags["extra"])
    wish = _wish(week=week, source=source or "", **flags)
    with _ended_by_sigterm(), _cells() as cells, _days() as days:
        try:
            path = weekly_report(wish, progress=cells, sync_progress=days)
        except NotebookError as error:
            raise CCAnalyticsError(f"{error}\nSee {_shown(error.page)}") from error
    click.echo(_shown(path))
    click.echo(_shown(path.with_name("index.html")))


@main.command()
@click.option("--since", required=True, metavar="DATE", help="First UTC day.")
@click.option("--until", metavar="DATE", help="Last UTC day, included; default: yesterday's.")
@click.option("--workers", type=click.IntRange(1, 8), default=4, show_default=True)
@_options(_store, _key_file)
def sync(since: str, until: str | None, workers: int, **flags: Any) -> None:
    """Bring the days of the Admin API into the store; again only those that may have changed."""
    from ccanalytics.periods import parse_day
    from ccanalytics.weekly import fetch

    wish = _wish(**flags)
    first = parse_day(since)
    last = parse_day(until) if until else date.fromordinal(wish.now.date().toordinal() - 1)
    with _days() as days:
        result = fetch(wish, first, last, workers=workers, progress=days)
    click.echo(str(result))
    click.echo(str(wish.settings.store))


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("jupyter", nargs=-1, type=click.UNPROCESSED)
@_options(_store, _roster, _logs, _notebooks, _identity)
def lab(jupyter: tuple[str, ...], notebooks: Path | None, **flags: Any) -> None:
    """Open JupyterLab on the notebooks; what follows, as --no-browser, is passed to it."""
    from ccanalytics.lab import lab_folder, open_lab
    from ccanalytics.report.run import notebook_folder
    from ccanalytics.weekly import kernel_variables

    wish = _wish(**flags)
    folder = notebooks or lab_folder(notebook_folder(), Path.cwd())
    click.echo(str(folder))
    sys.exit(open_lab(folder.absolute(), {**os.environ, **kernel_variables(wish)}, jupyter))


@main.command("fake-api")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True)
@click.option("--faults", type=click.FloatRange(0, 0.9), default=0.0, help="Share that fails.")
@click.option("--seed", type=int, default=0, help="Which requests fail.")
def fake_api(port: int, faults: float, seed: int) -> None:
    """Serve the sample organisation as the Admin API does, on 127.0.0.1, until Ctrl-C."""
    from ccanalytics.fake_api import FakeService, Faults, serve

    service = FakeService(
        _sample_records(),
        now=_now,
        faults=Faults.random(faults, seed=seed),
        members=_sample_members,
    )
    with serve(service, port=port) as server, contextlib.suppress(KeyboardInterrupt):
        click.echo(f"export ANTHROPIC_BASE_URL={server.url}")
        click.echo("export ANTHROPIC_ADMIN_KEY=sk-ant-admin01-x")
        while True:
            signal.pause()


@main.group()
def roster() -> None:
    """Who is on the roster: pull it from the Admin API, or check a file."""


@roster.command("pull")
@click.option("--out", type=OUT, default=Path("people.csv"), show_default=True)
@_options(_key_file)
def roster_pull(out: Path, **flags: Any) -> None:
    """Lay today's members over the roster file; teams written into it stay."""
    from ccanalytics.weekly import fetch_members

    pull = fetch_members(_wish(**flags), out)
    click.echo(str(pull))
    click.echo(str(out))


@roster.command("check")
@click.argument("file", type=FILE)
@click.option("--source", type=click.Choice(SOURCES), help="Compare with the stored days of it.")
@click.option("--named", is_flag=True, help="Also say who.")
@_options(_store)
def roster_check(file: Path, source: str | None, named: bool, **flags: Any) -> None:
    """Say what is wrong with a roster file, who is in which team, and who is missing."""
    from ccanalytics.people import read_roster
    from ccanalytics.weekly import roster_lines

    found = read_roster(file)
    for line in roster_lines(_wish(roster=file, source=source or "", **flags), found, named):
        click.echo(line)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def metrics(as_json: bool) -> None:
    """Print what each metric means."""
    from ccanalytics.metrics import METRICS

    if as_json:
        click.echo(json.dumps([asdict(metric) for metric in METRICS.values()], indent=2))
        return
    for metric in METRICS.values():
        click.echo(f"{metric.id}\n    {metric.name} ({metric.unit}): {metric.formula}")
        for caveat in metric.caveats:
            click.echo(f"    {caveat}")


def _sample_records() -> "Callable[[date], list[Record]]":
    from ccanalytics.sources.sample import SampleOrganisation

    return SampleOrganisation().records


def _sample_members() -> list[dict[str, str]]:
    from ccanalytics.sources.sample import SampleOrganisation

    return SampleOrganisation().members(_now().date())


def _now() -> datetime:
    return datetime.now(UTC)


def _wish(
    *,
    store: Path | None = None,
    roster: Path | None = None,
    identity: str | None = None,
    **asked: Any,
) -> "Wish":
    """The flags laid over the settings of this folder and environment."""
    from ccanalytics.weekly import Wish

    settings = _settings(store=store, roster=roster, identity=identity)
    return Wish(environ=dict(os.environ), settings=settings, now=_now(), **asked)


def _settings(**flags: Any) -> "Settings":
    import msgspec

    from ccanalytics.settings import read_settings

    given = {name: value for name, value in flags.items() if value is not None}
    return msgspec.structs.replace(read_settings(os.environ, Path.cwd()), **given)


def _shown(path: Path) -> str:
    """`path` as it is shortest from here."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


@contextlib.contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does, so that kernels are ended too."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _cells() -> Iterator[Callable[[str, int, int], None]]:
    """A bar over the cells of all notebooks on a terminal, a line per notebook elsewhere."""
    begun: dict[str, int] = {}

    def line(notebook: str, done: int, total: int) -> None:
        if done == total and begun.get(notebook) != total:
            begun[notebook] = total
            click.echo(f"{notebook}: done", err=True)

    if not sys.stderr.isatty():
        yield line
        return
    from tqdm import tqdm

    with tqdm(total=0, unit="cell", desc="notebooks", leave=False) as bar:

        def move(notebook: str, done: int, total: int) -> None:
            if notebook not in begun:
                bar.total += total
            bar.update(done - begun.get(notebook, 0))
            begun[notebook] = done

        yield move


@contextlib.contextmanager
def _days() -> Iterator[Callable[[date, int, int], None]]:
    """A bar over the days of a sync on a terminal, a line now and then elsewhere."""

    def line(day: date, done: int, total: int) -> None:
        if done == total or done % 30 == 0:
            click.echo(f"{day}: {done} of {total} days", err=True)

    if not sys.stderr.isatty():
        yield line
        return
    from tqdm import tqdm

    with tqdm(unit="day", desc="days", leave=False) as bar:

        def move(day: date, done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield move


if __name__ == "__main__":
    main()
