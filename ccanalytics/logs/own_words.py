"""Amounts of one person's own usage in words."""

_FRACTIONS = {1 / 4: "a quarter", 1 / 3: "a third", 1 / 2: "half", 2 / 3: "two thirds"}
_FRACTIONS |= {3 / 4: "three quarters"}


def dollars(value: float) -> str:
    """An amount as people say it: "$412", "$3.20"."""
    return f"${value:,.0f}" if value >= 9.995 else f"${value:,.2f}"


def millions(count: float) -> str:
    """Tokens in words: "1.2 million tokens"."""
    return f"{count / 1e6:,.1f} million tokens" if count >= 1e6 else f"{count:,.0f} tokens"


def part(share: float) -> str:
    """A share in words: "two thirds", "all", "62 %"."""
    if share >= 0.995:
        return "all"
    nearest = min(_FRACTIONS, key=lambda fraction: abs(fraction - share))
    return _FRACTIONS[nearest] if abs(nearest - share) < 0.02 else f"{100 * share:.0f} %"
