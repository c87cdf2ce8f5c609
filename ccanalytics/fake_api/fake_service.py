"""The fake service: checks the key, answers, and fails as its faults say."""

import threading
import time
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import msgspec

from ccanalytics.fake_api.faults import Faults, Refused, failed, repeated
from ccanalytics.fake_api.openapi import ENDPOINTS, Scope, document
from ccanalytics.fake_api.queries import Json, World

OPENAPI = "/openapi.json"
"""The path of the OpenAPI document, which the real service does not have."""

_BY_PATH = {endpoint.path: endpoint for endpoint in ENDPOINTS}

KEYS: Mapping[str, Scope] = {
    "sk-ant-admin01-": "api:admin",
    "Bearer sk-ant-oat01-": "api:admin",
    "sk-ant-api01-": "read:analytics",
}
"""What a key opens, by its prefix."""

MOST_A_MINUTE: Mapping[Scope, int] = {"read:analytics": 60}
"""Requests per minute of all keys together; the limit of the Admin API is not documented."""

SLOW = 0.3
"""Seconds a slow answer takes."""


@dataclass(kw_only=True)
class FakeService(World):
    """A service that has the records `records(day)` and charged `charges(day)`; thread-safe."""

    keys: Collection[str] | None = None
    """The accepted keys; any of the right kind when None."""
    faults: Faults | None = None
    asked: list[httpx.Request] = field(default_factory=list, init=False)
    """Every request, in order."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._lately: dict[Scope, deque[datetime]] = {scope: deque() for scope in MOST_A_MINUTE}

    def respond(self, request: httpx.Request) -> httpx.Response:
        """The answer to one request, with a request id.

        `httpx.RemoteProtocolError` where there should be no answer.
        """
        with self._lock:
            number = len(self.asked)
            self.asked.append(request)
        fault, request_id = (self.faults or Faults()).of(number) or "", f"req_{number:06d}"
        headers = {
            "content-type": "application/json",
            "request-id": request_id,
            "anthropic-organization-id": self.organization,
            "date": format_datetime(self.now().astimezone(UTC), usegmt=True),
        }
        try:
            if failure := failed(fault, request):
                return failure
            answer = self._answer(request)
        except Refused as refused:
            body = msgspec.json.encode(refused.body(request_id))
            headers.update(refused.headers)
            return httpx.Response(refused.status, headers=headers, content=body)
        if fault == "repeat":
            answer |= repeated(request.url.params)
        body = msgspec.json.encode(answer)
        if fault == "slow":
            time.sleep(SLOW)
        if fault == "truncated":
            body = body[: max(1, len(body) // 2)]
        return httpx.Response(200, headers=headers, content=body)

    def transport(self) -> httpx.MockTransport:
        """For `httpx.Client(transport=...)`: the same answers without a socket."""
        return httpx.MockTransport(self.respond)

    def openapi(self, url: str | None = None) -> dict[str, Any]:
        """The service as an OpenAPI document; `url` is where it is served, if anywhere."""
        return document(self, url)

    def _answer(self, request: httpx.Request) -> Json:
        if request.url.path == OPENAPI and request.method == "GET":
            return self.openapi(f"http://{request.url.netloc.decode()}")
        endpoint = _BY_PATH.get(request.url.path)
        scope = self._scope_of(request.headers)
        if endpoint is None:
            raise Refused(404, "Not found")
        if scope not in endpoint.scopes:
            message = f"Missing required scopes. Got: ['{scope}'] Needed: {[*endpoint.scopes]}"
            raise Refused(403, message)
        self._check_pace(scope)
        if request.method != "GET":
            raise Refused(405, "Method Not Allowed", {"allow": "GET"})
        return endpoint.answer(self, endpoint.asks.read(request.url.params))

    def _scope_of(self, headers: httpx.Headers) -> Scope:
        """What the key opens; `Refused` when it is missing or opens nothing."""
        key = headers.get("x-api-key") or headers.get("authorization")
        if not key:
            raise Refused(401, "x-api-key header is required")
        scope = next((KEYS[begin] for begin in KEYS if key.startswith(begin)), None)
        if scope is None or not (self.keys is None or key.removeprefix("Bearer ") in self.keys):
            raise Refused(401, "invalid x-api-key")
        return scope

    def _check_pace(self, scope: Scope) -> None:
        """`Refused` when the rate limit is reached."""
        most = MOST_A_MINUTE.get(scope)
        if most is None:
            return
        with self._lock:
            lately, now = self._lately[scope], self.now()
            while lately and now - lately[0] >= timedelta(minutes=1):
                lately.popleft()
            if len(lately) >= most:
                raise Refused(429, f"Number of requests has exceeded {most}/min")
            lately.append(now)
