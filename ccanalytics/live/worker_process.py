"""The worker as the server sees it: asked one thing at a time, and ended for sure."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ccanalytics.errors import ReportError
from ccanalytics.report.engine import NotebookRun, kill_group

_HEAD = 2**24
"""The longest line a worker may answer with."""


class Worker:
    """A worker process; begun when first asked, and again after it has ended."""

    def __init__(self, chosen: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        self._command = [sys.executable, "-m", "ccanalytics.live.page_worker", json.dumps(chosen)]
        self._environment = dict(environment)
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._cell: dict[str, Any] | None = None
        """The cell that was begun last: its notebook, parameters and index."""

    async def ask(self, timeout: float, **request: Any) -> tuple[dict[str, Any], bytes]:
        """What the worker answers; `ReportError` when it says so, takes too long, or has ended.

        `timeout` is seconds per cell, or for the whole answer where no notebook is run.
        """
        async with self._turn:
            process = await self._running()
            self._cell = None
            try:
                answer, content = await self._exchange(process, request, timeout)
            except TimeoutError:
                await self.end()
                raise self._failure(f"It took longer than {timeout:g} s and was ended.") from None
            except (asyncio.IncompleteReadError, ConnectionError, json.JSONDecodeError):
                code = await self.end()
                raise self._failure(
                    f"The process that runs the notebooks ended (code {code}). It is started "
                    "again with the next change."
                ) from None
        if "error" in answer:
            raise ReportError(answer["error"])
        return answer, content

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
        self, process: asyncio.subprocess.Process, request: Mapping[str, Any], timeout: float
    ) -> tuple[dict[str, Any], bytes]:
        assert process.stdin and process.stdout
        process.stdin.write(json.dumps(request).encode() + b"\n")
        await process.stdin.drain()
        while True:
            async with asyncio.timeout(timeout):
                answer = json.loads(await process.stdout.readline())
                if "size" in answer:
                    return answer, await process.stdout.readexactly(answer.pop("size"))
                self._cell = answer["begun"]

    def _failure(self, error: str) -> ReportError:
        """The error, with the notebook and the cell in which it happened where there is one."""
        if self._cell is None:
            return ReportError(error)
        source = Path(self._cell["source"])
        run = NotebookRun(source, self._cell["parameters"], source, self._cell["index"])
        return run.failure(error)
