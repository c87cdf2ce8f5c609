"""Watched files -> the page, rebuilt after each change, and its state."""

import asyncio
import hashlib
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from importlib import import_module
from typing import Any

from ccanalytics.errors import CCAnalyticsError
from ccanalytics.issue.run_options import RunOptions

log = logging.getLogger(__name__)

SHORTEST, LONGEST = 1.0, 5.0
"""The pause between two looks at the files in seconds."""

AFTER_LOOK, AFTER_PAGE = 20, 2
"""In between it is this many times as long as the look took, or the look with a new page."""


class Live:
    """The newest page, and its status, of which `state` is reading, live, waiting or failed."""

    def __init__(self, options: RunOptions) -> None:
        # They import while this process does, and sync the records with each change.
        self.workers = options.notebook_workers(sync=True)
        self.page = b""
        self.status: dict[str, Any] = {"state": "reading", "version": "", "updated": None}
        self.status |= {"files": 0, "message": "", "progress": 0, "choices": [], "chosen": {}}
        self._options = options
        self._asked = asyncio.Event()

    async def keep_up(self) -> None:
        """Make the page now and after each change, until cancelled."""
        maker = await asyncio.to_thread(import_module, "ccanalytics.live.page_maker")
        shown = None
        while True:
            begun = time.monotonic()
            stamp, logs = await asyncio.to_thread(maker.stamp, self._options)
            pause = AFTER_LOOK * (time.monotonic() - begun)
            if stamp != shown or self._asked.is_set():
                shown = stamp
                self._asked.clear()
                # Without any log there still is a page: what was once read stays in the store.
                if logs or self._options.store.dates(self._options.source):
                    await self._renew(maker, logs)
                else:
                    folders = ", ".join(map(str, maker.folders_of(self._options)))
                    missing = f"There is no session log in {folders} yet."
                    words = f"{missing} The page starts with the first one."
                    self._say(state="waiting", message=words, files=0)
                pause = max(pause, AFTER_PAGE * (time.monotonic() - begun))
            # Changes come in bursts; the reader's own choice is not kept waiting.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), min(LONGEST, max(SHORTEST, pause)))

    def choose(self, wanted: Mapping[str, Any]) -> None:
        """Apply the offered filters; anything else is ignored."""
        offered = {one["name"]: dict(one["options"]) for one in self.status["choices"]}
        right = {name: value for name, value in wanted.items() if value in offered.get(name, ())}
        if right:
            self._say(state="reading", chosen=self.status["chosen"] | right)
            self._asked.set()

    async def _renew(self, maker: Any, files: int) -> None:
        loop = asyncio.get_running_loop()

        def progress(notebook: str, begun: int, total: int) -> None:
            if self.status["state"] == "reading":
                loop.call_soon_threadsafe(partial(self._say, progress=begun / total))

        if not self.page:
            self._say(state="reading", files=files)
        chosen, early = self.status["chosen"], not self.page
        pages = maker.pages(self._options, self.workers, chosen, progress, early=early)
        try:
            while made := await asyncio.to_thread(next, pages, None):
                self.page = made[0].encode()
                version = hashlib.sha256(self.page).hexdigest()[:16]
                choices = made[1] or self.status["choices"]
                self._say(state="reading", version=version, files=files, choices=choices)
        except Exception as error:  # whatever it is, the next page may go well
            from ccanalytics.people.identity import without_emails

            words = f"{error}\n\n{getattr(error, 'code', '')}".rstrip()  # of the failed cell
            if not isinstance(error, CCAnalyticsError):
                log.exception("The page could not be built.")
                words = f"{type(error).__name__}: {error}"
            if self._options.settings.identity != "named":
                words = without_emails(words)
            self._say(state="failed", files=files, message=words)
        else:
            self._say(state="live", updated=time.time(), progress=0, message="")

    def _say(self, **changed: Any) -> None:
        self.status = {**self.status, **changed}
