"""Addresses and answers: complete, within limits, readable, each row once."""

import re
from collections.abc import Callable, Iterable

import httpx
import msgspec

from ccanalytics.errors import SettingsError

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
