"""The service's contract as one function: a request -> the answer the Admin API would give.

    FakeService.respond(Request) -> Response
        ├── transport(service)        for httpx, without a network
        ├── serve(service)            real HTTP on loopback, for tests
        └── run(service, port)        the same, until Ctrl-C

It checks what the service checks (key, version, day, limit, cursor), keeps a walk consistent while
the day changes, hides the last hour, and fails on purpose as `Faults` says.
"""

import base64
import hashlib
import hmac
import logging
import random
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import httpx
import msgspec

from ccanalytics.errors import SettingsError
from ccanalytics.records import Record, to_wire

REPORT = "/v1/organizations/usage_report/claude_code"
FRESHNESS = timedelta(hours=1)
DAYS_KEPT = 16

Wire = dict[str, Any]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """What one request says; header names in lower case, `query` as it stood in the address."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Response:
    """One answer, to be sent after `delay` seconds."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0


@dataclass(frozen=True)
class Faults:
    """What goes wrong: `script` by request number (from 1), else `kinds` at random at `rate`.

    The same seed spoils the same request numbers with the same kinds. A kind that needs a cursor
    does nothing to a request without one.
    """

    rate: float = 0.0
    seed: int = 0
    kinds: Sequence[str] = ()
    script: Mapping[int, str] = field(default_factory=dict)
    retry_after: str = "1"
    delay: float = 0.2

    def __post_init__(self) -> None:
        unknown = sorted({*self.kinds, *self.script.values()} - set(FAULTS))
        if unknown:
            raise ValueError(f"{unknown[0]!r} is no fault; there are: {', '.join(FAULTS)}.")

    def at(self, number: int) -> str | None:
        """The fault of request `number`, None when it is answered well."""
        if number in self.script:
            return self.script[number]
        dice = random.Random(f"{self.seed} {number}")
        return dice.choice(list(self.kinds or FAULTS)) if dice.random() < self.rate else None


class _Refused(Exception):
    """A request the service refuses, with status, error type and message."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status, self.kind, self.message = status, kind, message


class Cursor(msgspec.Struct, array_like=True, frozen=True):
    """What a cursor hides: which walk it belongs to, and how far that has come."""

    day: date
    limit: int
    shown: int
    revision: int
    start: int = 0


@dataclass(frozen=True)
class Member:
    """One person of the organization."""

    email: str
    name: str = ""
    role: str = "claude_code_user"


class FakeService:
    """The Admin API over `records`, at the time `now` tells; threads may share it.

    `keys` None takes every key that begins like an Admin key, or like an OAuth token as Bearer.
    `rewrite` changes records on their way out, see `legacy` and `loose`.
    """

    def __init__(
        self,
        records: Callable[[date], list[Record]],
        *,
        now: Callable[[], datetime],
        keys: Container[str] | None = None,
        faults: Faults | None = None,
        members: Sequence[Member] = (),
        organization: tuple[str, str] = ("5a3c1e00-0000-4000-8000-000000000001", "Fake"),
        rewrite: Callable[[Wire], Wire] | None = None,
        secret: bytes = b"fake",
    ) -> None:
        self._revisions = [records]
        self._now, self._keys, self._members = now, keys, members
        self._faults = faults or Faults()
        self._organization, self._rewrite, self._secret = organization, rewrite, secret
        self._days: OrderedDict[tuple[date, int], list[bytes]] = OrderedDict()
        self._lock = threading.Lock()
        self.requests: list[Request] = []

    def respond(self, request: Request) -> Response:
        """The answer to `request`, or the fault that stands at its number."""
        with self._lock:
            self.requests.append(request)
            number = len(self.requests)
        fault = self._faults.at(number)
        answer = self._answer(request)
        if fault:
            answer = FAULTS[fault](answer, request, self._faults)
        return replace(
            answer, headers={**_headers(number, self._organization[0]), **answer.headers}
        )

    def restate(self, records: Callable[[date], list[Record]]) -> None:
        """From the next walk on, `records` is what happened; walks under way do not change."""
        self._revisions.append(records)

    def _answer(self, request: Request) -> Response:
        try:
            self._authorize(request)
            return Response(200, self._route(request))
        except _Refused as refused:
            return _error(refused.status, refused.kind, refused.message)

    def _authorize(self, request: Request) -> None:
        if "anthropic-version" not in request.headers:
            raise _invalid("anthropic-version: header is required")
        key, scope = _scope(request.headers)
        if scope is None or (self._keys is not None and key not in self._keys):
            raise _Refused(
                401, "authentication_error", "The API key provided is invalid or has been revoked."
            )
        analytics = request.path.startswith("/v1/organizations/analytics/")
        needed = "read:analytics" if analytics else "api:admin"
        if scope != needed:
            raise _Refused(
                403,
                "permission_error",
                f"Missing required scopes. Got: ['{scope}'] Needed: ['{needed}']",
            )

    def _route(self, request: Request) -> bytes:
        routes = {
            REPORT: self._report,
            "/v1/organizations/me": self._me,
            "/v1/organizations/users": self._users,
        }
        if request.path not in routes:
            raise _Refused(404, "not_found_error", f"Not found: {request.path}")
        if request.method != "GET":
            raise _Refused(405, "invalid_request_error", "Method Not Allowed")
        query = parse_qs(request.query, keep_blank_values=True)
        return routes[request.path]({name: values[0] for name, values in query.items()})

    def _me(self, query: Mapping[str, str]) -> bytes:
        identity, name = self._organization
        return msgspec.json.encode({"id": identity, "type": "organization", "name": name})

    def _users(self, query: Mapping[str, str]) -> bytes:
        """Members by `after_id` or `before_id`; every other parameter is passed over."""
        limit = _limit(query.get("limit", "20"))
        users = [_user(member) for member in self._members]
        if "after_id" in query:
            start = _place(users, query["after_id"]) + 1
        elif "before_id" in query:
            start = max(0, _place(users, query["before_id"]) - limit)
        else:
            start = 0
        page = users[start : start + limit]
        return msgspec.json.encode(
            {
                "data": page,
                "has_more": start + limit < len(users),
                "first_id": page[0]["id"] if page else None,
                "last_id": page[-1]["id"] if page else None,
            }
        )

    def _report(self, query: Mapping[str, str]) -> bytes:
        day = _day(query.get("starting_at"))
        walk = self._continued(query, day) if "page" in query else self._begun(query, day)
        rows = self._rows(day, walk.revision)
        stop = min(walk.start + walk.limit, walk.shown)
        more = stop < walk.shown
        cursor = self._seal(msgspec.structs.replace(walk, start=stop)) if more else None
        tail = msgspec.json.encode({"has_more": more, "next_page": cursor})
        return b'{"data":[' + b",".join(rows[walk.start : stop]) + b"]," + tail[1:]

    def _begun(self, query: Mapping[str, str], day: date) -> Cursor:
        revision = len(self._revisions) - 1
        shown = int(len(self._rows(day, revision)) * self._share_shown(day))
        return Cursor(day, _limit(query.get("limit", "20")), shown, revision)

    def _continued(self, query: Mapping[str, str], day: date) -> Cursor:
        walk = self._unseal(query["page"])
        if day != walk.day or _limit(query.get("limit", str(walk.limit))) != walk.limit:
            raise _invalid("page: this cursor belongs to a different query.")
        return walk

    def _share_shown(self, day: date) -> float:
        """How much of `day` is old enough to be told, 0 to 1."""
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return min(1.0, max(0.0, (self._now() - FRESHNESS - midnight) / timedelta(days=1)))

    def _rows(self, day: date, revision: int) -> list[bytes]:
        """The encoded records of `day`, kept for the days asked for last."""
        with self._lock:
            rows = self._days.get((day, revision))
            if rows is None:
                wires = [to_wire(record) for record in self._revisions[revision](day)]
                rows = [
                    msgspec.json.encode(self._rewrite(w) if self._rewrite else w) for w in wires
                ]
                self._days[day, revision] = rows
            self._days.move_to_end((day, revision))
            while len(self._days) > DAYS_KEPT:
                self._days.popitem(last=False)
            return rows

    def _seal(self, walk: Cursor) -> str:
        """`walk` as an opaque cursor that always ends in `=`, as the service's own do."""
        payload = msgspec.json.encode(walk)
        payload += b" " * (-(len(payload) + 15) % 3)
        return "page_" + base64.b64encode(payload + self._mac(payload)).decode()

    def _unseal(self, cursor: str) -> Cursor:
        try:
            sealed = base64.b64decode(cursor.removeprefix("page_").encode(), validate=True)
        except ValueError:
            sealed = b""
        payload, mac = sealed[:-16], sealed[-16:]
        if not cursor.startswith("page_") or not hmac.compare_digest(mac, self._mac(payload)):
            raise _invalid("page: not a valid cursor.")
        return msgspec.json.decode(payload, type=Cursor)

    def _mac(self, payload: bytes) -> bytes:
        return hmac.digest(self._secret, payload, hashlib.sha256)[:16]


def legacy(wire: Wire) -> Wire:
    """A record as it was sent before `is_remote` and null members existed."""
    gone = {"is_remote"} | ({"subscription_type"} if wire["subscription_type"] is None else set())
    return {name: value for name, value in wire.items() if name not in gone}


def loose(wire: Wire) -> Wire:
    """A record with amounts as text, a member and a tool nobody knows, as a later version may."""
    usages = [_with_text_amount(usage) for usage in wire["model_breakdown"]]
    tools = {**wire["tool_actions"], "later_tool": {"accepted": 0, "rejected": 0}}
    return {**wire, "model_breakdown": usages, "tool_actions": tools, "later_field": {"a": [1]}}


def transport(service: FakeService) -> httpx.MockTransport:
    """`service` for an httpx client, without a network; a slow answer is a timeout at once."""

    def answer(request: httpx.Request) -> httpx.Response:
        response = service.respond(
            Request(
                request.method,
                request.url.path,
                request.url.query.decode(),
                {name.lower(): value for name, value in request.headers.items()},
            )
        )
        limit = request.extensions.get("timeout", {}).get("read")
        if limit is not None and response.delay >= limit:
            raise httpx.ReadTimeout("The read operation timed out", request=request)
        return httpx.Response(
            response.status, headers=dict(response.headers), content=response.body
        )

    return httpx.MockTransport(answer)


class Server(ThreadingHTTPServer):
    """`service` over HTTP on this machine's loopback only."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, service: FakeService, port: int = 0) -> None:
        self.service = service
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def url(self) -> str:
        """Where it listens, for ANTHROPIC_BASE_URL."""
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def serve(service: FakeService, port: int = 0) -> Iterator[Server]:
    """`service` on loopback while the block runs; port 0 is any free one."""
    with Server(service, port) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def run(
    service: FakeService, port: int = 0, *, ready: Callable[[str], None] = lambda url: None
) -> None:
    """Serves until Ctrl-C; `ready` is told the address once it can be reached."""
    try:
        server = Server(service, port)
    except OSError as error:
        raise SettingsError(
            f"Port {port} of 127.0.0.1 cannot be used ({error.strerror}): choose another."
        ) from error
    with server:
        ready(server.url)
        try:
            server.serve_forever(0.1)
        except KeyboardInterrupt:
            log.info("stopped")


class _Handler(BaseHTTPRequestHandler):
    """Hands one request of a `Server` to its service."""

    server: Server
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body in one packet, or each answer waits for a delayed ACK
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        response = self.server.service.respond(Request(self.command, path, query, headers))
        time.sleep(response.delay)
        try:
            self._send(response)
        except OSError:  # the client went away, as it may when an answer is slow
            self.close_connection = True

    do_POST = do_GET  # noqa: N815 - named by http.server

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)


def _headers(number: int, organization: str) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "request-id": _request_id(number),
        "anthropic-organization-id": organization,
    }
