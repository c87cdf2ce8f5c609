"""The worker as the server sees it: asked one thing at a time, and ended for sure."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Mapping
from typing import Any

from ccanalytics.errors import ReportError
from ccanalytics.report.engine import kill_group

_HEAD = 2**24
"""The longest line a worker may answer with."""


class Worker:
    """A worker process; begun when first asked, and again after it has ended."""

    def __init__(self, chosen: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        self._command = [sys.executable, "-m", "ccanalytics.live.page_worker", json.dumps(chosen)]
        self._environment = dict(environment)
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def ask(self, timeout: float, **request: Any) -> tuple[dict[str, Any], bytes]:
        """What the worker answers; `ReportError` when it says so, takes too long, or has ended."""
        async with self._turn:
            process = await self._running()
            try:
                async with asyncio.timeout(timeout):
                    told, content = await _exchange(process, request)
            except TimeoutError:
                await self.end()
                raise ReportError(f"It took longer than {timeout:.0f} s and was ended.") from None
            except (asyncio.IncompleteReadError, ConnectionError, json.JSONDecodeError):
                code = await self.end()
                raise ReportError(
                    f"The process that runs the notebooks ended (code {code}). It is started "
                    "again with the next change."
                ) from None
        if "error" in told:
            raise ReportError(told["error"])
        return told, content

    async def end(self) -> int | None:
        """The exit code of the worker, which is ended at once with all that it started."""
        if self._process is None:
            return None
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                kill_group(self._process.pid)
        return await self._process.wait()

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                env=self._environment,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is the server's; and a group of its own to end
                limit=_HEAD,
            )
        return self._process


async def _exchange(
    process: asyncio.subprocess.Process, request: Mapping[str, Any]
) -> tuple[dict[str, Any], bytes]:
    assert process.stdin and process.stdout
    process.stdin.write(json.dumps(request).encode() + b"\n")
    await process.stdin.drain()
    told = json.loads(await process.stdout.readline())
    return told, await process.stdout.readexactly(told.pop("size"))
