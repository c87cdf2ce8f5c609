"""The fake service: finds the route, admits the key, answers, and fails where it is told to."""

import json
import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx

from ccanalytics.fake_api.fake_claude_code import ROUTES as CLAUDE_CODE
from ccanalytics.fake_api.fake_enterprise import ROUTES as ENTERPRISE
from ccanalytics.fake_api.faults import Faults, broken
from ccanalytics.fake_api.lists import ROUTES as LISTS
from ccanalytics.fake_api.messages import (
    FakeRequest,
    FakeResponse,
    Refused,
    error_answer,
    json_answer,
)
from ccanalytics.fake_api.openapi import document
from ccanalytics.fake_api.reports import ROUTES as REPORTS
from ccanalytics.fake_api.routes import Asked, Route, Scope, Shape, World
from ccanalytics.fake_api.walks import Walks
from ccanalytics.wire.claude_code import Record
from ccanalytics.wire.cost_report import DayBill

OPENAPI = "/openapi.json"
"""Where the fake tells its own contract; the real service has nothing there."""

ROUTES: tuple[Route, ...] = (*CLAUDE_CODE, *LISTS, *REPORTS, *ENTERPRISE)

MOST_A_MINUTE: Mapping[Scope, int] = {"read:analytics": 60}
"""Requests of all keys together; of the Admin API nobody knows."""


class FakeService:
    """A service that has the records `records(day)` and billed `bill(day)`; thread-safe.

    `keys` are the keys it takes, any of the right kind when None. `shape` changes each record on
    its way out, such as `legacy`. `members` are the rows of the list of users, `lists` those of
    the other lists by name. `asked` holds every request, in order.
    """

    def __init__(
        self,
        records: Callable[[date], Sequence[Record]],
        *,
        bill: Callable[[date], DayBill] = lambda day: DayBill([], [], {}),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        keys: Collection[str] | None = None,
        faults: Faults | None = None,
        shape: Shape = dict,
        members: Callable[[], Sequence[dict[str, Any]]] = list,
        lists: Mapping[str, Callable[[], Sequence[dict[str, Any]]]] | None = None,
        organization: str = "5a3c1e00-0000-4000-8000-000000000001",
    ) -> None:
        self.world = World(
            records=records,
            bill=bill,
            now=now,
            organization=organization,
            walks=Walks(),
            shape=shape,
            lists={**(lists or {}), "users": members},
        )
        self._keys, self._faults = keys, faults or Faults()
        self._routes = {route.path: route for route in ROUTES}
        self._lock = threading.Lock()
        self._lately: dict[Scope, deque[datetime]] = {scope: deque() for scope in MOST_A_MINUTE}
        self.asked: list[FakeRequest] = []

    def respond(self, request: FakeRequest) -> FakeResponse:
        """The answer to one request; every answer of the service has a request id."""
        with self._lock:
            number = len(self.asked)
            self.asked.append(request)
        fault, request_id = self._faults.of(number), f"req_{number:06d}"
        headers = {
            "request-id": request_id,
            "anthropic-organization-id": self.world.organization,
            "date": format_datetime(self.world.now().astimezone(UTC), usegmt=True),
        }
        if fault == "expired":
            self.world.walks.forget()
        failure = broken(fault, request, request_id, headers)
        if failure:
            return failure
        try:
            body = self._body(request, repeat=fault == "repeat")
        except Refused as refused:
            allow = {"allow": "GET"} if refused.status == 405 else {}
            return error_answer(refused, request_id, {**headers, **allow})
        if fault == "truncated":
            body = body[: max(1, len(body) // 2)]
        answer = json_answer(body, headers)
        return FakeResponse(200, body, answer.headers, 0.3 if fault == "slow" else 0.0)

    def transport(self) -> httpx.MockTransport:
        """For `httpx.Client(transport=...)`: the same answers without a socket."""

        def answer(request: httpx.Request) -> httpx.Response:
            found = self.respond(
                FakeRequest(request.method, request.url.path, request.url.params, request.headers)
            )
            if not found.status:
                raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
            return httpx.Response(found.status, content=found.body, headers=dict(found.headers))

        return httpx.MockTransport(answer)

    def openapi(self, url: str | None = None) -> dict[str, Any]:
        """All this as an OpenAPI document; `url` is where it is served, if it is."""
        return document(self.world, ROUTES, url)

    def _body(self, request: FakeRequest, *, repeat: bool) -> bytes:
        if request.path == OPENAPI and request.method == "GET":
            host = request.headers.get("host")
            return json.dumps(self.openapi(f"http://{host}" if host else None)).encode()
        route = self._routes.get(request.path)
        self._admit(request.headers, route.scope if route else "admin")
        if route and route.scope in self._lately:
            self._count(route.scope)
        if route is None:
            raise Refused(404, "not_found_error", "Not found")
        if request.method != "GET":
            raise Refused(405, "invalid_request_error", "Method Not Allowed")
        return route.answer(self.world, Asked(route.read(request.query), repeat))

    def _count(self, scope: Scope) -> None:
        """`Refused` when there were as many requests within a minute as there may be."""
        with self._lock:
            lately, now = self._lately[scope], self.world.now()
            while lately and now - lately[0] >= timedelta(minutes=1):
                lately.popleft()
            if len(lately) >= MOST_A_MINUTE[scope]:
                raise Refused(429, "rate_limit_error", "Number of requests has exceeded 60/min")
            lately.append(now)

    def _admit(self, headers: Mapping[str, str], scope: Scope) -> None:
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        key = headers.get("x-api-key") or bearer
        if not key:
            raise Refused(401, "authentication_error", "x-api-key header is required")
        good_for = _scope_of(key, bearer=key == bearer)
        if good_for is None or (self._keys is not None and key not in self._keys):
            raise Refused(401, "authentication_error", "invalid x-api-key")
        if good_for != scope:
            got, needed = _SCOPES[good_for], _SCOPES[scope]
            message = f"Missing required scopes. Got: ['{got}'] Needed: ['{needed}']"
            raise Refused(403, "permission_error", message)


_SCOPES: Mapping[Scope, str] = {"admin": "api:admin", "read:analytics": "read:analytics"}


def _scope_of(key: str, *, bearer: bool) -> Scope | None:
    """What a key is good for by its beginning; None when for nothing here."""
    if key.startswith("sk-ant-oat01-" if bearer else "sk-ant-admin01-"):
        return "admin"
    return "read:analytics" if key.startswith("sk-ant-api01-") and not bearer else None
