"""The fake service: finds the route, checks the key, answers, and fails where a fault says so."""

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import msgspec

from ccanalytics.fake_api import fake_claude_code, fake_enterprise, lists, reports
from ccanalytics.fake_api.cursors import Cursors
from ccanalytics.fake_api.faults import Faults, Refused, failed
from ccanalytics.fake_api.openapi import document
from ccanalytics.fake_api.routes import Json, Route, Scope, World
from ccanalytics.wire.claude_code import Record
from ccanalytics.wire.cost_report import DayBill

OPENAPI = "/openapi.json"
"""Where the fake serves its own contract; the real service has nothing there."""

ROUTES: tuple[Route, ...] = (
    fake_claude_code.list_claude_code_records,
    lists.retrieve_organization,
    lists.list_users,
    lists.list_invites,
    lists.list_workspaces,
    lists.list_api_keys,
    reports.list_costs,
    reports.list_message_usage,
    fake_enterprise.list_enterprise_people,
    fake_enterprise.list_enterprise_summaries,
)

MOST_A_MINUTE: Mapping[Scope, int] = {"read:analytics": 60}
"""Requests of all keys together; the limit of the Admin API is not documented."""

SLOW = 0.3
"""Seconds that a slow answer takes."""

_SCOPES: Mapping[Scope, str] = {"admin": "api:admin", "read:analytics": "read:analytics"}


class FakeService:
    """A service that has the records `records(day)` and billed `bill(day)`; thread-safe.

    `keys` are the keys it takes, any of the right kind when None. `shape` changes each record on
    its way out. `members` are the rows of the list of users, `lists` those of the other lists by
    name. `asked` holds every request, in order.
    """

    def __init__(
        self,
        records: Callable[[date], Sequence[Record]],
        *,
        bill: Callable[[date], DayBill] = lambda day: DayBill([], [], {}),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        keys: Collection[str] | None = None,
        faults: Faults | None = None,
        shape: Callable[[Json], Json] = dict,
        members: Callable[[], Sequence[Json]] = list,
        lists: Mapping[str, Callable[[], Sequence[Json]]] | None = None,
        organization: str = "5a3c1e00-0000-4000-8000-000000000001",
    ) -> None:
        rows = {**(lists or {}), "users": members}
        self.world = World(records, bill, now, organization, Cursors(), shape, rows)
        self._keys, self._faults = keys, faults or Faults()
        self._routes = {route.path: route for route in ROUTES}
        self._lock = threading.Lock()
        self._lately: dict[Scope, deque[datetime]] = {scope: deque() for scope in MOST_A_MINUTE}
        self.asked: list[httpx.Request] = []

    def respond(self, request: httpx.Request) -> httpx.Response:
        """The answer to one request; every answer of the service has a request id.

        `httpx.RemoteProtocolError` where there is to be no answer.
        """
        with self._lock:
            number = len(self.asked)
            self.asked.append(request)
        fault, request_id = self._faults.of(number) or "", f"req_{number:06d}"
        headers = {
            "content-type": "application/json",
            "request-id": request_id,
            "anthropic-organization-id": self.world.organization,
            "date": format_datetime(self.world.now().astimezone(UTC), usegmt=True),
        }
        if fault == "expired":
            self.world.cursors.forget()
        try:
            if failure := failed(fault, request):
                return failure
            body = msgspec.json.encode(self._answer(request, repeat=fault == "repeat"))
        except Refused as refused:
            body = msgspec.json.encode(refused.body(request_id))
            return httpx.Response(
                refused.status, headers={**headers, **refused.headers}, content=body
            )
        if fault == "slow":
            time.sleep(SLOW)
        if fault == "truncated":
            body = body[: max(1, len(body) // 2)]
        return httpx.Response(200, headers=headers, content=body)

    def transport(self) -> httpx.MockTransport:
        """For `httpx.Client(transport=...)`: the same answers without a socket."""
        return httpx.MockTransport(self.respond)

    def openapi(self, url: str | None = None) -> dict[str, Any]:
        """All this as an OpenAPI document; `url` is where it is served, if it is."""
        return document(self.world, ROUTES, url)

    def _answer(self, request: httpx.Request, *, repeat: bool) -> Json:
        if request.url.path == OPENAPI and request.method == "GET":
            return self.openapi(f"http://{request.url.netloc.decode()}")
        route = self._routes.get(request.url.path)
        scope: Scope = route.scope if route else "admin"
        self._check_key(request.headers, scope)
        self._check_pace(scope)
        if route is None:
            raise Refused(404, "Not found")
        if request.method != "GET":
            raise Refused(405, "Method Not Allowed", {"allow": "GET"})
        return route.answer(replace(self.world, repeat=repeat), route.read(request.url.params))

    def _check_pace(self, scope: Scope) -> None:
        """`Refused` when there were as many requests within a minute as there may be."""
        most = MOST_A_MINUTE.get(scope)
        if most is None:
            return
        with self._lock:
            lately, now = self._lately[scope], self.world.now()
            while lately and now - lately[0] >= timedelta(minutes=1):
                lately.popleft()
            if len(lately) >= most:
                raise Refused(429, f"Number of requests has exceeded {most}/min")
            lately.append(now)

    def _check_key(self, headers: httpx.Headers, scope: Scope) -> None:
        """`Refused` when there is no key, an unknown one, or one of the other API."""
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        key = headers.get("x-api-key") or bearer
        if not key:
            raise Refused(401, "x-api-key header is required")
        good_for = _scope_of(key, bearer=key == bearer)
        if good_for is None or (self._keys is not None and key not in self._keys):
            raise Refused(401, "invalid x-api-key")
        if good_for != scope:
            got, needed = _SCOPES[good_for], _SCOPES[scope]
            raise Refused(403, f"Missing required scopes. Got: ['{got}'] Needed: ['{needed}']")


def _scope_of(key: str, *, bearer: bool) -> Scope | None:
    """What a key is good for by its beginning; None when for nothing here."""
    if key.startswith("sk-ant-oat01-" if bearer else "sk-ant-admin01-"):
        return "admin"
    return "read:analytics" if key.startswith("sk-ant-api01-") and not bearer else None
