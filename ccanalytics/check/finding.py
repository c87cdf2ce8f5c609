"""What is looked at, what one look found, and where it is looked."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Generic, Literal, TypeVar

from ccanalytics.errors import CCAnalyticsError, SchemaError, SettingsError, StoreError

Status = Literal["failed", "warning", "ok", "skipped"]
"""Does not work; works, with this in mind; as it should be; could not be looked at."""

Fact = str | int | float | bool | None | Sequence[str]

Subject = TypeVar("Subject")

NEXT_STEPS: Mapping[type[CCAnalyticsError], str] = {
    SettingsError: "Correct the file, path or address that is named.",
    SchemaError: "Check ANTHROPIC_BASE_URL: not the service itself answered.",
    StoreError: "The finding about the stored days says what to do.",
}
"""What to do after errors that do not say so themselves."""


@dataclass(frozen=True)
class CheckContext:
    """Where a person stands, and what they asked to have looked at.

    `source` empty is every source there is something of; `day` empty is the newest closed one.
    `sleep` and `clock` are how clients wait.
    """

    environ: Mapping[str, str]
    folder: Path
    now: datetime
    source: str = ""
    day: str = ""
    store: Path | None = None
    roster: Path | None = None
    logs: Sequence[Path] = ()
    key_file: Path | None = None
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True)
class CheckFinding:
    """What one look found, and what to do about it.

    `id` never changes, `facts` are for programs, `source` is empty where it is about all.
    """

    status: Status
    found: str
    next: str = ""
    facts: Mapping[str, Fact] = field(default_factory=dict)
    id: str = ""
    title: str = ""
    source: str = ""


def ok(found: str, **facts: Fact) -> CheckFinding:
    """As it should be."""
    return CheckFinding("ok", found, facts=facts)


def warning(found: str, then: str, /, **facts: Fact) -> CheckFinding:
    """It works, with this in mind."""
    return CheckFinding("warning", found, then, facts)


def failed(found: str, then: str, /, **facts: Fact) -> CheckFinding:
    """It does not work until `then` is done."""
    return CheckFinding("failed", found, then, facts)


@dataclass(frozen=True)
class SetupCheck(Generic[Subject]):
    """One thing that can be wrong. `look` gives None where there is nothing to look at.

    When the check called `needs` failed, this one is skipped.
    """

    id: str
    title: str
    look: Callable[[Subject], CheckFinding | None]
    needs: str = ""


def run(
    checks: Sequence[SetupCheck[Subject]], subject: Subject, source: str = ""
) -> Iterator[CheckFinding]:
    """One finding per check, whatever fails on the way."""
    reasons: dict[str, str] = {}
    for check in checks:
        known = reasons.get(check.needs)
        finding = CheckFinding("skipped", known) if known else _look(check, subject)
        if finding is None:
            continue
        if finding.status in ("failed", "skipped"):
            reasons[check.id] = known or f"{check.title.lower()} failed"
        yield replace(finding, id=check.id, title=check.title, source=source)


def _look(check: SetupCheck[Subject], subject: Subject) -> CheckFinding | None:
    try:
        return check.look(subject)
    except CCAnalyticsError as error:
        text = str(error)
        for kind, then in NEXT_STEPS.items():
            if isinstance(error, kind):
                return failed(text, then)
        # What the service said ends with the id of the request, what to do comes after it.
        said, request, then = text.partition(") ")
        said, then = (f"{said})", then) if request else halves(text)
        then = then.partition("Given up after ")[0].strip()
        return failed(said, then or "Try again in some minutes.")


def verdict(findings: Sequence[CheckFinding]) -> Status:
    """The worst of all: failed, else warning, else ok."""
    found = {finding.status for finding in findings}
    worst: tuple[Status, ...] = ("failed", "warning")
    return next((status for status in worst if status in found), "ok")


def halves(text: str) -> tuple[str, str]:
    """The first sentence of an error, and the rest: what happened, and what to do."""
    first, _, rest = text.partition(": ")
    if len(first) > 150 or not rest:
        first, _, rest = text.partition(". ")
    return first, rest[:1].upper() + rest[1:]
