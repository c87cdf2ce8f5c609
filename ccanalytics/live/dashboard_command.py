"""`ccanalytics dashboard`: the live page."""

import os
from typing import TYPE_CHECKING, Any

import click

import ccanalytics.cli.options as options
from ccanalytics.cli.terminal import ended_by_sigterm, progress

if TYPE_CHECKING:
    from ccanalytics.issue.run_options import RunOptions

OWN = "local"


@click.command(
    epilog=options.examples(
        ("dashboard", "your own session logs"),
        ("dashboard -p days 60", "two months of them"),
        ("dashboard --source api --team Web", "the weekly report, live"),
    )
)
@click.option("--source", type=options.SourceName(), default=OWN, show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=3333, show_default=True)
@click.option("--no-browser", is_flag=True, help="Only say the address.")
@click.option("--weeks", type=click.IntRange(1, 520), help="Of the weekly report; default: 12.")
@click.option("--team", help="Of the weekly report: only this team of the roster.")
@options.flags(*options.OF_NOTEBOOKS)
def dashboard(source: str, port: int, no_browser: bool, **flags: Any) -> None:
    """Serve a page on 127.0.0.1 that follows the session logs while you work.

    With another --source it is the weekly report and follows the store.
    """
    given = {name: value for name, value in flags.items() if value not in (None, ())}
    if "logs" in given and source != OWN:
        raise click.UsageError(f"--logs is of --source {OWN}, not of {source}.")
    weekly = [name for name in ("weeks", "team") if name in given]
    if weekly and source == OWN:
        raise click.UsageError(
            f"--{' and --'.join(weekly)}: of the weekly report, not of one's own logs. What their "
            "notebook is given goes with -p, such as -p days 60 or -p timezone Europe/Berlin."
        )
    if source != OWN:  # an organization is shown as in its report, one's own logs with names
        given.setdefault("identity", os.environ.get("CCANALYTICS_IDENTITY") or "aggregate")
    run = options.run_options(source=source, extra=dict(given.pop("extra", ())), **given)
    if run.spec.network:
        with ended_by_sigterm(), progress("days of the page") as shown:
            from ccanalytics.issue.fetching import fetch_report_days

            fetch_report_days(run, progress=shown)
    _serve(run, port, not no_browser)


def _serve(run: "RunOptions", port: int, launch: bool) -> None:
    import asyncio

    from ccanalytics.live.page_server import serve

    def begun(address: str) -> None:
        click.echo(address)
        if launch:
            click.launch(address)

    asyncio.run(serve(run, port, begun))
