"""A question -> the chart, notes, table and code that answer it, or words that say why not."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from ccanalytics.charts.draw import chart
from ccanalytics.dataset.dataset import Dataset
from ccanalytics.errors import CCAnalyticsError
from ccanalytics.explorer.loaded import LoadedData
from ccanalytics.explorer.question import OWN_RATIO, SHAPES, Question, code_of
from ccanalytics.metrics.availability import is_available
from ccanalytics.metrics.by_week import by_week, metric_frame, ratio_by_week
from ccanalytics.metrics.change import counted
from ccanalytics.metrics.definitions import METRICS, Metric, column_words
from ccanalytics.metrics.metric_frame import MetricFrame
from ccanalytics.metrics.period_change import period_change
from ccanalytics.metrics.ratios import MINIMUM_PRICED
from ccanalytics.metrics.roster_metrics import NO_ROSTER
from ccanalytics.showing import Note, Sentence, WarningNote
from ccanalytics.words import counted as counted_words


@dataclass(frozen=True, eq=False)
class View:
    """The answer to a question; without a chart the first note says why.

    `frame` is the metric frame, `change` that of the comparison, `code` what makes both again.
    """

    question: Question
    frame: MetricFrame | None = None
    change: pd.DataFrame | None = None
    chart: Any = None
    notes: tuple[Sentence, ...] = ()
    tables: tuple[Any, ...] = ()
    code: str = ""

    @property
    def shown(self) -> list[Any]:
        """Everything there is to show, in reading order."""
        return [*([] if self.chart is None else [self.chart]), *self.notes, *self.tables]


def answer(question: Question, loaded: LoadedData) -> View:
    """The view of a question; whatever stands in the way of one is said in words."""
    try:
        if question.since is None or question.until is None:
            loaded.all_of(question.source)  # says what there is to do where nothing is stored
            raise ValueError("Choose both ends of the range: a first and a last day.")
        data = loaded.range(question.source, question.since, question.until, question.team)
        _check_weeks(question, data)
        return _view(question, data, loaded)
    except (CCAnalyticsError, ValueError, OSError) as error:
        return View(question, notes=(WarningNote(str(error)),))


def _check_weeks(question: Question, data: Dataset) -> None:
    if len(data.weeks):
        return
    stored = int(data.days["stored"].sum())
    raise ValueError(
        f"No week of {question.since} to {question.until} is closed and complete: a week counts "
        "when its seven UTC days, Monday to Sunday, are all in the range, stored and over "
        f"({stored} days of the range are stored)."
    )


def _view(question: Question, data: Dataset, loaded: LoadedData) -> View:
    frame = _frame(question, data)
    about = _definition(frame.metric)
    missing = _missing(question, data, frame)
    if not frame["value"].notna().any() or _nobody(frame):
        why = missing or "Nobody was active, or too few people to show it."
        return View(question, frame, notes=(WarningNote(f"Nothing to show. {why}"), about))
    view = View(question, frame, chart=chart(frame), tables=(frame,), code=code_of(question))
    rests_on = Note(" ".join(filter(None, [*_basis(question, frame), missing])))
    if not question.compare:
        return replace(view, notes=(rests_on, about))
    change, words = _comparison(question, loaded)
    tables = (frame,) if change is None else (change, frame)
    return replace(view, change=change, notes=(rests_on, *words, about), tables=tables)


def _frame(question: Question, data: Dataset) -> MetricFrame:
    """The frame that answers; `ValueError` in words where the controls do not go together."""
    by, kind = question.by or None, question.actor_kind
    if kind == "api_key" and question.team:
        raise ValueError("API keys are in no team: choose everybody, or people.")
    if question.metric_id == OWN_RATIO:
        return ratio_by_week(data, question.top, question.bottom, by, kind)
    metric = METRICS[question.metric_id]
    if not metric.numerator and kind == "api_key":
        raise ValueError(f"{metric.name}: this is of people, there is nothing like it of API keys.")
    if question.metric_id not in SHAPES:
        return by_week(data, metric.id, by, kind)
    if by:
        raise ValueError(f"{metric.name} cannot be split: choose “nothing” to split by.")
    return metric_frame(data, metric.id)


def _nobody(frame: MetricFrame) -> bool:
    """Whether every value is a true zero of nobody."""
    known = frame["value"].notna()
    return frame.metric.numerator is not None and not (known & (frame["n_actors"] > 0)).any()


def _basis(question: Question, frame: MetricFrame) -> Iterator[str]:
    """The weeks and groups there are, and what the last week rests on."""
    metric = frame.metric
    if "week" not in frame or not metric.numerator:
        return
    groups = f", {counted_words(frame[question.by].nunique(), 'group')}" if question.by else ""
    yield f"{counted_words(frame['week'].nunique(), 'closed week')}{groups}."
    last = frame.iloc[-1]
    if question.by or pd.isna(last["value"]):
        return
    rests = []
    if pd.notna(last["low"]):
        rests.append(f"90 % interval {metric.format(last['low'])} to {metric.format(last['high'])}")
    if metric.denominator and pd.notna(last["denominator"]):
        rests.append(counted(last["denominator"], metric.denominator, question.actor_kind))
    rests.append(counted(last["n_actors"], "active", question.actor_kind))
    yield f"In the last one: {metric.format(last['value'])} ({'; '.join(rests)})."
    if not metric.is_ratio:
        yield "A total is counted, not estimated: it has no interval."


def _why_undefined(question: Question, metric: Metric) -> str:
    if not metric.denominator:
        return "without a value: nobody was active"
    fewest = counted(max(metric.minimum_denominator, 1), metric.denominator, question.actor_kind)
    return f"without a value: too little to divide by (at least {fewest})"


def _missing(question: Question, data: Dataset, frame: MetricFrame) -> str:
    """Why values are missing, and how many."""
    metric, missing = frame.metric, frame["value"].isna()
    if not is_available(frame):
        return f"Source {question.source} has neither models nor tokens nor cost."
    if data.roster.empty and metric.id in ("active_rate", "roster_use", "time_to_first_use"):
        return NO_ROSTER
    if "n_actors" not in frame:
        return ""
    hidden = missing & frame["n_actors"].isna()
    priced = frame["priced_share"] if "priced_share" in frame else pd.Series(1.0, frame.index)
    unpriced = missing & ~hidden & (priced < MINIMUM_PRICED)
    people = column_words("active", question.actor_kind)
    reasons = {
        f"withheld: fewer than {data.minimum_group} {people}, could be had by subtraction, or "
        "nearly all of one": hidden,
        "without a value: too few tokens have a known price": unpriced,
        _why_undefined(question, metric): missing & ~hidden & ~unpriced,
    }
    counts = {why: int(at.sum()) for why, at in reasons.items()}
    texts = (
        f"{n} of {len(frame)} {'is' if n == 1 else 'are'} {w}." for w, n in counts.items() if n
    )
    return " ".join(texts)


def _definition(metric: Metric) -> Sentence:
    """The formula and the caveats of a metric."""
    return Sentence(" ".join([f"{metric.name}: {metric.formula}", *metric.caveats]))


def _comparison(
    question: Question, loaded: LoadedData
) -> tuple[pd.DataFrame | None, tuple[Sentence, ...]]:
    """The difference to the range before, and whether it is more than noise."""
    before, since, until = question.before, question.since, question.until
    if not question.comparable or before is None or since is None or until is None:
        return None, (Note("There is no range before this one to compare it with."),)
    both = loaded.range(question.source, before, until, question.team)
    change = period_change(
        both, question.metric_id, since, question.by or None, question.actor_kind
    )
    if question.by:
        return change, ()
    row, metric = change.iloc[0], METRICS[question.metric_id]
    if row["verdict"] == "nothing to compare":
        text = "A change is judged where both ranges are closed, shown, and eight weeks together."
        return change, (Note(text),)
    values = f"{metric.format(row['value'])}, {metric.format(row['previous'])} in the range before"
    moved = " to ".join(f"{100 * row[name]:+.0f} %" for name in ("low", "high"))
    interval = "" if row["verdict"] == "too few to say" else f" (90 % interval {moved})"
    return change, (Note(f"{metric.name}: {values}: {row['verdict']}{interval}."),)
