"""A check, its context and its finding."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Generic, Literal, TypeVar

from ccanalytics.errors import CCAnalyticsError, SchemaError, SettingsError, StoreError

Status = Literal["failed", "warning", "ok", "skipped"]
"""Failed: does not work. Warning: works, with a caveat. Skipped: could not be checked."""

STATUSES: tuple[Status, ...] = ("failed", "warning", "ok", "skipped")
"""Worst first."""

Fact = str | int | float | bool | None | Sequence[str]

Subject = TypeVar("Subject")

NEXT_STEPS: Mapping[type[CCAnalyticsError], str] = {
    SettingsError: "Correct the file, path or address in this message.",
    SchemaError: "Check ANTHROPIC_BASE_URL: the service did not answer.",
    StoreError: "See the check of the stored days.",
}
"""What to do after errors that do not say so themselves."""


@dataclass(frozen=True)
class CheckContext:
    """What is to be checked, and where.

    An empty `source` means every source that is set up; an empty `day` the newest closed one.
    Clients wait by `sleep` and `clock`.
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
    """What a check found, and what to do about it.

    `id` is stable, `facts` are for programs, `source` is empty for checks of the machine.
    """

    status: Status
    found: str
    next: str = ""
    facts: Mapping[str, Fact] = field(default_factory=dict)
    id: str = ""
    title: str = ""
    source: str = ""


def found(text: str, then: str = "", /, **facts: Fact) -> CheckFinding:
    """It works; a warning where there is something to do."""
    return CheckFinding("warning" if then else "ok", text, then, facts)


def failed(text: str, then: str, /, **facts: Fact) -> CheckFinding:
    """It does not work until `then` is done."""
    return CheckFinding("failed", text, then, facts)


@dataclass(frozen=True)
class SetupCheck(Generic[Subject]):
    """One thing that can be wrong. `look` returns None where there is nothing to check.

    It is skipped when the check with the id `needs` failed.
    """

    id: str
    title: str
    look: Callable[[Subject], CheckFinding | None]
    needs: str = ""


def run(
    checks: Sequence[SetupCheck[Subject]], subject: Subject, source: str = ""
) -> Iterator[CheckFinding]:
    """One finding per check; an error in a check is a finding too."""
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
        # The service's words end with the request id in brackets; the advice follows.
        said, request, then = text.partition(") ")
        said, then = (f"{said})", then) if request else halves(text)
        then = then.partition("Gave up after ")[0].strip()
        return failed(said, then or "Try again in some minutes.")


def verdict(findings: Iterable[CheckFinding]) -> Status:
    """The worst status: failed, else warning, else ok."""
    statuses = {finding.status for finding in findings} - {"skipped"}
    return min(statuses, key=STATUSES.index, default="ok")


def halves(text: str) -> tuple[str, str]:
    """The first sentence of an error, and the rest: what happened, and what to do."""
    first, _, rest = text.partition(": ")
    if len(first) > 150 or not rest:
        first, _, rest = text.partition(". ")
    return first, rest[:1].upper() + rest[1:]
