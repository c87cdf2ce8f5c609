"""What can be looked at without a network: program, settings, roster, calendars, store, days."""

import os
import platform
import re
import tempfile
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path

import msgspec

from ccanalytics.check.finding import (
    CheckContext,
    CheckFinding,
    Fact,
    SetupCheck,
    failed,
    listed,
    ok,
    skipped,
    warning,
)
from ccanalytics.errors import CCAnalyticsError
from ccanalytics.settings import FILE_NAME, Settings, read_settings
from ccanalytics.sources.registry import SourceSpec
from ccanalytics.store.day_store import VERSION, Store
from ccanalytics.words import counted

STORE_NEXT = "Give another folder with --store DIR or CCANALYTICS_STORE, or fix its permissions."

AT_ROOT = {".tmp", VERSION, "identity.secret"}
"""What belongs into the folder of a store."""

_PLACES = re.compile(r"[\w-]+/(?:[\w-]+/(?P<day>\d{4}-\d{2}-\d{2})\.parquet|[^/]+)")
"""What belongs below the version: day files, and what a source remembers next to them."""


def check_program(context: CheckContext) -> CheckFinding:
    """What runs here: the first question of whoever is asked for help."""
    packages = ("ccanalytics", "httpx", "msgspec", "pandas", "pyarrow")
    facts = {name: version(name) for name in packages} | {"python": platform.python_version()}
    text = f"ccanalytics {facts['ccanalytics']}, Python {facts['python']}, {platform.system()}"
    return ok(text, **facts)


def settings_of(context: CheckContext) -> Settings:
    """The settings in force; `SettingsError` when they cannot be read."""
    settings = read_settings(context.environ, context.folder)
    given = {"store": context.store, "roster": context.roster}
    return msgspec.structs.replace(settings, **{k: v for k, v in given.items() if v})


def check_settings(context: CheckContext) -> CheckFinding:
    """Which file holds."""
    settings_of(context)
    if named := context.environ.get("CCANALYTICS_CONFIG"):
        return ok(str(context.folder / named))
    files = (folder / FILE_NAME for folder in (context.folder, *context.folder.parents))
    file = next((str(file) for file in files if file.is_file()), None)
    return ok(file or f"no {FILE_NAME} here or above: defaults")


def check_roster(settings: Settings) -> CheckFinding:
    """Whether the roster can be read, and how many people are on it."""
    if settings.roster is None:
        return skipped("none is set; teams and rates need one")
    from ccanalytics.people.roster import read_roster

    roster = read_roster(settings.roster)
    people, teams = int(roster["actor"].nunique()), int(roster["team"].nunique())
    if not people:
        then = "ccanalytics roster pull fills it."
        return warning(f"{settings.roster} has no line", then, people=people, teams=teams)
    words = f"{counted(people, 'person', 'people')} in {counted(teams, 'team')}"
    return ok(f"{words}, {settings.roster}", people=people, teams=teams)


def check_calendar(kind: str, settings: Settings) -> CheckFinding | None:
    """Whether a calendar that is set can be read."""
    path = settings.calendars.get(kind)
    if path is None:
        return None
    from ccanalytics.people.calendars import read_calendars

    lines = len(getattr(read_calendars({kind: path}), kind))
    return ok(f"{counted(lines, 'line')}, {path}", lines=lines)


def check_store(settings: Settings) -> CheckFinding:
    """Whether the folder can be read and written, and what in it is not of the store."""
    root = settings.store
    if root.exists() and not root.is_dir():
        return failed(f"{root} is a file", STORE_NEXT, path=str(root))
    if root.exists() and not os.access(root, os.R_OK | os.X_OK):
        return failed(f"{root} cannot be read", STORE_NEXT, path=str(root))
    if not _can_write(root):
        then = f"Reports of what is stored work, a sync does not. {STORE_NEXT}"
        return failed(f"{root} can be read, not written", then, path=str(root))
    if not root.exists():
        return ok(f"{root} is not there yet; the first sync makes it", path=str(root))
    return _check_inside(root)


def _check_inside(root: Path) -> CheckFinding:
    unfinished, foreign = _unfinished(root), _foreign(root)
    facts: dict[str, Fact] = {"path": str(root), "unfinished": unfinished, "foreign": foreign}
    wrong, then = [], []
    if unfinished:
        wrong.append(f"left by a write that was killed: {listed(unfinished)}")
        then.append("Nothing is lost: the next reading or writing clears it.")
    if foreign:
        wrong.append(f"not of this store: {listed(foreign)}")
        then.append("Move it elsewhere; a newer version may have written it.")
    if wrong:
        return warning(f"{root}: {'; '.join(wrong)}", " ".join(then), **facts)
    return ok(f"{root} can be read and written", **facts)


def _can_write(root: Path) -> bool:
    """Whether a file can be made in the folder, or in the one it would be made in."""
    folder = next((one for one in (root, *root.parents) if one.exists()), root)
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _unfinished(root: Path) -> list[str]:
    aside = root / ".tmp"
    left = [*aside.glob("commit"), *aside.glob("write-*")]
    return sorted(path.relative_to(root).as_posix() for path in left)


def _foreign(root: Path) -> list[str]:
    """What is in the folder, at the highest level, that no version of the store of ours wrote."""
    found = [path.name for path in root.iterdir() if path.name not in AT_ROOT]
    for path in (root / VERSION).rglob("*"):
        name = path.relative_to(root / VERSION).as_posix()
        if path.is_file() and not _belongs(name):
            found.append(f"{VERSION}/{name}")
    return sorted(found)


def _belongs(name: str) -> bool:
    """Whether a file is one of the store, and a day file named after a day that there is."""
    place = _PLACES.fullmatch(name)
    try:
        return place is not None and bool(date.fromisoformat(place["day"] or "2026-01-01"))
    except ValueError:
        return False


@dataclass(frozen=True)
class StoredSource:
    """A source, as far as it is in the store."""

    spec: SourceSpec
    store: Store


def check_days(stored: StoredSource) -> CheckFinding:
    """Which days of a source are stored, and which are not as they should be."""
    source = stored.spec.name
    try:
        days, organization = stored.store.days(source), stored.store.organization(source)
    except (CCAnalyticsError, OSError) as error:
        return failed(str(error), _sync(stored.spec))
    facts: dict[str, Fact] = {"organization": organization, "days": len(days)}
    if not days:
        return warning("none yet", _sync(stored.spec), **facts)
    first, last = min(days), max(days)
    span = (first + timedelta(days=n) for n in range((last - first).days + 1))
    gaps = [day for day in span if day not in days]
    opened = [day for day, one in days.items() if not one.closed]
    moving = sum(not one.final for one in days.values())
    facts |= {"first": str(first), "last": str(last), "moving": moving}
    facts |= {"gaps": [str(day) for day in gaps], "open": [str(day) for day in opened]}
    text = f"{counted(len(days), 'day')} from {first} to {last}"
    text += f" of organization {organization}" if organization else ""
    if gaps or opened:
        text += f"; {counted(len(gaps), 'day')} between them missing: {listed(gaps)}" * bool(gaps)
        text += f"; fetched before their end: {listed(opened)}" * bool(opened)
        then = _sync(stored.spec, min([*gaps, *opened]), max([*gaps, *opened]))
        return warning(text, then, **facts)
    return ok(text + f"; {counted(moving, 'day')} may still change" * bool(moving), **facts)


def _sync(spec: SourceSpec, since: date | None = None, until: date | None = None) -> str:
    if not spec.network:
        return f"ccanalytics report --source {spec.name} fills the store."
    end = f" --until {until}" if until else ""
    return f"ccanalytics sync --source {spec.name} --since {since or 'DATE'}{end}."


FIRST_CHECKS = (
    SetupCheck("program", "Program", check_program),
    SetupCheck("settings", "Settings", check_settings),
)

MACHINE_CHECKS = (
    SetupCheck("roster", "Roster", check_roster),
    *(
        SetupCheck(kind, kind.title(), partial(check_calendar, kind))
        for kind in ("holidays", "events", "interventions")
    ),
    SetupCheck("store", "Store", check_store),
)

DAYS_CHECKS = (SetupCheck("days", "Stored days", check_days),)
