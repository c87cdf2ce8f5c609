"""What is watched -> the page, made again after each change, and everybody hears of it."""

import asyncio
import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from ccanalytics.errors import ReportError
from ccanalytics.live.watch import Watched, changes
from ccanalytics.live.worker_process import Worker

TIMEOUT = 300.0
"""Seconds per cell of a notebook, and for everything else the worker is asked."""

State = Literal["reading", "live", "waiting", "failed"]
Listener = Callable[[dict[str, Any]], None]


class Live:
    """The newest whole page, how it stands, and who wants to hear of it."""

    def __init__(self, worker: Worker, *, timeout: float = TIMEOUT) -> None:
        self.worker = worker
        self.page = b""
        self.listeners: set[Listener] = set()
        self.status: dict[str, Any] = {}
        self.opened = asyncio.Event()
        self._timeout = timeout
        self._changed = asyncio.Event()
        self._say("reading")

    async def keep_up(self) -> None:
        """Make the page now and after each change, until cancelled."""
        watched = await self._open()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch(watched))
            while True:
                self._changed.clear()
                await self._renew(watched)
                await self._changed.wait()

    async def save(self, kind: str) -> tuple[str, bytes]:
        """The name and content of a file of the page shown."""
        answer, content = await self.worker.ask(self._timeout, do="save", kind=kind)
        return answer["name"], content

    async def _open(self) -> Watched:
        _, self.page = await self.worker.ask(self._timeout, do="open")
        self._say("reading")
        self.opened.set()
        paths, _ = await self.worker.ask(self._timeout, do="watch")
        return Watched(
            folders=tuple(map(Path, paths["folders"])),
            suffix=paths["suffix"],
            files=tuple(map(Path, paths["files"])),
        )

    async def _watch(self, watched: Watched) -> None:
        async for _ in changes(watched):
            self._changed.set()

    async def _renew(self, watched: Watched) -> None:
        files = await asyncio.to_thread(watched.count)
        if watched.folders and not files:
            self._say("waiting", message=_nothing_in(watched))
            return
        try:
            _, self.page = await self.worker.ask(self._timeout, do="run")
        except ReportError as error:
            self._say("failed", files=files, message=str(error))
        else:
            self._say("live", files=files, updated=time.time(), message="")

    def _say(self, state: State, **changed: Any) -> None:
        version = hashlib.sha256(self.page).hexdigest()[:16]
        before = {"updated": None, "files": 0, "message": ""} | self.status
        self.status = before | {"state": state, "version": version} | changed
        for listener in list(self.listeners):
            listener(self.status)


def _nothing_in(watched: Watched) -> str:
    missing = [str(folder) for folder in watched.folders if not folder.is_dir()]
    empty = [str(folder) for folder in watched.folders if folder.is_dir()]
    parts = [f"{', '.join(missing)} does not exist yet."] if missing else []
    parts += [f"{', '.join(empty)} holds no {watched.suffix} file yet."] if empty else []
    return f"{' '.join(parts)} The page begins with the first."
