"""A question -> the chart, notes, table and code that answer it, or one sentence why not."""

from dataclasses import dataclass
from typing import Any

import ccanalytics
from ccanalytics.charts.draw import chart
from ccanalytics.dataset.dataset import Dataset
from ccanalytics.errors import CCAnalyticsError
from ccanalytics.explorer.question import LoadedData, Question
from ccanalytics.metrics.by_week import MetricFrame
from ccanalytics.metrics.definitions import amount_words, column_words
from ccanalytics.metrics.own_shapes import NO_ROSTER
from ccanalytics.showing import Note, Sentence, WarningNote


@dataclass(frozen=True, eq=False)
class View:
    """The answer to a question; without a chart the first note says why.

    `frame` is the metric frame, `code` makes it again.
    """

    question: Question
    notes: tuple[Sentence, ...]
    frame: MetricFrame | None = None
    chart: Any = None
    code: str = "# Nothing to show, so there is no code.\n"


def answer(question: Question, loaded: LoadedData) -> View:
    """The view of a question; an obstacle is shown as a sentence."""
    try:
        data, (function, args, split) = loaded.days_of(question), question.call()
        frame = getattr(ccanalytics, function)(data, *args, **split)
    except (CCAnalyticsError, ValueError, OSError) as error:
        return View(question, (WarningNote(str(error)),))
    if len(question.teams) > 1:
        frame = frame[frame["team"].isin(question.teams)]
    metric = frame.metric
    about = Sentence(" ".join([f"{metric.name}: {metric.formula}", *metric.caveats]))
    missing = _missing(question, data, frame)
    known = frame["value"].notna()
    if metric.numerator:  # a true zero of nobody is not drawn
        known &= frame["n_actors"] > 0
    if not known.any():
        why = missing or "Nobody was active, or too few people to show it."
        return View(question, (WarningNote(f"Nothing to show. {why}"), about), frame)
    notes = (Note(missing), about) if missing else (about,)
    return View(question, notes, frame, chart(frame), question.code())


def _missing(question: Question, data: Dataset, frame: MetricFrame) -> str:
    """Why values are missing, and how many."""
    metric, missing = frame.metric, frame["value"].isna()
    if frame.empty and question.period == "month":
        return "No month has all its weeks in the range, those whose Thursday is in it."
    if "unavailable" in frame.attrs:
        return f"{metric.name}: not known from source {question.source}."
    if data.roster.empty and metric.id in ("active_rate", "roster_use", "time_to_first_use"):
        return NO_ROSTER
    if "n_actors" not in frame:
        return ""
    kind, hidden = question.actor_kind, missing & frame["n_actors"].isna()
    floor = max(metric.minimum_denominator, 1), metric.denominator or "active"
    price = ", or too few tokens have a known price" if "priced_share" in frame else ""
    reasons = {
        f"withheld: fewer than {data.minimum_group} {column_words('active', kind)}, could be found "
        "by subtraction, or nearly all of one": hidden.sum(),
        f"without a value: fewer than {amount_words(*floor, kind)}{price}": (
            missing & ~hidden
        ).sum(),
    }
    total = len(frame)
    return " ".join(
        f"{n} of {total} {'is' if n == 1 else 'are'} {why}." for why, n in reasons.items() if n
    )
