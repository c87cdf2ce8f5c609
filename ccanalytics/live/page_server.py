"""The page over HTTP, for browsers on this machine only.

    /TOKEN/       the current page
    /TOKEN/live   its state as JSON, which the page asks for all the time; ?project=/w/shop and
                  the like are the reader's choices

Other users of this machine and other pages in the same browser must not get anything: a request
needs the token of this run, which is in the printed address, must name this server
as its host, so that no other name can be pointed here, and must not come from another
origin.
"""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path
from secrets import compare_digest, token_urlsafe
from socket import socket
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, HTTPError, RequestHandler

from ccanalytics.errors import SettingsError
from ccanalytics.issue.run_options import RunOptions
from ccanalytics.live.live_page import Live

ADDRESS = "127.0.0.1"

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'; object-src 'none'; "
        "connect-src 'self'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Headers of every answer; the page itself says which scripts it may run."""

OPENING = Path(__file__).with_name("opening.html")
"""Shown until the first page is ready."""


class PageHandler(RequestHandler):
    """Answers only requests of the page itself, or typed by hand, on this machine."""

    SUPPORTED_METHODS = ("GET", "HEAD")

    def initialize(self, live: Live, port: int, token: str) -> None:
        self.live, self.port, self.token = live, port, token

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        for name, value in HEADERS.items():
            self.set_header(name, value)

    def prepare(self) -> None:
        headers = self.request.headers
        end = "" if self.port == 80 else f":{self.port}"
        origin = f"http://{headers.get('Host')}"
        if not (
            headers.get("Host") in (f"{ADDRESS}{end}", f"localhost{end}")
            and headers.get("Origin", origin) == origin
            and headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")
            and compare_digest(self.request.path.split("/")[1], self.token)
        ):
            raise HTTPError(403, "asked from elsewhere, or without the token")

    def get(self) -> None:
        if self.request.path == f"/{self.token}/live":
            asked = self.request.query_arguments.items()  # as they are, spaces too
            self.live.choose({name: last.decode(errors="replace") for name, (*_, last) in asked})
            self.finish(self.live.status)
        elif self.request.path == f"/{self.token}/":
            self.set_header("Content-Type", "text/html; charset=utf-8")
            self.finish(self.live.page or OPENING.read_bytes())
        else:
            raise HTTPError(404)

    head = get

    def write_error(self, status_code: int, **_: Any) -> None:
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{status_code} {self._reason}\n")


async def serve(options: RunOptions, port: int, begun: Callable[[str], None]) -> None:
    """Serve until Ctrl-C or SIGTERM; `begun` gets the address. The worker ends with it."""
    sockets = _bound(port)
    live, port, token = Live(options), sockets[0].getsockname()[1], token_urlsafe(16)
    application = Application(
        default_handler_class=PageHandler,
        default_handler_args={"live": live, "port": port, "token": token},
        log_function=bool,  # no line for each request: a page of an earlier run goes on asking
    )
    server = HTTPServer(application, max_body_size=0)
    server.add_sockets(sockets)
    ended = asyncio.create_task(_interrupted())
    keeping = asyncio.create_task(live.keep_up())
    try:
        begun(f"http://{ADDRESS}:{port}/{token}/")
        await asyncio.wait({keeping, ended}, return_when=asyncio.FIRST_COMPLETED)
        if keeping.done():
            keeping.result()
    finally:
        server.stop()
        for task in (keeping, ended):
            task.cancel()
        live.workers.close()
        await asyncio.gather(keeping, ended, return_exceptions=True)
        await server.close_all_connections()


def _bound(port: int) -> list[socket]:
    try:
        return bind_sockets(port, ADDRESS)
    except OSError as error:
        raise SettingsError(
            f"Port {port} is taken: {error.strerror}. Name another with --port; "
            "0 takes any that is free."
        ) from error


async def _interrupted() -> None:
    """Returns at Ctrl-C or SIGTERM."""
    loop, heard = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(heard.set))
    await heard.wait()
