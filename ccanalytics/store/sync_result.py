"""What a sync did, by what became of each day."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from ccanalytics.store.day_totals import DayChange


@dataclass(frozen=True)
class SyncResult:
    """What a sync did: days by what became of them, in order."""

    new: tuple[date, ...] = ()
    changed: tuple[date, ...] = ()
    same: tuple[date, ...] = ()
    final: tuple[date, ...] = ()
    """Days not asked for again."""
    open: tuple[date, ...] = ()
    """Days not over, or not counted by the service yet: not stored; of logs what there is."""
    newest: date | None = None
    """The newest day the service has so far, when it was asked for a later one."""
    remark: str = ""
    """What else the service has and did not tell; what is stored of it stays as it was."""

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
        """The days of `changes` by what became of them, and the others."""
        known = list(changes)

        def days(kind: str) -> tuple[date, ...]:
            return tuple(change.day for change in known if change.kind == kind)

        return cls(days("new"), days("changed"), days("same"), final, open, newest, remark)

    @classmethod
    def united(cls, results: "Iterable[SyncResult]") -> "SyncResult":
        """What several syncs of different sources did together."""
        parts = list(results)

        def days(kind: str) -> tuple[date, ...]:
            return tuple(sorted(day for part in parts for day in getattr(part, kind)))

        return cls(days("new"), days("changed"), days("same"), days("final"), days("open"))

    @property
    def fetched(self) -> int:
        """How many days were read from the source."""
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
