"""Which groups are too small to be shown, and which others are withheld with them.

One rule for everything that is published. A figure is shown for enough people only: at least
the minimum group, and for money nobody with more than `LARGEST_SHARE` of it. What the
total leaves besides the shown groups is also of enough people, each counted once, or of
nobody. Two parts that are enough stay so together, so no sum and no difference of what is shown
reveals fewer.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain, combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ccanalytics.frames.arrow_tables import stacked
from ccanalytics.people.calendars import week_of
from ccanalytics.people.roster import NO_TEAM

LARGEST_SHARE = 0.8
"""If one person makes more than this share of a figure, it is theirs, whoever else is in it."""

Amounts = Mapping[tuple[int, Any], float]
"""What each person of a group makes on each side of a cut (0 where nothing is cut), or 0."""


def enough(amounts: Amounts, minimum: int) -> bool:
    """Whether a figure of these people may be shown; each side has enough people or nobody."""
    sides: dict[int, list[float]] = {}
    for (side, _), usd in amounts.items():
        sides.setdefault(side, []).append(usd)
    return bool(sides) and all(large(len(s), max(s), sum(s), minimum) for s in sides.values())


def withheld(groups: Mapping[Any, Amounts], minimum: int) -> frozenset[Any]:
    """The groups to withhold: the small ones, and more where the total would reveal them.

    The total less the groups shown is what was withheld: where that is of too few people, the next
    smallest groups go too. One person may be in several groups. Groups of nobody reveal nothing.
    """
    sizes = {name: len({person for _, person in amounts}) for name, amounts in groups.items()}
    known = sorted((name for name in groups if sizes[name]), key=lambda name: (sizes[name], name))
    hidden = [name for name in known if not enough(groups[name], minimum)]
    others = [name for name in known if name not in hidden]
    while hidden and others and not enough(joined(groups[name] for name in hidden), minimum):
        hidden.append(others.pop(0))
    return frozenset(hidden)


def moved_by_few(teams: pd.DataFrame, minimum: int) -> set[tuple[pd.Timestamp, str]]:
    """The weeks and groups that two outputs may not both show, as too few people tell them apart.

    `teams` has the columns week, actor, before and now: the groups of everybody in each output. A
    reader can subtract any groups of one output from any of the other, also of another name.
    """
    found: set[tuple[pd.Timestamp, str]] = set()
    for week, rows in teams.groupby("week"):
        flows = rows.groupby(["before", "now"])["actor"].nunique().to_dict()
        hidden = set[str]()
        while crossing := _crossed_by_few(flows, hidden, minimum) - hidden:
            hidden |= crossing
        found |= {(week, group) for group in hidden}
    return found


MOST_PARTS = 10
"""Of so many parts all unions are judged, of more the unions of two."""

_HIDDEN = ("hidden", "")
"""All hidden groups of the later output: they are as good as one."""


def _crossed_by_few(
    flows: Mapping[tuple[str, str], int], hidden: Collection[str], minimum: int
) -> set[str]:
    """The groups of the later output to hide, as too few people left, joined or stayed in them.

    `flows` is how many people went from each group to each. Groups of the two outputs with enough
    people between them are one part, as apart they differ by these. What can be distinguished are
    unions of parts with fewer people between them and all others.
    """

    def part(side: int, group: str) -> tuple[str, str]:
        is_kept = flows.get((group, group), 0) >= minimum
        if group in hidden and (side or is_kept):
            return _HIDDEN
        return ("both", group) if is_kept else (("before", "now")[side], group)

    parts = {(side, pair[side]): part(side, pair[side]) for pair in flows for side in (0, 1)}
    while True:
        ends = {pair: {parts[0, pair[0]], parts[1, pair[1]]} for pair in flows}
        apart = {pair: both for pair, both in ends.items() if len(both) == 2}
        between = Counter[Any]()
        for pair, both in apart.items():
            between[frozenset(both)] += flows[pair]
        many = next((both for both, people in between.items() if people >= minimum), None)
        if many is None:
            break
        one = _HIDDEN if _HIDDEN in many else min(many)
        parts = {group: one if at in many else at for group, at in parts.items()}
    crossed, loose = set[str](), sorted(set().union(*apart.values()) - {_HIDDEN})
    sizes = range(1, (len(loose) if len(loose) <= MOST_PARTS else 2) + 1)
    for some in chain.from_iterable(combinations(loose, size) for size in sizes):
        pairs = [pair for pair, both in apart.items() if len(both.intersection(some)) == 1]
        if not 0 < sum(flows[pair] for pair in pairs) < minimum:
            continue
        names = set[str]()
        for before, now in pairs:
            # Where a group is gone, or hiding it is not enough, those it became.
            at, is_there = parts[0, before], (1, before) in parts and before not in hidden
            became = {group for (side, group), part in parts.items() if side and part == at}
            names |= {now, *([before] if is_there else became)}
        others = {group for (side, group), at in parts.items() if side and at in some}
        crossed |= names.difference(hidden) or others
    return crossed


def joined(groups: Iterable[Amounts]) -> Amounts:
    """Several groups as one: each person once per side, with their sum."""
    total: Counter[Any] = Counter()
    for amounts in groups:
        total.update(amounts)
    return total


def people_of(frames: Iterable[pd.DataFrame], keys: Sequence[str]) -> pd.DataFrame:
    """`keys`, actor and cost_usd of what people did; 0 for what is not of a model.

    `frames` are the three of a Dataset. A record with nothing in it makes nobody active.
    """
    columns, parts = [*keys, "actor", "cost_usd"], []
    for frame in frames:
        has_any = (frame.select_dtypes("number") > 0).any(axis=1)
        # Only these columns are copied: of many people the frames are large.
        known = frame.columns.intersection(columns)
        done = frame.loc[(frame["actor_kind"] == "user") & has_any, known]
        parts.append(done.reindex(columns=columns, fill_value=0.0))
    return stacked(parts)


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
    cells, pools = _numbers(rows, [*pool, group]), _numbers(rows, pool)
    _, first = np.unique(cells, return_index=True)
    pool_of, names = pools[first], rows[group].iloc[first].astype("str").fillna("").tolist()
    amounts = rows[["actor"]].assign(cell=cells, usd=rows["cost_usd"].fillna(0.0))
    amounts["side"] = rows.get("side", 0)
    people = amounts.groupby(["cell", "side", "actor"], **_ALL)["usd"].sum().reset_index()
    sides = people.groupby(["cell", "side"], sort=False)["usd"].agg(["size", "max", "sum"])
    small = ~large(sides["size"], sides["max"].clip(lower=0), sides["sum"], minimum)
    # Only pools with a group that is too small can have others to withhold with it.
    in_doubt = np.isin(pool_of, pool_of[sides.index[small].get_level_values("cell")])
    found: dict[int, dict[tuple[str, int], dict[tuple[int, Any], float]]] = {}
    for cell, side, actor, usd in people[in_doubt[people["cell"]]].itertuples(index=False):
        groups = found.setdefault(pool_of[cell], {})
        groups.setdefault((names[cell], cell), {})[side, actor] = usd
    hidden = [cell for groups in found.values() for _, cell in withheld(groups, minimum)]
    return pd.Series(np.isin(cells, hidden), index=rows.index)


_ALL: Any = {"observed": True, "dropna": False, "sort": False}


def _numbers(rows: pd.DataFrame, keys: Sequence[str]) -> npt.NDArray[np.int64]:
    groups = rows.groupby(list(keys), **_ALL).ngroup() if keys else np.zeros(len(rows))
    return np.asarray(groups, dtype="int64")


def large(size: Any, largest: Any, total: Any, minimum: int) -> Any:
    """Whether a side has enough people; with no minimum, as for one's own records, always."""
    return (size >= minimum) & ((minimum <= 1) | (largest <= LARGEST_SHARE * total))
