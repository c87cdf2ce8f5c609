"""What goes to the fake service and what comes back: requests, responses, and its refusals."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class FakeRequest:
    """What was asked: path, query and headers, the latter by lower-case name.

    A query with repeated names is an `httpx.QueryParams`; a plain mapping does otherwise.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True)
class FakeResponse:
    """What is answered after `delay` seconds; status 0 is no answer at all."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0


class Refused(Exception):
    """The service says no: the status, the kind of error, and its words."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status, self.kind, self.message = status, kind, message


def bad_request(message: str) -> Refused:
    """A question the service does not take."""
    return Refused(400, "invalid_request_error", message)


def json_answer(body: bytes, headers: Mapping[str, str]) -> FakeResponse:
    """What was asked for."""
    return FakeResponse(200, body, {"content-type": "application/json", **headers})


def error_body(refused: Refused, request_id: str) -> dict[str, object]:
    """A refusal as the service words it."""
    detail = {"type": refused.kind, "message": refused.message}
    return {"type": "error", "error": detail, "request_id": request_id}


def error_answer(refused: Refused, request_id: str, headers: Mapping[str, str]) -> FakeResponse:
    """The answer that says so."""
    body = json.dumps(error_body(refused, request_id)).encode()
    return FakeResponse(refused.status, body, {"content-type": "application/json", **headers})
