"""What of a frame may be shown: every number is null where the people behind it are too few.

The rule is that of `people.small_groups`, for every week by itself.
"""

from collections.abc import Callable, Iterator, Sequence

import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.metrics.actor_weeks import week_of
from ccanalytics.metrics.definitions import Metric
from ccanalytics.metrics.families import model_family
from ccanalytics.people.small_groups import few, members, people_of, withheld_rows
from ccanalytics.wire.claude_code import EDIT_TOOLS

CUT = {"cost_without_commit"}
"""Money of the people without a commit: they must be enough, and so must those with one."""

POPULATIONS = {"on_roster", "active_before"}
"""Denominators that are people, also those not active in the week."""


def hide(
    data: Dataset, frame: pd.DataFrame, minimum: int, keep: tuple[str, ...] = ()
) -> pd.DataFrame:
    """`frame` of weeks with every number null where people are too few; week and `keep` stay.

    Nobody active is a true zero, which may be shown.
    """
    few = frame["n_actors"].between(1, minimum - 1) | frame["week"].isin(data.untold)
    return _without_numbers(frame, few, ["week", *keep])


def hide_parts(
    data: Dataset,
    sums: pd.DataFrame,
    everybody: Sequence[pd.DataFrame],
    metric: Metric,
    by: str | None,
    minimum: int,
) -> pd.DataFrame:
    """`sums` by week and `by` with every number null of what is withheld.

    `everybody` are the rows that were summed, one per week, actor and group, and those of a team's
    rest. In a group nobody active is no zero that may be shown: the group itself may be small.
    """
    few = _keys(sums, by).isin(_withheld(everybody, metric, by, minimum))
    few |= sums["week"].isin(data.untold).to_numpy()
    if by:
        few |= (sums["n_actors"] == 0).to_numpy()
    return _without_numbers(sums, pd.Series(few, index=sums.index), ["week", *([by] if by else [])])


def why_withheld(data: Dataset, rows: pd.DataFrame, week: pd.Timestamp, metric: Metric) -> str:
    """Why the figure of everybody in `rows` is withheld in a week, in at most four words."""
    there = rows.loc[(rows["week"] == week) & (rows["active"] > 0), "actor"].nunique()
    if week in data.untold:
        return "withheld with other groups"
    one_person = metric.is_money and there >= data.minimum_group
    return f"withheld: {'mostly one person' if one_person else 'too few people'}"


def withheld_days(data: Dataset, dates: pd.Series) -> tuple["pd.Series[bool]", "pd.Series[bool]"]:
    """For each day whether it is withheld from the total of its week, and whether that total is."""
    hidden, untold = set[pd.Timestamp](), set(data.untold)
    for one in filter(None, (data, data.rest)):
        rows = people_of(one.activity, one.model_usage, ["date"])
        rows = rows.assign(week=week_of(rows["date"]))
        hidden |= {*rows.loc[withheld_rows(rows, data.minimum_group, ["week"], "date"), "date"]}
        people = members(rows.rename(columns={"amount": "cost_usd"}), ["week"])
        untold |= {*people.loc[few(people, data.minimum_group, ["week"]), "week"]}
    week = week_of(dates)
    return dates.isin(hidden) | week.isin(untold), week.isin(untold)


def withheld_parts(
    everybody: Sequence[pd.DataFrame], metric: Metric, by: str | None, minimum: int
) -> "pd.Series[bool]":
    """For each of the first rows whether its week or group is withheld.

    It is where its people are too few, or those of the other rows, such as of a team's rest.
    """
    rows = everybody[0]
    return pd.Series(_keys(rows, by).isin(_withheld(everybody, metric, by, minimum)), rows.index)


def _withheld(
    everybody: Sequence[pd.DataFrame], metric: Metric, by: str | None, minimum: int
) -> pd.MultiIndex:
    """The weeks and groups that are withheld in any of the rows."""
    first, *others = (_withheld_in(rows, metric, by, minimum) for rows in everybody)
    return first.append(others)


def _withheld_in(rows: pd.DataFrame, metric: Metric, by: str | None, minimum: int) -> pd.MultiIndex:
    """The weeks and groups to withhold, whichever of their people are too few."""
    keys = _keys(rows, by)
    groups = pd.Series(keys.get_level_values("group"), index=rows.index)
    hidden = pd.Series(data=False, index=rows.index)
    for people in _of_people(rows, metric):
        people = people.assign(group=groups)
        hidden[people.index] |= withheld_rows(people, minimum, ["week"], "group")
        if by in _OUTER:
            people = people.assign(outer=people["group"].map(_OUTER[by]))
            hidden[people.index] |= withheld_rows(people, minimum, ["week", "outer"], "group")
    return keys[hidden.to_numpy()].unique()


def _of_people(rows: pd.DataFrame, metric: Metric) -> Iterator[pd.DataFrame]:
    """The rows of the people a figure is about: who was active, and who it is divided by."""
    sides = {str(metric.numerator), str(metric.denominator)}
    money = any(side.startswith("cost_") for side in sides)
    people = pd.DataFrame(
        {
            "week": rows["week"],
            "actor": rows["actor"],
            "amount": rows["cost_usd"].fillna(0.0) if money else 0.0,
            "side": rows["landed"] if sides & CUT else 0,
        }
    )
    yield people[(rows["active"] > 0) | (people["amount"] > 0)]
    if metric.denominator in POPULATIONS:
        yield people[rows[metric.denominator] > 0]


def _keys(frame: pd.DataFrame, by: str | None) -> pd.MultiIndex:
    group = frame[by].astype("str") if by else pd.Series("", index=frame.index)
    return pd.MultiIndex.from_arrays([frame["week"], group], names=["week", "group"])


def _without_numbers(
    frame: pd.DataFrame, few: "pd.Series[bool]", keep: Sequence[str]
) -> pd.DataFrame:
    numbers = frame.columns.difference(list(keep))
    return frame.assign(**{name: frame[name].mask(few) for name in numbers})


_OUTER: dict[str | None, Callable[[str], object]] = {
    "model": model_family,
    "tool": EDIT_TOOLS.__contains__,
}
"""Groups that are parts of something which is shown as well: models of families, and the tools
that edit files of all tools. They must not be told by what is shown of it either."""
