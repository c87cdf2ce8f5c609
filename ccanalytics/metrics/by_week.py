"""The question most analyses start with: a metric by week, split or not.

by_week(data, "cost_per_commit", by="team")   -> MetricFrame: one row per closed week and team
ratio_by_week(data, top="lines_added", bottom="sessions")   -> the same for a ratio of your own
metric_frame(data, "retention")                -> any metric, also one with rows other than weeks
sentence(data, "active_rate")                   -> its result in words
"""

from typing import Any

import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.metrics.actor_weeks import actor_weeks, week_of
from ccanalytics.metrics.definitions import METRICS, ActorKind, Metric, column_words, singular
from ccanalytics.metrics.metric_frame import MetricFrame
from ccanalytics.metrics.other_teams import with_other_teams
from ccanalytics.metrics.ratios import frame_of
from ccanalytics.showing import Sentence
from ccanalytics.wings import resolve


def by_week(
    data: Dataset, metric_id: str, by: str | None = None, actor_kind: ActorKind = "user"
) -> MetricFrame:
    """One row per closed week (and value of `by`) of any metric of `METRICS` that has weeks.

    Of a ratio or total the columns are week, [by], value, numerator, denominator, n_actors, low and
    high (a 90 % interval, null for totals), and for money priced_share. `by` is team, terminal,
    customer_type, is_remote or project, for money and tokens also model or family, for tokens kind,
    for acceptance tool. People only, or with `actor_kind="api_key"` API keys only. Groups that are
    withheld (`people.small_groups`) are null in every number; the teams withheld in a week are one
    row more, "other teams", where they are enough together. `ValueError` for a metric or a split
    that there is not.
    """
    metric = _weekly_metric(metric_id)
    if metric.frame and actor_kind == "user":
        frame = _own_shape(data, metric, by)
    elif metric.numerator:
        frame = frame_of(data, metric, by, actor_kind)
    else:
        raise ValueError(f"{metric_id} has no actor_kind {actor_kind!r}: leave it out.")
    made = _made(data, metric, frame, by, actor_kind)
    made.events = _events(data)
    return made


def metric_frame(data: Dataset, metric_id: str, **options: Any) -> MetricFrame:
    """The frame of any metric of `METRICS`, also of one whose rows are not weeks.

    "retention" has a row per cohort and week, "daily_cost" one per day, "cost_curve" one per group
    of people; the function that `METRICS[metric_id]` names says which, and which `options` it has.
    Of a metric by week it is what `by_week` gives.
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
    worded = {name: metric.words for name, metric in METRICS.items() if metric.words}
    if metric_id not in worded:
        raise ValueError(f"{metric_id!r} has no sentence; there is one of {', '.join(worded)}.")
    words: Sentence = resolve(worded[metric_id])(data)
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
    without `bottom` it is a total. Intervals and withheld groups are those of
    `by_week`.
    """
    metric = ratio_metric(data, top, bottom)
    return _made(data, metric, frame_of(data, metric, by, actor_kind), by, actor_kind)


def ratio_metric(data: Dataset, top: str, bottom: str | None = None) -> Metric:
    """A definition for a ratio or total of one's own; `ValueError` for an unknown column."""
    rows = actor_weeks(data)
    known = sorted(set(rows.select_dtypes("number").columns) - {"week"})
    for column in (top, bottom or top):
        if column not in known:
            raise ValueError(f"There is no column {column!r} to sum; there is {', '.join(known)}.")
    words = column_words(top) + (f" per {singular(column_words(bottom))}" if bottom else "")
    money = top == "cost_usd" and not bottom
    return Metric(
        id=f"{top}_per_{bottom}" if bottom else top,
        name=words[0].upper() + words[1:],
        unit="usd" if money else words,
        formula=f"Sum of {top} / sum of {bottom}." if bottom else f"Sum of {top}.",
        numerator=top,
        denominator=bottom,
        caveats=("A ratio of your own, without a definition.",),
    )


def _made(
    data: Dataset, metric: Metric, frame: pd.DataFrame, by: str | None, actor_kind: ActorKind
) -> MetricFrame:
    if by == "team" and metric.numerator:
        frame = with_other_teams(data, metric, frame)
    return MetricFrame.of(frame, metric, by, actor_kind)


def _events(data: Dataset) -> tuple[tuple[pd.Timestamp, str, str], ...]:
    """The events of the closed weeks, each in its week."""
    noted = data.calendars.events
    noted = noted.assign(week=week_of(noted["date"]))[["week", "what", "team"]]
    return tuple(noted[noted["week"].isin(data.weeks)].itertuples(index=False, name=None))


def _weekly_metric(metric_id: str) -> Metric:
    """The metric with this id; `ValueError` when it is unknown or has no weeks."""
    metric = METRICS.get(metric_id)
    if metric is not None and (metric.numerator or metric.frame):
        return metric
    if metric is not None:
        how = "cca.metric_frame gives it" if metric.function else "it has a function of its own"
        raise ValueError(f"{metric_id} has no row per week: {how}.")
    known = ", ".join(name for name, one in METRICS.items() if one.numerator or one.frame)
    raise ValueError(f"There is no metric {metric_id!r}; by week there are {known}.")


def _own_shape(data: Dataset, metric: Metric, by: str | None) -> pd.DataFrame:
    """The frame of a metric with a function of its own."""
    function = resolve(metric.frame)
    if by is None:
        frame: pd.DataFrame = function(data)
    elif metric.numerator:
        frame = function(data, by)
    else:
        raise ValueError(f"{metric.id} by {by!r}: it cannot be split.")
    return frame
