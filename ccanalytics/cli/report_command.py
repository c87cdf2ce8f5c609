"""`ccanalytics report`: the main job."""

import gc
import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import click

import ccanalytics.cli.options as options
from ccanalytics.cli.group import JSON, Answering, answer, outcome
from ccanalytics.cli.terminal import ended_by_sigterm, progress, say
from ccanalytics.weeks import parse_week


@click.command(
    cls=Answering,
    epilog=options.examples(
        ("report --source sample --open", "look around"),
        ("report 2026-W47 --source api --team Web", "one week, one team"),
        ("report --source local", "your own session logs"),
        ("report --all-missing --pdf --email", "for cron, each Monday"),
    ),
)
@click.argument("week", default="")
@click.option("--source", type=options.SourceName(), help="Where the records come from.")
@click.option(
    "--weeks", type=click.IntRange(1, 520), default=12, show_default=True, help="Weeks to look at."
)
@click.option("--team", default="", help="Only this team of the roster.")
@click.option("--out", type=options.FOLDER, default=Path("reports"), show_default=True)
@click.option("--open", "open_page", is_flag=True, help="Open the page in a browser.")
@click.option("--force", is_flag=True, help="Make the report even if a check would stop it.")
@click.option(
    "--all-missing",
    is_flag=True,
    help="All closed weeks without a report among the last --weeks, instead of one week.",
)
@click.option("--since", metavar="WEEK", default="", help="With --all-missing: from this week on.")
@click.option("--email", is_flag=True, help="Also an unsent e-mail with its pictures: WEEK.eml.")
@click.option("--pdf", is_flag=True, help="Also a PDF, by Chromium, Chrome or Edge: WEEK.pdf.")
@JSON
@options.flags(*options.OF_NOTEBOOKS)
def report(
    week: str,
    all_missing: bool,
    since: str,
    as_json: bool,
    open_page: bool,
    **flags: Any,
) -> None:
    """Write the report of WEEK: 2026-W47, a date inside it, or the newest closed week."""
    from ccanalytics.issue.run_options import with_source

    if all_missing and week:
        raise click.UsageError(f"Either one week or --all-missing: WEEK is {week!r}.")
    if since and not all_missing:
        raise click.UsageError("--since goes with --all-missing.")
    for text in filter(None, (week, since)):
        parse_week(text)
    flags["identity"] = flags["identity"] or os.environ.get("CCANALYTICS_IDENTITY") or "aggregate"
    chosen = with_source(options.run_options(week=week, **flags))
    begin = "weeks without a report" if all_missing else f"report of {week or 'the newest week'}"
    with (
        ended_by_sigterm(),
        progress(begin) as shown,
        closing(chosen.notebook_workers()) as workers,
    ):
        # The notebook processes import while this one does.
        from ccanalytics.issue.weekly import catch_up, missing_weeks, weekly_report

        gc.freeze()  # what is imported stays: to look through it takes a seventh of a second
        if all_missing:
            made = dict(catch_up(chosen, missing_weeks(chosen, since), workers, shown))
        else:
            made = {week: weekly_report(chosen, workers, shown)}
    reports = [{"week": week, **outcome(page)} for week, page in made.items()]
    code = _say_all(reports, as_json) if all_missing else _say_one(reports[0], as_json)
    pages = [page for page in made.values() if isinstance(page, Path)]
    if open_page and pages:
        import webbrowser

        if not webbrowser.open(pages[-1].absolute().as_uri()):
            say("No browser found to open it.", err=True)
    click.get_current_context().exit(code)


def _say_one(report: Mapping[str, Any], as_json: bool) -> int:
    """Print the findings of one report and the written paths; the exit code."""
    for finding in report["findings"]:
        say(finding["title"], err=True)
    for name in ("page", "index", "email", "pdf"):
        if path := report["paths"].get(name):
            say(options.shown(Path(path)), err=as_json)
    if as_json:
        answer("report", **report)
    return 0


def _say_all(reports: Sequence[Mapping[str, Any]], as_json: bool) -> int:
    """Print one line per week; the exit code is the worst of them."""
    for one in reports:
        if one["error"]:
            say(f"{one['week']}: {one['error']}", err=True)
        else:
            say(options.shown(Path(one["paths"]["page"])), err=as_json)
    if not reports:
        say("Nothing to do: every closed week has a report.", err=as_json)
    codes = {one["exit_code"] for one in reports}
    worst = next((code for code in (1, 3) if code in codes), 0)  # failed before stopped by a check
    if as_json:
        failed = ", ".join(one["week"] for one in reports if one["error"])
        error = f"No complete report of {failed}." if failed else None
        answer("report", worst, error, reports=reports)
    return worst
