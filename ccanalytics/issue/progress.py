"""Progress of a command: the current step, and the share of everything done."""

from collections.abc import Callable
from datetime import date
from itertools import count

Progress = Callable[[str, float], None]
"""Called with the current step, and a share from 0 to 1 that never falls."""


def silent(what: str, share: float) -> None:
    """Progress that is not shown."""


def part(progress: Progress, start: float, end: float) -> Progress:
    """Progress of one part of the whole, from one share of it to another."""
    return lambda what, share: progress(what, start + (end - start) * share)


def of_days(progress: Progress) -> Callable[[date, int], None]:
    """Progress of days: called with each finished day and their number."""
    done = count(1)
    return lambda day, total: progress(f"day {day}", next(done) / total)


def of_notebooks(progress: Progress, total: int) -> Callable[[str, int, int], None]:
    """Progress of `total` notebooks: called with each one, its started cells and all its cells."""
    done: dict[str, float] = {}

    def begun(notebook: str, cell: int, cells: int) -> None:
        done[notebook] = cell / cells
        share = sum(list(done.values())) / total  # a copy: several threads report cells
        progress(notebook.removesuffix(".ipynb") if share < 1 else "the page", share)

    return begun
