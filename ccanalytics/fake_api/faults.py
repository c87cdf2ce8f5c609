"""How a service fails: refusals, server errors, a proxy's page, half an answer, none at all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from ccanalytics.fake_api.messages import Refused, Response, error_answer

FAULTS = ("429", "429-after", "429-stale", "500", "504", "529", "html", "truncated", "drop")
"""429 without a time to wait, with one, and with a reset long past; server errors; a proxy's HTML
page; half an answer; no answer. Only by script: `slow`, `repeat` (the same cursor again) and
`expired` (every cursor given so far is forgotten)."""


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
    "429": (429, "rate_limit_error", {}),
    "429-after": (429, "rate_limit_error", {"retry-after": "1"}),
    "429-stale": (429, "rate_limit_error", _STALE),
    "500": (500, "api_error", {}),
    "504": (504, "timeout_error", {}),
    "529": (529, "overloaded_error", {}),
}


def broken(fault: str | None, request_id: str, headers: Mapping[str, str]) -> Response | None:
    """The answer to a request that fails with `fault`; None when it comes to be answered."""
    if fault == "html":
        page = b"<html><h1>502 Bad Gateway</h1></html>"
        return Response(502, page, {"content-type": "text/html"})
    if fault == "drop":
        return Response(0, b"")
    if fault is None or fault not in _ERRORS:
        return None
    status, kind, more = _ERRORS[fault]
    refused = Refused(status, kind, "This is an injected fault.")
    return error_answer(refused, request_id, {**headers, **more})
