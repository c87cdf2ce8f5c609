"""Metrics by month and by day, of the same closed weeks: `by_period(data, "cost", "month")`.

A month is the whole ISO weeks whose Thursday is in it, so weeks add up to months; it is there when
all of them are. What is withheld of a week stays withheld: a month, or a group of it, of which a
week is withheld has no value either, and days have one only of everybody or of one team.
"""

from typing import Literal, get_args

import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.metrics.actor_weeks import actor_days, week_of
from ccanalytics.metrics.by_week import by_week
from ccanalytics.metrics.definitions import ActorKind, Metric
from ccanalytics.metrics.metric_frame import MetricFrame
from ccanalytics.metrics.ratios import (
    KINDS,
    frame_of,
    frame_of_rows,
    rest_rows,
    rows_of,
    summable,
)
from ccanalytics.metrics.withholding import Subject, places, withheld_days, without_numbers

Period = Literal["month", "week", "day"]

_ADD_UP = {
    *("sessions", "commits", "pull_requests", "lines_added", "lines_removed", "active_days"),
    *("accepted", "proposals", "cost_usd", "total_tokens", "input_side_tokens", *KINDS),
}
"""Columns whose days add up; distinct people of a period are counted, as a numerator only."""


def by_period(
    data: Dataset,
    metric_id: str,
    period: Period,
    by: str | None = None,
    actor_kind: ActorKind = "user",
) -> MetricFrame:
    """One row per month, closed week or UTC day (and value of `by`): as `by_week`, of the same
    closed weeks.

    The first column is `month` (its first day; the weeks whose Thursday is in it), `week` or
    `date`. `ValueError` for a metric that is of weeks only, and for days that are split.
    """
    if period not in get_args(Period):
        raise ValueError(f"period is {period!r}; it is {', '.join(get_args(Period))}.")
    if period == "week":
        return by_week(data, metric_id, by, actor_kind)
    metric = summable(metric_id)
    adds_up = metric.numerator in {*_ADD_UP, "active"} and metric.denominator in {*_ADD_UP, None}
    # Where the cost of some days is unknown, that is said of weeks only.
    partly = metric.needs_usage and data.cost_days is not None
    if metric.basis or partly or not adds_up:
        raise ValueError(f"{metric.name} is weekly: it has no {period}s.")
    if period == "day" and by:
        raise ValueError(f"{metric.name} by {by} and day: days are not split.")
    frame = (
        _months(data, metric, by, actor_kind)
        if period == "month"
        else _days(data, metric, actor_kind)
    )
    column = {"day": "date"}.get(period, period)
    made = MetricFrame.of(frame.rename(columns={"week": column}), metric, by, actor_kind)
    made.period = column
    return made


def month_of(weeks: pd.Series) -> pd.Series:
    """The first day of the month that the Thursday of each week is in."""
    return (weeks + pd.Timedelta(days=3)).dt.to_period("M").dt.to_timestamp().dt.as_unit("ms")


def _months(data: Dataset, metric: Metric, by: str | None, actor_kind: ActorKind) -> pd.DataFrame:
    rows = rows_of(data, metric, by, actor_kind)
    rest = [_in_months(one, by) for one in rest_rows(data, Subject.of(metric), by, actor_kind)]
    months = _whole_months(data.weeks)
    frame = frame_of_rows(data, metric, _in_months(rows, by), rest, months, by, actor_kind)
    weekly = frame_of(data, metric, by, actor_kind)
    there = places(rows[rows["active"] > 0], by)
    few = weekly[weekly["n_actors"].isna() & places(weekly, by).isin(there)]
    hidden = places(frame, by).isin(places(few.assign(week=month_of(few["week"])), by))
    return without_numbers(frame, hidden, ["week", *([by] if by else [])])


def _in_months(rows: pd.DataFrame, by: str | None) -> pd.DataFrame:
    """One row per month, actor and group, out of those of its weeks."""
    rows = rows.assign(week=month_of(rows["week"]))
    keys = ["week", "actor", *([by] if by else [])]
    numbers = rows.columns[rows.dtypes.map(pd.api.types.is_numeric_dtype)].difference(keys)
    groups = rows.groupby(keys, observed=True, dropna=False)[list(numbers)]
    sums = groups.sum().reset_index()
    return sums.assign(active=(sums["active"] > 0).astype("int64"))


def _whole_months(weeks: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """The months of which all weeks are there."""
    months = month_of(pd.Series(weeks)).drop_duplicates()
    inside = [month for month in months if set(_weeks_of_month(month)) <= set(weeks)]
    return pd.DatetimeIndex(inside, name="week").as_unit("ms")


def _weeks_of_month(month: pd.Timestamp) -> pd.DatetimeIndex:
    thursdays = pd.date_range(month, month + pd.offsets.MonthEnd(0), freq="W-THU")
    return thursdays - pd.Timedelta(days=3)


def _days(data: Dataset, metric: Metric, actor_kind: ActorKind) -> pd.DataFrame:
    rest = [] if data.rest is None or actor_kind == "api_key" else [_by_day(data.rest, "user")]
    dates = data.days["date"][week_of(data.days["date"]).isin(data.weeks)]
    frame = frame_of_rows(
        data, metric, _by_day(data, actor_kind), rest, pd.DatetimeIndex(dates), None, actor_kind
    )
    if actor_kind == "api_key":
        return frame
    hidden, _ = withheld_days(data, frame["week"])
    return without_numbers(frame, hidden, ["week"])


def _by_day(data: Dataset, actor_kind: ActorKind) -> pd.DataFrame:
    """The rows of a metric with each day in the place of its week."""
    days = actor_days(data, actor_kind)
    inputs = days[[name for name in KINDS if name != "output_tokens"]].sum(axis=1)
    return days.assign(
        week=days["date"],
        active_days=days["active"],
        proposals=days["accepted"] + days["rejected"],
        input_side_tokens=inputs,
        total_tokens=inputs + days["output_tokens"],
    )
