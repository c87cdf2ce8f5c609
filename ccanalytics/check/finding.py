"""What a check found, and how checks are run."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar, get_args

from ccanalytics.errors import CCAnalyticsError

Status = Literal["failed", "warning", "ok"]
"""Failed: does not work. Warning: works, with a caveat."""

STATUSES: tuple[Status, ...] = get_args(Status)
"""Worst first."""

Subject = TypeVar("Subject")


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


def failure(error: Exception) -> CheckFinding:
    """What an error says: what happened, then what to do."""
    what, _, then = str(error).partition(". ")
    return failed(what, then)


def run(
    checks: Mapping[str, Callable[[Subject], CheckFinding | None]], subject: Subject
) -> Iterator[CheckFinding]:
    """One finding per check that has something to say; an error in a check is a finding too."""
    for id, look in checks.items():
        try:
            finding = look(subject)
        except CCAnalyticsError as error:
            finding = failure(error)
        if finding:
            yield replace(finding, id=id)


def verdict(findings: Sequence[CheckFinding]) -> Status:
    """The worst status."""
    return min((finding.status for finding in findings), key=STATUSES.index, default="ok")
