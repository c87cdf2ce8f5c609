"""Numbers with the right form of a noun."""


def counted(number: int, one: str, several: str = "") -> str:
    """A number with its noun.

    >>> counted(1, "person", "people"), counted(2, "day"), counted(1200, "person", "people")
    ('1 person', '2 days', '1,200 people')
    """
    return f"{number:,} {one if number == 1 else several or one + 's'}"
