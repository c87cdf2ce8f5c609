"""Coroutines in tests that may share a process with Playwright, whose event loop never stops."""

import asyncio
from concurrent.futures import ThreadPoolExecutor


def run_apart(coroutine):
    """The result of `coroutine`, run in an event loop in a separate thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()
