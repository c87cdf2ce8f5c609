"""Pages of one moment: what a walk found when it began, and signed cursors into it.

A cursor is opaque and good only for the question it was given for: changed, or sent with another
question, it is refused. The oldest walks are forgotten, as cursors of the service expire.
"""

import base64
import hashlib
import hmac
import json
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import overload

from ccanalytics.fake_api.messages import Refused, bad_request

WALKS_KEPT = 64


@dataclass(frozen=True)
class Slice:
    """One page of a walk: its rows as JSON, and the cursor of the next page if there is one."""

    rows: Sequence[bytes]
    next_page: str | None


class Later(Sequence[bytes]):
    """Rows that are made when they are looked at: one of each thing in `of`."""

    def __init__(self, of: Sequence[int], make: Callable[[int], bytes]) -> None:
        self._of, self._make = of, make

    def __len__(self) -> int:
        return len(self._of)

    @overload
    def __getitem__(self, place: int) -> bytes: ...
    @overload
    def __getitem__(self, place: slice) -> "Later": ...
    def __getitem__(self, place: int | slice) -> "bytes | Later":
        if isinstance(place, slice):
            return Later(self._of[place], self._make)
        return self._make(self._of[place])


class Walks:
    """The walks under way; thread-safe. `secret` signs the cursors."""

    def __init__(self, secret: bytes | None = None) -> None:
        self._secret = secret or secrets.token_bytes(32)
        self._rows: OrderedDict[int, Sequence[bytes]] = OrderedDict()
        self._begun = 0
        self._lock = threading.Lock()

    def begin(self, rows: Sequence[bytes]) -> int:
        """The number of a new walk over `rows`."""
        with self._lock:
            self._begun += 1
            self._rows[self._begun] = rows
            while len(self._rows) > WALKS_KEPT:
                self._rows.popitem(last=False)
            return self._begun

    def forget(self) -> None:
        """Every cursor so far has expired."""
        with self._lock:
            self._rows.clear()

    def found(self, cursor: str, question: str) -> tuple[int, int]:
        """The walk and the place a cursor points to; `Refused` when it is of another question."""
        try:
            raw = base64.b64decode(cursor.removeprefix("page_"), altchars=b"-_", validate=True)
        except ValueError:
            raw = b""
        signed, text = raw[:12], raw[12:]
        if not hmac.compare_digest(signed, self._sign(text, question)):
            raise bad_request("page: invalid cursor for this query")
        walk, start = text.split()
        return int(walk), int(start)

    def slice(
        self,
        walk: int,
        start: int,
        size: int,
        question: str,
        *,
        repeat: bool = False,
        expired: int = 400,
    ) -> Slice:
        """`size` rows of a walk from `start` on; with `repeat` the next page is this one again.

        A walk that was forgotten is refused with the status `expired`.
        """
        with self._lock:
            rows = self._rows.get(walk)
        if rows is None:
            raise Refused(expired, "invalid_request_error", "page: this cursor has expired")
        end = start + size
        following = start if repeat else end
        cursor = self._cursor(walk, following, question) if end < len(rows) else None
        return Slice(rows[start:end], cursor)

    def _cursor(self, walk: int, start: int, question: str) -> str:
        text = f"{walk} {start}".encode()
        text += b" " * ((1 - len(text)) % 3)  # a length that base64 ends with "=="
        signed = self._sign(text, question)
        return f"page_{base64.urlsafe_b64encode(signed + text).decode()}"

    def _sign(self, text: bytes, question: str) -> bytes:
        whole = text + b"\0" + question.encode()
        return hmac.new(self._secret, whole, hashlib.sha256).digest()[:12]


def encode_slice(page: Slice) -> bytes:
    """A page in the envelope of reports: data, has_more, next_page."""
    following = json.dumps(page.next_page).encode()
    more = b"true" if page.next_page else b"false"
    return b'{"data":[%s],"has_more":%s,"next_page":%s}' % (b",".join(page.rows), more, following)
