"""A fake service over real HTTP on 127.0.0.1."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from ccanalytics.errors import SettingsError
from ccanalytics.fake_api.fake_service import FakeService


@dataclass(frozen=True)
class FakeServer:
    """A running service; set ANTHROPIC_BASE_URL to its `url`."""

    url: str


@contextmanager
def serve(service: FakeService, *, port: int = 0) -> Iterator[FakeServer]:
    """The service over real HTTP on 127.0.0.1, until the block ends; port 0 is any free one."""
    handler = type("Handler", (_Handler,), {"service": service})
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        raise SettingsError(f"Port {port} is taken: name another with --port.") from error
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield FakeServer(f"http://127.0.0.1:{server.server_address[1]}")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


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
