"""The weekly report: sync once, load, check, run the notebooks; of one week, or of all missing."""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, date, timedelta
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from unicodedata import normalize

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.dataset.loading import check_files, load
from ccanalytics.dataset.preflight import Check, preflight, stops
from ccanalytics.errors import AuthError, CCAnalyticsError, PreflightError, SettingsError
from ccanalytics.issue.fetching import (
    Progress,
    fetch_days,
    fetch_report_days,
    of_notebooks,
    part,
    silent,
)
from ccanalytics.issue.memory import memory_of, number_words, remember, revealed_with
from ccanalytics.issue.prepared import release_memory
from ccanalytics.issue.run_options import RunOptions
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.report.archive import complete_issues, read_issue
from ccanalytics.report.engine import NotebookWorkers
from ccanalytics.report.history import restatements
from ccanalytics.report.parameters import checked_parameters
from ccanalytics.report.printing import find_browser
from ccanalytics.report.run import ReportSpec, refuse, report_notebooks, run_report
from ccanalytics.weeks import newest_closed_week, parse_week, week_days, week_name
from ccanalytics.wings import resolve, wings
from ccanalytics.words import counted, day_words

_WEEK = timedelta(weeks=1)

LONGEST_NAME = 60
"""The most letters of a team in a file name."""


def weekly_report(
    options: RunOptions, progress: Progress = silent, workers: NotebookWorkers | None = None
) -> Path:
    """The path of the report's page; the store is filled first, and notebooks only read it.

    `workers` that were started by these options have imported meanwhile; else new ones are.
    """
    browser = find_browser(options.environ) if options.pdf else None
    with nullcontext(workers) if workers else closing(options.notebook_workers()) as ready:
        spec = replace(_checked_spec(options, progress, ready), browser=browser)
        release_memory()
        progress(counted(len(spec.notebooks), "notebook"), 0.35)
        shown = of_notebooks(part(progress, 0.35, 0.95), len(spec.notebooks))
        return run_report(spec, ready, progress=shown)


@dataclass(frozen=True)
class WeekOutcome:
    """The result of one week: its page, or the error."""

    week: str
    page: Path | None = None
    error: CCAnalyticsError | None = None


def missing_weeks(options: RunOptions, since: str = "") -> list[date]:
    """The Mondays of closed weeks without a complete issue in the folder, oldest first.

    Among the last `options.weeks` closed weeks or, with `since`, all from that week on.
    """
    newest = _newest(options)
    first = parse_week(since) if since else newest - (options.weeks - 1) * _WEEK
    if first > newest:
        raise ValueError(
            f"since is {week_name(first)}; the newest closed week is {week_name(newest)}."
        )
    weeks = [first + n * _WEEK for n in range((newest - first).days // 7 + 1)]
    return [week for week in weeks if not _has_issue(options, week)]


def catch_up(
    options: RunOptions,
    weeks: Sequence[date],
    progress: Progress = silent,
    workers: NotebookWorkers | None = None,
) -> Iterator[WeekOutcome]:
    """The result of each of `weeks`; one that fails does not stop the others.

    Weeks before the first record are skipped. A key that is
    refused ends it, as it would be refused again.
    """
    check_files(options.spec, options.settings, options.team)
    for n, week in enumerate(weeks):
        one = replace(options, week=week_name(week))
        own = part(progress, n / len(weeks), (n + 1) / len(weeks))
        try:
            if _has_records(one, week, part(own, 0, 0.2)):
                page = weekly_report(one, part(own, 0.2, 1), workers)
                yield WeekOutcome(one.week, page)
        except AuthError:
            raise
        except CCAnalyticsError as error:
            yield WeekOutcome(one.week, error=error)


def _checked_spec(options: RunOptions, progress: Progress, workers: NotebookWorkers) -> ReportSpec:
    """What the report is to be; its dataset is let go, as the notebooks have their own."""
    if options.extra:  # a typing mistake is answered before anything is fetched
        checked_parameters(report_notebooks(options.notebooks), {}, options.extra)
    check_files(options.spec, options.settings, options.team)
    progress(f"days of source {options.source}", 0.0)
    fetch_report_days(options, progress=part(progress, 0.0, 0.25))
    progress("checks of the records", 0.25)
    data = dataset_of(options)
    if len(data.weeks):  # the notebooks' own is read while this one is checked
        workers.prepare(_parameters(options, data))
    spec = report_spec_of(options, data)
    found = [(check.name, check.found) for check in stops(spec.checks)]
    if found and not options.force:
        raise _stopped(spec, found)
    remember(data, options.store, options.now, options.settings.roster)
    return spec


def dataset_of(options: RunOptions) -> Dataset:
    """The stored weeks of a report."""
    return load(
        week=options.week,
        weeks=options.weeks,
        source=options.source,
        store=options.store,
        roster=options.settings.roster,
        team=options.team,
        identity=options.settings.identity,
        logs=options.logs,
        now=options.now,
    )


def _stopped(spec: ReportSpec, found: Sequence[tuple[str, str]]) -> PreflightError:
    """The error for numbers that would mislead, after writing a page that says why."""
    page = refuse(spec, found)
    lines = "\n".join(f"  {name}: {text}" for name, text in found)
    error = PreflightError(
        f"A check of the records stopped the report of {spec.issue['week']}:\n{lines}\nSee {page}; "
        "--force makes it anyway, with the warning on it."
    )
    error.page = page
    return error


def report_spec_of(options: RunOptions, data: Dataset) -> ReportSpec:
    """The report of the last of `data`'s weeks, and the checks of it."""
    if not len(data.weeks):
        raise SettingsError(
            f"There is no closed week between {data.since} and {data.until} from {data.source!r}."
        )
    monday = data.weeks[-1].date()
    week = week_name(monday)
    if data.weeks[-1] in data.hidden_weeks:
        raise SettingsError(_why_hidden(data, week))
    parameters = _parameters(options, data)
    memory = memory_of(data, options.store, parameters)
    earlier = complete_issues(options.out)
    together = [
        Check("Small teams across reports", "stop", text)
        for text in revealed_with(data, memory, earlier)
    ]
    until_now = [one for one in earlier if one.week <= week]  # a later one has later data
    made = f"{options.now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return ReportSpec(
        source=data.source,
        out=options.out.absolute(),
        notebooks=_notebooks(options, data),
        common=parameters,
        extra=options.extra,
        environment=options.notebook_environment,
        name=issue_name(week, options.team),
        title=_title(week, options.team),
        subtitle=f"{_days(monday)}, UTC days",
        banner=data.spec.banner,
        meta=_facts(options, data, memory.data),
        checks=[*preflight(data), *together],
        definitions=METRICS,
        named=options.settings.identity == "named",
        issue={"week": week, "source": data.source, "made": made, **memory.stored},
        restated=restatements(memory, until_now, number_words),
        email=options.email,
        served_at=options.settings.reports_url,
    )


def _why_hidden(data: Dataset, week: str) -> str:
    if data.team:
        return (
            f"Team {data.team!r} has no report of its own of {week}: it has fewer than "
            f"{data.minimum_group} people, the whole without it would reveal so few, or a roster "
            "that was changed since the week was published moves so few."
        )
    return (
        f"Since {week} was published, records of fewer than {data.minimum_group} people "
        "changed it: its figures, less those published, would be theirs. Its earlier page "
        "stays as it is; --identity named makes a new one."
    )


SPINE_NOTEBOOKS = {"trust", "adoption", "productivity", "cost_per_commit"}
"""The notebooks of every report; wings add their own."""


def _notebooks(options: RunOptions, data: Dataset) -> list[Path]:
    """The installed notebooks that have something to show for this dataset."""
    if data.spec.report:
        return report_notebooks(options.notebooks, data.spec.report)
    added = {name: place for wing in wings() for name, place in wing.notebooks.items()}
    shown = {name for name, at in added.items() if not at or resolve(at)(data) is not None}
    paths = report_notebooks(options.notebooks)
    return [path for path in paths if path.stem in SPINE_NOTEBOOKS | shown]


def issue_name(week: str, team: str) -> str:
    """The file name of an issue without its extension."""
    return f"{week}-{_slug(team)}" if team else week


def _parameters(options: RunOptions, data: Dataset) -> dict[str, str | int]:
    """The parameters of every notebook for a report of the last of `data`'s weeks."""
    week = week_name(data.weeks[-1].date())
    known: dict[str, str | int] = {"week": week, "weeks": options.weeks, "source": data.source}
    if data.spec.report:  # about one person
        return known
    return {**known, "team": options.team, "identity": options.settings.identity}


def _facts(options: RunOptions, data: Dataset, digest: str) -> list[tuple[str, str]]:
    stored = data.days[data.days["stored"]]
    moving = int((~stored["final"]).sum())
    settled = data.spec.settling.final.days
    first, last = stored["fetched_at"].min(), stored["fetched_at"].max()
    fetched = f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
    if data.spec.invented:
        fetched = "none: the days are invented"
    days = {one.day for one in options.store.restatements(data.source)}
    restated = sum(data.since <= day <= data.until for day in days)
    organization = options.store.organization(data.source) or "unknown"
    packages = ("ccanalytics", "pandas", "altair", "papermill")
    made_with = [*(f"{one} {version(one)}" for one in packages), f"Python {python_version()}"]
    return [
        ("Source", data.source),
        ("Organization", organization if data.identity != "aggregate" else "withheld"),
        ("Days", f"{data.since} to {data.until}, {len(stored)} of {len(data.days)} stored"),
        ("Fetched", fetched),
        ("May still change", f"{moving} days fetched within {settled} days of their end"),
        ("Restated", f"{restated} days changed after they were first fetched"),
        ("Data", f"digest {digest}"),
        ("People", data.identity),
        ("Made", f"{options.now:%Y-%m-%d %H:%M} UTC"),
        ("With", ", ".join(made_with)),
    ]


def _title(week: str, team: str) -> str:
    year, number = week.split("-W")
    return f"Claude Code in week {int(number)} of {year}" + (f", team {team}" if team else "")


def _days(monday: date) -> str:
    sunday = monday + timedelta(days=6)
    return f"{day_words(monday)} to {day_words(sunday, '%B %Y')}"


def _slug(team: str) -> str:
    """The team as part of a file name, with a digest where names could collide."""
    name = normalize("NFC", team).lower()
    plain = normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", plain)
    slug = "-".join(words)[:LONGEST_NAME].strip("-")
    if slug and slug == name.replace(" ", "-") and "-" not in name:
        return slug
    digest = blake2b(name.encode(), digest_size=4).hexdigest()
    return f"{slug or 'team'}-{digest}"


def _newest(options: RunOptions) -> date:
    """The newest closed week; for a source on this machine, the newest one with records."""
    if options.spec.network:
        return newest_closed_week(options.now, options.spec.settling)
    data = load(
        weeks=1, source=options.source, store=options.store, logs=options.logs, now=options.now
    )
    return data.until - timedelta(days=6)


def _has_issue(options: RunOptions, week: date) -> bool:
    issue = read_issue(options.out / f"{issue_name(week_name(week), options.team)}.html")
    return issue is not None and not issue.failed and issue.source == options.source


def _has_records(options: RunOptions, week: date, progress: Progress) -> bool:
    """Whether there is a record on or before the last day of `week`."""
    sunday = week_days(week)[-1]

    def stored() -> bool:
        days = options.store.days(options.source).items()
        return any(day.rows and at <= sunday for at, day in days)

    if not stored() and options.spec.network:
        fetch_days(options, week - (options.weeks - 1) * _WEEK, sunday, progress=progress)
    return stored()
