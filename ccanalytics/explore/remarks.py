"""What a view says beside its chart: what it rests on, what is missing, its definition."""

from typing import Any

import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.display.show import Format, Shown, prose, table
from ccanalytics.explore.question import Question
from ccanalytics.metrics.availability import is_told
from ccanalytics.metrics.change import counted
from ccanalytics.metrics.definitions import METRICS, ActorKind, Metric, column_words
from ccanalytics.metrics.ratios import MINIMUM_PRICED
from ccanalytics.metrics.roster_metrics import NO_ROSTER


def basis(question: Question, frame: pd.DataFrame) -> str:
    """The weeks and groups there are, and of a whole what its last week rests on."""
    weeks = frame["week"].nunique()
    text = f"{weeks} closed {'week' if weeks == 1 else 'weeks'}"
    if question.by:
        groups = frame[question.by].nunique()
        interval = (
            " The interval of each value is in the table." if question.metric.is_ratio else ""
        )
        return f"{text}, {groups} {'group' if groups == 1 else 'groups'}.{interval}"
    metric, last = question.metric, frame.iloc[-1]
    rests = []
    if pd.notna(last["low"]):
        ends = f"{metric.format(last['low'])} to {metric.format(last['high'])}"
        rests.append(f"90 % interval {ends}")
    elif metric.is_ratio and pd.notna(last["value"]):
        rests.append("too few or too alike for an interval")
    if metric.denominator not in (None, "active") and pd.notna(last["denominator"]):
        rests.append(counted(last["denominator"], metric.denominator, question.actor_kind))
    if metric.numerator != "active" and pd.notna(last["n_actors"]):
        rests.append(counted(last["n_actors"], "active", question.actor_kind))
    if last.get("priced_share", 1.0) < 1:
        rests.append(f"{100 * last['priced_share']:.1f} % of tokens priced")
    value = metric.format(last["value"]) if pd.notna(last["value"]) else "no value"
    known = f" ({'; '.join(rests)})" if rests else ""
    total = "" if metric.is_ratio else " A total is counted, not estimated: it has no interval."
    return f"{text}; in the last, of {_day(last['week'])}: {value}{known}.{total}"


def gaps(question: Question, data: Dataset, frame: pd.DataFrame) -> str:
    """Why values are missing, and how many."""
    metric, missing = question.metric, frame["value"].isna()
    if not is_told(frame):
        return untold(question)
    if metric.denominator == "on_roster" and data.roster.empty:
        return NO_ROSTER
    hidden = missing & frame["n_actors"].isna()
    unpriced = missing & ~hidden & (frame.get("priced_share", 1.0) < MINIMUM_PRICED)
    few = missing & ~hidden & ~unpriced
    people = column_words("active", question.actor_kind)
    fewest = max(metric.minimum_denominator, 1)
    floor = f"at least {counted(fewest, metric.denominator, question.actor_kind)}"
    nobody = " or nobody" if question.by else ""
    reasons = [
        (hidden, f"withheld: fewer than {data.minimum_group} {people}{nobody}, or to be had by "
                 "subtraction"),
        (unpriced, "without a value: too few tokens have a known price"),
        (few, f"without a value: too little to divide by ({floor})"),
    ]  # fmt: skip
    told = [
        f"{at.sum()} of {len(frame)} values {'is' if at.sum() == 1 else 'are'} {why}."
        for at, why in reasons
        if at.any()
    ]
    return " ".join(told)


def untold(question: Question) -> str:
    """That no figure of this metric is to be had of the source."""
    return f"Source {question.source} tells neither models nor tokens nor cost."


def silence(question: Question) -> str:
    who = column_words("active", question.actor_kind)
    return f"Nothing of it is recorded of {who} in this range."


def definition(metric: Metric) -> Shown:
    """The formula and the caveats of a metric."""
    lines = ["**{name}.** {formula}", "", *(f"- {{c{n}}}" for n in range(len(metric.caveats)))]
    lines += ["", "Reliability {grade}. After: {source}."]
    caveats = {f"c{n}": caveat for n, caveat in enumerate(metric.caveats)}
    words = {"name": metric.name, "formula": metric.formula, "grade": metric.grade}
    return prose("\n".join(lines), **words, source=metric.source.rstrip("."), **caveats)


def comparison_sentence(question: Question, row: pd.Series) -> str:
    metric = question.metric
    if not row["weeks_before"]:
        since = _day(question.since)
        return f"No week of the range before {since} is closed, whole and stored: no comparison."
    if row["verdict"] == "nothing to compare":
        return "No comparison with the range before: one of the weeks is withheld or has no value."
    mean = "" if metric.is_ratio else " a week on average"
    weeks, them = ("1 week", "it") if row["weeks"] == 1 else (f"{row['weeks']} weeks", "them")
    values = (
        f"{metric.name}: {metric.format(row['value'])}{mean} over {weeks}, "
        f"{metric.format(row['previous'])} over the {row['weeks_before']} before {them}"
    )
    people = counted(row["n_actors"], "active", question.actor_kind)
    if row["verdict"] == "too few to say":
        return f"{values}. Too few to say whether it moved ({people} in both)."
    change, low, high = (metric.format_change(row[name]) for name in ("change", "low", "high"))
    return (
        f"{values}: {row['verdict']}, {change} (90 % interval {low} to {high}; {people} in both)."
    )


def comparison_table(question: Question, found: pd.DataFrame) -> Shown:
    metric, by = question.metric, question.by
    mean = "" if metric.is_ratio else ", a week"
    labels = {
        by: by.replace("_", " "),
        "previous": f"range before{mean}",
        "value": f"this range{mean}",
        "change": "change",
        "low": "90 % interval from",
        "high": "to",
        "n_actors": f"{column_words('active', question.actor_kind)} in both",
        "verdict": "verdict",
    }
    formats: dict[str, Format] = dict.fromkeys(["previous", "value"], metric.format)
    formats |= dict.fromkeys(["change", "low", "high"], metric.format_change)
    withheld = found.assign(
        verdict=found["verdict"].replace("nothing to compare", "withheld, or no value")
    )
    title = f"{metric.name} against the range before"
    return table(withheld, title, labels=labels, formats=formats | {"n_actors": ",.0f"})


def frame_table(question: Question, frame: pd.DataFrame) -> Shown:
    """The metric frame, each number as its metric writes it."""
    metric = question.metric
    unwanted = (
        {"numerator", "denominator", "low", "high"}
        if metric.numerator and not metric.is_ratio
        else set()
    )
    ordered = [name for name in frame.columns if name not in _AT_THE_END]
    ordered += [name for name in _AT_THE_END if name in frame]
    labels = {
        name: _heading(metric, name, question.actor_kind)
        for name in ordered
        if name not in unwanted
    }
    formats = {name: _format(metric, name) for name in labels if name in _NUMBERS}
    return table(frame, metric.name, labels=labels, formats=formats)


_AT_THE_END = ("low", "high", "numerator", "denominator", "n_actors", "priced_share")
_NUMBERS = ("value", "low", "high", "numerator", "denominator", "n_actors", "share",
            "output_share", "priced_share", "people_share", "at_risk", "expected")  # fmt: skip


def _heading(metric: Metric, column: str, actor_kind: ActorKind) -> str:
    fixed = {
        "week": "week of",
        "value": metric.name,
        "low": "90 % interval from",
        "high": "to",
        "n_actors": column_words("active", actor_kind),
        "priced_share": "tokens priced",
    }
    if column in ("numerator", "denominator"):
        return column_words(str(getattr(metric, column)), actor_kind)
    return fixed.get(column, column.replace("_", " "))


def _format(metric: Metric, column: str) -> Format:
    money = str(getattr(metric, column, "")).startswith("cost_")
    if column in ("value", "low", "high", "expected"):
        return metric.format
    if column.endswith("share"):
        return METRICS["stickiness"].format
    if metric.numerator == "working_day_share" and column == "numerator":
        return ",.1f"
    return METRICS["cost"].format if money else ",.0f"


def _day(day: Any) -> str:
    return f"{day.day} {day:%B %Y}"
