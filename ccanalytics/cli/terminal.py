"""Terminal output: one progress bar that never goes back, and text without escape sequences."""

import contextlib
import logging
import re
import signal
import sys
from collections.abc import Callable, Iterator
from threading import Lock
from typing import Any

import click

_UNSAFE = re.compile(
    "[\\0-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff]"
)
"""Control characters except line ends and tabs, what ends a line or turns text, half pairs."""


def say(text: object, *, err: bool = False) -> None:
    """Print lines, in place of the progress bar if there is one."""
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", nl=False, err=True)
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
    is_bar, lock = sys.stderr.isatty(), Lock()
    form: Any = {"bar_template": "[%(bar)s] %(label)s", "empty_char": ".", "width": 20}
    with click.progressbar(
        length=100, label=plain(f"  0%  {begin}"), file=sys.stderr, show_eta=False, **form
    ) as bar:

        def move(what: str, share: float) -> None:
            with lock:
                percent = max(bar.pos, round(100 * share))
                if is_bar or percent // 10 > bar.pos // 10:
                    bar.label = plain(f"{percent:3}%  {what}")
                bar.make_step(percent - bar.pos)
                bar.render_progress()

        yield move


@contextlib.contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends the block like Ctrl-C, so that worker processes are ended too."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
