"""One weekly report from what a person asked for: fill the store, load, run the notebooks."""

import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from itertools import count
from pathlib import Path

import pandas as pd

from ccanalytics.charges.billing_client import BillingClient
from ccanalytics.charges.billing_sync import billing_of, sync_billing
from ccanalytics.dataset.dataset import Dataset, load, local_logs
from ccanalytics.dataset.preflight import Check, preflight, stops
from ccanalytics.errors import AuthError, PreflightError, SettingsError
from ccanalytics.issue.issue_memory import digest_of, memory_of, number_words, told_together
from ccanalytics.metrics import METRICS
from ccanalytics.people.roster import never_seen, not_on_roster, roster_of_week
from ccanalytics.people.roster_pull import Pull, pull_roster
from ccanalytics.report.archive import memories
from ccanalytics.report.execute import Progress
from ccanalytics.report.printing import find_browser
from ccanalytics.report.run import Order, refuse, report_notebooks, run_report
from ccanalytics.settings import Settings, as_variables
from ccanalytics.sources.admin_api import AdminClient
from ccanalytics.sources.keys import KEYS, find_key, source_with_key
from ccanalytics.sources.network import CLIENTS
from ccanalytics.store.day_store import Store
from ccanalytics.store.sync import SyncResult, sync
from ccanalytics.weeks import monday, newest_closed_week, parse_week, settling, week_name

SAMPLE_BANNER = "Sample data: an invented organisation. No figure here is about real people."

NO_SOURCE = """There is no key, and no --source was given. Three ways on:
  an organization:  set ANTHROPIC_ADMIN_KEY (or --key-file FILE), then --source api;
                    a Claude Enterprise one: ANTHROPIC_ANALYTICS_KEY, then --source enterprise
  this machine:     --source local reads the Claude Code session logs here (--logs DIR: elsewhere)
  a look around:    --source sample is an invented organisation"""

SyncProgress = Callable[[date, int, int], None]


@dataclass(frozen=True)
class Wish:
    """What a person asked for, and where they stand: the environment, the folder, the time."""

    environ: Mapping[str, str]
    settings: Settings
    now: datetime
    source: str = ""
    week: str = ""
    weeks: int = 12
    team: str = ""
    logs: Sequence[Path] = ()
    key_file: Path | None = None
    out: Path = Path("reports")
    notebooks: Path | None = None
    extra: Mapping[str, str] = field(default_factory=dict)
    force: bool = False
    email_html: bool = False
    eml: bool = False
    pdf: bool = False

    @property
    def store(self) -> Store:
        """The store of the settings."""
        return Store(self.settings.store)


def chosen_source(wish: Wish) -> str:
    """The source asked for; without one, that which there is a key for."""
    source = wish.source or source_with_key(wish.environ, wish.key_file)
    if not source:
        raise AuthError(NO_SOURCE)
    return source


def fetch(
    wish: Wish, since: date, until: date, *, workers: int = 4, progress: SyncProgress | None = None
) -> SyncResult:
    """The days from `since` to `until` of a source on a network, brought into the store."""
    source = chosen_source(wish)
    if source not in CLIENTS:
        raise ValueError(f"Days of {source} are not fetched; only {' or '.join(CLIENTS)} are.")
    with CLIENTS[source](_key(wish, source), base_url=wish.settings.base_url) as client:
        return sync(
            client,
            wish.store,
            since,
            until,
            now=wish.now,
            workers=workers,
            progress=_counted(progress, (until - since).days + 1),
        )


def fetch_weeks(wish: Wish, *, progress: SyncProgress | None = None) -> SyncResult:
    """The days a report is about, brought into the store.

    What was billed is brought up to date too, where it was asked for once.
    """
    source = chosen_source(wish)
    week = parse_week(wish.week) if wish.week else newest_closed_week(wish.now, source)
    since, until = week - timedelta(weeks=wish.weeks - 1), week + timedelta(days=6)
    result = fetch(wish, since, until, progress=progress)
    if wish.store.dates(billing_of(source)):
        fetch_billing(wish, since, until)
    return result


def fetch_billing(wish: Wish, since: date, until: date) -> SyncResult:
    """What the organization of source `api` was billed from `since` to `until`, stored."""
    if chosen_source(wish) != "api":
        raise ValueError("What was billed is only told with an Admin key: --source api.")
    with BillingClient(_key(wish, "api"), base_url=wish.settings.base_url) as client:
        return sync_billing(client, wish.store, "api", since, until, now=wish.now)


def fetch_logs(wish: Wish) -> SyncResult:
    """All that the session logs tell, brought into the store."""
    return sync(local_logs(wish.logs), wish.store, now=wish.now)


def fetch_members(wish: Wish, path: Path) -> Pull:
    """The roster file at `path` after today's members were laid over it."""
    with AdminClient(_key(wish, "api"), base_url=wish.settings.base_url) as client:
        return pull_roster(path, client.members(), wish.now.date())


def roster_lines(wish: Wish, roster: pd.DataFrame, named: bool) -> Iterator[str]:
    """What a person wants to know of a roster file, a line each; people only by number."""
    now = roster_of_week(roster, pd.Timestamp(monday(wish.now.date())))
    yield f"{roster['actor'].nunique()} people in {len(roster)} stays, {len(now)} of them this week"
    for team, size in now["team"].fillna("without a team").value_counts(sort=False).items():
        yield f"  {team}: {size}"
    if not wish.source:
        return
    data = load(source=wish.source, store=wish.store, roster=roster, identity="named")
    strangers = not_on_roster(data.activity, roster)["actor"]
    silent = never_seen(data.activity, roster, data.since, data.until)["actor"]
    yield f"{len(strangers)} people have records on days when they are not on it"
    yield from (f"  {actor}" for actor in strangers if named)
    yield f"{len(silent)} people on it have no record from {data.since} to {data.until}"
    yield from (f"  {actor}" for actor in silent if named)


def _key(wish: Wish, source: str) -> str | None:
    return find_key(wish.environ, wish.key_file, KEYS[source])


def _counted(progress: SyncProgress | None, total: int) -> Callable[[date], None] | None:
    """`progress` of a day, told also how many are done with, of how many."""
    if progress is None:
        return None
    done = count(1)
    return lambda day: progress(day, next(done), total)


def weekly_report(
    wish: Wish, *, progress: Progress | None = None, sync_progress: SyncProgress | None = None
) -> Path:
    """The path of the report's page; for a source on a network the store is filled first."""
    browser = find_browser(wish.environ) if wish.pdf else None
    source = chosen_source(wish)
    if source in CLIENTS:
        fetch_weeks(wish, progress=sync_progress)
    data = data_of(wish, source)
    checks = preflight(data)
    order = replace(order_of(wish, data, checks), browser=browser)
    _check(order, data, checks, force=wish.force)
    return run_report(order, progress=progress)


def data_of(wish: Wish, source: str) -> Dataset:
    """The weeks a report is about, of those stored and those this machine knows."""
    return load(
        week=wish.week,
        weeks=wish.weeks,
        source=source,
        store=wish.store,
        roster=wish.settings.roster,
        team=wish.team,
        identity=wish.settings.identity,
        logs=wish.logs,
        now=wish.now,
    )


def _check(order: Order, data: Dataset, checks: list[Check], *, force: bool) -> None:
    """`PreflightError` when the numbers would mislead, and a page that says why."""
    found = [(check.name, check.found) for check in stops(checks)]
    told = told_together(data, order.memory, memories(order.out))
    together = [("Small teams across issues", "stop", text) for text in told]
    order = replace(order, checks=[*order.checks, *together])
    found += [(name, text) for name, _, text in together]
    if found and not force:
        page = refuse(order, found)
        lines = "\n".join(f"  {name}: {text}" for name, text in found)
        error = PreflightError(
            f"A check of the records stopped the report of {order.week}:\n{lines}\nSee {page}; "
            "--force makes it all the same, with the warning on it."
        )
        error.page = page
        raise error


def order_of(wish: Wish, data: Dataset, checks: Sequence[Check] = ()) -> Order:
    """The report of the last of `data`'s weeks."""
    if not len(data.weeks):
        raise SettingsError(
            f"There is no closed week between {data.since} and {data.until} from {data.source!r}."
        )
    monday = data.weeks[-1].date()
    week = week_name(monday)
    variables = as_variables(wish.settings, wish.logs)
    return Order(
        week=week,
        source=data.source,
        out=wish.out.absolute(),
        notebooks=[
            path
            for path in report_notebooks(wish.notebooks)
            if path.stem != "billed" or data.billing is not None
        ],
        common=_parameters(wish, data.source, week),
        extra=wish.extra,
        environment={**wish.environ, **variables},
        name=issue_name(week, wish.team),
        title=_title(week, wish.team),
        subtitle=f"{_days(monday)}, beside the weeks before it. All days are UTC days.",
        banner=SAMPLE_BANNER if data.source == "sample" else "",
        made=f"{wish.now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        meta=_facts(wish, data),
        checks=[(check.name, check.level, check.found) for check in checks],
        definitions=METRICS,
        named=wish.settings.identity == "named",
        memory=memory_of(data, wish.store, _parameters(wish, data.source, week)),
        number_words=number_words,
        email_html=wish.email_html,
        eml=wish.eml,
    )


def issue_name(week: str, team: str) -> str:
    """The name of an issue's file without its ending."""
    return f"{week}-{_slug(team)}" if team else week


def _parameters(wish: Wish, source: str, week: str) -> dict[str, str | int]:
    """What every notebook of the report must know."""
    return {
        "week": week,
        "weeks": wish.weeks,
        "source": source,
        "team": wish.team,
        "identity": wish.settings.identity,
    }


def _facts(wish: Wish, data: Dataset) -> list[tuple[str, str]]:
    """How the report was made, in words."""
    stored = data.days[data.days["stored"]]
    moving = int((~stored["final"]).sum())
    settled = settling(data.source).final.days
    first, last = stored["fetched_at"].min(), stored["fetched_at"].max()
    fetched = f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
    if data.source == "sample":
        fetched = "not at all: the days are invented"
    days = {one.day for one in wish.store.restatements(data.source)}
    restated = sum(data.since <= day <= data.until for day in days)
    organization = wish.store.organization(data.source) or "not told"
    return [
        ("Source", data.source),
        ("Organization", organization if data.identity != "aggregate" else "withheld"),
        ("Days", f"{data.since} to {data.until}, {len(stored)} of {len(data.days)} stored"),
        ("Fetched", fetched),
        ("May still change", f"{moving} days fetched within {settled} days of their end"),
        ("Restated", f"{restated} days changed after they were first fetched"),
        ("Data", f"digest {digest_of(data, wish.store)}"),
        ("People", data.identity),
        ("Made", f"{wish.now:%Y-%m-%d %H:%M} UTC"),
        ("With", versions()),
    ]


def versions() -> str:
    """What a page was made with."""
    packages = ("ccanalytics", "pandas", "altair", "papermill")
    told = [f"{package} {version(package)}" for package in packages]
    return ", ".join([*told, f"Python {platform.python_version()}"])


def _title(week: str, team: str) -> str:
    year, number = week.split("-W")
    return f"Claude Code in week {int(number)} of {year}" + (f", team {team}" if team else "")


def _days(monday: date) -> str:
    sunday = monday + timedelta(days=6)
    return f"{monday.day} {monday:%B} to {sunday.day} {sunday:%B %Y}"


def _slug(team: str) -> str:
    slug = "".join(sign if sign.isalnum() and sign.isascii() else "-" for sign in team.lower())
    return slug.strip("-") or "team"
