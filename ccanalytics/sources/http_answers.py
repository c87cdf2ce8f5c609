"""Answers of a service: readable, refused and why; and addresses to ask."""

import re
from contextlib import suppress
from math import isfinite

import httpx
import msgspec

from ccanalytics.errors import ApiError, SettingsError
from ccanalytics.wire.claude_code import ErrorBody, ErrorDetail

TIMEOUTS = (408, 504, 524)
"""Statuses of a service, a gateway or Cloudflare that timed out: smaller pages may work."""

LOOPBACK = {"127.0.0.1", "localhost", "::1"}

_ESCAPES = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
"""A backslash, a pair of surrogates, and as a group half a pair, which is not a character."""


class RestartError(ApiError):
    """The pages so far are unusable, or too large: another walk, with `smaller` pages, may work."""

    def __init__(self, text: str, status: int | None = None, *, smaller: bool = False) -> None:
        super().__init__(text, status=status)
        self.smaller = smaller


class RetryableError(Exception):
    """A failure that may pass.

    `fault` says how an answer is broken, equal for equal faults; `slow` that it took too long;
    `tries` how often to try at most, where that is known.
    """

    def __init__(
        self,
        text: str,
        answer: httpx.Response | None = None,
        *,
        fault: str = "",
        slow: bool = False,
        tries: int = 0,
    ) -> None:
        super().__init__(text)
        self.status = answer.status_code if answer else None
        self.asked = retry_after(answer.headers) if answer else None
        self.fault, self.tries = fault, tries
        self.slow = slow or self.status in TIMEOUTS


def checked_address(base_url: str) -> httpx.URL:
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


def repaired(body: bytes) -> bytes:
    """The JSON with U+FFFD for invalid characters: half a surrogate pair, broken UTF-8."""
    text = body.decode("utf-8-sig", errors="replace").encode()
    return _ESCAPES.sub(lambda found: rb"\ufffd" if found[1] else found[0], text)


def detail_of(body: bytes) -> ErrorDetail | None:
    """The service's message; None when something else answered, such as a proxy."""
    try:
        return msgspec.json.decode(body, type=ErrorBody).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def may_pass(answer: httpx.Response) -> bool:
    """The service's own say, else 408, 429 and 5xx that is not about what it never does."""
    said = answer.headers.get("x-should-retry")
    if said in ("true", "false"):
        return bool(said == "true")
    status = answer.status_code
    return status in (408, 429) or (status >= 500 and status not in (501, 505))


def retry_after(headers: httpx.Headers) -> float | None:
    """The seconds the service asks for; None when it gives none that makes sense.

    `anthropic-ratelimit-*-reset` is not read: the Admin API sends it already in the past.
    """
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if isfinite(seconds) and seconds >= 0 else None
