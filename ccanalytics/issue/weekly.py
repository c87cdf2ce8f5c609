"""The weekly report: sync once, load, check, run the notebooks; of one week, or of all missing."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
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
from ccanalytics.issue.fetching import Progress, fetch_days, fetch_report_days, silent
from ccanalytics.issue.memory import memory_of, release_memory, remember
from ccanalytics.issue.run_options import RunOptions
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.people.identity import without_emails
from ccanalytics.report.archive import issues, read_issue, restatements
from ccanalytics.report.engine import NotebookWorkers
from ccanalytics.report.parameters import checked_parameters
from ccanalytics.report.printing import find_browser
from ccanalytics.report.run import ReportSpec, report_notebooks, run_report, write_failure
from ccanalytics.weeks import newest_closed_week, parse_week, week_name
from ccanalytics.wings import resolve, wings
from ccanalytics.words import counted, day_words

_WEEK = timedelta(weeks=1)

LONGEST_NAME = 60
"""The most letters of a team in a file name."""

SPINE_NOTEBOOKS = {"trust", "adoption", "productivity", "cost_per_commit"}
"""The notebooks of every report; wings add their own."""


def weekly_report(
    options: RunOptions, workers: NotebookWorkers, progress: Progress = silent
) -> Path:
    """The path of the report's page; the store is filled first, and notebooks only read it.

    The `workers` are those of these options, and import meanwhile.
    """
    # What was typed wrong is answered before anything is fetched.
    if options.pdf:
        find_browser(options.environ)
    if options.extra:
        checked_parameters(report_notebooks(options.notebooks), {}, options.extra)
    check_files(options.spec, options.settings, options.team)
    progress(f"days of source {options.source}", 0.0)
    fetch_report_days(options, progress=lambda what, share: progress(what, 0.25 * share))
    progress("checks of the records", 0.25)
    spec = _checked_spec(options, workers)
    release_memory()
    progress(counted(len(spec.notebooks), "notebook"), 0.35)
    done: dict[str, float] = {}

    def begun(notebook: str, cell: int, cells: int) -> None:
        done[notebook] = cell / cells
        share = sum(done.values()) / len(spec.notebooks)
        what = notebook.removesuffix(".ipynb") if share < 1 else "the page"
        progress(what, 0.35 + 0.6 * share)

    return run_report(spec, workers, progress=begun)


def missing_weeks(options: RunOptions, since: str = "") -> list[date]:
    """The Mondays of closed weeks without a complete issue in the folder, oldest first.

    Among the last `options.weeks` closed weeks or, with `since`, all from that week on.
    """
    newest = newest_closed_week(options.now, options.spec.settling)
    if not options.spec.network:
        newest = dataset_of(replace(options, week="", weeks=1, team="")).weeks[-1].date()
    first = parse_week(since) if since else newest - (options.weeks - 1) * _WEEK
    weeks = [first + n * _WEEK for n in range((newest - first) // _WEEK + 1)]
    names = [issue_name(week_name(week), options.team) for week in weeks]
    found = [read_issue(options.out / f"{name}.html") for name in names]
    made = [one and not one.failed and one.source == options.source for one in found]
    return [week for week, is_made in zip(weeks, made, strict=True) if not is_made]


def catch_up(
    options: RunOptions,
    weeks: Sequence[date],
    workers: NotebookWorkers,
    progress: Progress = silent,
) -> Iterator[tuple[str, Path | CCAnalyticsError]]:
    """The name of each of `weeks` and its page, or the error, which does not stop the others.

    Weeks before the first record are skipped. A refused key ends it: it would be refused again.
    """
    check_files(options.spec, options.settings, options.team)
    for n, week in enumerate(weeks):
        one = replace(options, week=week_name(week))
        progress(one.week, n / len(weeks))
        try:
            if _has_records(one, week):
                yield one.week, weekly_report(one, workers)
        except AuthError:
            raise
        except CCAnalyticsError as error:
            yield one.week, error


def _has_records(options: RunOptions, week: date) -> bool:
    """Whether there is a record on or before the last day of `week`."""
    sunday = week + timedelta(days=6)
    if options.spec.network:
        fetch_days(options, week - (options.weeks - 1) * _WEEK, sunday)
    return any(day.rows for day in options.store.days(options.source, until=sunday).values())


def dataset_of(options: RunOptions) -> Dataset:
    """The stored weeks of a report."""
    names = ("week", "weeks", "source", "store", "team", "logs", "now")
    given = {name: getattr(options, name) for name in names}
    return load(**given, roster=options.settings.roster, identity=options.settings.identity)


def _checked_spec(options: RunOptions, workers: NotebookWorkers) -> ReportSpec:
    """What the report is to be; its dataset is let go, as the notebooks have their own."""
    data = dataset_of(options)
    week = week_name(data.weeks[-1].date())
    if data.weeks[-1] in data.hidden_weeks:
        who = f"Team {data.team!r}" if data.team else f"Source {data.source!r}"
        raise SettingsError(
            f"{who} has no report of {week}: next to what was published before, it would be that "
            f"of fewer than {data.minimum_group} people. Earlier pages stay as they are; "
            "--identity named makes a new one."
        )
    workers.prepare(_parameters(options, data))  # reads them while this one is checked
    checks = preflight(data)
    spec = report_spec_of(options, data, checks)
    found = [(check.name, check.found) for check in stops(checks)]
    if found and not options.force:
        failed = [(name, spec.hide(text)) for name, text in found]
        page = write_failure(spec, "A check of the records stopped this report.", failed=failed)
        lines = "\n".join(f"  {name}: {text}" for name, text in found)
        error = PreflightError(
            f"A check of the records stopped the report of {week}:\n{lines}\nSee {page}; --force "
            "makes it anyway, with the warning on it."
        )
        error.page = page
        raise error
    remember(data, options.store, options.now, options.settings.roster)
    return spec


def report_spec_of(options: RunOptions, data: Dataset, checks: Sequence[Check]) -> ReportSpec:
    """The report of the last of `data`'s weeks; `checks` are those of its records."""
    monday = data.weeks[-1].date()
    week = week_name(monday)
    parameters = _parameters(options, data)
    memory = memory_of(data, options.store, parameters)
    earlier = [one for one in issues(options.out) if one.week <= week and not one.failed]
    hide = str if options.settings.identity == "named" else without_emails
    year, number = week.split("-W")
    of_team = f", team {options.team}" if options.team else ""
    sunday = day_words(monday + timedelta(days=6), "%B %Y")
    return ReportSpec(
        source=data.source,
        out=options.out.absolute(),
        notebooks=_notebooks(options, data),
        common=parameters,
        extra=options.extra,
        environment=options.notebook_environment,
        name=issue_name(week, options.team),
        page={
            "title": f"Claude Code in week {int(number)} of {year}{of_team}",
            "subtitle": f"{day_words(monday)} to {sunday}, UTC days",
            "banner": data.spec.banner,
            "meta": _facts(options, data, memory.data),
            "issue": {
                **memory.stored,
                **{"week": week, "source": data.source},
                "made": f"{options.now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
                "checks": [{**vars(check), "found": hide(check.found)} for check in checks],
            },
        },
        hide=hide,
        definitions=METRICS,
        restated=restatements(memory, earlier, _named_value),
        email=options.email,
        served_at=options.settings.reports_url,
        browser=find_browser(options.environ) if options.pdf else None,
    )


def _named_value(name: str, value: float) -> str:
    return f"{METRICS[name].name.lower()} {METRICS[name].format(value)}"


def _notebooks(options: RunOptions, data: Dataset) -> list[Path]:
    """The installed notebooks that have something to show for this dataset."""
    if data.spec.report:
        return report_notebooks(options.notebooks, data.spec.report)
    added = {name: place for wing in wings() for name, place in wing.notebooks.items()}
    shown = {name for name, at in added.items() if not at or resolve(at)(data) is not None}
    paths = report_notebooks(options.notebooks)
    return [path for path in paths if path.stem in SPINE_NOTEBOOKS | shown]


def _parameters(options: RunOptions, data: Dataset) -> dict[str, str | int]:
    """The parameters of every notebook for a report of the last of `data`'s weeks."""
    week = week_name(data.weeks[-1].date())
    known: dict[str, str | int] = {"week": week, "weeks": options.weeks, "source": data.source}
    if data.spec.report:  # about one person
        return known
    return {**known, "team": options.team, "identity": options.settings.identity}


def _facts(options: RunOptions, data: Dataset, digest: str) -> list[tuple[str, str]]:
    stored = data.days[data.days["stored"]]
    first, last = stored["fetched_at"].min(), stored["fetched_at"].max()
    fetched = f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
    organization = options.store.organization(data.source) or "unknown"
    packages = ("ccanalytics", "pandas", "altair", "papermill")
    made_with = [*(f"{one} {version(one)}" for one in packages), f"Python {python_version()}"]
    return [
        ("Source", data.source),
        ("Organization", organization if data.identity != "aggregate" else "withheld"),
        ("Days", f"{data.since} to {data.until}, {len(stored)} of {len(data.days)} stored"),
        ("Fetched", "none: the days are invented" if data.spec.invented else fetched),
        ("May still change", counted(int((~stored["final"]).sum()), "day")),
        ("Restated", counted(int(stored["restated"].sum()), "day")),
        ("Data", f"digest {digest}"),
        ("People", data.identity),
        ("Made", f"{options.now:%Y-%m-%d %H:%M} UTC"),
        ("With", ", ".join(made_with)),
    ]


def issue_name(week: str, team: str) -> str:
    """The file name of an issue without its extension: with a digest where teams could collide."""
    if not team:
        return week
    name = normalize("NFC", team).lower()
    plain = normalize("NFKD", name).encode("ascii", "ignore").decode()
    slug = "-".join(re.findall(r"[a-z0-9]+", plain))[:LONGEST_NAME].strip("-")
    if slug and slug == name.replace(" ", "-") and "-" not in name:
        return f"{week}-{slug}"
    digest = blake2b(name.encode(), digest_size=4).hexdigest()
    return f"{week}-{slug or 'team'}-{digest}"
