"""What one look found, and where the looking is done."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

Status = Literal["ok", "warning", "failed", "skipped"]
"""As it should be; works, with this in mind; does not work; could not be looked at."""

Fact = str | int | float | bool | None | Sequence[str]


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it is, and what to do when it is not as it should be.

    `id` never changes and `facts` are for programs; `source` is empty where it is about all.
    """

    id: str
    title: str
    status: Status
    found: str
    next: str = ""
    source: str = ""
    facts: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True)
class CheckContext:
    """Where a person stands, and what they asked to have looked at.

    `source` empty is every source there is something of; `day` empty is the newest closed one.
    `sleep` and `clock` are how clients wait, `home` is where logs are looked for.
    """

    environ: Mapping[str, str]
    folder: Path
    now: datetime
    home: Path
    source: str = ""
    day: str = ""
    store: Path | None = None
    roster: Path | None = None
    logs: Sequence[Path] = ()
    key_file: Path | None = None
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic


def verdict(findings: Sequence[Finding]) -> Status:
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
