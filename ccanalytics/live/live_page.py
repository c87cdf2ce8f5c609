"""Watched files -> the page, rebuilt after each change, and its listeners are notified."""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from ccanalytics.errors import CCAnalyticsError
from ccanalytics.issue.run_options import RunOptions

if TYPE_CHECKING:
    from ccanalytics.live.page_maker import PageMaker

log = logging.getLogger(__name__)

TICK = 1.0
"""The shortest time between two looks at the files in seconds."""

SHARE = 20
"""After a look, wait this many times as long as it took."""

REST = 5.0
"""The longest pause after a page in seconds; after a quick page twice the time it took."""

Listener = Callable[[dict[str, Any]], None]


class Live:
    """The newest page, its state, and its listeners."""

    def __init__(self, options: RunOptions) -> None:
        # They import while this process does, and sync the records with each change.
        self.workers = options.notebook_workers(sync=True)
        self.maker: PageMaker | None = None
        self.page = b""
        self.listeners: set[Listener] = set()
        self.status: dict[str, Any] = {"updated": None, "files": 0, "message": "", "progress": 0}
        self.status |= {"choices": [], "chosen": {}}
        self._options = options
        self._asked = asyncio.Event()
        self._say("reading")

    async def keep_up(self) -> None:
        """Make the page now and after each change, until cancelled."""
        maker = self.maker = await asyncio.to_thread(self._made)
        shown = None
        while True:
            begun = time.monotonic()
            stamp, logs = await asyncio.to_thread(maker.stamp)
            pause = max(TICK, SHARE * (time.monotonic() - begun))
            if stamp != shown or self._asked.is_set():
                shown = stamp
                self._asked.clear()
                begun = time.monotonic()
                # Without any log there still is a page: what was once read stays in the store.
                if logs or self._options.store.dates(self._options.source):
                    await self._renew(maker, logs)
                else:
                    missing = (
                        f"There is no session log in {', '.join(map(str, maker.folders))} yet."
                    )
                    words = f"{missing} The page starts with the first one."
                    self._say("waiting", message=words, files=0)
                # Changes come in bursts; the reader's own choice is not kept waiting.
                pause = max(pause, min(REST, 2 * (time.monotonic() - begun)))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), pause)

    def choose(self, wanted: Mapping[str, Any]) -> None:
        """Apply the offered filters; anything else is ignored."""
        if self.maker is None:
            return
        offered = {
            one["name"]: [value for value, _ in one["options"]] for one in self.maker.choices
        }
        right = {n: v for n, v in wanted.items() if v in offered.get(n, ())}
        if right:
            self.maker.chosen |= right
            self._say("reading", chosen=self.maker.chosen)
            self._asked.set()

    def _made(self) -> "PageMaker":
        from ccanalytics.live.page_maker import PageMaker

        return PageMaker(self._options, self.workers)

    async def _renew(self, maker: "PageMaker", files: int) -> None:
        loop = asyncio.get_running_loop()

        def progress(notebook: str, begun: int, total: int) -> None:
            if self.status["state"] == "reading":
                loop.call_soon_threadsafe(partial(self._say, "reading", progress=begun / total))

        if not self.page:
            self._say("reading", files=files)
        pages = maker.pages(progress, early=not self.page)
        try:
            while page := await asyncio.to_thread(next, pages, None):
                self.page = page.encode()
                self._say("reading", files=files, choices=maker.choices)
        except Exception as error:  # whatever it is, the next page may go well
            words = f"{error}\n\n{getattr(error, 'code', '')}".rstrip()  # of the failed cell
            if not isinstance(error, CCAnalyticsError):
                log.exception("The page could not be built.")
                words = f"{type(error).__name__}: {error}"
            self._say("failed", files=files, message=maker.without_names(words))
        else:
            self._say("live", updated=time.time(), progress=0, message="")

    def _say(self, state: str, **changed: Any) -> None:
        """Set the state, one of reading, live, waiting and failed."""
        version = hashlib.sha256(self.page).hexdigest()[:16] if self.page else ""
        self.status = {**self.status, "state": state, "version": version, **changed}
        for listener in list(self.listeners):
            listener(self.status)
