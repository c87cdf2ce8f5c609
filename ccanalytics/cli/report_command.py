"""`ccanalytics report`: the main job."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import ccanalytics.cli.bars as bars
import ccanalytics.cli.options as options
from ccanalytics.cli.answers import JSON, Answering, about_page, answer, outcome
from ccanalytics.cli.group import exit_code_of
from ccanalytics.errors import CCAnalyticsError, ReportError

if TYPE_CHECKING:
    from ccanalytics.issue.catch_up import WeekOutcome
    from ccanalytics.issue.run_options import RunOptions

WORST_FIRST = (1, 3, 0)
"""Exit codes of several weeks: one that failed is worse than one that a check stopped."""


@click.command(cls=Answering)
@click.argument("week", default="")
@click.option("--source", type=options.SourceName(), help="Where the records come from.")
@click.option("--weeks", type=click.IntRange(1, 520), default=12, show_default=True)
@click.option("--team", default="", help="Only this team of the roster.")
@click.option("--out", type=options.FOLDER, default=Path("reports"), show_default=True)
@click.option("--force", is_flag=True, help="Make it also when a check would stop it.")
@click.option(
    "--all-missing",
    is_flag=True,
    help="Instead of one week, all closed weeks without an issue among the last --weeks.",
)
@click.option("--since", metavar="WEEK", default="", help="With --all-missing: from this week on.")
@click.option("--email", is_flag=True, help="Also an unsent e-mail with its pictures: WEEK.eml.")
@click.option("--pdf", is_flag=True, help="Also a PDF, by Chromium, Chrome or Edge: WEEK.pdf.")
@JSON
@click.option("-p", "--parameter", "extra", nargs=2, multiple=True, metavar="NAME VALUE")
@options.flags(
    options.STORE,
    options.ROSTER,
    options.LOGS,
    options.NOTEBOOKS,
    options.KEY_FILE,
    options.IDENTITY,
)
def report(
    week: str, source: str | None, all_missing: bool, since: str, as_json: bool, **flags: Any
) -> None:
    """Write the report of WEEK: 2026-W47, a date inside it, or the newest closed week."""
    if all_missing and week:
        raise click.UsageError(f"Either one week or --all-missing: WEEK is {week!r}.")
    if since and not all_missing:
        raise click.UsageError("--since goes with --all-missing.")
    flags["identity"] = flags["identity"] or os.environ.get("CCANALYTICS_IDENTITY") or "aggregate"
    flags["extra"] = dict(flags["extra"])
    chosen = options.run_options(week=week, source=source or "", **flags)
    with bars.ended_by_sigterm():
        if all_missing:
            _all_missing(chosen, since, as_json)
        else:
            _one(chosen, as_json)


def _one(chosen: "RunOptions", as_json: bool) -> None:
    """Make the report of one week; print the paths that were written, a line each."""
    from ccanalytics.issue.weekly import weekly_report
    from ccanalytics.report.engine import NotebookError

    with bars.cells() as cells, bars.days() as days:
        try:
            page = weekly_report(chosen, progress=cells, sync_progress=days)
        except NotebookError as error:
            raise _with_page(error) from error
    made = about_page(page)
    for name in ("page", "index", "email", "pdf"):
        if name in made["paths"]:
            click.echo(options.shown(Path(made["paths"][name])), err=as_json)
    if as_json:
        answer("report", 0, **made)


def _all_missing(chosen: "RunOptions", since: str, as_json: bool) -> None:
    """Make every missing report, a line per week; end with the worst exit code."""
    from ccanalytics.issue.catch_up import catch_up, missing_weeks

    outcomes = []
    for one in catch_up(chosen, missing_weeks(chosen, since), cells=bars.cells, days=bars.days):
        outcomes.append(one)
        _print(one, as_json)
    if not outcomes:
        click.echo("Nothing to do: no closed week is without an issue.", err=as_json)
    codes = {_code(one) for one in outcomes} | {0}
    worst = next(code for code in WORST_FIRST if code in codes)
    if as_json:
        failed = ", ".join(one.week for one in outcomes if one.error)
        error = f"No whole report of {failed}." if failed else None
        answer("report", worst, error=error, reports=[_as_json(one) for one in outcomes])
    click.get_current_context().exit(worst)


def _print(one: "WeekOutcome", as_json: bool) -> None:
    if one.error:
        click.echo(f"{one.week}: {_with_page(one.error)}", err=True)
    elif one.page:
        click.echo(options.shown(one.page), err=as_json)


def _as_json(one: "WeekOutcome") -> dict[str, Any]:
    """One week of several, with the keys of the answer about a single report."""
    error = str(_with_page(one.error)) if one.error else None
    page = getattr(one.error, "page", None) if one.error else one.page
    return {**outcome(_code(one), error), "week": one.week, **about_page(page)}


def _code(one: "WeekOutcome") -> int:
    return exit_code_of(one.error) if one.error else 0


def _with_page(error: CCAnalyticsError) -> CCAnalyticsError:
    """`error`, naming the page with the details when its message does not."""
    page = getattr(error, "page", None)
    if page is None or page.name in str(error):
        return error
    named = ReportError(f"{error}\nSee {options.shown(page)}")
    named.page = page
    return named
