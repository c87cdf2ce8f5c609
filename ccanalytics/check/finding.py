"""What is looked at, what one look found, and where it is looked."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Generic, Literal, TypeVar

from ccanalytics.errors import CCAnalyticsError

Status = Literal["ok", "warning", "failed", "skipped"]
"""As it should be; works, with this in mind; does not work; could not be looked at."""

Fact = str | int | float | bool | None | Sequence[str]

Subject = TypeVar("Subject")

Explain = Callable[[CCAnalyticsError], tuple[str, str]]
"""An error -> what happened, and what to do."""


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


def skipped(found: str) -> CheckFinding:
    """It could not be looked at."""
    return CheckFinding("skipped", found)


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
    checks: Sequence[SetupCheck[Subject]], subject: Subject, explain: Explain, source: str = ""
) -> Iterator[CheckFinding]:
    """One finding per check, whatever fails on the way; an error of ours is a failure."""
    reasons: dict[str, str] = {}
    for check in checks:
        finding: CheckFinding | None
        if reason := reasons.get(check.needs):
            finding = skipped(reason)
        else:
            try:
                finding = check.look(subject)
            except CCAnalyticsError as error:
                finding = failed(*explain(error))
            reason = f"{check.title.lower()} failed"
        if finding is None:
            continue
        if finding.status in ("failed", "skipped"):
            reasons[check.id] = reason
        yield replace(finding, id=check.id, title=check.title, source=source)


def verdict(findings: Sequence[CheckFinding]) -> Status:
    """The worst of all: failed, else warning, else ok."""
    found = {finding.status for finding in findings}
    if "failed" in found:
        return "failed"
    return "warning" if "warning" in found else "ok"


def halves(text: str) -> tuple[str, str]:
    """The first sentence of an error, and the rest: what happened, and what to do."""
    first, _, rest = text.partition(": ")
    if len(first) > 150 or not rest:
        first, _, rest = text.partition(". ")
    return first, rest[:1].upper() + rest[1:]


def listed(names: Sequence[object]) -> str:
    """The first three, and how many more there are."""
    first = ", ".join(map(str, names[:3]))
    return first + (f" and {len(names) - 3} more" if len(names) > 3 else "")
