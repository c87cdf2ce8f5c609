"""What a check found, and how checks are run."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from ccanalytics.errors import CCAnalyticsError

Status = Literal["failed", "warning", "ok"]
"""Worst first. Failed: does not work. Warning: works, with a caveat."""


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
    checks: Mapping[str, Callable[[Any], CheckFinding | None]], subject: Any
) -> Iterator[CheckFinding]:
    """One finding per check that has something to say; an error in a check is a finding too."""
    for id, look in checks.items():
        try:
            finding = look(subject)
        except CCAnalyticsError as error:
            finding = failure(error)
        if finding:
            yield replace(finding, id=id)


def verdict(findings: Collection[CheckFinding]) -> Status:
    """The worst status."""
    return min((one.status for one in findings), key=get_args(Status).index, default="ok")
