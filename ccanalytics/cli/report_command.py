"""`ccanalytics report`: the main job."""

import gc
import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import ccanalytics.cli.options as options
from ccanalytics.cli.group import JSON, Answering, about_page, answer, as_click, outcome
from ccanalytics.cli.terminal import ended_by_sigterm, progress, say
from ccanalytics.weeks import parse_week

if TYPE_CHECKING:
    from ccanalytics.issue.run_options import RunOptions
    from ccanalytics.issue.weekly import WeekOutcome

WORST_FIRST = (1, 3, 0)
"""Exit codes of several weeks, worst first: failed before stopped by a check."""


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
    source: str | None,
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
    flags["extra"] = dict(flags["extra"])
    chosen = with_source(options.run_options(week=week, source=source or "", **flags))
    with ended_by_sigterm():
        pages, code = _missing(chosen, since, as_json) if all_missing else _one(chosen, as_json)
    if open_page and pages:
        _open(pages[-1])
    click.get_current_context().exit(code)


def _one(chosen: "RunOptions", as_json: bool) -> tuple[list[Path], int]:
    """Make the report of one week; print its findings and the written paths."""
    begin = f"report of {chosen.week or 'the newest closed week'}"
    # The notebook processes import while this one does.
    with progress(begin) as shown, closing(chosen.notebook_workers()) as workers:
        from ccanalytics.issue.weekly import weekly_report

        gc.freeze()  # what is imported stays: to look through it takes a seventh of a second
        page = weekly_report(chosen, shown, workers)
    made = about_page(page)
    for finding in made["findings"]:
        say(finding["title"], err=True)
    for name in ("page", "index", "email", "pdf"):
        if name in made["paths"]:
            say(options.shown(Path(made["paths"][name])), err=as_json)
    if as_json:
        answer("report", 0, **made)
    return [page], 0


def _missing(chosen: "RunOptions", since: str, as_json: bool) -> tuple[list[Path], int]:
    """Make every missing report, one line per week; the exit code is the worst of them."""
    pages, reports = [], []
    with progress("weeks without a report") as shown, closing(chosen.notebook_workers()) as workers:
        from ccanalytics.issue.weekly import catch_up, missing_weeks

        gc.freeze()
        for one in catch_up(chosen, missing_weeks(chosen, since), shown, workers):
            reports.append(_as_json(one))
            if one.page:
                pages.append(one.page)
                say(options.shown(one.page), err=as_json)
            else:
                say(f"{one.week}: {reports[-1]['error']}", err=True)
    if not reports:
        say("Nothing to do: every closed week has a report.", err=as_json)
    codes = {one["exit_code"] for one in reports} | {0}
    worst = next(code for code in WORST_FIRST if code in codes)
    if as_json:
        failed = ", ".join(one["week"] for one in reports if one["error"])
        error = f"No complete report of {failed}." if failed else None
        answer("report", worst, error, reports=reports)
    return pages, worst


def _as_json(one: "WeekOutcome") -> dict[str, Any]:
    """One of several weeks, with the keys of a single report."""
    known = as_click(one.error) if one.error else None
    ended = outcome(known.exit_code, known.format_message()) if known else outcome(0, None)
    page = getattr(one.error, "page", None) if one.error else one.page
    return {**ended, "week": one.week, **about_page(page)}


def _open(page: Path) -> None:
    import webbrowser

    if not webbrowser.open(page.absolute().as_uri()):
        say("No browser found to open it.", err=True)
