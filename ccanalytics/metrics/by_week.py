"""The question most analyses start with: a metric by week, month or day, split or not.

A month is the whole ISO weeks whose Thursday is in it, so weeks add up to months; it is there when
all of them are. What is withheld of a week stays withheld: a month, or a group of it, of which a
week is withheld has no value either, and days have one only of everybody or of one team.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from math import nan
from typing import Any, Literal, ParamSpec, get_args

import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.dataset.titled_frame import Column, TitledFrame, typed, with_columns
from ccanalytics.metrics.actor_weeks import actor_days, actor_weeks, with_sums
from ccanalytics.metrics.definitions import (
    METRICS,
    ActorKind,
    Metric,
    column_words,
    known_metric,
    metric_in_words,
    singular,
    summable,
)
from ccanalytics.metrics.ratios import frame_of, noted_events, rows_of, week_frame, withheld
from ccanalytics.metrics.withholding import (
    Subject,
    basis_of,
    places,
    withheld_days,
    withheld_groups,
)
from ccanalytics.people.calendars import week_of
from ccanalytics.people.roster import OTHER_TEAMS
from ccanalytics.showing import Sentence
from ccanalytics.wings import resolve

P = ParamSpec("P")

Period = Literal["month", "week", "day"]

_ONCE = ["active", "on_roster", "active_before", "active_again", "landed"]
"""Columns that count a person once, in however many teams they were."""

_WEEKLY = {*_ONCE, "cost_without_commit", "working_day_share"}
"""Columns whose days do not add up; distinct people of a period are counted, as a numerator."""


class MetricFrame(TitledFrame):
    """One row per week (and group) of one metric, which shows itself; `chart` draws it.

    Whatever is filtered, sorted or added to it stays one; `metric`, `by` and `actor_kind` say what
    it is of. `events` are what was noted of its weeks: the week, what it was, and the team, empty
    for everybody. `period` is its column of time: week, month or date.
    """

    _metadata = [*TitledFrame._metadata, "metric", "by", "actor_kind", "events", "period"]  # noqa: RUF012

    metric: Metric
    by: str | None
    actor_kind: ActorKind
    events: tuple[tuple[pd.Timestamp, str, str], ...] = ()
    period: str = "week"

    @property
    def _constructor(self) -> Callable[..., "MetricFrame"]:
        return MetricFrame

    @classmethod
    def of(
        cls, frame: pd.DataFrame, metric: Metric, by: str | None, actor_kind: ActorKind = "user"
    ) -> "MetricFrame":
        """`frame` as a frame of `metric`."""
        made = cls(frame)
        made.attrs = dict(frame.attrs)
        if actor_kind != "user":
            made.attrs["people"] = column_words("active", actor_kind)
        made.metric, made.by, made.actor_kind = metric_in_words(metric, actor_kind), by, actor_kind
        made.title = made.metric.name + (f" by {by.replace('_', ' ')}" if by else "")
        made.labels = {"n_actors": column_words("active", actor_kind)}
        formats: dict[str, Any] = {
            **dict.fromkeys(("value", "low", "high"), metric.format),
            **dict.fromkeys(("priced_share", "share", "output_share"), ".0%"),
        }
        sums = dict.fromkeys(("numerator", "denominator", "n_actors"), "") | metric.sides
        for name, of in sums.items():
            if not of.endswith("_share"):
                formats[name] = "$,.2f" if of.startswith("cost_") else ",.0f"
        made.formats = formats
        return made


def by_week(
    data: Dataset, metric_id: str, by: str | None = None, actor_kind: ActorKind = "user"
) -> MetricFrame:
    """One row per closed week (and value of `by`) of any metric of `METRICS` that has weeks.

    Of a ratio or total the columns are week, [by], value, numerator, denominator, n_actors, low and
    high (a 90 % interval, null for totals), and for money priced_share. `by` is team, terminal,
    customer_type, is_remote or project, for money and tokens also model or family, for tokens kind,
    for acceptance tool. People only, or with `actor_kind="api_key"` API keys only. Groups that are
    withheld (`people.small_groups`) are null in every number; the teams withheld in a week are one
    row more, "other teams", where they are enough together. Money is in US dollars, shares
    are fractions; `METRICS[metric_id]` has the definition. `ValueError` for an unknown metric or
    split.
    """
    metric = known_metric(metric_id, "metric with a row per week", "numerator", "frame")
    if not metric.numerator and (by is not None or actor_kind != "user"):
        raise ValueError(f"{metric_id} cannot be split: leave out by and actor_kind.")
    if metric.frame and actor_kind == "user":
        frame = resolve(metric.frame)(data, *([by] if by else []))
    else:
        frame = week_frame(data, metric, by, actor_kind)
    frame = with_other_teams(data, metric, frame, by)
    # One with columns of its own says how they are shown.
    is_shown = isinstance(frame, MetricFrame)
    made = frame if is_shown else MetricFrame.of(frame, metric, by, actor_kind)
    if by == "team" and data.roster.empty:
        made.attrs["unavailable"] = "no roster"
    noted = noted_events(data)
    noted = noted.assign(week=week_of(noted["date"]))[["week", "what", "team"]]
    made.events = tuple(noted[noted["week"].isin(data.weeks)].itertuples(index=False, name=None))
    return made


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
    is_weekly = metric.denominator in _WEEKLY or metric.numerator in _WEEKLY - {"active"}
    # Where the cost of some days is unknown, that is said of weeks only.
    partly = metric.needs_usage and data.cost_days is not None
    if metric.basis or partly or is_weekly:
        raise ValueError(f"{metric.name} is weekly: it has no {period}s.")
    if period == "day" and by:
        raise ValueError(f"{metric.name} by {by} and day: days are not split.")
    if period == "month":
        rows = rows_of(data, metric, by, actor_kind)
        weekly = week_frame(data, metric, by, actor_kind)
        used = places(rows[rows["active"] > 0], by)
        few = weekly[weekly["n_actors"].isna() & places(weekly, by).isin(used)]
        few, spans = few.assign(week=month_of(few["week"])), _months(data.weeks)
        keys = ["week", "actor", *([by] if by else [])]
        groups = rows.assign(week=month_of(rows["week"])).groupby(keys, observed=True, dropna=False)
        rows = groups.sum(numeric_only=True).reset_index()
        rows = rows.assign(active=rows["active"].clip(upper=1))
    else:
        days = actor_days(data, actor_kind)
        rows = with_sums(days.assign(week=days["date"], active_days=days["active"]))
        dates = data.days.loc[week_of(data.days["date"]).isin(data.weeks), "date"]
        few, spans = dates.to_frame("week"), pd.DatetimeIndex(dates)
        few = few[withheld_days(data, dates)[0] & (actor_kind == "user")]
    frame = frame_of(data, metric, rows, spans, by, places(few, by))
    column = "month" if period == "month" else "date"
    made = MetricFrame.of(frame.rename(columns={"week": column}), metric, by, actor_kind)
    made.period = column
    return made


def month_of(weeks: pd.Series) -> pd.Series:
    """The first day of the month that the Thursday of each week is in."""
    return (weeks + pd.Timedelta(days=3)).dt.to_period("M").dt.to_timestamp().dt.as_unit("ms")


def _months(weeks: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """The months of which all weeks are there."""
    inside = [
        month
        for month, known in month_of(pd.Series(weeks)).value_counts(sort=False).items()
        if known == len(pd.date_range(month, month + pd.offsets.MonthEnd(0), freq="W-THU"))
    ]
    return pd.DatetimeIndex(inside, name="week").as_unit("ms")


def metric_frame(data: Dataset, metric_id: str, **options: Any) -> MetricFrame:
    """The frame of any metric of `METRICS`, also of one whose rows are not weeks.

    "retention" has a row per cohort and week, "daily_cost" one per day; the function that
    `METRICS[metric_id]` names says which, and which `options` it has. Of a metric by week it is
    what `by_week` gives.
    """
    metric = METRICS.get(metric_id)
    if metric is None or not metric.function:
        return by_week(data, metric_id, **options)
    frame: MetricFrame = resolve(metric.function)(data, **options)
    return frame


def sentence(data: Dataset, metric_id: str) -> Sentence:
    """The result of a metric in words, with what it leaves out; shown as a sentence.

    `ValueError` for a metric without a sentence lists those that have one.
    """
    metric = known_metric(metric_id, "metric with a sentence", "words")
    words: Sentence = resolve(metric.words)(data)
    return words


def ratio_by_week(
    data: Dataset,
    top: str,
    bottom: str | None = None,
    by: str | None = None,
    actor_kind: ActorKind = "user",
) -> MetricFrame:
    """One row per closed week (and value of `by`): the sum of `top` / the sum of `bottom`.

    Both are columns of `cca.actor_weeks(data)`, such as lines_added, sessions, commits or cost_usd;
    without `bottom` it is a total. Intervals and withheld groups are those of `by_week`.
    `ValueError` for an unknown column.
    """
    known = sorted(set(actor_weeks(data).select_dtypes("number").columns) - {"week"})
    for column in (top, bottom or top):
        if column not in known:
            raise ValueError(f"There is no column {column!r} to sum; there is {', '.join(known)}.")
    words = column_words(top) + (f" per {singular(column_words(bottom))}" if bottom else "")
    metric = Metric(
        id=f"{top}_per_{bottom}" if bottom else top,
        name=words[0].upper() + words[1:],
        unit="usd" if top == "cost_usd" and not bottom else words,
        formula=f"Sum of {top} / sum of {bottom}." if bottom else f"Sum of {top}.",
        numerator=top,
        denominator=bottom,
        caveats=("A ratio of your own, without a definition.",),
    )
    frame = week_frame(data, metric, by, actor_kind)
    return MetricFrame.of(with_other_teams(data, metric, frame, by), metric, by, actor_kind)


def with_other_teams(
    data: Dataset, metric: Metric, frame: pd.DataFrame, by: str | None
) -> pd.DataFrame:
    """`frame`; by team with a row more for the withheld teams of a week together, the last.

    It is what the total less the teams shown says already: there is none where the total is
    withheld, no team is shown, or these teams together are of too few people. It has no interval,
    as other teams may be in it from week to week.
    """
    if by != "team" or data.team:
        return frame
    basis, subject = basis_of(data, metric), Subject.of(metric)
    rows = rows_of(basis, metric, "team")
    rows = rows[places(rows, "team").isin(withheld(basis, subject, "team"))]
    few = withheld_groups(rows, subject, None, data.minimum_group).get_level_values("week")
    total, teams = (
        {*one.loc[one["n_actors"].notna(), "week"]} for one in (week_frame(basis, metric), frame)
    )
    rows = rows[rows["week"].isin(list((total & teams).difference(few)))]
    if rows.empty:
        return frame
    people = rows.groupby(["week", "actor"], observed=True).sum(numeric_only=True).reset_index()
    once = people[people.columns.intersection(_ONCE)].clip(upper=1)
    people = people.assign(**once, team=OTHER_TEAMS)
    weeks, none = pd.DatetimeIndex(people["week"].unique()), places(people[:0], by)
    others = frame_of(basis, metric, people, weeks, by, none).assign(low=nan, high=nan)
    joined = pd.concat([frame, others[others.columns.intersection(frame.columns)]])
    joined = joined.sort_values("week", kind="stable", ignore_index=True)
    joined.attrs = frame.attrs
    return joined


def measures(
    metric_id: str, columns: Mapping[str, Column] | None = None, **shown: Any
) -> Callable[[Callable[P, pd.DataFrame]], Callable[P, MetricFrame]]:
    """Marks a function whose frames are of one metric; `attrs["by"]` names what splits one.

    With `columns` they have these, also without rows, and show them so. `shown` are further
    attributes of a `TitledFrame` that say how the frames show themselves.
    """

    def mark(function: Callable[P, pd.DataFrame]) -> Callable[P, MetricFrame]:
        @wraps(function)
        def marked(*args: P.args, **kwargs: P.kwargs) -> MetricFrame:
            rows = function(*args, **kwargs)
            if columns is not None:
                rows = typed(rows, columns)
            frame = MetricFrame.of(rows, METRICS[metric_id], rows.attrs.get("by"))
            if columns is not None:
                with_columns(frame, columns)
            for name, value in shown.items():
                setattr(frame, name, value)
            return frame

        return marked

    return mark
