"""Which groups are too small to be shown, and which others are withheld with them.

One rule for everything that is published. A figure is shown for enough people only: at least
the minimum group, and for money nobody with more than `LARGEST_SHARE` of it. What the
total leaves besides the shown groups is also of enough people, each counted once, or of
nobody. Two parts that are enough stay so together, so no sum and no difference of what is shown
reveals fewer.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ccanalytics.people.calendars import week_of

LARGEST_SHARE = 0.8
"""If one person makes more than this share of a figure, it is theirs, whoever else is in it."""

Amounts = Mapping[str, float]
"""Each person of a group and their amount; 0 where it is not money."""

Part = Sequence[Amounts]
"""The people of a group on each side of a cut; one side where nothing is cut."""


def of_people(people: Iterable[str]) -> Part:
    """A group whose people are only counted."""
    return [dict.fromkeys(people, 0.0)]


def enough(part: Part, minimum: int) -> bool:
    """Whether a figure of these people may be shown; each side has enough people or nobody."""
    sides = [list(side.values()) for side in part if side]
    return bool(sides) and all(_large(len(s), max(s), sum(s), minimum) for s in sides)


def withheld(groups: Mapping[str, Part], minimum: int) -> frozenset[str]:
    """The groups to withhold: the small ones, and more where the total would reveal them.

    The total less the groups shown is what was withheld: where that is of too few people, the next
    smallest groups go too. One person may be in several groups. Groups of nobody reveal nothing.
    """
    sizes = {name: len(set().union(*part)) for name, part in groups.items()}
    known = sorted((name for name in groups if sizes[name]), key=lambda name: (sizes[name], name))
    hidden = [name for name in known if not enough(groups[name], minimum)]
    others = [name for name in known if name not in hidden]
    while hidden and others and not enough(joined(groups[name] for name in hidden), minimum):
        hidden.append(others.pop(0))
    return frozenset(hidden)


def revealed(groups: Mapping[str, Part], minimum: int, *issues: Iterable[str]) -> frozenset[str]:
    """The groups that several issues reveal together, but none alone.

    Each of `issues` is the groups that one issue about the same records withheld. A group that
    another issue shows can be subtracted, so only what all of them withhold stays hidden.
    """
    left = frozenset(name for name in groups if any(groups[name])).intersection(*issues)
    exposed = left and not enough(joined(groups[name] for name in left), minimum)
    return left if exposed else frozenset()


def joined(parts: Iterable[Part]) -> Part:
    """Several groups as one: each person once per side, with their sum."""
    sides: list[Counter[str]] = []
    for part in parts:
        sides += [Counter() for _ in range(len(part) - len(sides))]
        for side, amounts in zip(sides, part, strict=False):
            side.update(amounts)
    return sides


def members(frame: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """One row per value of `keys` and person in `frame`, with their cost as amount, and no cut."""
    groups = frame.groupby([*keys, "actor"], observed=True, dropna=False)["cost_usd"]
    return groups.sum().rename("amount").reset_index().assign(side=0)


def people_of(activity: pd.DataFrame, usage: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """`members` of the records of people, with the cost of their models."""
    frames = [frame[frame["actor_kind"] == "user"] for frame in (activity, usage)]
    both: dict[str, Any] = {}
    for name in (*keys, "actor"):
        columns = [frame[name] for frame in frames]
        if all(isinstance(column.dtype, pd.CategoricalDtype) for column in columns):
            both[name] = pd.api.types.union_categoricals(columns)  # text is slow to group
        else:
            both[name] = pd.concat(columns, ignore_index=True)
    cost = np.concatenate([np.zeros(len(frames[0])), frames[1]["cost_usd"].to_numpy("float64")])
    return members(pd.DataFrame({**both, "cost_usd": cost}), keys)


def withheld_teams(activity: pd.DataFrame, usage: pd.DataFrame, minimum: int) -> pd.MultiIndex:
    """The weeks and teams of which nothing may be shown, by people or by money.

    People without a team are a team of their own.
    """
    records, uses = (frame.assign(week=week_of(frame["date"])) for frame in (activity, usage))
    rows = people_of(records, uses, ["week", "team"])
    rows = rows.assign(team=rows["team"].astype("str").fillna(""))
    hidden = withheld_rows(rows, minimum, ["week"], "team")
    hidden |= withheld_rows(rows.assign(amount=0.0), minimum, ["week"], "team")
    return pd.MultiIndex.from_frame(rows.loc[hidden, ["week", "team"]].drop_duplicates())


def few(rows: pd.DataFrame, minimum: int, keys: Sequence[str]) -> "pd.Series[bool]":
    """For each row of `members` whether its group by `keys` is too small by itself."""
    return withheld_rows(rows.assign(all=""), minimum, keys, "all")


def withheld_rows(
    rows: pd.DataFrame, minimum: int, pool: Sequence[str], group: str
) -> "pd.Series[bool]":
    """For each row whether its group is withheld from the total of its `pool`.

    `rows` has the columns `pool`, `group`, actor, amount and side (0, or 1 for the other side of a
    cut): one row per person and group.
    """
    if minimum <= 1:
        return pd.Series(data=False, index=rows.index)
    pools = rows.groupby(list(pool), observed=True, dropna=False, sort=False).ngroup().to_numpy()
    codes, names = pd.factorize(rows[group], use_na_sentinel=False)
    names = pd.Index(names).astype("str")
    cells, known = pd.factorize(pools * max(len(names), 1) + codes)
    sides = 2 * cells + rows["side"].to_numpy(dtype="int64")
    amounts = rows["amount"].to_numpy(dtype="float64")
    sizes = np.bincount(sides, minlength=2 * len(known))
    totals = np.bincount(sides, weights=amounts, minlength=2 * len(known))
    largest = np.zeros(2 * len(known))
    np.maximum.at(largest, sides, amounts)
    small = (sizes > 0) & ~_large(sizes, largest, totals, minimum)
    # Only pools with a group that is too small can have others to withhold with it.
    in_doubt = np.isin(pools, pools[small.reshape(-1, 2).any(axis=1)[cells]])
    parts: dict[int, dict[str, list[dict[str, float]]]] = {}
    columns = pools, cells, names[codes], rows["actor"], rows["side"], amounts
    doubtful = (np.asarray(column)[in_doubt].tolist() for column in columns)
    at: dict[tuple[int, str], int] = {}
    for number, cell, name, actor, side, amount in zip(*doubtful, strict=True):
        at[number, name] = cell
        parts.setdefault(number, {}).setdefault(name, [{}, {}])[side][actor] = amount
    hidden = [at[n, name] for n, groups in parts.items() for name in withheld(groups, minimum)]
    return pd.Series(np.isin(cells, hidden), index=rows.index)


def _large(size: Any, largest: Any, total: Any, minimum: int) -> Any:
    """Whether a side has enough people; with no minimum, as for one's own records, always."""
    return (size >= minimum) & ((minimum <= 1) | (largest <= LARGEST_SHARE * total))
