"""How a service fails: refusals, server errors, a proxy's page, half an answer, none at all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from ccanalytics.fake_api.messages import FakeRequest, FakeResponse, Refused, error_answer

FAULTS = ("429", "429-after", "429-stale", "500", "504", "529", "html", "truncated", "drop")
"""429 without a time to wait, with one, and with a reset long past; server errors; a proxy's HTML
page; half an answer; no answer. Only by script: `slow`, `repeat` (the same cursor again),
`expired` (every cursor given so far is forgotten), `402`, `envelope` (another API answers), and
`echo` and `echo-403` (a proxy's page that repeats the key)."""


@dataclass(frozen=True)
class Faults:
    """Which requests fail, counted from 0, and how."""

    of: Callable[[int], str | None] = lambda number: None

    @classmethod
    def random(cls, share: float, *, seed: int = 0) -> "Faults":
        """About `share` of the requests, the same ones for the same seed."""

        def of(number: int) -> str | None:
            draw = Random(f"{seed} {number}")
            return draw.choice(FAULTS) if draw.random() < share else None

        return cls(of)

    @classmethod
    def script(cls, faults: Mapping[int, str]) -> "Faults":
        """The requests of these numbers."""
        return cls(faults.get)


_STALE = {
    "anthropic-ratelimit-requests-limit": "60",
    "anthropic-ratelimit-requests-remaining": "0",
    "anthropic-ratelimit-requests-reset": "2020-01-01T00:00:00Z",
}

_ERRORS: Mapping[str, tuple[int, str, Mapping[str, str]]] = {
    "402": (402, "billing_error", {}),
    "429": (429, "rate_limit_error", {}),
    "429-after": (429, "rate_limit_error", {"retry-after": "1"}),
    "429-stale": (429, "rate_limit_error", _STALE),
    "500": (500, "api_error", {}),
    "504": (504, "timeout_error", {}),
    "529": (529, "overloaded_error", {}),
}


_OTHERS = {
    "html": (502, "text/html", "<html><h1>502 Bad Gateway</h1></html>"),
    "echo": (200, "text/html", "<html>x-api-key: {key} is not allowed to leave</html>"),
    "echo-403": (403, "text/plain", "Blocked by policy: {key}"),
    "envelope": (200, "application/json", '{{"records": [], "next_cursor": null}}'),
}
"""Answers that are not the service's."""


def broken(
    fault: str | None, request: FakeRequest, request_id: str, headers: Mapping[str, str]
) -> FakeResponse | None:
    """The answer to a request that fails with `fault`; None when it comes to be answered."""
    if fault in _OTHERS:
        status, content, text = _OTHERS[fault]
        key = request.headers.get("x-api-key") or request.headers.get("authorization", "")
        return FakeResponse(status, text.format(key=key).encode(), {"content-type": content})
    if fault == "drop":
        return FakeResponse(0, b"")
    if fault is None or fault not in _ERRORS:
        return None
    status, kind, more = _ERRORS[fault]
    refused = Refused(status, kind, "This is an injected fault.")
    return error_answer(refused, request_id, {**headers, **more})
