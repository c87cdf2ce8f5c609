"""What all sources share: records of UTC days, and what only some know."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Self

from ccanalytics.wire.analytics_cost import ChargedDays
from ccanalytics.wire.claude_code import Record
from ccanalytics.wire.enterprise import Summary


class Source:
    """A source of records of UTC days; a source overrides what it knows."""

    name = ""

    unknown_fields: Iterable[str] = ()
    """Fields seen so far that this version does not know."""

    answered_at: datetime | None = None
    """When the service answered last, by its own clock; None when unknown."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections, if any."""

    def records(self, day: date) -> list[Record]:
        """All records of one UTC day, none when nothing happened; an error rather than a part."""
        raise NotImplementedError

    def span(self) -> tuple[date, date] | None:
        """The first and last possible day of records; None when only the service knows."""
        return None

    def charges(self, since: date, until: date) -> ChargedDays | None:
        """The charges of the days from `since` to `until`; None where unknown."""
        return None

    def seats(self, since: date, until: date) -> dict[date, Summary] | None:
        """The assigned seats of the days from `since` to `until`; None where unknown."""
        return None
