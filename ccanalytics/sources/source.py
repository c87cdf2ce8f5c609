"""What every source has in common: records of UTC days, and what few of them know besides."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Self

from ccanalytics.wire.analytics_cost import ChargedDays
from ccanalytics.wire.claude_code import Record
from ccanalytics.wire.enterprise import Summary


class Source:
    """What has the records of UTC days; what a source does not know stays as it is here."""

    name = ""

    unknown_fields: Iterable[str] = ()
    """Fields of the service that this version does not know, seen so far."""

    answered_at: datetime | None = None
    """When the service answered last, by its own clock; None when it did not say."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections of a source that has any."""

    def records(self, day: date) -> list[Record]:
        """All records of one UTC day, none when nothing happened; an error rather than a part."""
        raise NotImplementedError

    def span(self) -> tuple[date, date] | None:
        """The first and last day there can be records of; None when only the service knows."""
        return None

    def charges(self, since: date, until: date) -> ChargedDays | None:
        """What the days from `since` to `until` were charged; None where nothing is known."""
        return None

    def seats(self, since: date, until: date) -> dict[date, Summary] | None:
        """The assigned seats of the days from `since` to `until`; None where none are known."""
        return None
