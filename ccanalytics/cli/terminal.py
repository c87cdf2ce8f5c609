"""Terminal output: one progress bar that never goes back, and text without escape sequences."""

import contextlib
import logging
import re
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from threading import Lock

import click

BAR = 20
"""Columns of the bar itself."""

_bar: list[str] = []
"""The bar that is drawn, if any."""

_UNSAFE = re.compile(
    "[\\0-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff]"
)
"""Control characters except line ends and tabs, what ends a line or turns text, half pairs."""


def say(text: object, *, err: bool = False) -> None:
    """Print lines, above the progress bar if there is one."""
    _take_bar_away()
    click.echo(plain(str(text)), err=err)


def plain(text: str) -> str:
    """`text` without terminal escapes and other characters that change how text is shown.

    >>> plain("Team \\x1b[2JRed")
    'Team ?[2JRed'
    """
    return _UNSAFE.sub("?", text)


class Warnings(logging.Handler):
    """Warnings of the package as lines on stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one."""
        say(record.getMessage(), err=True)


@contextlib.contextmanager
def progress(begin: str) -> Iterator[Callable[[str, float], None]]:
    """A progress bar on a terminal, else a line per tenth. `begin` is shown at once.

    Call what is yielded with the current step and the share of everything done; the
    bar never goes back.
    """
    is_bar, lock, reached = sys.stderr.isatty(), Lock(), 0.0

    def move(what: str, share: float) -> None:
        nonlocal reached
        with lock:
            if is_bar:
                reached = max(reached, share)
                done = "#" * int(reached * BAR)
                line = plain(f"[{done:.<{BAR}}] {reached:4.0%}  {what}")
                _rewrite(line[: shutil.get_terminal_size().columns - 1])
            elif share >= reached:
                say(f"{share:4.0%}  {what}", err=True)
                reached = (int(share * 10 + 1e-9) + 1) / 10

    move(begin, 0.0)
    try:
        yield move
    finally:
        _take_bar_away()


def _take_bar_away() -> None:
    if _bar:
        _rewrite("")


def _rewrite(line: str) -> None:
    click.echo(f"\r{line}\x1b[K", nl=False, err=True)
    _bar[:] = [line] if line else []


@contextlib.contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends the block like Ctrl-C, so that worker processes are ended too."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
