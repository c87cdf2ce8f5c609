"""What may be shown of a frame, and what is known: every other number is null, never 0.

Of too few people nothing is shown; the rule is that of `people.small_groups`, week by week. What
the source of a dataset does not have is marked as such.
"""

from collections.abc import Callable, Sequence
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

CUT = {"cost_without_commit"}
"""Money of people without a commit: both they and those with one must be enough."""


class Subject(NamedTuple):
    """What a figure is about, as far as it decides which people must be enough."""

    money: bool
    cut: bool
    population: str
    """The denominator, if it counts people who are not active, too."""

    @classmethod
    def of(cls, metric: Metric) -> "Subject":
        """The subject of a metric."""
        sides = {str(metric.numerator), str(metric.denominator)}
        money = any(side.startswith("cost_") for side in sides)
        population = metric.denominator if metric.denominator in POPULATIONS else ""
        return cls(money, bool(sides & CUT), str(population))


def hide(
    data: Dataset, frame: pd.DataFrame, minimum: int, keep: tuple[str, ...] = ()
) -> pd.DataFrame:
    """`frame` of weeks with every number null where people are too few; week and `keep` stay.

    Nobody active is a true zero, which is shown.
    """
    few = frame["n_actors"].between(1, minimum - 1) | frame["week"].isin(data.hidden_weeks)
    return without_numbers(frame, few, ["week", *keep])


def hide_parts(
    data: Dataset, sums: pd.DataFrame, hidden: pd.MultiIndex, by: str | None
) -> pd.DataFrame:
    """`sums` by week and `by` with every number of the `hidden` weeks and groups null.

    In a group, nobody active is not shown as zero: the group itself may be small.
    """
    few = places(sums, by).isin(hidden)
    few |= sums["week"].isin(data.hidden_weeks).to_numpy()
    if by:
        few |= (sums["n_actors"] == 0).to_numpy()
    return without_numbers(sums, pd.Series(few, index=sums.index), ["week", *([by] if by else [])])


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


def withheld_groups(
    rows: pd.DataFrame, subject: Subject, by: str | None, minimum: int
) -> pd.MultiIndex:
    """The weeks and groups withheld because too few people are in them, or left over by them.

    `rows` are the sums of everybody, one per week, actor and group.
    """
    keys = places(rows, by)
    people = pd.DataFrame(
        {
            "week": rows["week"],
            "group": keys.get_level_values("group"),
            "actor": rows["actor"],
            "cost_usd": rows["cost_usd"].fillna(0.0) if subject.money else 0.0,
            "side": rows["landed"] if subject.cut else 0,
        }
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


def without_numbers(
    frame: pd.DataFrame, few: "pd.Series[bool]", keep: Sequence[str]
) -> pd.DataFrame:
    numbers = frame.columns.difference(list(keep))
    return frame.assign(**{name: frame[name].mask(few) for name in numbers})


_OUTER: dict[str | None, Callable[[str], object]] = {
    "model": model_family,
    "tool": EDIT_TOOLS.__contains__,
}
"""Groups that are parts of another shown group: models of families, and the tools
that edit files of all tools. What is shown of it must not reveal them either."""


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
    """`frame` with `numbers` null where cost (with `of_tokens`: tokens) is unknown.

    If all of it is unknown, the frame is marked as unavailable; else rows with a week or date
    are null when the cost of one of their days is unknown.
    """
    if not (data.has_tokens if of_tokens else data.has_cost):
        blank = frame.assign(**dict.fromkeys(numbers, np.nan))
        blank.attrs["unavailable"] = UNAVAILABLE
        return blank
    if data.cost_days is None:
        return frame
    frame = frame.assign(**dict.fromkeys(TOKENS.intersection(numbers), np.nan))
    key = next((key for key in ("date", "week") if key in frame), "")
    if not key:
        return frame
    days = data.days["date"]
    missing = days[~days.isin(list(data.cost_days))]
    back = pd.to_timedelta(missing.dt.day_of_week * (key == "week"), unit="D")
    unknown = frame[key].isin((missing - back).astype("datetime64[ms]"))
    return frame.assign(**{name: frame[name].mask(unknown) for name in numbers})
