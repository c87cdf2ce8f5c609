"""A fake service over real HTTP on 127.0.0.1."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import httpx

from ccanalytics.fake_api.fake_service import FakeService
from ccanalytics.fake_api.messages import FakeRequest, FakeResponse


class FakeServer:
    """A running service: `url` is what ANTHROPIC_BASE_URL must be."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"


@contextmanager
def serve(service: FakeService, *, port: int = 0) -> Iterator[FakeServer]:
    """The service over real HTTP on 127.0.0.1, until the block ends; port 0 is any free one."""
    server = ThreadingHTTPServer(
        ("127.0.0.1", port), type("Handler", (_Handler,), {"service": service})
    )
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield FakeServer(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    """Passes what was asked to `service`, and its answer back."""

    service: FakeService
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __getattr__(self, name: str) -> Callable[[], None]:
        """The same for every method there is: it is the service that refuses some."""
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def _answer(self) -> None:
        address = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = httpx.QueryParams(address.query)
        self._pass_over_body()
        self._send(self.service.respond(FakeRequest(self.command, address.path, query, headers)))

    def _pass_over_body(self) -> None:
        """Nobody asks in a body; unread, it would be taken for the next request."""
        length = self.headers.get("content-length", "0")
        if length.isdecimal() and "transfer-encoding" not in self.headers:
            self.rfile.read(int(length))
        else:
            self.close_connection = True

    def _send(self, response: FakeResponse) -> None:
        if response.delay:
            time.sleep(response.delay)
        if not response.status:
            self.close_connection = True
            return
        self.send_response_only(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(response.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: who runs it sees the client."""
