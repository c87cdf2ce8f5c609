"""What is checked, what a check found, and how checks are run."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Literal, TypeVar, get_args

from ccanalytics.errors import CCAnalyticsError

Status = Literal["failed", "warning", "ok", "skipped"]
"""Failed: does not work. Warning: works, with a caveat. Skipped: could not be checked."""

STATUSES: tuple[Status, ...] = get_args(Status)
"""Worst first."""

Subject = TypeVar("Subject")


@dataclass(frozen=True)
class CheckContext:
    """What is to be checked, and where.

    Without a `source` every source that is set up, without a `day` the newest closed one. Clients
    wait by `sleep` and `clock`.
    """

    environ: Mapping[str, str]
    folder: Path
    now: datetime
    source: str | None = None
    day: date | None = None
    store: Path | None = None
    roster: Path | None = None
    logs: Sequence[Path] = ()
    key_file: Path | None = None
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True)
class CheckFinding:
    """What a check found, and what to do about it; `source` is empty for checks of the machine."""

    status: Status
    found: str
    next: str = ""
    id: str = ""
    source: str = ""


def found(text: str, then: str = "") -> CheckFinding:
    """It works; a warning where there is something to do."""
    return CheckFinding("warning" if then else "ok", text, then)


def failed(text: str, then: str) -> CheckFinding:
    """It does not work until `then` is done."""
    return CheckFinding("failed", text, then)


def run(
    checks: Mapping[str, Callable[[Subject], CheckFinding | None]],
    subject: Subject,
    source: str = "",
    needs: Mapping[str, str] | None = None,
) -> Iterator[CheckFinding]:
    """One finding per check that has something to say; an error in a check is a finding too.

    A check is skipped when the one it needs failed or was skipped.
    """
    reasons: dict[str, str] = {}
    for id, look in checks.items():
        reason = reasons.get((needs or {}).get(id, ""), "")
        try:
            finding = CheckFinding("skipped", reason) if reason else look(subject)
        except (CCAnalyticsError, ValueError) as error:
            what, _, then = str(error).partition(
                ". "
            )  # an error says what happened, then what to do
            finding = failed(what, then)
        if finding is None:
            continue
        if finding.status in ("failed", "skipped"):
            reasons[id] = reason or f"{id} {finding.status}"
        yield replace(finding, id=id, source=source)


def verdict(findings: Sequence[CheckFinding]) -> Status:
    """The worst status: failed, else warning, else ok."""
    statuses = {finding.status for finding in findings} - {"skipped"}
    return min(statuses, key=STATUSES.index, default="ok")
