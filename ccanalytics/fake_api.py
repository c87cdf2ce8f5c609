"""The service's contract as one function, request -> response: for tests, demos and API tools.

    FakeService.respond ┬─ transport()   an httpx transport, without a socket
                        └─ serve()       real HTTP on 127.0.0.1

It keeps the service's manners: one UTC day per walk, opaque cursors bound to their walk, nothing
of the last hour, its own error bodies and request ids. `Faults` make it fail as the real one does.
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from ccanalytics.records import Record, to_wire

REPORT = "/v1/organizations/usage_report/claude_code"
MEMBERS = "/v1/organizations/users"
ME = "/v1/organizations/me"
FRESHNESS = timedelta(hours=1)
DEFAULT_LIMIT, LARGEST_LIMIT = 20, 1000
WALKS_KEPT = 64

FAULTS = ("429", "429-after", "429-stale", "500", "504", "529", "html", "truncated", "drop")
"""429 without a time to wait, with one, and with a reset long past; server errors; a proxy's HTML
page; half an answer; no answer. `slow` and `repeat` (the same cursor again) only by script."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

Shape = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Request:
    """What was asked: path, query and headers, the latter by lower-case name."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Response:
    """What is answered after `delay` seconds; status 0 is no answer at all."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0


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


class _Refused(Exception):
    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status, self.kind, self.message = status, kind, message


class FakeService:
    """A service that has the records `records(day)`; thread-safe.

    `keys` are the Admin keys it takes, any of the right kind when None. `shape` changes each
    record on its way out, such as `legacy`. `members` are the rows of the list of users.
    `asked` holds every request, in order.
    """

    def __init__(
        self,
        records: Callable[[date], Sequence[Record]],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        keys: Collection[str] | None = None,
        faults: Faults | None = None,
        shape: Shape = dict,
        members: Callable[[], Sequence[dict[str, str]]] = list,
        organization: str = "5a3c1e00-0000-4000-8000-000000000001",
    ) -> None:
        self._records, self._now, self._keys = records, now, keys
        self._faults, self._shape, self._organization = faults or Faults(), shape, organization
        self._people = members
        self._secret = secrets.token_bytes(32)
        self._walks: OrderedDict[str, list[bytes]] = OrderedDict()
        self._lock = threading.Lock()
        self.asked: list[Request] = []

    def respond(self, request: Request) -> Response:
        """The answer to one request; every answer has a request id."""
        with self._lock:
            number = len(self.asked)
            self.asked.append(request)
        request_id = f"req_{number:06d}"
        fault = self._faults.of(number)
        if fault in _BROKEN:
            return _broken(fault, request_id)
        try:
            body = self._body(request, repeat=fault == "repeat")
        except _Refused as refused:
            return _error(refused.status, refused.kind, refused.message, request_id)
        if fault == "truncated":
            body = body[: max(1, len(body) // 2)]
        delay = 0.3 if fault == "slow" else 0.0
        return Response(200, body, _headers(request_id), delay)

    def transport(self) -> httpx.MockTransport:
        """For `httpx.Client(transport=...)`: the same answers without a socket."""

        def answer(request: httpx.Request) -> httpx.Response:
            found = self.respond(
                Request(request.method, request.url.path, dict(request.url.params), request.headers)
            )
            if not found.status:
                raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
            return httpx.Response(found.status, content=found.body, headers=dict(found.headers))

        return httpx.MockTransport(answer)

    def _body(self, request: Request, *, repeat: bool) -> bytes:
        self._admit(request.headers)
        if request.method != "GET":
            raise _Refused(405, "invalid_request_error", "Method Not Allowed")
        if request.path == ME:
            me = {"id": self._organization, "name": "Corvid", "type": "organization"}
            return json.dumps(me).encode()
        if request.path == MEMBERS:
            return self._members(request.query, repeat=repeat)
        if request.path == REPORT:
            return self._page(request.query, repeat=repeat)
        raise _Refused(404, "not_found_error", "Not found")

    def _admit(self, headers: Mapping[str, str]) -> None:
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        key = headers.get("x-api-key") or bearer
        if not key:
            raise _Refused(401, "authentication_error", "x-api-key header is required")
        if key.startswith("sk-ant-api01-"):
            raise _Refused(
                403, "permission_error", "This API key does not have the required permissions."
            )
        kind = "sk-ant-oat01-" if bearer == key else "sk-ant-admin01-"
        if not key.startswith(kind) or (self._keys is not None and key not in self._keys):
            raise _Refused(401, "authentication_error", "invalid x-api-key")

    def _page(self, query: Mapping[str, str], *, repeat: bool) -> bytes:
        day, limit = _asked_day(query), _asked_limit(query)
        cursor = query.get("page")
        walk, start = self._found(cursor, day) if cursor else (self._begin(day), 0)
        with self._lock:
            rows = self._walks.get(walk)
        if rows is None:
            raise _Refused(400, "invalid_request_error", "page: this cursor has expired")
        end = start + limit
        more = end < len(rows)
        following = self._cursor(walk, day, start if repeat else end) if more else None
        return b'{"data":[%s],"has_more":%s,"next_page":%s}' % (
            b",".join(rows[start:end]),
            json.dumps(more).encode(),
            json.dumps(following).encode(),
        )

    def _members(self, query: Mapping[str, str], *, repeat: bool) -> bytes:
        """A page of the list of members, in the dialect of lists: `after_id`, no cursor."""
        rows, limit, after = self._people(), _asked_limit(query), query.get("after_id")
        ids = [row["id"] for row in rows]
        if after is not None and after not in ids:
            raise _Refused(400, "invalid_request_error", "after_id: no such id")
        start = ids.index(after) + 1 if after is not None and not repeat else 0
        page = rows[start : start + limit]
        more = start + limit < len(rows)
        ends = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {}
        return json.dumps({"data": page, "has_more": more, **ends}).encode()

    def _begin(self, day: date) -> str:
        """A new walk: the day as it is now, which all its pages show."""
        rows = [json.dumps(self._shape(to_wire(r))).encode() for r in self._visible(day)]
        with self._lock:
            walk = f"{len(self.asked)}-{secrets.token_hex(4)}"
            self._walks[walk] = rows
            while len(self._walks) > WALKS_KEPT:
                self._walks.popitem(last=False)
        return walk

    def _visible(self, day: date) -> Sequence[Record]:
        """Of today only what is an hour old, of tomorrow nothing."""
        begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
        share = (self._now() - FRESHNESS - begin) / timedelta(days=1)
        if share <= 0:
            return []
        records = self._records(day)
        return records if share >= 1 else records[: int(share * len(records))]

    def _cursor(self, walk: str, day: date, start: int) -> str:
        text = f"{walk} {day} {start}".encode()
        text += b" " * ((1 - len(text)) % 3)  # a length that base64 ends with "=="
        return f"page_{base64.urlsafe_b64encode(self._sign(text) + text).decode()}"

    def _found(self, cursor: str, day: date) -> tuple[str, int]:
        try:
            raw = base64.urlsafe_b64decode(cursor.removeprefix("page_"))
        except ValueError:
            raw = b""
        signed, text = raw[:12], raw[12:]
        walk, written, start = [*text.decode("ascii", "replace").split(), "", "", ""][:3]
        if not hmac.compare_digest(signed, self._sign(text)) or written != day.isoformat():
            raise _Refused(400, "invalid_request_error", "page: invalid cursor for this query")
        return walk, int(start)

    def _sign(self, text: bytes) -> bytes:
        return hmac.new(self._secret, text, hashlib.sha256).digest()[:12]


def legacy(record: dict[str, Any]) -> dict[str, Any]:
    """A record as the service sent it before it knew `is_remote`."""
    return {k: v for k, v in record.items() if k not in ("is_remote", "subscription_type")}


def eccentric(record: dict[str, Any]) -> dict[str, Any]:
    """A record with fields nobody knows yet, and amounts written as text."""
    models = [
        usage | {"estimated_cost": usage["estimated_cost"] | {"amount": _as_text(usage)}}
        for usage in record["model_breakdown"]
    ]
    return record | {"model_breakdown": models, "seen_next_year": {"a": [1]}}


class Server:
    """A running service: `url` is what ANTHROPIC_BASE_URL must be."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"


@contextmanager
def serve(service: FakeService, *, port: int = 0) -> Iterator[Server]:
    """The service over real HTTP on 127.0.0.1, until the block ends; port 0 is any free one."""
    server = ThreadingHTTPServer(("127.0.0.1", port), _server_of(service))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield Server(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _server_of(service: FakeService) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            query = dict(parse_qsl(address.query))
            self._send(service.respond(Request(self.command, address.path, query, headers)))

        do_POST = do_PUT = do_DELETE = do_GET

        def _send(self, response: Response) -> None:
            if response.delay:
                time.sleep(response.delay)
            if not response.status:
                self.close_connection = True
                return
            self.send_response(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(response.body)))
            self.end_headers()
            self.wfile.write(response.body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: who runs it sees the client."""

    return Handler


def _asked_day(query: Mapping[str, str]) -> date:
    text = query.get("starting_at")
    if text is None:
        raise _Refused(400, "invalid_request_error", "starting_at: Field required")
    try:
        if not _DAY.fullmatch(text):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        message = r"starting_at: String should match pattern '^\d{4}-\d{2}-\d{2}$'"
        raise _Refused(400, "invalid_request_error", message) from None


def _asked_limit(query: Mapping[str, str]) -> int:
    text = query.get("limit", str(DEFAULT_LIMIT))
    if not text.isdecimal() or not 1 <= int(text) <= LARGEST_LIMIT:
        message = f"limit: Input should be a whole number from 1 to {LARGEST_LIMIT}"
        raise _Refused(400, "invalid_request_error", message)
    return int(text)


_BROKEN = {
    "429": (429, "rate_limit_error", {}),
    "429-after": (429, "rate_limit_error", {"retry-after": "1"}),
    "429-stale": (
        429,
        "rate_limit_error",
        {"anthropic-ratelimit-requests-reset": "2020-01-01T00:00:00Z"},
    ),
    "500": (500, "api_error", {}),
    "504": (504, "timeout_error", {}),
    "529": (529, "overloaded_error", {}),
    "html": (502, "", {}),
    "drop": (0, "", {}),
}


def _broken(fault: str | None, request_id: str) -> Response:
    status, kind, headers = _BROKEN[fault or ""]
    if fault == "html":
        return Response(
            502, b"<html><h1>502 Bad Gateway</h1></html>", {"content-type": "text/html"}
        )
    if not status:
        return Response(0, b"")
    answer = _error(status, kind, "This is an injected fault.", request_id)
    return Response(status, answer.body, {**answer.headers, **headers})


def _error(status: int, kind: str, message: str, request_id: str) -> Response:
    detail = {"type": kind, "message": message}
    body = {"type": "error", "error": detail, "request_id": request_id}
    return Response(status, json.dumps(body).encode(), _headers(request_id))


def _headers(request_id: str) -> dict[str, str]:
    return {"content-type": "application/json", "request-id": request_id}


def _as_text(usage: Mapping[str, Any]) -> str:
    return str(usage["estimated_cost"]["amount"])
