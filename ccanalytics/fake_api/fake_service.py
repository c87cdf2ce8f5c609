"""The fake service: checks the key, answers, and fails as its faults say; also over real HTTP."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path

import httpx
import msgspec

from ccanalytics.errors import SettingsError
from ccanalytics.fake_api.endpoints import ADMIN, ENDPOINTS, ENTERPRISE
from ccanalytics.fake_api.faults import Faults, Refused, failed
from ccanalytics.fake_api.queries import Json, World
from ccanalytics.sources.sample.organisation import SampleOrganisation

KEYS = {  # what a key opens, by its prefix
    "sk-ant-admin01-": ADMIN,
    "Bearer sk-ant-oat01-": ADMIN,
    "sk-ant-api01-": ENTERPRISE,
}
MOST_A_MINUTE = 60  # requests of all keys for Enterprise; that of the Admin API is not documented
SLOW = 0.3  # seconds a slow answer takes


@dataclass(kw_only=True)
class FakeService(World):
    """A service that has the records `records(day)` and charged `charges(day)`; thread-safe."""

    faults: Faults | None = None
    asked: list[httpx.Request] = field(default_factory=list, init=False)
    """Every request, in order."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._last_minute: list[datetime] = []

    def respond(self, request: httpx.Request) -> httpx.Response:
        """The answer to one request, with a request id.

        `httpx.RemoteProtocolError` where there should be no answer.
        """
        with self._lock:
            number = len(self.asked)
            self.asked.append(request)
        fault, request_id = (self.faults and self.faults(number)) or "", f"req_{number:06d}"
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
            body, headers = refused.body(request_id), headers | refused.headers
            return httpx.Response(refused.status, headers=headers, json=body)
        if fault == "repeat":  # the next cursor is the one it was asked with
            cursors = {"next_page": "page", "last_id": "after_id"}
            asked = request.url.params
            answer |= {name: asked[one] for name, one in cursors.items() if asked.get(one)}
        content = msgspec.json.encode(answer)
        if fault == "slow":
            time.sleep(SLOW)
        if fault == "truncated":
            content = content[: max(1, len(content) // 2)]
        return httpx.Response(200, headers=headers, content=content)

    def transport(self) -> httpx.MockTransport:
        """For `httpx.Client(transport=...)`: the same answers without a socket."""
        return httpx.MockTransport(self.respond)

    def _answer(self, request: httpx.Request) -> Json:
        path, method, headers = request.url.path, request.method, request.headers
        if path == "/openapi.json" and method == "GET":  # the real service does not have it
            return openapi_document(f"http://{request.url.netloc.decode()}")
        key = headers.get("x-api-key") or headers.get("authorization")
        if not key:
            raise Refused(401, "x-api-key header is required")
        scope = next((KEYS[begin] for begin in KEYS if key.startswith(begin)), None)
        if scope is None:
            raise Refused(401, "invalid x-api-key")
        if path not in ENDPOINTS:
            raise Refused(404, "Not found")
        query, scopes = ENDPOINTS[path]
        if scope not in scopes:
            raise Refused(403, f"Missing required scopes. Got: ['{scope}'] Needed: {[*scopes]}")
        if scope == ENTERPRISE:
            self._check_pace()
        if method != "GET":
            raise Refused(405, "Method Not Allowed", {"allow": "GET"})
        return query.read(request.url.params).answer(self)

    def _check_pace(self) -> None:
        """`Refused` when the rate limit is reached."""
        with self._lock:
            now = self.now()
            lately = [at for at in self._last_minute if now - at < timedelta(minutes=1)]
            if len(lately) >= MOST_A_MINUTE:
                raise Refused(429, f"Number of requests has exceeded {MOST_A_MINUTE}/min")
            self._last_minute = [*lately, now]


def sample_service(now: Callable[[], datetime], faults: Faults | None = None) -> FakeService:
    """A service with the records, charges and lists of the sample organisation."""
    sample = SampleOrganisation()
    return FakeService(
        cache(sample.records),
        now=now,
        faults=faults,
        members=lambda: sample.members(now().date()),
        charges=cache(sample.day_charges),
        api_keys=sample.api_keys,
    )


def openapi_document(url: str | None) -> Json:
    """The service as an OpenAPI document; `url` is where the fake is served, if anywhere."""
    document: Json = msgspec.json.decode(Path(__file__).with_name("openapi.json").read_bytes())
    document["info"]["version"] = version("ccanalytics")
    if url:
        about = "The fake service; any key of the right kind"
        document["servers"].insert(0, {"url": url, "description": about})
    return document


class FakeServer(ThreadingHTTPServer):
    """A running service; set ANTHROPIC_BASE_URL to its `url`."""

    daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def serve(service: FakeService, *, port: int = 0) -> Iterator[FakeServer]:
    """The service over real HTTP on 127.0.0.1, until the block ends; port 0 is any free one."""
    handler = type("Handler", (_Handler,), {"service": service})
    try:
        server = FakeServer(("127.0.0.1", port), handler)
    except OSError as error:
        raise SettingsError(f"Port {port} is taken: name another with --port.") from error
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """Passes each request to `service` and returns its answer."""

    service: FakeService
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Handle every HTTP method: the service itself rejects some."""
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def _answer(self) -> None:
        # A body left unread would be taken for the next request.
        length = self.headers.get("content-length", "0")
        if length.isdecimal() and "transfer-encoding" not in self.headers:
            self.rfile.read(int(length))
        else:
            self.close_connection = True
        try:
            url = f"http://{self.headers.get('host') or '127.0.0.1'}{self.path}"
            request = httpx.Request(self.command, url, headers=self.headers.items())
            answer = self.service.respond(request)
        except httpx.InvalidURL as error:
            self.send_error(400, str(error))
        except httpx.RemoteProtocolError:  # a fault: no answer at all
            self.close_connection = True
        else:
            self.send_response_only(answer.status_code)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else answer.content)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""
