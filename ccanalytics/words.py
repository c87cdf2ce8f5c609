"""Numbers with their nouns and signs."""

import re
from collections.abc import Sequence


def counted(number: int, one: str, several: str = "") -> str:
    """A number with its noun.

    >>> counted(1, "person", "people"), counted(2, "day"), counted(1200, "person", "people")
    ('1 person', '2 days', '1,200 people')
    """
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def either(names: Sequence[str]) -> str:
    """Names of which one is meant.

    >>> either(["a", "b", "c"]), either(["a"])
    ('a, b or c', 'a')
    """
    return " or ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def unbroken(text: str) -> str:
    """`text` with no line break between a number and its per cent sign."""
    return re.sub(r"(?<=\d) (?=%)", "\u00a0", text)
