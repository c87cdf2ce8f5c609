"""The result of a sync, by outcome of each day."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from ccanalytics.store.day_totals import DayChange


@dataclass(frozen=True)
class SyncResult:
    """The result of a sync: days by outcome, in order."""

    new: tuple[date, ...] = ()
    changed: tuple[date, ...] = ()
    same: tuple[date, ...] = ()
    final: tuple[date, ...] = ()
    """Days that were not fetched again."""
    open: tuple[date, ...] = ()
    """Days that are not over or not counted yet: not stored, except from logs."""
    newest: date | None = None
    """The newest day the service has, when a later one was requested."""
    remark: str = ""
    """What the service refused besides; what is stored of it is unchanged."""

    @classmethod
    def of(
        cls,
        changes: Iterable[DayChange],
        *,
        final: tuple[date, ...],
        open: tuple[date, ...],
        newest: date | None = None,
        remark: str = "",
    ) -> "SyncResult":
        """The days of `changes` by outcome, and the others."""
        known = list(changes)

        def days(kind: str) -> tuple[date, ...]:
            return tuple(change.day for change in known if change.kind == kind)

        return cls(days("new"), days("changed"), days("same"), final, open, newest, remark)

    @classmethod
    def united(cls, results: "Iterable[SyncResult]") -> "SyncResult":
        """The combined result of syncs of several sources."""
        parts = list(results)

        def days(kind: str) -> tuple[date, ...]:
            return tuple(sorted(day for part in parts for day in getattr(part, kind)))

        return cls(days("new"), days("changed"), days("same"), days("final"), days("open"))

    @property
    def fetched(self) -> int:
        """The number of days read from the source."""
        return len(self.new) + len(self.changed) + len(self.same)

    def __str__(self) -> str:
        parts = [
            f"{len(self.new)} new",
            f"{len(self.changed)} changed",
            f"{len(self.same) + len(self.final)} unchanged",
            *([f"{len(self.open)} not closed yet"] if self.open else []),
        ]
        newest = f" The newest the service has counted is {self.newest}." if self.newest else ""
        return f"Days: {', '.join(parts)}.{newest}{' ' if self.remark else ''}{self.remark}"
