"""What all clients of the services share: requests with retries, pages and errors.

    _all_rows ─ _all_pages ─ _pages ─ _request ─ _try_once    a walk, a page, one of its tries

What may pass (429, 5xx, a broken connection, a truncated answer) is tried again for `budget`
seconds; an answer that is broken the same way three times is not. A walk whose cursor the service
drops, or whose pages are too large, is started again. Anything else is an error that says what to
do, with the service's own words and its request id, never the key.

The services limit an organization, not a connection, and rarely say for how long: so a failure
stops every worker of a client, longer each time.
"""

import logging
import random
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass
from datetime import UTC, date
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from itertools import count
from typing import Any, ClassVar, TypeVar

import httpx
import msgspec

from ccanalytics.errors import ApiError, AuthError, SchemaError, SettingsError
from ccanalytics.settings import BASE_URL
from ccanalytics.sources.keys import ADMIN_KEY, Key, KeyKind
from ccanalytics.sources.registry import Source
from ccanalytics.wire.claude_code import CursorPage, ErrorBody, unknown_fields
from ccanalytics.words import counted

PAGE_SIZE, SMALLEST_PAGE = 1000, 20  # rows; a smaller page is a quarter of the one before
WALKS = 4  # starts of a walk at most: with a lost cursor, or with smaller pages
CONNECTS = 5  # tries to reach an unreachable service: a wrong address stays wrong
SAME_FAULTS = 3  # answers broken the same way before it counts as the service's fault
IDLE_PAGES = 3  # pages in a row without a new row after which a walk counts as endless
MOST_BYTES = 64_000_000  # of one answer, unpacked; a page of 1,000 records has about a million
LONGEST_ANSWER = 120.0  # seconds from the first byte of an answer to its last
PAUSE, LONGEST_PAUSE = 10.0, 60.0  # seconds after a refusal that names no time; it doubles
FIRST_RETRY, LONGEST_RETRY = 0.5, 30.0  # the same after any other failure
TIMEOUTS = (408, 504, 524)  # of a service, a gateway or Cloudflare: smaller pages may work
LOOPBACK = {"127.0.0.1", "localhost", "::1"}

# A backslash, a pair of surrogates, and as a group half a pair, which is not a character.
_ESCAPES = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)

# Of JSON, also in a field no struct has, which is only read for its name.
_UNREADABLE = (SchemaError, msgspec.DecodeError, UnicodeDecodeError)

T = TypeVar("T")
PageT = TypeVar("PageT", bound=CursorPage[Any])

Decode = Callable[[bytes], T]
Params = Mapping[str, Any]

log = logging.getLogger(__name__)


class RestartError(ApiError):
    """The pages so far are unusable: another walk may work."""


class TooLargeError(RestartError):
    """The pages are too large: another walk with smaller ones may work."""


@dataclass(eq=False)
class RetryableError(Exception):
    """A failure that may pass."""

    text: str
    _: KW_ONLY
    status: int | None = None
    asked: float | None = None  # seconds the service asks to wait
    fault: str = ""  # how an answer is broken, equal for equal faults
    slow: bool = False  # it took too long
    tries: int = 0  # how often to try at most, where that is known


class Client(Source):
    """Requests to one service, over HTTP. Threads may share it, up to eight.

    `sleep`, `clock` (seconds, monotonic) and `jitter` are the only ways it waits, so that tests
    need not; `transport` replaces the network. `unknown_fields` are those the service sent so far
    that no struct of ours has.
    """

    key_kind: ClassVar[KeyKind] = ADMIN_KEY
    per_minute: ClassVar[int | None] = None
    """The most requests per minute of all threads together; None where no limit is known."""

    def __init__(
        self,
        key: str | None,
        *,
        base_url: str = BASE_URL,
        budget: float = 600.0,
        timeout: float = 60.0,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        jitter: random.Random | None = None,
    ) -> None:
        self.unknown_fields: set[str] = set()
        self._key = Key(key or "", self.key_kind)
        self._budget, self._sleep, self._clock = budget, sleep, clock
        self._jitter, self._lock = jitter or random.Random(), threading.Lock()
        self._turns = deque[float](maxlen=self.per_minute or 0)
        self._paused_until = float("-inf")
        self._organization: str | None = None
        address = _checked_address(base_url)
        try:
            self._http = httpx.Client(
                base_url=address.copy_with(userinfo=b""),  # it would be in the log of each request
                auth=(address.username, address.password) if address.userinfo else None,
                headers={
                    "anthropic-version": "2023-06-01",
                    "user-agent": f"ccanalytics/{version('ccanalytics')}",
                    # httpx would ask for br and zstd, where another package can unpack them.
                    "accept-encoding": "gzip, deflate",
                },
                timeout=httpx.Timeout(timeout, connect=min(timeout, 10.0)),
                transport=transport,
                # A proxy cannot reach the loopback of this machine.
                trust_env=address.host not in LOOPBACK,
            )
        except (ImportError, OSError, ValueError, httpx.InvalidURL) as error:
            raise SettingsError(
                f"No connection can be prepared ({error}): check HTTPS_PROXY, ALL_PROXY, NO_PROXY "
                "and SSL_CERT_FILE."
            ) from None

    @property
    def address(self) -> str:
        """The address of the service, without a password in it."""
        return str(self._http.base_url)

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def _all_rows(self, path: str, decode: Decode[PageT], **params: str) -> list[Any]:
        """All rows of a walk; an error rather than a part."""
        return [row for page in self._all_pages(path, params, decode) for row in page.data]

    def _all_pages(self, path: str, params: Params, decode: Decode[PageT]) -> list[PageT]:
        """All pages of a walk; an error rather than a part."""
        limit = PAGE_SIZE
        for _ in range(WALKS - 1):
            try:
                return list(self._pages(path, {**params, "limit": limit}, decode))
            except RestartError as error:
                if isinstance(error, TooLargeError):
                    limit = max(SMALLEST_PAGE, limit // 4)
                log.warning("%s Starting again, with pages of %d.", error, limit)
        return list(self._pages(path, {**params, "limit": limit}, decode))

    def _pages(self, path: str, params: Params, decode: Decode[PageT]) -> Iterator[PageT]:
        """The pages of one walk as they come, with the rows no earlier page had."""
        where, cursors, rows, idle = _asked_for(params), {""}, set[int](), 0
        for number in count(1):
            page = self._request(path, params, decode)
            # A single page, which most days are, has no earlier one to repeat.
            if page.goes_on or rows:
                marks = [(hash(msgspec.json.encode(row)), row) for row in page.data]
                fresh = [row for mark, row in marks if mark not in rows]
                rows.update(mark for mark, _ in marks)
                if repeated := len(page.data) - len(fresh):
                    text = "%s: page %d repeats %d rows of earlier pages; they count once."
                    log.warning(text, where, number, repeated)
                page.data = fresh
                idle = 0 if fresh else idle + 1
            yield page
            if not page.goes_on:
                return
            cursor = page.next_page or ""
            if cursor in cursors or idle == IDLE_PAGES:
                fault = "repeats a cursor" if cursor else "gives no cursor"
                fault = "had nothing new three times" if idle == IDLE_PAGES else fault
                raise RestartError(
                    f"{where}: page {number} says there is more but {fault}: "
                    "the rest cannot be fetched. Nothing was kept; try again later."
                )
            cursors.add(cursor)
            params = {**params, page.continued_by: cursor}

    def _noting(self, decode: Decode[PageT], inside: str = "") -> Decode[PageT]:
        """`decode`, which also logs fields of rows that are new to this version, each once."""

        def decoded(body: bytes) -> PageT:
            page = decode(body)
            if news := unknown_fields(body, page.data, inside) - self.unknown_fields:
                log.warning("The service sends fields unknown to this version: %s.", sorted(news))
                self.unknown_fields |= news
            return page

        return decoded

    def _request(self, path: str, params: Params, decode: Decode[T]) -> T:
        """The decoded answer, after as many tries as the budget allows."""
        end, faults = None, list[str]()
        while True:
            self._wait_for_turn()
            end = end or self._clock() + self._budget
            try:
                return self._try_once(path, params, decode)
            except RetryableError as failure:
                if failure.slow and faults and params.get("limit", 0) > SMALLEST_PAGE:
                    raise TooLargeError(failure.text, status=failure.status) from None
                faults.append(failure.fault)
                if failure.fault and faults[-SAME_FAULTS:] == [failure.fault] * SAME_FAULTS:
                    raise SchemaError(
                        f"{failure} Broken in the same way {SAME_FAULTS} times: the service, or "
                        "what is between it and here, is at fault. Nothing was kept."
                    ) from None
                self._pause_after(failure, len(faults), end - self._clock())

    def _wait_for_turn(self) -> None:
        """Wait for the end of a pause, each worker a little longer, and for a free slot."""
        with self._lock:
            turn = now = self._clock()
            if self._paused_until > now:
                turn = self._paused_until + self._jitter.random()
            if self.per_minute and len(self._turns) == self.per_minute:
                turn = max(turn, self._turns[0] + 60.0)
            self._turns.append(turn)
        if turn > now:
            self._sleep(turn - now)

    def _pause_after(self, failure: RetryableError, tries: int, left: float) -> None:
        """Pause every worker before the next try; `ApiError` when there is none."""
        silent = failure.status in (429, 529) and failure.asked is None
        first, longest = (PAUSE, LONGEST_PAUSE) if silent else (FIRST_RETRY, LONGEST_RETRY)
        pause = min(longest, first * 2 ** min(tries - 1, 10)) * (1 + self._jitter.random())
        pause = max(pause, failure.asked or 0.0)
        if pause > left or tries == failure.tries:
            asked = f" The service asks to wait {failure.asked:,.0f} s." if failure.asked else ""
            raise ApiError(
                f"{failure} Gave up after {counted(tries, 'try', 'tries')}, of at most "
                f"{self._budget:.0f} s.{asked} No part of a day is kept; the same command "
                "continues from here later.",
                status=failure.status,
            ) from None
        log.warning("%s Next try in %.1f s.", failure, pause)
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock() + pause)

    def _try_once(self, path: str, params: Params, decode: Decode[T]) -> T:
        """The decoded answer of one try; `RetryableError` when another try may succeed."""
        # Errors are not chained to httpx's: those hold the request, and so the key.
        begun, headers = False, self._key.headers()
        try:
            with self._http.stream("GET", path, params=params, headers=headers) as answer:
                begun = True
                # A proxy may repeat the key, and errors show the start of the body.
                body = self._key.redact(self._read(answer, params))
        except (httpx.TransportError, httpx.DecodingError) as error:
            what = self._key.redact(f"{type(error).__name__} {error}")
            raise RetryableError(
                f"{self.address} gave no answer ({what.strip()}): check the network and the base "
                "URL.",
                fault=what if begun and not isinstance(error, httpx.ReadTimeout) else "",
                slow=isinstance(error, httpx.ReadTimeout),
                tries=CONNECTS if isinstance(error, httpx.ConnectError) else 0,
            ) from None
        if answer.status_code != 200:
            raise self._refusal(answer, body, params)
        self._organization = answer.headers.get("anthropic-organization-id", self._organization)
        with suppress(ValueError):
            sent = parsedate_to_datetime(answer.headers.get("date", ""))
            self.answered_at = sent.astimezone(UTC)
        return self._decoded(answer, body, params, decode)

    def _read(self, answer: httpx.Response, params: Params) -> bytes:
        """The whole body, unpacked; an error when it is larger or slower than any should be."""
        begun, body, fault = self._clock(), bytearray(), ""
        for part in answer.iter_bytes():
            body += part
            if len(body) > MOST_BYTES:
                fault = f"is larger than {MOST_BYTES / 1e6:.0f} MB"
            elif self._clock() - begun > LONGEST_ANSWER:
                fault = f"takes longer than {LONGEST_ANSWER:.0f} s"
            if fault:
                raise TooLargeError(f"{_asked_for(params)}: the answer {fault}.")
        return bytes(body)

    def _decoded(self, answer: httpx.Response, body: bytes, params: Params, decode: Decode[T]) -> T:
        """The decoded body, repaired when it has invalid characters.

        `RetryableError` when it is truncated, else `SchemaError`.
        """
        where = _asked_for(params)
        try:
            return decode(body)
        except RecursionError:
            text = f"{where}: the answer is nested too deeply. {_reference(answer)}"
            raise SchemaError(text) from None
        except _UNREADABLE as error:
            if (better := _repaired(body)) != body:
                log.warning("%s: the answer has a broken character, replaced by U+FFFD.", where)
                return self._decoded(answer, better, params, decode)
            text = self._key.redact(f"{where}: {error} {_reference(answer)}")
            cause = error.__cause__
            if isinstance(cause, msgspec.ValidationError) or body.lstrip()[:1] == b"<":
                raise SchemaError(text) from cause
            raise RetryableError(text, fault=str(error)) from None

    def _refusal(self, answer: httpx.Response, body: bytes, params: Params) -> Exception:
        """The error for an answer other than 200."""
        status, detail, headers = answer.status_code, None, answer.headers
        said = f"without the service's own words, but {body[:60]!r}."
        with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            detail = msgspec.json.decode(body, type=ErrorBody).error
            said = f"{detail.type}, {detail.message.rstrip('.')}."
        text = self._key.redact(f"{_asked_for(params)}: {status} {said} {_reference(answer)}")
        may_pass = status in (408, 429) or (status >= 500 and status not in (501, 505))
        if {"true": True, "false": False}.get(headers.get("x-should-retry"), may_pass):
            asked, slow = _retry_after(headers), status in TIMEOUTS
            return RetryableError(text, status=status, asked=asked, slow=slow)
        if status == 413:
            return TooLargeError(text, status=status)
        if "page" in params and status in (400, 409, 410):
            text += " The service no longer accepts this cursor."
            return RestartError(text, status=status)
        if detail and status in (401, 403):
            return AuthError(f"{text} {self._key.advice}")
        then = "Retrying does not help."
        if not detail:
            then = f"A proxy answered, or the base URL {self.address} is wrong."
        elif status == 404:
            scope, lacking = self._key.wanted.scope, self._key.wanted.lacking
            then = f"The key may lack the scope {scope}. {lacking} Else check the base URL "
            then += f"{self.address}."
        return ApiError(f"{text} {then}", status=status)


def checked_day(day: date | str) -> date:
    """The UTC day; a time is refused, because its day depends on a time zone."""
    try:
        return date.fromisoformat(str(day))
    except ValueError:
        raise ValueError(f"{day!r} is not a day: write a UTC day as YYYY-MM-DD.") from None


def _checked_address(base_url: str) -> httpx.URL:
    """The address of a service; `SettingsError` if a key would be sent in clear."""
    address = None
    with suppress(httpx.InvalidURL):
        address = httpx.URL(base_url)
    if not address or address.scheme not in ("http", "https") or not address.host:
        raise SettingsError(f"The base URL {base_url!r} must begin with https:// and a host.")
    if address.scheme == "http" and address.host not in LOOPBACK:
        raise SettingsError(
            f"The base URL {address.copy_with(userinfo=b'')} would send the key in clear: write "
            "https://. Only this machine itself may be asked with http://."
        )
    return address


def _repaired(body: bytes) -> bytes:
    """The JSON with U+FFFD for invalid characters: half a surrogate pair, broken UTF-8."""
    text = body.decode("utf-8-sig", errors="replace").encode()
    return _ESCAPES.sub(lambda found: rb"\ufffd" if found[1] else found[0], text)


def _retry_after(headers: httpx.Headers) -> float | None:
    """The seconds the service asks for; None when it gives none that makes sense.

    `anthropic-ratelimit-*-reset` is not read: the Admin API sends it already in the past.
    """
    seconds = -1.0
    with suppress(ValueError):
        seconds = float(headers.get("retry-after", ""))
    return seconds if 0 <= seconds < float("inf") else None


def _asked_for(params: Params) -> str:
    """The requested day, or the first one."""
    days = (params.get(name) for name in ("date", "starting_at", "starting_date"))
    return next((str(day)[:10] for day in days if day), "The organization")


def _reference(answer: httpx.Response) -> str:
    return f"(request {answer.headers.get('request-id') or 'without id'})"
