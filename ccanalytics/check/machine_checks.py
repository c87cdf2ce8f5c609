"""What can be looked at without a network: settings, roster, calendars, the store, session logs."""

import os
import platform
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from importlib.metadata import version
from pathlib import Path

import msgspec

from ccanalytics.check.finding import CheckContext, Fact, Finding, Status, halves
from ccanalytics.errors import CCAnalyticsError, SettingsError
from ccanalytics.settings import FILE_NAME, Settings, read_settings
from ccanalytics.store.day_store import VERSION, Store, StoredDay

STORE_NEXT = "Give another folder with --store DIR or CCANALYTICS_STORE, or fix its permissions."

AT_ROOT = {".tmp", VERSION, "identity.secret"}
"""What belongs into the folder of a store."""

_PLACES = re.compile(r"[\w-]+/(?:[\w-]+/\d{4}-\d{2}-\d{2}\.parquet|[^/]+)")
"""What belongs below the version: day files, and what a source remembers next to them."""


def look_at_program() -> Finding:
    """What runs here: the first question of whoever is asked for help."""
    packages = ("ccanalytics", "httpx", "msgspec", "pandas", "pyarrow")
    facts = {name: version(name) for name in packages} | {"python": platform.python_version()}
    text = f"ccanalytics {facts['ccanalytics']}, Python {facts['python']}, {platform.system()}"
    return Finding("program", "Program", "ok", text, facts=facts)


def look_at_settings(context: CheckContext) -> tuple[Settings | None, Finding]:
    """The settings in force, None when they cannot be read, and what was found."""
    try:
        settings = read_settings(context.environ, context.folder)
    except SettingsError as error:
        return None, Finding(
            "settings", "Settings", "failed", str(error), "Correct it; nothing else can be checked."
        )
    given = {"store": context.store, "roster": context.roster}
    settings = msgspec.structs.replace(settings, **{k: v for k, v in given.items() if v})
    said = _settings_file(context) or f"no {FILE_NAME} here or above: defaults"
    return settings, Finding("settings", "Settings", "ok", said)


def _settings_file(context: CheckContext) -> str | None:
    if named := context.environ.get("CCANALYTICS_CONFIG"):
        return str(context.folder / named)
    folders = (context.folder, *context.folder.parents)
    return next((str(one / FILE_NAME) for one in folders if (one / FILE_NAME).is_file()), None)


def look_at_roster(settings: Settings) -> Finding:
    """Whether the roster can be read, and how many people are on it."""
    if settings.roster is None:
        return Finding("roster", "Roster", "skipped", "none is set; teams and rates need one")
    from ccanalytics.people.roster import read_roster

    try:
        roster = read_roster(settings.roster)
    except CCAnalyticsError as error:
        return Finding("roster", "Roster", "failed", str(error), "Correct the file or its path.")
    people, teams = int(roster["actor"].nunique()), int(roster["team"].nunique())
    facts = {"people": people, "teams": teams}
    if not people:
        text, then = f"{settings.roster} has no line", "ccanalytics roster pull fills it."
        return Finding("roster", "Roster", "warning", text, then, facts=facts)
    text = f"{_many(people, 'person', 'people')} in {_many(teams, 'team')}, {settings.roster}"
    return Finding("roster", "Roster", "ok", text, facts=facts)


def look_at_calendars(settings: Settings) -> Iterator[Finding]:
    """One finding per calendar that is set."""
    from ccanalytics.people.calendars import read_calendars

    for kind, path in settings.calendars.items():
        try:
            rows = len(getattr(read_calendars({kind: path}), kind))
        except CCAnalyticsError as error:
            then = "Correct the file or its path."
            yield Finding(kind, kind.title(), "failed", str(error), then)
        else:
            text = f"{_many(rows, 'line')}, {path}"
            yield Finding(kind, kind.title(), "ok", text, facts={"lines": rows})


def look_at_store(store: Store) -> Finding:
    """Whether the folder can be read and written, and what in it is not of the store."""
    title, root = "Store", store.root
    facts: dict[str, Fact] = {"path": str(root)}
    if root.exists() and not root.is_dir():
        return Finding("store", title, "failed", f"{root} is a file", STORE_NEXT, facts=facts)
    writable, readable = _can_write(root), not root.exists() or os.access(root, os.R_OK | os.X_OK)
    if not readable:
        return Finding("store", title, "failed", f"{root} cannot be read", STORE_NEXT, facts=facts)
    if not writable and not root.exists():
        text = f"{root} is not there and cannot be made"
        return Finding("store", title, "failed", text, STORE_NEXT, facts=facts)
    if not writable:
        text = f"{root} can be read but not written"
        then = f"Reports of what is stored work, a sync does not. {STORE_NEXT}"
        return Finding("store", title, "failed", text, then, facts=facts)
    if not root.exists():
        text = f"{root} is not there yet; the first sync makes it"
        return Finding("store", title, "ok", text, facts=facts)
    return _look_inside(root, title)


def _look_inside(root: Path, title: str) -> Finding:
    unfinished, foreign = _unfinished(root), _foreign(root)
    facts: dict[str, Fact] = {"path": str(root), "unfinished": unfinished, "foreign": foreign}
    told, then = [], []
    if unfinished:
        told.append(f"left by a write that was killed: {_listed(unfinished)}")
        then.append("Nothing is lost: the next reading or writing clears it.")
    if foreign:
        told.append(f"not of this store: {_listed(foreign)}")
        then.append("Move it elsewhere; a newer version may have written it.")
    if told:
        text = f"{root}: {'; '.join(told)}"
        return Finding("store", title, "warning", text, " ".join(then), facts=facts)
    return Finding("store", title, "ok", f"{root} can be read and written", facts=facts)


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
    found = []
    for path in root.iterdir():
        if path.name not in AT_ROOT:
            found.append(path.name)
    below = root / VERSION
    for path in below.rglob("*"):
        name = path.relative_to(below).as_posix()
        if path.is_file() and not (_PLACES.fullmatch(name) and _is_day(path)):
            found.append(f"{VERSION}/{name}")
    return sorted(found)


def _is_day(path: Path) -> bool:
    """Whether a day file is named after a day that there is; other files need no day."""
    if path.suffix != ".parquet":
        return True
    try:
        date.fromisoformat(path.stem)
    except ValueError:
        return False
    return True


def look_at_days(store: Store, source: str) -> tuple[Finding, dict[date, StoredDay]]:
    """Which days of a source are stored, and which are not as they should be."""
    title = "Stored days"
    try:
        days, organization = store.days(source), store.organization(source)
    except (CCAnalyticsError, OSError) as error:
        return Finding("days", title, "failed", str(error), _sync(source), source), {}
    facts: dict[str, Fact] = {"organization": organization, "days": len(days)}
    if not days:
        return Finding("days", title, "warning", "none yet", _sync(source), source, facts), {}
    first, last = min(days), max(days)
    gaps = [day for day in _between(first, last) if day not in days]
    opened = [day for day, stored in days.items() if not stored.closed]
    moving = sum(not stored.final for stored in days.values())
    facts |= {
        "first": str(first),
        "last": str(last),
        "gaps": [str(day) for day in gaps],
        "open": [str(day) for day in opened],
        "moving": moving,
    }
    text = f"{_many(len(days), 'day')} from {first} to {last}"
    if organization:
        text += f" of organization {organization}"
    wrong = [
        f"{_many(len(gaps), 'day')} between them missing: {_listed(map(str, gaps))}" * bool(gaps),
        f"fetched before their end: {_listed(map(str, opened))}" * bool(opened),
    ]
    if any(wrong):
        text = f"{text}; {'; '.join(filter(None, wrong))}"
        then = _sync(source, min([*gaps, *opened]), max([*gaps, *opened]))
        return Finding("days", title, "warning", text, then, source, facts), days
    if moving:
        text += f"; {_many(moving, 'day')} may still change"
    return Finding("days", title, "ok", text, "", source, facts), days


def _sync(source: str, since: date | None = None, until: date | None = None) -> str:
    if source not in ("api", "enterprise"):
        return f"ccanalytics report --source {source} fills the store."
    span = f"--since {since}" if since else "--since DATE"
    return f"ccanalytics sync --source {source} {span}" + (f" --until {until}." if until else ".")


def look_at_logs(context: CheckContext) -> Finding:
    """Whether there are session logs, how many, and of when the newest line is."""
    from ccanalytics.logs.log_source import LocalLogs, log_folders

    title, wanted = "Session logs", bool(context.logs) or context.source == "local"
    try:
        logs = LocalLogs(context.logs or log_folders(context.environ, context.home))
        report, span = logs.report, logs.span()
    except SettingsError as error:
        status: Status = "failed" if wanted else "skipped"
        return Finding("logs", title, status, *halves(str(error)), "local")
    where = ", ".join(map(str, logs.folders))
    facts: dict[str, Fact] = {
        "folders": [str(folder) for folder in logs.folders],
        "files": report.files,
        "unreadable_files": report.unreadable_files,
        "lines": report.lines,
        "broken_lines": report.broken_lines,
        "newest": str(span[1]) if span else None,
    }
    if span is None:
        text = f"{_many(report.files, 'file')} in {where}, none with any use of a model"
        then = "Use Claude Code here, or name another folder with --logs DIR."
        return Finding("logs", title, "warning", text, then, "local", facts)
    text = f"{_many(report.files, 'file')} in {where}, the newest line of {span[1]}"
    if report.unreadable_files or report.broken_lines:
        text += (
            f"; {_many(report.unreadable_files, 'file')} cannot be read, "
            f"{_many(report.broken_lines, 'line')} cut off"
        )
        then = "The rest counts. A line is cut off when Claude Code was killed while writing it."
        return Finding("logs", title, "warning", text, then, "local", facts)
    return Finding("logs", title, "ok", text, "", "local", facts)


def has_logs(context: CheckContext) -> bool:
    """Whether there is anything that session logs could be in."""
    from ccanalytics.logs.log_source import log_folders

    folders = log_folders(context.environ, context.home)
    return bool(context.logs) or any(next(one.rglob("*.jsonl"), None) for one in folders)


def look_at_sample() -> Finding:
    """The invented organisation is always there."""
    from ccanalytics.sources.sample.organisation import SampleOrganisation

    first, last = SampleOrganisation().span()
    text = f"an invented organisation, {first} to {last}; it needs no key"
    return Finding("sample", "Sample", "ok", text, "", "sample")


def _between(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def _many(count: int, one: str, more: str = "") -> str:
    return f"{count:,} {one if count == 1 else more or f'{one}s'}"


def _listed(names: "Iterator[str] | Sequence[str] | Mapping[str, object]") -> str:
    found = list(names)
    return ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
