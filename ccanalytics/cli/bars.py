"""Progress bars on a terminal, plain lines elsewhere; SIGTERM ends a command cleanly."""

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import date

import click


@contextlib.contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does, so that kernels are ended too."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def cells() -> Iterator[Callable[[str, int, int], None]]:
    """A bar over the cells of all notebooks on a terminal, a line per notebook elsewhere."""
    begun: dict[str, int] = {}

    def line(notebook: str, done: int, total: int) -> None:
        if done == total and begun.get(notebook) != total:
            begun[notebook] = total
            click.echo(f"{notebook}: done", err=True)

    if not sys.stderr.isatty():
        yield line
        return
    from tqdm import tqdm

    with tqdm(total=0, unit="cell", desc="notebooks", leave=False) as bar:

        def move(notebook: str, done: int, total: int) -> None:
            if notebook not in begun:
                bar.total += total
            bar.update(done - begun.get(notebook, 0))
            begun[notebook] = done

        yield move


@contextlib.contextmanager
def days() -> Iterator[Callable[[date, int, int], None]]:
    """A bar over the days of a sync on a terminal, a line now and then elsewhere."""

    def line(day: date, done: int, total: int) -> None:
        if done == total or done % 30 == 0:
            click.echo(f"{day}: day {done} of {total}", err=True)

    if not sys.stderr.isatty():
        yield line
        return
    from tqdm import tqdm

    with tqdm(unit="day", desc="days", leave=False) as bar:

        def move(day: date, done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield move
