"""Headlines -> cards: value, interval, people, and the change in words."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from ccanalytics.display.bundles import Bundle, bundle_of
from ccanalytics.display.tables import table_bundle
from ccanalytics.metrics.change import Comparison, Headline
from ccanalytics.metrics.definitions import COLUMN_WORDS, SECTION_TESTS, UNIT_WORDS

MOST_CARDS = 5
"""As many headlines stand side by side as cards; more of them are a table."""


def headline_bundle(headline: Headline) -> Bundle:
    """One headline as a card."""
    return cards_bundle([card(headline)])


def headlines_bundle(headlines: Sequence[Headline]) -> Bundle:
    """A few headlines as cards, more of them as a table of their changes."""
    if len(headlines) > MOST_CARDS:
        return _changes(headlines)
    return cards_bundle([card(headline) for headline in headlines])


def cards_bundle(made: list[dict[str, Any]]) -> Bundle:
    """Cards whose texts are ready, each with the keys of `card`."""
    lines = [
        f"{one['label']}: {one['value']}" + (f" ({one['verdict']})" if one["verdict"] else "")
        for one in made
    ]
    return bundle_of("cards", {"cards": made}, _cards_html(made), "\n".join(lines))


def card(headline: Headline) -> dict[str, Any]:
    """The texts of one card; `bar` has percentages of an axis that begins at zero, `figures` the
    numbers themselves, for programs."""
    metric = headline.metric
    return {
        "metric": metric.id,
        "label": metric.name,
        "value": metric.format(headline.value),
        "interval": _interval(headline),
        "verdict": verdict_words(headline),
        "change": _change(headline),
        "n": _basis(headline),
        "before": _before(headline),
        "grade": _grade(headline),
        "detail": headline.sentence() if math.isnan(headline.value) else _priced(headline),
        "tone": _tone(headline),
        "tested": metric.id in SECTION_TESTS,
        "bar": bar(headline.value, headline.low, headline.high, headline.previous),
        "unit": UNIT_WORDS.get(metric.unit, metric.unit),
        "figures": _figures(headline),
    }


def verdict_words(headline: Headline) -> str:
    """The verdict in at most four words; described figures have none."""
    if not headline.is_known:
        return headline.verdict
    return headline.shown.words if headline.metric.id in SECTION_TESTS else ""


def _changes(headlines: Sequence[Headline]) -> Bundle:
    """One row per headline: its value, its change on the week before, and what is judged."""
    rows = [_change_row(headline) for headline in headlines]
    names = ["", "this week", "on the week before", "against recent weeks", "last 4 weeks"]
    return table_bundle(pd.DataFrame(rows, columns=names), "Changes of the headlines")


def _interval(headline: Headline) -> str:
    if not headline.metric.is_ratio:
        return "a total, so no interval"
    if math.isnan(headline.low) or math.isnan(headline.value):
        return "no interval"
    low, high = (headline.metric.format(end) for end in (headline.low, headline.high))
    return f"90 % interval {low} to {high}"


def _change(headline: Headline) -> str:
    """What the verdict rests on, or how large a change would have been seen."""
    if not verdict_words(headline) or math.isnan(headline.value):
        return ""
    compared = headline.shown
    if compared.verdict == "no detectable change":
        return compared.power()
    return compared.sentence(headline.metric).removeprefix(f"{compared.verdict} ")


def _before(headline: Headline) -> str:
    if math.isnan(headline.previous):
        return ""
    metric = headline.metric
    relative = headline.relative_change
    share = "" if metric.unit == "share" or math.isnan(relative) else f" ({100 * relative:+.0f} %)"
    return f"{metric.format_change(headline.change)}{share} on the week before"


def _basis(headline: Headline) -> str:
    """How much the value rests on: "421 commits, 96 people"."""
    people = f"{headline.n_actors:,} {'person' if headline.n_actors == 1 else 'people'}"
    people += " active" if headline.metric.denominator in ("on_roster", "active_before") else ""
    counted = COLUMN_WORDS.get(headline.metric.denominator or "", "people")
    if counted == "people" or math.isnan(headline.denominator):
        return people
    dollars = counted == "US dollars"
    amount = (
        f"${headline.denominator:,.0f}" if dollars else f"{headline.denominator:,.0f} {counted}"
    )
    return f"{amount}, {people}"


def _grade(headline: Headline) -> str:
    """How far the records cover it, and how far the figure can be relied on."""
    coverage = headline.coverage
    short = "" if coverage.grade == "complete" else f" ({coverage.why})"
    tested = "" if headline.metric.id in SECTION_TESTS else "; described, not tested"
    return f"coverage {coverage.grade}{short}, reliability {headline.metric.grade}{tested}"


def _change_row(headline: Headline) -> tuple[str, ...]:
    metric = headline.metric
    is_judged = metric.id in SECTION_TESTS and headline.is_known
    sides = (headline.recent, headline.sustained)
    return (
        metric.name,
        metric.format(headline.value),
        metric.format_change(headline.change),
        *(side.sentence(metric) if is_judged else "described only" for side in sides),
    )


def _priced(headline: Headline) -> str:
    if headline.priced_share >= 1:
        return ""
    return f"{100 * headline.priced_share:.1f} % of tokens have a known price"


def _tone(headline: Headline) -> str:
    """good or bad only where the metric has a wanted direction and the change is detectable."""
    if headline.metric.direction == "neutral" or not headline.shown.is_change:
        return "neutral"
    return "good" if headline.verdict == headline.metric.direction else "bad"


def bar(value: float, low: float, high: float, previous: float) -> dict[str, float | None] | None:
    """The numbers of a card as percentages of an axis that begins at zero; None without one."""
    numbers = {"value": value, "low": low, "high": high, "previous": previous}
    known = [number for number in numbers.values() if not math.isnan(number)]
    if math.isnan(value) or min(known) < 0 or max(known) == 0:
        return None
    scale = 90 / max(known)
    return {
        name: None if math.isnan(number) else round(number * scale, 2)
        for name, number in numbers.items()
    }


def _figures(headline: Headline) -> dict[str, Any]:
    """Value, interval, the week before and both comparisons, for programs; null where unknown."""
    names = ("value", "low", "high", "previous", "change")
    known = {name: _number(getattr(headline, name)) for name in names}
    sides = {"recent": headline.recent, "sustained": headline.sustained}
    judged = {name: _comparison(side) for name, side in sides.items()}
    described = dict.fromkeys(sides)
    tested = headline.metric.id in SECTION_TESTS
    return {**known, "n": headline.n_actors, **(judged if tested else described)}


def _comparison(side: Comparison) -> dict[str, Any]:
    names = ("value", "previous", "change", "low", "high", "detectable", "p_value")
    numbers = {name: _number(getattr(side, name)) for name in names}
    whole = {"weeks": side.weeks, "weeks_before": side.weeks_before}
    return {"verdict": side.verdict, **whole, **numbers}


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 6)


# Inline styles only, in JupyterLab's own colours with plain ones to fall back on.

_MUTED = "color:var(--jp-ui-font-color2,#59626f);"
_LINE = "var(--jp-border-color2,#e0e0e0)"
_CARD = f"border:1px solid {_LINE};border-radius:10px;padding:14px 16px;line-height:1.45;"
_GRID = "display:grid;grid-template-columns:repeat(auto-fit,minmax(210px,1fr));gap:12px;"


def _cards_html(made: list[dict[str, Any]]) -> str:
    return f'<div style="{_GRID}">{"".join(_card_html(one) for one in made)}</div>'


def _card_html(one: Mapping[str, Any]) -> str:
    said = {key: escape(str(text)) for key, text in one.items()}
    small = [
        said[key] for key in ("interval", "n", "change", "before", "detail", "grade") if said[key]
    ]
    return (
        f'<div style="{_CARD}"><div style="{_MUTED}">{said["label"]}</div>'
        f'<div style="font-size:28px;font-weight:600;margin:2px 0 6px">{said["value"]}</div>'
        f'<div style="font-weight:600">{said["verdict"]}</div>'
        f'<div style="{_MUTED}font-size:12px">{"<br>".join(small)}</div></div>'
    )
