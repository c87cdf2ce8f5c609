"""What all clients of the services share: requests with retries, pages and errors.

    _all_pages ─ _pages ─ _request ─ _try_once    a walk ─ its pages ─ one page ─ one of its tries

What may pass (429, 5xx, a broken connection, a truncated answer) is retried within
`budget` seconds per walk; an answer that is broken the same way three times is not. A walk whose
cursor the service drops is started again. Anything else is an error that says what to do, with
the service's own words and its request id, never the key.
"""

import logging
import random
import time
from collections.abc import Callable, Iterator
from datetime import date
from importlib.metadata import version
from itertools import count
from typing import Any, ClassVar, TypeVar

import httpx
import msgspec

from ccanalytics.errors import ApiError, AuthError, SchemaError, SettingsError
from ccanalytics.settings import BASE_URL
from ccanalytics.sources import http_answers as answers
from ccanalytics.sources.backoff import FIRST_RETRY, LONGEST_RETRY, RetryBudget, Throttle, growing
from ccanalytics.sources.http_answers import (
    IncompletePagesError,
    Params,
    RetryableError,
    TooLargePageError,
    can_be_smaller,
)
from ccanalytics.sources.keys import ADMIN_KEY, Key, KeyKind
from ccanalytics.sources.registry import Source
from ccanalytics.wire.claude_code import CursorPage, unknown_fields
from ccanalytics.words import counted

WALKS = 3
"""How often a walk is started at most, when the service drops its cursor."""

CONNECTS = 5
"""Attempts to reach an unreachable service: a wrong address stays wrong."""

SAME_FAULTS = 3
"""Answers in a row that are broken the same way before it counts as the service's fault."""

IDLE_PAGES = 3
"""Pages in a row without a new row after which a walk counts as endless."""

PAGE_SIZE = 1000
"""Rows of one page."""


T = TypeVar("T")
PageT = TypeVar("PageT", bound=CursorPage[Any])

Decode = Callable[[bytes], T]

log = logging.getLogger(__name__)


class Client(Source):
    """Requests to one service, over HTTP. Threads may share it, up to eight.

    `sleep`, `clock` (seconds, monotonic) and `jitter` are the only ways it waits, so that tests
    need not; `transport` replaces the network.
    `unknown_fields` are those the service sent so far that no struct of ours has. `on_answer` is
    called with every answer, before its body is there.
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
        on_answer: Callable[[httpx.Response], None] | None = None,
    ) -> None:
        self.unknown_fields: set[str] = set()
        self._key = Key(key or "", self.key_kind)
        self._budget, self._sleep, self._clock = budget, sleep, clock
        self._jitter = jitter or random.Random()
        self._throttle = Throttle(self.per_minute, sleep=sleep, clock=clock, jitter=self._jitter)
        self._organization: str | None = None
        address = answers.checked_address(base_url)
        login = (address.username, address.password) if address.userinfo else None
        self._http = httpx.Client(
            base_url=address.copy_with(userinfo=b""),  # it would be in the log of each request
            auth=login,
            headers={
                "anthropic-version": "2023-06-01",
                "user-agent": f"ccanalytics/{version('ccanalytics')}",
                # httpx would ask for br and zstd too, where some other package can unpack them.
                "accept-encoding": "gzip, deflate",
            },
            timeout=httpx.Timeout(timeout, connect=min(timeout, 10.0)),
            transport=transport,
            # A proxy cannot reach the loopback of this machine.
            trust_env=address.host not in answers.LOOPBACK,
            event_hooks={"response": [on_answer] if on_answer else []},
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._key!r}, base_url={self.address!r})"

    @property
    def address(self) -> str:
        """The address of the service, without a password in it."""
        return str(self._http.base_url)

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def _all_pages(self, path: str, params: Params, decode: Decode[PageT]) -> list[PageT]:
        """All pages of a walk; started again when the service drops its cursor."""
        retries, walks = RetryBudget(self._budget), 0
        while True:
            try:
                return list(self._pages(path, params, decode, retries))
            except TooLargePageError as error:
                params = answers.with_smaller_pages(params)
                log.warning("%s Trying again with pages of %s.", error, params["limit"])
            except IncompletePagesError as error:
                walks += 1
                if walks == WALKS:
                    raise
                log.warning("%s Starting again from the first page.", error)

    def _pages(
        self, path: str, params: Params, decode: Decode[PageT], retries: RetryBudget
    ) -> Iterator[PageT]:
        """The pages of one walk as they come, with the rows no earlier page had."""
        cursors, rows, idle = set[str](), set[int](), 0
        for number in count(1):
            page = self._request(path, params, decode, retries)
            # A single page, which most days are, has no earlier one to repeat.
            if page.goes_on or rows:
                fresh = answers.new_rows(page.data, rows)
                if repeated := len(page.data) - len(fresh):
                    log.warning("%s: page %d repeats %d rows of earlier pages; they count once.",
                                _asked_for(params), number, repeated)  # fmt: skip
                    page = msgspec.structs.replace(page, data=fresh)
                idle = 0 if fresh else idle + 1
            yield page
            if not page.goes_on:
                return
            cursor = page.next_page or ""
            fault = "gives no cursor" if not cursor else "repeats a cursor"
            fault = "had nothing new three times" if idle == IDLE_PAGES else fault
            if not cursor or cursor in cursors or idle == IDLE_PAGES:
                raise IncompletePagesError(
                    f"{_asked_for(params)}: page {number} says there is more but {fault}: "
                    "the rest cannot be fetched. Nothing was kept; try again later."
                )
            cursors.add(cursor)
            params = {**params, page.continued_by: cursor}

    def _all_rows(self, path: str, decode: Decode[PageT], **params: str) -> list[Any]:
        """All rows of a walk; an error rather than a part."""
        pages = self._all_pages(path, {**params, "limit": PAGE_SIZE}, decode)
        return [row for page in pages for row in page.data]

    def _noted(self, body: bytes, page: PageT, inside: str = "") -> PageT:
        """The page; fields of its rows that are new to this version are logged once."""
        if news := unknown_fields(body, page.data, inside) - self.unknown_fields:
            log.warning("The service sends fields unknown to this version: %s.", sorted(news))
            self.unknown_fields |= news
        return page

    def _request(
        self, path: str, params: Params, decode: Decode[T], retries: RetryBudget | None = None
    ) -> T:
        """The decoded answer, after as many tries as `retries` allows."""
        retries, faults = retries or RetryBudget(self._budget), ("",) * SAME_FAULTS
        for tries in count(1):
            if not self._throttle.wait(retries):
                raise ApiError(_given_up(f"{_asked_for(params)}: held back.", retries))
            sent = self._clock()
            try:
                value = self._try_once(path, params, decode)
            except RetryableError as failure:
                retries.spent += self._clock() - sent
                if failure.slow and tries > 1 and can_be_smaller(params):
                    raise TooLargePageError(str(failure), status=failure.status) from None
                faults = (*faults[1:], failure.fault)
                if failure.fault and len(set(faults)) == 1:
                    raise SchemaError(
                        f"{failure} Broken in the same way {SAME_FAULTS} times: the service, or "
                        "what is between it and here, is at fault. Nothing was kept."
                    ) from None
                self._wait_after(failure, sent, tries, retries)
            else:
                self._throttle.reset(sent)
                return value
        raise AssertionError("unreachable")

    def _wait_after(
        self, failure: RetryableError, sent: float, tries: int, retries: RetryBudget
    ) -> None:
        """Wait before the next try, or raise `ApiError` when there is none."""
        if failure.shared:
            pause = self._throttle.pause(sent, failure.asked)
        else:
            pause = growing(FIRST_RETRY, LONGEST_RETRY, tries - 1, self._jitter)
            pause = max(pause, failure.asked or 0.0)
        if not retries.lasts(pause) or tries == failure.tries:
            asked = f" The service asks to wait {failure.asked:,.0f} s." if failure.asked else ""
            text = f"{failure} Gave up after {counted(tries, 'try', 'tries')}.{asked}"
            text = _given_up(text, retries)
            raise ApiError(text, status=failure.status, request_id=failure.request_id) from None
        log.warning("%s Next try in %.1f s.", failure, pause)
        if not failure.shared:  # a shared pause is booked and slept by whoever waits for it
            retries.spent += pause
            self._sleep(pause)

    def _try_once(self, path: str, params: Params, decode: Decode[T]) -> T:
        """The decoded answer of one try; `RetryableError` when another try may succeed."""
        # Errors are not chained to httpx's: those hold the request, and so the key.
        begun = False
        try:
            with self._http.stream(
                "GET", path, params=params, headers=self._key.headers()
            ) as incoming:
                begun = True
                answer = answers.read_answer(incoming, self._clock)
        except answers.UnboundedAnswerError as error:
            kind = TooLargePageError if can_be_smaller(params) else ApiError
            raise kind(f"{_asked_for(params)}: the answer {error}.") from None
        except httpx.UnsupportedProtocol as error:
            raise SettingsError(f"{self.address} is not an address: {error}") from None
        except httpx.ConnectError as error:
            raise RetryableError(self._unreached(error), tries=CONNECTS) from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            slow = isinstance(error, httpx.ReadTimeout)
            fault = repr(error) if begun and not slow else ""
            raise RetryableError(self._unreached(error), fault=fault, slow=slow) from None
        if answer.status_code != 200:
            raise self._refusal(answer, params)
        self._organization = answer.headers.get("anthropic-organization-id", self._organization)
        self.answered_at = answers.moment(answer) or self.answered_at
        return self._decoded_answer(answer, params, decode)

    def _decoded_answer(self, answer: httpx.Response, params: Params, decode: Decode[T]) -> T:
        """The decoded body, repaired when it has invalid characters.

        `RetryableError` when it is truncated, else `SchemaError`.
        """
        # A proxy may repeat the key, and errors show the start of the body.
        body = self._key.redact_bytes(answer.content)
        where, which = _asked_for(params), answers.reference(answer)
        try:
            try:
                return decode(body)
            except (SchemaError, msgspec.DecodeError, UnicodeDecodeError):
                if (better := answers.repaired(body)) == body:
                    raise
                value = decode(better)
                log.warning("%s: the answer had a broken character, replaced by U+FFFD.", where)
                return value
        except RecursionError:
            raise SchemaError(f"{where}: the answer is nested too deeply. {which}") from None
        except (SchemaError, msgspec.DecodeError, UnicodeDecodeError) as error:
            text = self._key.redact(f"{where}: {error} {which}")
            cause = error.__cause__ if isinstance(error, SchemaError) else error
            if isinstance(cause, msgspec.ValidationError) or body.lstrip()[:1] == b"<":
                raise SchemaError(text) from cause
            raise RetryableError(text, answer, fault=str(error)) from None

    def _unreached(self, error: httpx.RequestError) -> str:
        what = f"{type(error).__name__} {self._key.redact(str(error))}".strip()
        return f"{self.address} gave no answer ({what}): check the network and the base URL."

    def _refusal(self, answer: httpx.Response, params: Params) -> Exception:
        """The error for an answer other than 200."""
        status, request_id = answer.status_code, answers.request_id_of(answer)
        text = f"{_asked_for(params)}: {self._words(answer)}"
        if status == 413 and can_be_smaller(params):
            return TooLargePageError(text, status=status, request_id=request_id)
        if answers.may_pass(answer):
            return RetryableError(text, answer)
        if "page" in params and status in (400, 409, 410):
            return IncompletePagesError(
                f"{text} The service no longer accepts this cursor.",
                status=status,
                request_id=request_id,
            )
        if status in (401, 403) and answers.detail_of(answer):
            return AuthError(f"{text} {self._key.advice}")
        then = answers.what_to_do(answer)
        if status == 404 and answers.detail_of(answer):
            then = f"{self._key.wanted.lacking} Else check the base URL {self.address}."
        return ApiError(f"{text} {then}", status=status, request_id=request_id)

    def _words(self, answer: httpx.Response) -> str:
        """The message of an answer other than 200, and its request id; never the key."""
        detail = answers.detail_of(answer)
        said = (
            f"{answer.status_code} {detail.type}, {detail.message.rstrip('.')}."
            if detail
            else f"{answer.status_code} without the service's own words, but "
            f"{self._key.redact_bytes(answer.content)[:60]!r}."
        )
        return self._key.redact(f"{said} {answers.reference(answer)}")


def checked_day(day: date | str) -> date:
    """The UTC day; a time is refused, because its day depends on a time zone."""
    try:
        found = date.fromisoformat(day) if isinstance(day, str) else day
    except ValueError:
        found = None
    if type(found) is not date:
        raise ValueError(f"{day!r} is not a day: write a UTC day as YYYY-MM-DD.")
    return found


def _given_up(what: str, retries: RetryBudget) -> str:
    return (
        f"{what} Waited {retries.spent:.0f} of at most {retries.budget:.0f} s. "
        "No part of a day is kept; the same command continues from here later."
    )


def _asked_for(params: Params) -> str:
    """The requested day, or the first one."""
    days = (params.get(name) for name in ("date", "starting_at", "starting_date"))
    return next((str(day)[:10] for day in days if day), "The organization")
