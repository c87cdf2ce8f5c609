"""How far a command is: what is being done, and the share of everything that is done."""

from collections.abc import Callable
from datetime import date
from itertools import count

Progress = Callable[[str, float], None]
"""Called with what is being done, and a share from 0 to 1 that only grows."""


def silent(what: str, share: float) -> None:
    """Progress that nobody looks at."""


def part(progress: Progress, start: float, end: float) -> Progress:
    """The progress of one part of the whole, which reaches from one share of it to another."""
    return lambda what, share: progress(what, start + (end - start) * share)


def of_days(progress: Progress) -> Callable[[date, int], None]:
    """What to call with each day that is done, and how many there are."""
    done = count(1)
    return lambda day, total: progress(f"day {day}", next(done) / total)


def of_notebooks(progress: Progress, total: int) -> Callable[[str, int, int], None]:
    """What to call with each of `total` notebooks, its cells that have begun, and all of them."""
    done: dict[str, float] = {}

    def begun(notebook: str, cell: int, cells: int) -> None:
        done[notebook] = cell / cells
        share = sum(list(done.values())) / total  # a copy: several threads report cells
        progress(notebook.removesuffix(".ipynb") if share < 1 else "the page", share)

    return begun
