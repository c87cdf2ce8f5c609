"""Headlines -> cards: value, interval, people, and the change in words."""

import math
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import pandas as pd

from ccanalytics.display.bundles import Bundle, bundle_of
from ccanalytics.display.sparkline import sparkline
from ccanalytics.display.tables import table_bundle
from ccanalytics.metrics.change import Comparison, Headline
from ccanalytics.metrics.definitions import SECTION_TESTS, amount_words, column_words, singular
from ccanalytics.words import counted

MOST_CARDS = 5
"""Up to this many headlines are cards side by side; more are a table."""


def headline_bundle(headline: Headline) -> Bundle:
    """A headline as a card."""
    return cards_bundle([card(headline)])


def headlines_bundle(headlines: Sequence[Headline]) -> Bundle:
    """A few headlines as cards, more of them as a table of their changes."""
    if len(headlines) > MOST_CARDS:
        return _changes(headlines)
    return cards_bundle([card(headline) for headline in headlines])


def cards_bundle(made: list[dict[str, Any]]) -> Bundle:
    """Cards from ready texts with the keys of `card`; the line is optional."""
    lines = [
        f"{one['label']}: {one['value']}" + (f" ({one['verdict']})" if one["verdict"] else "")
        for one in made
    ]
    return bundle_of("cards", {"cards": made}, "\n".join(lines))


def card(headline: Headline) -> dict[str, Any]:
    """The texts of one card; `line` is its sparkline, `figures` are its numbers
    for programs."""
    metric, coverage = headline.metric, headline.coverage
    tested = metric.id in SECTION_TESTS
    short = "" if coverage.grade == "complete" else f" ({coverage.why})"
    described = "" if tested else "; described, not tested"
    return {
        "metric": metric.id,
        "label": metric.name,
        "value": metric.format(headline.value),
        "interval": _interval(headline),
        # In at most four words; a figure that is only described has none.
        "verdict": headline.words if tested or math.isnan(headline.value) else "",
        "change": _change(headline) if tested else "",
        "n": _basis(headline),
        "before": _before(headline),
        "grade": f"coverage {coverage.grade}{short}, reliability {metric.grade}{described}",
        "detail": _detail(headline),
        "missing": "" if headline.is_answerable else headline.why_null(),
        # No direction of a metric is good or bad by itself.
        "tone": "moved" if tested and headline.shown.is_change else "neutral",
        "tested": tested,
        "line": sparkline([(week.date(), value) for week, value in headline.line]),
        "weeks": _weeks(headline),
        "unit": _unit(headline),
        "figures": _figures(headline),
    }


def _changes(headlines: Sequence[Headline]) -> Bundle:
    """One row per headline: its value, its change on the week before, and what is judged."""
    rows = []
    for one in headlines:
        metric, sides = one.metric, (one.recent, one.sustained)
        judged = ["described only"] * 2
        if metric.id in SECTION_TESTS:
            judged = [one.missing or side.sentence(metric) for side in sides]
        numbers = metric.format(one.value), metric.format_change(one.change)
        rows.append((metric.name, *numbers, *judged))
    names = ["", "this week", "on the week before", "against recent weeks", "last 4 weeks"]
    return table_bundle(pd.DataFrame(rows, columns=names), "Changes of the headlines")


def _interval(headline: Headline) -> str:
    if not headline.metric.is_ratio:
        return ""
    if math.isnan(headline.low):
        return "" if math.isnan(headline.value) else "no interval: it takes four weeks"
    low, high = (headline.metric.format(end) for end in (headline.low, headline.high))
    return f"90 % interval {low} to {high}"


def _change(headline: Headline) -> str:
    """What the verdict rests on, or the smallest change that would have been detected."""
    if math.isnan(headline.value):
        return ""
    compared = headline.shown
    if compared.verdict == "no detectable change":
        return compared.power()
    return compared.sentence(headline.metric).removeprefix(f"{compared.verdict} ")


def _before(headline: Headline) -> str:
    if math.isnan(headline.change):
        return ""
    metric = headline.metric
    if headline.change == 0:
        return "the same as the week before"
    relative = headline.change / headline.previous if headline.previous else math.nan
    share = "" if metric.unit == "share" or math.isnan(relative) else f" ({100 * relative:+.0f} %)"
    return f"{metric.format_change(headline.change)}{share} on the week before"


def _basis(headline: Headline) -> str:
    """The sample size: "421 commits, 96 people"."""
    of_people = headline.metric.numerator == "active" and not headline.metric.is_ratio
    if headline.missing or of_people:
        return ""  # the figure itself is the people
    people = counted(headline.n_actors, "person", "people")
    people += " active" if headline.metric.denominator in ("on_roster", "active_before") else ""
    column = headline.metric.denominator
    if column in (None, "active") or math.isnan(headline.denominator):
        return people
    return f"{amount_words(headline.denominator, column)}, {people}"


def _detail(headline: Headline) -> str:
    """Why there is no figure, or how much of it is known."""
    if math.isnan(headline.value):
        return f"{headline.metric.name}: {headline.why_null()}."
    if headline.priced_share >= 1:
        return ""
    return f"{100 * headline.priced_share:.1f} % of tokens have a known price"


def _weeks(headline: Headline) -> str:
    """The sparkline in words: "12 weeks from $2.38 to $3.16"."""
    known = [value for _, value in headline.line if not math.isnan(value)]
    if not known:
        return "no week with a value"
    low, high = (headline.metric.format(end) for end in (min(known), max(known)))
    return f"{counted(len(known), 'week')} from {low} to {high}"


def _unit(headline: Headline) -> str:
    """The unit in words: "US dollars per commit"."""
    metric = headline.metric
    words = "US dollars" if metric.unit == "usd" else metric.unit
    if metric.unit == "usd" and metric.denominator:
        return f"{words} per {singular(column_words(metric.denominator))}"
    return words


def _figures(headline: Headline) -> dict[str, Any]:
    """Value, interval, previous week and both comparisons, for programs; null where unknown."""
    names = ("value", "low", "high", "previous", "change")
    known = {name: _number(getattr(headline, name)) for name in names}
    # Not `vars`: a comparison of a known figure also has what it is of.
    compared = [one.name for one in fields(Comparison) if one.name != "n_actors"]
    judged: dict[str, Any] = {"recent": None, "sustained": None}
    if headline.metric.id in SECTION_TESTS:
        for name in judged:
            side = getattr(headline, name)
            judged[name] = {one: _number(getattr(side, one)) for one in compared}
    return {**known, "n": headline.n_actors, **judged}


def _number(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return None if math.isnan(value) else round(float(value), 6)
