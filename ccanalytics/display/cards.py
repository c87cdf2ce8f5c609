"""Headlines -> cards: value, interval, people, and the change in words."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from ccanalytics.display.bundles import Bundle, bundle_of
from ccanalytics.display.tables import table_bundle
from ccanalytics.metrics.change import Headline
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
    lines = [f"{one['label']}: {one['value']} ({one['verdict']})" for one in made]
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
        "change": _change(headline),
        "verdict": headline.verdict,
        "n": _basis(headline),
        "usual": _usual(headline),
        "grade": _grade(headline),
        "detail": headline.sentence() if math.isnan(headline.value) else _priced(headline),
        "tone": _tone(headline),
        "tested": metric.id in SECTION_TESTS,
        "bar": bar(headline.value, headline.low, headline.high, headline.previous),
        "unit": UNIT_WORDS.get(metric.unit, metric.unit),
        "figures": _figures(headline),
    }


def _changes(headlines: Sequence[Headline]) -> Bundle:
    """One row per headline: its value, and its change against the week before and a usual week."""
    rows = [_change_row(headline) for headline in headlines]
    names = ["", "this week", "against the week before", "against the usual week", "role"]
    return table_bundle(pd.DataFrame(rows, columns=names), "Changes of the headlines")


def _interval(headline: Headline) -> str:
    if not headline.metric.is_ratio:
        return "a total, so no interval"
    if math.isnan(headline.low) or math.isnan(headline.value):
        return "no interval"
    low, high = (headline.metric.format(end) for end in (headline.low, headline.high))
    return f"90 % interval {low} to {high}"


def _change(headline: Headline) -> str:
    metric = headline.metric
    if math.isnan(headline.change):
        return ""
    relative = headline.relative_change
    share = "" if metric.unit == "share" or math.isnan(relative) else f" ({100 * relative:+.0f} %)"
    text = f"{metric.format_change(headline.change)}{share} on {metric.format(headline.previous)}"
    text += f" {headline.against}"
    if math.isnan(headline.change_low):
        return text
    ends = (metric.format_change(end) for end in (headline.change_low, headline.change_high))
    return f"{text}; 90 % interval {' to '.join(ends)}"


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


def _usual(headline: Headline) -> str:
    usual = headline.usual
    if usual is None or math.isnan(usual.previous):
        return ""
    verdict = usual.verdict
    return f"{verdict} compared with {usual.metric.format(usual.previous)}, {usual.against}"


def _grade(headline: Headline) -> str:
    """How far the records cover it, and how far the figure can be relied on."""
    coverage = headline.coverage
    short = "" if coverage.grade == "complete" else f" ({coverage.why})"
    tested = "" if headline.metric.id in SECTION_TESTS else "; described, not tested"
    return f"coverage {coverage.grade}{short}, reliability {headline.metric.grade}{tested}"


def _change_row(headline: Headline) -> tuple[str, ...]:
    usual = headline.usual or headline
    metric = headline.metric
    return (
        metric.name,
        metric.format(headline.value),
        *(_moved(one) for one in (headline, usual)),
        "test" if metric.id in SECTION_TESTS else "description",
    )


def _moved(headline: Headline) -> str:
    change = headline.metric.format_change(headline.change)
    verdict = str(headline.verdict)
    return verdict if math.isnan(headline.change) else f"{change}: {verdict}"


def _priced(headline: Headline) -> str:
    if headline.priced_share >= 1:
        return ""
    return f"{100 * headline.priced_share:.1f} % of tokens have a known price"


def _tone(headline: Headline) -> str:
    """good or bad only where the metric has a wanted direction and the change is detectable."""
    if headline.metric.direction == "neutral" or headline.verdict not in ("up", "down"):
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


def _figures(headline: Headline) -> dict[str, float | None]:
    """Value, interval and change, shares as fractions; null where there is none."""
    names = ("value", "low", "high", "previous", "change", "change_low", "change_high")
    numbers = {name: float(getattr(headline, name)) for name in names}
    known = {name: None if math.isnan(n) else round(n, 6) for name, n in numbers.items()}
    return {**known, "n": headline.n_actors}


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
        said[key] for key in ("interval", "n", "change", "usual", "detail", "grade") if said[key]
    ]
    return (
        f'<div style="{_CARD}"><div style="{_MUTED}">{said["label"]}</div>'
        f'<div style="font-size:28px;font-weight:600;margin:2px 0 6px">{said["value"]}</div>'
        f'<div style="font-weight:600">{said["verdict"]}</div>'
        f'<div style="{_MUTED}font-size:12px">{"<br>".join(small)}</div></div>'
    )
