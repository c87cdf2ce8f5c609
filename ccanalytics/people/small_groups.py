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
import numpy.typing as npt
import pandas as pd

from ccanalytics.frames.arrow_tables import stacked
from ccanalytics.people.calendars import week_of
from ccanalytics.people.roster import NO_TEAM

LARGEST_SHARE = 0.8
"""If one person makes more than this share of a figure, it is theirs, whoever else is in it."""

Amounts = Mapping[Any, float]
"""Each person of a group and their amount; 0 where it is not money."""

Part = Sequence[Amounts]
"""The people of a group on each side of a cut; one side where nothing is cut."""


def of_people(people: Iterable[str]) -> Part:
    """A group whose people are only counted."""
    return [dict.fromkeys(people, 0.0)]


def enough(part: Part, minimum: int) -> bool:
    """Whether a figure of these people may be shown; each side has enough people or nobody."""
    sides = [list(side.values()) for side in part if side]
    return bool(sides) and all(large(len(s), max(s), sum(s), minimum) for s in sides)


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


def moved_by_few(moves: pd.DataFrame, minimum: int) -> set[tuple[pd.Timestamp, str]]:
    """The weeks and groups that two outputs may not both show, as too few people tell them apart.

    `moves` has the columns week, actor, before and now: the groups of a person in each output,
    where they differ. Too few people cross between the groups that are left out and the others.
    """
    found: set[tuple[pd.Timestamp, str]] = set()
    for week, rows in moves.groupby("week"):
        sides = [rows[["actor", side]].set_axis(["actor", "group"], axis=1) for side in _SIDES]
        sizes = pd.concat(sides).groupby("group")["actor"].nunique()
        hidden, crossing = set[str](), sizes.index[sizes < minimum]
        while len(crossing):
            hidden |= {*crossing}
            out = rows[rows["before"].isin(hidden) != rows["now"].isin(hidden)]
            crossing = pd.unique(out[_SIDES].to_numpy().ravel())
            if out["actor"].nunique() >= minimum:
                break
        found |= {(week, group) for group in hidden}
    return found


_SIDES = ["before", "now"]


def joined(parts: Iterable[Part]) -> Part:
    """Several groups as one: each person once per side, with their sum."""
    sides: list[Counter[Any]] = []
    for part in parts:
        sides += [Counter() for _ in range(len(part) - len(sides))]
        for side, amounts in zip(sides, part, strict=False):
            side.update(amounts)
    return sides


def people_of(frames: Iterable[pd.DataFrame], keys: Sequence[str]) -> pd.DataFrame:
    """`keys`, actor and cost_usd of what people did; 0 for what is not of a model.

    `frames` are the three of a Dataset. A record with nothing in it makes nobody active.
    """
    columns, parts = [*keys, "actor", "cost_usd"], []
    for frame in frames:
        done = (frame["actor_kind"] == "user") & _has_any(frame)
        # Only these columns are copied: of many people the frames are large.
        known = frame.loc[done, frame.columns.intersection(columns)]
        parts.append(known.reindex(columns=columns, fill_value=0.0))
    return stacked(parts)


def _has_any(frame: pd.DataFrame) -> "pd.Series[bool]":
    """Whether a row has any measure above zero."""
    return (frame.select_dtypes("number") > 0).any(axis=1)


def withheld_teams(frames: Iterable[pd.DataFrame], minimum: int) -> pd.MultiIndex:
    """The weeks and teams of which nothing may be shown, by people or by money.

    People without a team are a team of their own. `frames` are those of `people_of`.
    """
    weekly = (frame.assign(week=week_of(frame["date"])) for frame in frames)
    rows = people_of(weekly, ["week", "team"])
    rows = rows.assign(team=rows["team"].cat.add_categories([NO_TEAM]).fillna(NO_TEAM))
    hidden = withheld_rows(rows, minimum, ["week"], "team")
    hidden |= withheld_rows(rows.assign(cost_usd=0.0), minimum, ["week"], "team")
    teams = rows.loc[hidden, ["week", "team"]].drop_duplicates()
    return pd.MultiIndex.from_frame(teams.astype({"team": "str"}))


def few(rows: pd.DataFrame, minimum: int, keys: Sequence[str]) -> "pd.Series[bool]":
    """For each row of people whether its group by `keys` is too small by itself."""
    return withheld_rows(rows.assign(all=""), minimum, keys, "all")


def withheld_rows(
    rows: pd.DataFrame, minimum: int, pool: Sequence[str], group: str
) -> "pd.Series[bool]":
    """For each row of people whether its group is withheld from the total of its `pool`.

    `rows` has the columns `pool`, `group`, actor and cost_usd, and where a figure is cut side (0,
    or 1 for the other side). One pool has all rows where `pool` is empty.
    """
    if minimum <= 1 or rows.empty:
        return pd.Series(data=False, index=rows.index)
    pools = _numbers(rows, pool)
    codes, names = pd.factorize(rows[group], use_na_sentinel=False)
    names = pd.Index(names).astype("str").fillna("")
    cells, known = pd.factorize(pools * len(names) + codes)
    sides = 2 * cells + (rows["side"].to_numpy(dtype="int64") if "side" in rows else 0)
    people, actors = pd.factorize(rows["actor"], use_na_sentinel=False)
    # From here on one entry per person, group and side.
    each, found = pd.factorize(sides * len(actors) + people)
    amounts = np.bincount(each, weights=rows["cost_usd"].fillna(0.0))
    sides, people = np.divmod(found, len(actors))
    sizes, totals = np.bincount(sides), np.bincount(sides, weights=amounts)
    largest = np.zeros(len(sizes))
    np.maximum.at(largest, sides, amounts)
    small = (sizes > 0) & ~large(sizes, largest, totals, minimum)
    # Only pools with a group that is too small can have others to withhold with it.
    pools, codes = np.divmod(known[sides // 2], len(names))
    in_doubt = np.isin(pools, pools[small[sides]])
    parts: dict[int, dict[str, list[dict[int, float]]]] = {}
    at: dict[tuple[int, str], int] = {}
    columns = pools, names[codes], sides, people, amounts
    doubtful = (np.asarray(column)[in_doubt].tolist() for column in columns)
    for number, name, side, person, amount in zip(*doubtful, strict=True):
        at[number, name] = side // 2
        parts.setdefault(number, {}).setdefault(name, [{}, {}])[side % 2][person] = amount
    hidden = [at[n, name] for n, groups in parts.items() for name in withheld(groups, minimum)]
    return pd.Series(np.isin(cells, hidden), index=rows.index)


def _numbers(rows: pd.DataFrame, pool: Sequence[str]) -> npt.NDArray[np.int64]:
    if not pool:
        return np.zeros(len(rows), dtype="int64")
    groups = rows.groupby(list(pool), observed=True, dropna=False, sort=False)
    return groups.ngroup().to_numpy(dtype="int64")


def large(size: Any, largest: Any, total: Any, minimum: int) -> Any:
    """Whether a side has enough people; with no minimum, as for one's own records, always."""
    return (size >= minimum) & ((minimum <= 1) | (largest <= LARGEST_SHARE * total))
