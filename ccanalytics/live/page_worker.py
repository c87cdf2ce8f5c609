"""The process in which the notebooks of a dashboard run; it answers one request after the other.

A request is a line of JSON, `{"do": "open" | "watch" | "run" | "save", ...}`, an answer a line of
JSON whose `size` says how many bytes follow. Before it comes a line `{"begun": ...}` per cell.
"""

import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccanalytics.errors import CCAnalyticsError
from ccanalytics.live.opening import opening_page
from ccanalytics.report.worker_pipes import worker_pipes

if TYPE_CHECKING:
    from ccanalytics.live.page_maker import Dashboard


def main() -> None:
    """Answer requests, as long as there is somebody to ask."""
    requests, answers = worker_pipes()
    chosen = json.loads(sys.argv[1])

    @cache
    def dashboard() -> "Dashboard":
        return _dashboard(chosen)

    def say(line: Mapping[str, Any], content: bytes = b"") -> None:
        answers.write(json.dumps(line).encode() + b"\n" + content)
        answers.flush()

    def answer(request: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
        if request["do"] == "open":
            return {}, opening_page(chosen["source"]).encode()
        try:
            return dashboard().answer(request, lambda cell: say({"begun": cell}))
        except CCAnalyticsError as error:
            return {"error": str(error)}, b""

    for line in requests:
        words, content = answer(json.loads(line))
        say({**words, "size": len(content)}, content)


def _dashboard(chosen: Mapping[str, Any]) -> "Dashboard":
    # Imported here, so that a page is there before the seconds this takes.
    from ccanalytics.issue.run_options import RunOptions
    from ccanalytics.live.page_maker import Dashboard
    from ccanalytics.settings import read_settings

    asked = dict(chosen)
    notebooks = asked.pop("notebooks")
    return Dashboard(
        RunOptions(
            environ=dict(os.environ),
            settings=read_settings(os.environ, Path.cwd()),
            now=datetime.now(UTC),
            notebooks=Path(notebooks) if notebooks else None,
            **asked,
        )
    )


if __name__ == "__main__":
    main()
