"""Terminal output: one progress bar that never goes back, and text without escape sequences."""

import contextlib
import logging
import shutil
import signal
import sys
import unicodedata
from collections.abc import Callable, Iterator
from threading import Lock

import click

BAR = 20
"""Columns of the bar itself."""

_TURNS_TEXT = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def say(text: object, *, err: bool = False) -> None:
    """Print lines, above the progress bar if there is one."""
    _take_bar_away()
    click.echo(plain(str(text)), err=err)


def plain(text: str) -> str:
    """`text` without terminal escapes and other characters that change how text is shown.

    >>> plain("Team \\x1b[2JRed")
    'Team ?[2JRed'
    """
    return "".join("?" if _is_control(sign) else sign for sign in text)


def _is_control(sign: str) -> bool:
    return sign not in "\n\t" and (
        unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") or sign in _TURNS_TEXT
    )


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
    move = _Shown(is_bar=sys.stderr.isatty()).move
    move(begin, 0.0)
    try:
        yield move
    finally:
        _take_bar_away()


class _Shown:
    """How far a command is."""

    bar_is_drawn = False

    def __init__(self, is_bar: bool) -> None:
        self._is_bar = is_bar
        self._lock = Lock()
        self._next = 0.0

    def move(self, what: str, share: float) -> None:
        with self._lock:
            if self._is_bar:
                self._next = max(self._next, share)
                done = "#" * int(self._next * BAR)
                line = plain(f"[{done:.<{BAR}}] {self._next:4.0%}  {what}")
                _Shown.bar_is_drawn = True
                _rewrite(line[: shutil.get_terminal_size().columns - 1])
            elif share >= self._next:
                say(f"{share:4.0%}  {what}", err=True)
                self._next = (int(share * 10 + 1e-9) + 1) / 10


def _take_bar_away() -> None:
    if _Shown.bar_is_drawn:
        _Shown.bar_is_drawn = False
        _rewrite("")


def _rewrite(line: str) -> None:
    click.echo(f"\r{line}\x1b[K", nl=False, err=True)


@contextlib.contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends the block like Ctrl-C, so that worker processes are ended too."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
