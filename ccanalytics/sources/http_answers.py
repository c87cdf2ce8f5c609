"""Answers of a service: complete, within limits, readable; refused, why, and how to ask again."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
import msgspec

from ccanalytics.errors import ApiError, SettingsError
from ccanalytics.sources.backoff import retry_after
from ccanalytics.wire.claude_code import ErrorBody, ErrorDetail

Params = Mapping[str, str | int | list[str]]

SMALLEST_PAGE = 20
"""Rows of the smallest page that is requested."""

TIMEOUTS = (408, 504, 524)
"""Statuses of a service, a gateway or Cloudflare that timed out: smaller pages may work."""

MOST_BYTES = 64_000_000
"""Unpacked bytes of one answer; a page of 1,000 records has about a million."""

LONGEST_ANSWER = 120.0
"""Seconds one answer may take from its first byte to its last."""

_ESCAPES = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
"""A backslash, a pair of surrogates, and as a group half a pair, which is not a character."""

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class IncompletePagesError(ApiError):
    """The pages so far are unusable: the service dropped or repeated the cursor."""


class TooLargePageError(ApiError):
    """The page is too large or too slow: smaller ones may work."""


class RetryableError(Exception):
    """A failure that may pass; `shared` when it affects every worker of the client.

    `fault` says how an answer is broken, equal for equal faults; `slow`
    that it took too long.
    """

    def __init__(
        self,
        text: str,
        answer: httpx.Response | None = None,
        *,
        tries: int | None = None,
        fault: str = "",
        slow: bool = False,
    ) -> None:
        super().__init__(text)
        self.status = answer.status_code if answer else None
        self.request_id = request_id_of(answer) if answer else None
        self.shared = self.status in (429, 529)
        self.asked = retry_after(answer.headers) if answer else None
        self.tries, self.fault = tries, fault
        self.slow = slow or self.status in TIMEOUTS


class UnboundedAnswerError(Exception):
    """An answer is larger or slower than any answer should be."""


def checked_address(base_url: str) -> httpx.URL:
    """The address of a service; `SettingsError` if a key would be sent in clear."""
    try:
        address = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise SettingsError(f"The base URL {base_url!r} is not an address: {error}.") from None
    if address.scheme not in ("http", "https") or not address.host:
        raise SettingsError(f"The base URL {base_url!r} must begin with https:// and a host.")
    if address.scheme == "http" and address.host not in LOOPBACK:
        raise SettingsError(
            f"The base URL {address.copy_with(userinfo=b'')} would send the key in clear: write "
            "https://. Only this machine itself may be asked with http://."
        )
    return address


def read_answer(answer: httpx.Response, clock: Callable[[], float]) -> httpx.Response:
    """The answer with its whole body, unpacked."""
    begun, parts, size = clock(), [], 0
    for part in answer.iter_bytes():
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES:
            raise UnboundedAnswerError(f"is larger than {MOST_BYTES / 1e6:.0f} MB")
        if clock() - begun > LONGEST_ANSWER:
            raise UnboundedAnswerError(f"takes longer than {LONGEST_ANSWER:.0f} s")
    raw = ("content-encoding", "content-length", "transfer-encoding")
    headers = [(name, text) for name, text in answer.headers.multi_items() if name not in raw]
    return httpx.Response(
        answer.status_code, headers=headers, content=b"".join(parts), request=answer.request
    )


def repaired(body: bytes) -> bytes:
    """The JSON with U+FFFD for invalid characters: half a surrogate pair, broken UTF-8."""
    text = body.decode("utf-8-sig", errors="replace").encode()
    return _ESCAPES.sub(lambda found: rb"\ufffd" if found[1] else found[0], text)


def new_rows(rows: Iterable[msgspec.Struct], seen: set[int]) -> list[msgspec.Struct]:
    """The rows no earlier page had; `seen` is updated."""
    marks = [(hash(msgspec.json.encode(row)), row) for row in rows]
    fresh = [row for mark, row in marks if mark not in seen]
    seen.update(mark for mark, _ in marks)
    return fresh


def can_be_smaller(params: Params) -> bool:
    limit = params.get("limit")
    return isinstance(limit, int) and limit > SMALLEST_PAGE


def with_smaller_pages(params: Params) -> Params:
    """The query of a first page: a cursor is bound to its page size."""
    return {**params, "limit": max(SMALLEST_PAGE, int(str(params["limit"])) // 4)}


def detail_of(answer: httpx.Response) -> ErrorDetail | None:
    """The service's message; None when something else answered, such as a proxy."""
    try:
        return msgspec.json.decode(answer.content, type=ErrorBody).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def what_to_do(answer: httpx.Response) -> str:
    """What to do about a permanent refusal."""
    status = answer.status_code
    if status == 404 or 300 <= status < 400:
        place = answer.url.copy_with(query=None, userinfo=b"")
        return f"This API is not at {place}: check the base URL."
    if status in (401, 403, 407):
        return "A proxy or firewall answered, not the service: ask whoever runs it."
    if status == 402:
        return "Ask whoever pays for the organization; retrying does not help."
    return "Retrying does not help."


def may_pass(answer: httpx.Response) -> bool:
    """The service's own say, else 408, 429 and 5xx that is not about what it never does."""
    said = answer.headers.get("x-should-retry")
    if said in ("true", "false"):
        return bool(said == "true")
    status = answer.status_code
    return status in (408, 429) or (status >= 500 and status not in (501, 505))


def moment(answer: httpx.Response) -> datetime | None:
    try:
        return parsedate_to_datetime(answer.headers.get("date", "")).astimezone(UTC)
    except ValueError:
        return None


def request_id_of(answer: httpx.Response) -> str | None:
    found = answer.headers.get("request-id")
    return str(found) if found else None


def reference(answer: httpx.Response) -> str:
    return f"(request {request_id_of(answer) or 'without id'})"
