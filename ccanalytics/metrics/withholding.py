"""What may be shown of a frame, and what is known: every other number is null, never 0.

Of too few people nothing is shown; the rule is that of `people.small_groups`, week by week. What
the source of a dataset does not have is marked as such.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from ccanalytics.dataset.dataset import Dataset, kept
from ccanalytics.frames.schemas import SCHEMAS
from ccanalytics.metrics.definitions import KINDS, POPULATIONS, Metric
from ccanalytics.people.calendars import week_of
from ccanalytics.people.small_groups import few, people_of, withheld_rows
from ccanalytics.prices import model_family
from ccanalytics.wings import resolve
from ccanalytics.wire.claude_code import EDIT_TOOLS

UNAVAILABLE: Final = "not known from this source"
WITHHELD: Final = "withheld for privacy"

TOKENS = {*KINDS, "unpriced_tokens", "total_tokens", "input_side_tokens"}

USAGE = {*TOKENS, "cost_usd", "cost_without_commit"}
"""Columns about models, tokens and cost."""

_OUTER: dict[str | None, Callable[[str], object]] = {
    "model": model_family,
    "tool": EDIT_TOOLS.__contains__,
}
"""Groups that are parts of another shown group: models of families, and the tools
that edit files of all tools. What is shown of it must not reveal them either."""


class Subject(NamedTuple):
    """What a figure is about, as far as it decides which people must be enough.

    `cut` is money of people without a commit: both they and those with one must be enough.
    `population` is the denominator if it counts people who are not active, too.
    """

    money: bool
    cut: bool = False
    population: str = ""

    @classmethod
    def of(cls, metric: Metric) -> "Subject":
        """The subject of a metric."""
        people = metric.denominator if metric.denominator in POPULATIONS else ""
        return cls(metric.is_money, "cost_without_commit" in metric.sides.values(), people)


def withheld_groups(
    rows: pd.DataFrame, subject: Subject, by: str | None, minimum: int
) -> pd.MultiIndex:
    """The weeks and groups withheld because too few people are in them, or left over by them.

    `rows` are the sums of everybody, one per week, actor and group.
    """
    keys = places(rows, by)
    people = rows[["week", "actor"]].assign(
        group=keys.get_level_values("group"),
        cost_usd=rows["cost_usd"].fillna(0.0) if subject.money else 0.0,
        side=rows["landed"] if subject.cut else 0,
    )
    # A figure is about the active people, and about those it is divided by.
    about = [(rows["active"] > 0) | (people["cost_usd"] > 0)]
    about += [rows[subject.population] > 0] if subject.population else []
    hidden = pd.Series(data=False, index=rows.index)
    for part in (people[there] for there in about):
        hidden[part.index] |= withheld_rows(part, minimum, ["week"], "group")
        if by in _OUTER:
            outer = part.assign(outer=part["group"].map(_OUTER[by]))
            hidden[part.index] |= withheld_rows(outer, minimum, ["week", "outer"], "group")
    return keys[hidden.to_numpy()].unique()


def places(frame: pd.DataFrame, by: str | None) -> pd.MultiIndex:
    """The week and the group of each row."""
    group = frame[by].astype("str") if by else pd.Series("", index=frame.index)
    return pd.MultiIndex.from_arrays([frame["week"], group], names=["week", "group"])


def withheld_days(data: Dataset, dates: pd.Series) -> tuple["pd.Series[bool]", "pd.Series[bool]"]:
    """Whether each day is withheld from the total of its week, and whether that total is."""
    hidden, hidden_weeks = _few_days(data)
    week = week_of(dates)
    return dates.isin(hidden) | week.isin(hidden_weeks), week.isin(hidden_weeks)


@kept
def _few_days(data: Dataset) -> tuple[set[pd.Timestamp], set[pd.Timestamp]]:
    """The days and weeks of too few people, or that leave too few others."""
    hidden, hidden_weeks = set[pd.Timestamp](), set(data.hidden_weeks)
    for one in filter(None, (data, data.rest)):
        rows = people_of([getattr(one, name) for name in SCHEMAS], ["date"])
        rows = rows.assign(week=week_of(rows["date"]))
        hidden |= {*rows.loc[withheld_rows(rows, data.minimum_group, ["week"], "date"), "date"]}
        hidden_weeks |= {*rows.loc[few(rows, data.minimum_group, ["week"]), "week"]}
    return hidden, hidden_weeks


def are_few(people: pd.Series, minimum: int) -> "pd.Series[bool]":
    """Where there are people, but too few to show; that nobody was there may be said."""
    return people.between(1, minimum - 1)


def hide(data: Dataset, frame: pd.DataFrame, few: "pd.Series[bool]") -> pd.DataFrame:
    """`frame` of weeks with every number null where people are `few`, or the week is hidden."""
    few = few | frame["week"].isin(data.hidden_weeks)
    numbers = frame.select_dtypes("number")
    return frame.assign(**{name: column.mask(few) for name, column in numbers.items()})


def basis_of(data: Dataset, metric: Metric) -> Dataset:
    """The dataset with the money a metric is about: estimated, or from a wing."""
    found: Dataset = resolve(metric.basis)(data) if metric.basis else data
    return found


def is_known(data: Dataset, metric: Metric) -> bool:
    """Whether the dataset has what the metric needs."""
    return data.has_tokens if metric.needs_tokens else data.has_cost or not metric.needs_usage


def mask_unavailable(
    data: Dataset, frame: pd.DataFrame, *numbers: str, of_tokens: bool = False
) -> pd.DataFrame:
    """`frame` of days or weeks with `numbers` null where cost (with `of_tokens`: tokens) is
    unknown.

    If all of it is unknown, the frame is marked as unavailable; else rows are null when the cost
    of one of their days is unknown.
    """
    if not (data.has_tokens if of_tokens else data.has_cost):
        blank = frame.assign(**dict.fromkeys(numbers, np.nan))
        blank.attrs["unavailable"] = UNAVAILABLE
        return blank
    if data.cost_days is None or not numbers:
        return frame
    frame = frame.assign(**dict.fromkeys(TOKENS.intersection(numbers), np.nan))
    missing = data.days.loc[~data.days["date"].isin(list(data.cost_days)), "date"]
    unknown = frame["date" if "date" in frame else "week"]
    unknown = unknown.isin(missing if "date" in frame else week_of(missing))
    return frame.assign(**{name: frame[name].mask(unknown) for name in numbers})
