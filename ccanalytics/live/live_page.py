"""Watched files -> the page, rebuilt after each change, and its listeners are notified."""

import asyncio
import hashlib
import logging
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

from ccanalytics.errors import CCAnalyticsError
from ccanalytics.live.page_maker import PageMaker
from ccanalytics.live.watch import Watched, changes

log = logging.getLogger(__name__)

REST = 5.0
"""The longest pause after a page in seconds; after a quick page twice the time it took."""

State = Literal["reading", "live", "waiting", "failed"]
Listener = Callable[[dict[str, Any]], None]

_OF_OURS = re.compile(r"\w+\.ipynb, cell \d+: (?:Settings|Store|Schema|Auth)Error: (.*)", re.DOTALL)


class Live:
    """The newest page, its state, and its listeners."""

    def __init__(self, maker: PageMaker) -> None:
        self.maker = maker
        self.page = b""
        self.listeners: set[Listener] = set()
        self.status: dict[str, Any] = {}
        self._changed = asyncio.Event()
        self._hurry = asyncio.Event()
        self._say("reading")

    async def keep_up(self) -> None:
        """Make the page now and after each change, until cancelled."""
        watched = await asyncio.to_thread(self.maker.watched)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch(watched))
            while True:
                self._changed.clear()
                begun = time.monotonic()
                await self._renew(watched)
                await self._rest(min(REST, 2 * (time.monotonic() - begun)))
                await self._changed.wait()

    def choose(self, wanted: Mapping[str, Any]) -> None:
        """Apply the offered filters; anything else is ignored."""
        offered = {one["name"]: [value for value, _ in one["options"]] for one in self.choices}
        right = {n: v for n, v in wanted.items() if v in offered.get(n, ())}
        if right:
            self.maker.chosen |= right
            self._say("reading")
            self._hurry.set()
            self._changed.set()

    @property
    def choices(self) -> list[dict[str, Any]]:
        """The available filters."""
        return self.maker.choices

    async def save(self, kind: str) -> tuple[str, bytes]:
        """The name and content of a file of the page shown."""
        return await asyncio.to_thread(self.maker.save, kind)

    async def _watch(self, watched: Watched) -> None:
        async for _ in changes(watched):
            self._changed.set()

    async def _rest(self, seconds: float) -> None:
        """Changes come in bursts; the reader's own choice is not kept waiting."""
        self._hurry.clear()
        try:
            await asyncio.wait_for(self._hurry.wait(), seconds)
        except TimeoutError:
            return

    async def _renew(self, watched: Watched) -> None:
        files = await asyncio.to_thread(watched.count)
        if watched.folders and not files:
            self._say("waiting", message=_nothing_in(watched))
            return
        loop = asyncio.get_running_loop()

        def progress(notebook: str, begun: int, total: int) -> None:
            loop.call_soon_threadsafe(self._tell_progress, begun / total)

        if not self.page:
            self._say("reading", files=files)
        pages = self.maker.pages(progress)
        try:
            while page := await asyncio.to_thread(next, pages, None):
                self.page = page.encode()
                self._say("reading", files=files, choices=self.choices, message="")
        except CCAnalyticsError as error:
            self._say("failed", files=files, message=self._words(error))
        except Exception as error:  # whatever it is, the next page may go well
            log.exception("The page could not be built.")
            self._say("failed", message=self._safe(f"{type(error).__name__}: {error}"))
        else:
            self._say("live", updated=time.time(), progress=0)

    def _tell_progress(self, part: float) -> None:
        if self.status["state"] == "reading":
            self._say("reading", progress=part)

    def _say(self, state: State, **changed: Any) -> None:
        version = hashlib.sha256(self.page).hexdigest()[:16] if self.page else ""
        before: dict[str, Any] = {
            "updated": None,
            "files": 0,
            "message": "",
            "progress": 0,
            "choices": [],
        }
        said = {**before, **self.status, "chosen": self.maker.chosen}
        self.status = said | {"state": state, "version": version} | changed
        for listener in list(self.listeners):
            listener(self.status)

    def _words(self, error: CCAnalyticsError) -> str:
        """One sentence for what the reader can fix, else with the code of the failed cell."""
        ours = _OF_OURS.fullmatch(str(error))
        code = "" if ours else getattr(error, "code", "")
        return self._safe(f"{ours[1] if ours else error}" + (f"\n\n{code}" if code else ""))

    def _safe(self, text: str) -> str:
        from ccanalytics.people.identity import without_emails  # imports pandas

        named = self.maker.options.settings.identity == "named"
        return text if named else without_emails(text)


def _nothing_in(watched: Watched) -> str:
    missing = [str(folder) for folder in watched.folders if not folder.is_dir()]
    empty = [str(folder) for folder in watched.folders if folder.is_dir()]
    parts = [f"{', '.join(missing)} does not exist yet."] if missing else []
    parts += [f"{', '.join(empty)} holds no {watched.suffix} file yet."] if empty else []
    return f"{' '.join(parts)} The page starts with the first one."
