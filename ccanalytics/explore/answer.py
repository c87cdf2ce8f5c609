"""A question -> the chart, remarks, table and code that answer it, or words that say why not."""

from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

import ccanalytics
import ccanalytics.charts as charts
import ccanalytics.metrics as metrics
from ccanalytics.dataset.dataset import Dataset
from ccanalytics.display.show import Shown, note
from ccanalytics.errors import CCAnalyticsError
from ccanalytics.explore.code import code_of
from ccanalytics.explore.question import SHAPES, Question
from ccanalytics.explore.remarks import (
    basis,
    comparison_sentence,
    comparison_table,
    definition,
    frame_table,
    gaps,
    silence,
    untold,
)
from ccanalytics.explore.shelf import Shelf
from ccanalytics.metrics.availability import is_told
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.metrics.ratios import splits_of
from ccanalytics.metrics.roster_metrics import NO_ROSTER


@dataclass(frozen=True, eq=False)
class View:
    """The answer to a question; without a chart the first remark says why.

    `frame` is the metric frame, `change` the one of the comparison, `code` what makes both again.
    """

    question: Question
    frame: pd.DataFrame | None = None
    change: pd.DataFrame | None = None
    chart: Any = None
    remarks: list[Shown] = field(default_factory=list)
    tables: list[Shown] = field(default_factory=list)
    code: str = ""

    @property
    def shown(self) -> list[Any]:
        """Everything there is to show, in reading order."""
        return [*([] if self.chart is None else [self.chart]), *self.remarks, *self.tables]


def answer(question: Question, shelf: Shelf) -> View:
    """The view of a question; whatever stands in the way of one is said in words."""
    try:
        _check(question)
        shelf.whole(question.source)
        if question.since is None or question.until is None:
            raise ValueError("Choose both ends of the range: a first and a last day.")
        data = shelf.range(question.source, question.since, question.until, question.team)
        _check_weeks(question, data)
        if question.metric_id in SHAPES:
            return _shape(question, data)
        return _weekly(question, data, shelf)
    except (CCAnalyticsError, ValueError, OSError) as error:
        return View(question, remarks=[note(str(error), "warn")])


def _check(question: Question) -> None:
    """`ValueError` in words when the controls do not go together."""
    name, by = METRICS[question.metric_id].name, question.by.replace("_", " ")
    keys = question.actor_kind == "api_key"
    if question.metric_id in SHAPES:
        if keys:
            raise ValueError(f"{name}: this is of people, there is nothing like it of API keys.")
        if by:
            raise ValueError(f"{name} cannot be split: choose “nothing” to split by.")
        return
    known = splits_of(question.metric_id, question.actor_kind)
    if keys and question.team:
        raise ValueError("API keys are in no team: choose everybody, or people.")
    if keys and not known:
        raise ValueError(f"{name}: API keys are on no roster, so this is of people only.")
    if keys and question.by == "team":
        raise ValueError("API keys are in no team, so they cannot be split by team.")
    if question.by and question.by not in known:
        listed = ", ".join(split.replace("_", " ") for split in known)
        raise ValueError(f"{name} cannot be split by {by}; it can be by {listed}.")


def _check_weeks(question: Question, data: Dataset) -> None:
    if len(data.weeks):
        return
    stored = int(data.days["stored"].sum())
    raise ValueError(
        f"No week of {question.since} to {question.until} is closed and whole: a week counts when "
        f"its seven UTC days, Monday to Sunday, are all in the range, stored and over ({stored} "
        "days of the range are stored)."
    )


def _weekly(question: Question, data: Dataset, shelf: Shelf) -> View:
    """The view of a ratio or total by week."""
    metric_id, by, kind = question.metric_id, question.by or None, question.actor_kind
    frame = metrics.by_week(data, metric_id, by, kind)
    view = View(question, frame, code=code_of(question))
    missing = gaps(question, data, frame)
    if not (frame["value"].notna() & (frame["n_actors"] > 0)).any():
        words = f"Nothing to show. {missing or silence(question)}"
        return replace(view, remarks=[note(words, "warn"), definition(question.metric)])
    change = _change(question, shelf) if question.compare else None
    told, beside = _comparison(question, change) if question.compare else ([], [])
    rests_on = note(f"{basis(question, frame)} {missing}".strip())
    return replace(
        view,
        change=change,
        chart=charts.by_week_chart(frame, metric_id, by, kind),
        remarks=[rests_on, *told, definition(question.metric)],
        tables=[*beside, frame_table(question, frame)],
    )


def _shape(question: Question, data: Dataset) -> View:
    """The view of a metric with a shape of its own."""
    metric = question.metric
    frame = getattr(ccanalytics, metric.id)(data)
    remarks = [definition(metric)]
    if question.compare:
        words = f"{metric.name} has no single value of a range, so two ranges are not compared."
        remarks.insert(0, note(words))
    view = View(question, frame, remarks=remarks, code=code_of(question))
    if not frame["value"].notna().any():
        words = f"Nothing to show. {_why_nothing(question, data, frame)}"
        return replace(view, remarks=[note(words, "warn"), *remarks])
    chart = getattr(charts, f"{metric.id}_chart")(frame)
    return replace(view, chart=chart, tables=[frame_table(question, frame)])


def _why_nothing(question: Question, data: Dataset, frame: pd.DataFrame) -> str:
    """Why a metric with a shape of its own has no value at all."""
    if not is_told(frame):
        return untold(question)
    if data.roster.empty and question.metric_id in _OF_ROSTER:
        return NO_ROSTER
    return f"Nobody was active, or too few people to show it (at least {data.minimum_group})."


_OF_ROSTER = ("roster_use", "time_to_first_use")


def _change(question: Question, shelf: Shelf) -> pd.DataFrame | None:
    """The same of the range before; None at the beginning of all time."""
    before, since, until = question.before, question.since, question.until
    if before is None or since is None or until is None:
        return None
    both = shelf.range(question.source, before, until, question.team)
    by, kind = question.by or None, question.actor_kind
    return metrics.period_change(both, question.metric_id, since, by, kind)


def _comparison(question: Question, change: pd.DataFrame | None) -> tuple[list[Shown], list[Shown]]:
    """Whether the difference to the range before is more than noise: a remark, or a table."""
    if change is None:
        return [note("There is no range before this one to compare it with.")], []
    if not question.by or not change["weeks_before"].all():
        return [note(comparison_sentence(question, change.iloc[0]))], []
    return [], [comparison_table(question, change)]
