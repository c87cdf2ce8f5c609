"""Where records come from: one file per source, one function in common."""

from datetime import date
from typing import Protocol

from ccanalytics.wire.claude_code import Record


class Source(Protocol):
    """Anything that can tell the records of one UTC day."""

    name: str

    def records(self, day: date) -> list[Record]:
        """All records of one UTC day, none when nothing happened; an error rather than a part."""
        ...

    def span(self) -> tuple[date, date] | None:
        """The first and last day there can be records of; None when only the service knows."""
        ...
