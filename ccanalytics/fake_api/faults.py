"""How a service refuses and fails: its errors, a proxy's page, half an answer, no answer."""

from collections.abc import Callable
from random import Random

import httpx

ERRORS = {  # by status: the type of the error, for programs
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    410: "invalid_request_error",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}

FAULTS = ("429", "429-after", "429-stale", "500", "504", "529", "html", "truncated", "drop")
"""429 without a time to wait, with one, and with a reset long past; server errors; a proxy's HTML
page; half an answer; no answer. Never at random: `slow`, `repeat` (the same cursor again),
`expired` (the cursor it is asked with), `402`, `envelope` (another API answers), and
`echo` and `echo-403` (a proxy's page that repeats the key)."""

Faults = Callable[[int], str | None]
"""How each request fails, by its number from 0; None when it does not."""

_HEADERS = {
    "429-after": {"retry-after": "1"},
    "429-stale": {"anthropic-ratelimit-requests-reset": "2020-01-01T00:00:00Z"},
}

_NOT_THE_SERVICE = {
    "html": (502, "text/html", "<html><h1>502 Bad Gateway</h1></html>"),
    "echo": (200, "text/html", "<html>x-api-key: {key} is not allowed to leave</html>"),
    "echo-403": (403, "text/plain", "Blocked by policy: {key}"),
    "envelope": (200, "application/json", '{{"records": [], "next_cursor": null}}'),
}


class Refused(Exception):
    """The service refuses: status, message and headers."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, headers or {}

    def body(self, request_id: str) -> dict[str, object]:
        """The body of the answer."""
        error = {"type": ERRORS[self.status], "message": self.message}
        return {"type": "error", "error": error, "request_id": request_id}


def random_faults(share: float, *, seed: int = 0) -> Faults:
    """About `share` of the requests fail, the same ones for the same seed."""

    def of(number: int) -> str | None:
        draw = Random(f"{seed} {number}")
        return draw.choice(FAULTS) if draw.random() < share else None

    return of


def failed(fault: str, request: httpx.Request) -> httpx.Response | None:
    """The answer of something other than the service; None when the service answers.

    `Refused` when it answers with an error, `httpx.RemoteProtocolError` when nothing answers.
    """
    if fault in _NOT_THE_SERVICE:
        status, content, text = _NOT_THE_SERVICE[fault]
        key = request.headers.get("x-api-key") or request.headers.get("authorization", "")
        return httpx.Response(status, text=text.format(key=key), headers={"content-type": content})
    if fault == "drop":
        raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
    if fault == "expired" and "page" in request.url.params:
        status = 410 if "/analytics/" in request.url.path else 400
        raise Refused(status, "page: this cursor has expired")
    if fault[:3].isdecimal():
        raise Refused(int(fault[:3]), "This is an injected fault.", _HEADERS.get(fault))
    return None
