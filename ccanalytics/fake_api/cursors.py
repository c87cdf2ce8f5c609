"""Pages of one moment: what a walk found when it began, and the cursors into it.

A cursor is opaque and good only for the question it was given for: changed, or sent with another
question, it is refused. The oldest ones are forgotten, as cursors of the service expire.
"""

import base64
import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ccanalytics.fake_api.faults import Refused

CURSORS_KEPT = 2000


@dataclass(frozen=True)
class WalkPosition:
    """Where a walk goes on: `items` are what it found when it began."""

    walk: int
    question: str
    items: Sequence[Any]
    start: int = 0

    @property
    def cursor(self) -> str:
        """The same for the same place; it contains `=`, as those of the service do."""
        text = f"{self.walk} {self.start} {self.question}".encode()
        return f"page_{base64.urlsafe_b64encode(hashlib.sha256(text).digest()[:16]).decode()}"


class Cursors:
    """The cursors given so far; thread-safe."""

    def __init__(self) -> None:
        self._places: dict[str, WalkPosition | None] = {}
        self._begun = 0
        self._lock = threading.Lock()

    def begin(self, question: str, items: Sequence[Any]) -> WalkPosition:
        """The first place of a new walk."""
        with self._lock:
            self._begun += 1
            return WalkPosition(self._begun, question, items)

    def find(self, cursor: str, question: str, expired: int) -> WalkPosition:
        """Where `cursor` leads; when it was forgotten it is refused with the status `expired`."""
        with self._lock:
            if cursor not in self._places:
                raise Refused(400, "page: invalid cursor for this query")
            place = self._places[cursor]
        if place is None:
            raise Refused(expired, "page: this cursor has expired")
        if place.question != question:
            raise Refused(400, "page: invalid cursor for this query")
        return place

    def give(self, place: WalkPosition, start: int) -> str:
        """A cursor to the item `start` of the same walk."""
        further = replace(place, start=start)
        with self._lock:
            self._places[further.cursor] = further
            while len(self._places) > CURSORS_KEPT:
                del self._places[next(iter(self._places))]
        return further.cursor

    def forget(self) -> None:
        """Every cursor so far has expired."""
        with self._lock:
            self._places = dict.fromkeys(self._places)
