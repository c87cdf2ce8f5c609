"""Numbers with their nouns and signs."""

import re
from collections.abc import Sequence
from datetime import date


def counted(number: int, one: str, several: str = "") -> str:
    """A number with its noun.

    >>> counted(1, "person", "people"), counted(2, "day"), counted(1200, "person", "people")
    ('1 person', '2 days', '1,200 people')
    """
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def day_words(moment: date, rest: str = "%B") -> str:
    """The day of a moment, and the rest of it in a format; Windows has none for a day without zero.

    >>> day_words(date(2026, 8, 3)), day_words(date(2026, 8, 3), "%b %Y")
    ('3 August', '3 Aug 2026')
    """
    return f"{moment.day} {moment:{rest}}"


def either(names: Sequence[str]) -> str:
    """Names of which one is meant.

    >>> either(["a", "b", "c"]), either(["a"])
    ('a, b or c', 'a')
    """
    return " or ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def listed(names: Sequence[object], most: int) -> str:
    """The first names, and how many more there are.

    >>> listed(["a", "b"], 3), listed(["a", "b", "c"], 2)
    ('a, b', 'a, b and 1 more')
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(map(str, names[:most]))}{more}"


def unbroken(text: str) -> str:
    """`text` with no line break between a number and its per cent sign."""
    return re.sub(r"(?<=\d) (?=%)", "\u00a0", text)
