"""Which groups are too small to be shown, and which others have to be withheld with them."""

from collections.abc import Iterable, Mapping


def withheld(sizes: Mapping[str, int], minimum: int, total_known: bool = True) -> frozenset[str]:
    """The groups to withhold: those under `minimum` people, and more where the total is known.

    The total less the groups shown is what was withheld. Where that is a single group, or several
    with too few people together, the next smallest groups are withheld too.
    """
    ordered = sorted(sizes, key=lambda group: (sizes[group], group))
    count = sum(size < minimum for size in sizes.values())
    if total_known and count:
        while count < len(ordered) and _can_be_inferred(ordered[:count], sizes, minimum):
            count += 1
    return frozenset(ordered[:count])


def revealed(sizes: Mapping[str, int], minimum: int, *issues: Iterable[str]) -> frozenset[str]:
    """The groups that can be worked out from several issues together, though from none alone.

    Each of `issues` is the groups that one issue about the same records withheld. A group that
    another issue shows can be subtracted, so only what all of them withhold stays hidden.
    """
    left = sorted(frozenset(sizes).intersection(*issues))
    return frozenset(left) if left and _can_be_inferred(left, sizes, minimum) else frozenset()


def _can_be_inferred(groups: list[str], sizes: Mapping[str, int], minimum: int) -> bool:
    """Whether the sum of these groups says too much about few people."""
    return len(groups) == 1 or sum(sizes[group] for group in groups) < minimum
