"""What a notebook shows beside charts: headline cards, tables, notes, and prose with figures.

Each is a MIME bundle: data of our own type, from which a report is made; HTML for JupyterLab; and
plain text. Every value is already formatted here, and escaped in the HTML and the Markdown.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
from markdown_it import MarkdownIt

from ccanalytics.dataset.preflight import Check
from ccanalytics.metrics.availability import NOT_TOLD, is_told
from ccanalytics.metrics.change import Headline
from ccanalytics.metrics.definitions import COLUMN_WORDS, METRICS, SECTION_TESTS, UNIT_WORDS

if TYPE_CHECKING:
    from ccanalytics.analyses.drivers import TeamShift
    from ccanalytics.analyses.interventions import Effect

MIME = "application/vnd.ccanalytics.{}+json"

_MARKDOWN = MarkdownIt("commonmark", {"html": False})

Bundle = dict[str, Any]
Format = str | Callable[[Any], str]


class Shown:
    """Something a notebook displays, in several MIME types at once."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Bundle:
        return self.bundle

    def __repr__(self) -> str:
        return str(self.bundle["text/plain"])


def cards(headlines: Iterable[Headline]) -> Shown:
    """One card per headline: value, interval, people, and the change in words."""
    return cards_of([card(headline) for headline in headlines])


def cards_of(made: list[dict[str, Any]]) -> Shown:
    """Cards whose texts are ready, each with the keys of `card`."""
    lines = [f"{one['label']}: {one['value']} ({one['verdict']})" for one in made]
    return _shown("cards", {"cards": made}, _cards_html(made), "\n".join(lines))


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


def table(
    frame: pd.DataFrame,
    title: str,
    *,
    formats: Mapping[str, Format] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Shown:
    """The rows of `frame` as text; a format is a format spec such as ",.2f" or a function.

    With `labels`, only those columns are shown, in that order.
    """
    formats, labels = formats or {}, labels or {name: _words(name) for name in frame.columns}
    columns = [
        {"label": label, "align": "right" if _is_number(frame[name]) else "left"}
        for name, label in labels.items()
    ]
    texts = [[_text(value, formats.get(name)) for value in frame[name]] for name in labels]
    rows = [list(row) for row in zip(*texts, strict=True)]
    content = {"title": title, "columns": columns, "rows": rows}
    return _shown(
        "table", content, _table_html(title, columns, rows), _table_text(title, columns, rows)
    )


def changes_table(headlines: Iterable[Headline]) -> Shown:
    """One row per headline: its value, and its change against the week before and a usual week."""
    rows = [_change_row(headline) for headline in headlines]
    names = ["", "this week", "against the week before", "against the usual week", "role"]
    return table(pd.DataFrame(rows, columns=names), "Changes of the headlines")


def team_shift_table(shift: "TeamShift") -> Shown:
    """One row per team: its cost per commit in both weeks, and the two parts of the change."""
    money = METRICS["cost_per_commit"]
    labels = {
        "team": "team",
        "before": "week before",
        "value": "this week",
        "rate": "change within",
        "mix": "change of share",
    }
    formats: dict[str, Format] = {"before": money.format, "value": money.format}
    formats |= dict.fromkeys(["rate", "mix"], money.format_change)
    return table(shift.frame, "Cost per commit by team", labels=labels, formats=formats)


def reconciliation_table(frame: pd.DataFrame) -> Shown:
    """One row per month and model family: the estimate, the bill, and the gap between them."""
    usd, share = METRICS["cost"], METRICS["reconciliation"]
    labels = {
        "month": "month",
        "family": "model",
        "days": "days of both",
        "estimated": "estimated",
        "billed": "billed",
        "gap": "difference",
        "value": "of the bill",
    }
    formats: dict[str, Format] = {"month": _month_words, "days": ",.0f", "value": share.format}
    formats |= {"estimated": usd.format, "billed": usd.format, "gap": usd.format_change}
    return table(frame, "Estimated and billed", labels=labels, formats=formats)


def unusual_days_table(days: pd.DataFrame) -> Shown:
    """One row per unusual day: its cost, the usual one, who had most of it, what was noted."""
    if not is_told(days):
        return note(f"Which days stood out is {NOT_TOLD}: it tells no cost.")
    if days.empty:
        return note("No day of the newest 28 stood out from the ordinary ones.")
    money = METRICS["unusual_days"]
    formats: dict[str, Format] = {"value": money.format, "expected": money.format}
    formats["excess"] = money.format_change
    labels = {
        "date": "day",
        "value": "cost",
        "expected": "usual",
        "excess": "difference",
        "contributor": "most of it",
        "event": "noted",
    }
    return table(days, "Unusual days", labels=labels, formats=formats)


def note(text: str, kind: Literal["info", "warn"] = "info") -> Shown:
    """A remark set apart from the text."""
    if kind not in ("info", "warn"):
        raise ValueError(f"A note is 'info' or 'warn', not {kind!r}.")
    html = f'<div style="{_NOTE}border-left-color:{_EDGE[kind]}">{escape(text)}</div>'
    return _shown("note", {"kind": kind, "text": text}, html, text)


def checks_note(checks: Sequence[Check]) -> Shown:
    """What the checks before a report found, in one remark: the warnings, or that all passed."""
    found = [check for check in checks if check.level != "passed"]
    if not found:
        return note(f"All {len(checks)} checks of the records passed.")
    told = " ".join(f"{check.name}: {check.found}" for check in found)
    stopped = any(check.level == "stop" for check in found)
    forced = "This report was made although a check would have stopped it. " if stopped else ""
    return note(f"{forced}{told}", "warn")


def checks_table(checks: Sequence[Check]) -> Shown:
    """One row per check: its name, its result, what it found."""
    frame = pd.DataFrame([(check.name, check.level, check.found) for check in checks])
    frame = frame.set_axis(["check", "result", "found"], axis=1)
    return table(frame, "Checks before the report")


def effects_note(effects: Sequence["Effect"]) -> Shown:
    """What can be said of each intervention, or that none is known."""
    told = " ".join(effect.sentence() for effect in effects)
    return note(told or "No intervention is known: name a CSV file (team,date,what) as "
                "`interventions` in ccanalytics.toml.")  # fmt: skip


def prose(template: str, **values: object) -> Shown:
    """Markdown with `{names}` filled in; the values are text, whatever signs they contain."""
    safe = {name: markdown_text(str(value)) for name, value in values.items()}
    markdown = template.format(**safe)
    return Shown(
        {
            "text/markdown": markdown,
            "text/html": _without_math(_MARKDOWN.render(markdown)),
            "text/plain": template.format(**values),
        }
    )


def markdown_text(text: str) -> str:
    """`text` in Markdown, with every sign that could mean something taken literally.

    >>> markdown_text("*a* $1")
    '\\\\*a\\\\* \\\\$1'
    """
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(text.split()))


def _shown(kind: str, content: Bundle, html: str, text: str) -> Shown:
    bundle = {MIME.format(kind): content, "text/html": _without_math(html), "text/plain": text}
    return Shown(bundle)


def _without_math(html: str) -> str:
    """`html` in which JupyterLab takes no two dollar signs for a formula between them."""
    return f'<div class="mathjax_ignore">{html}</div>'


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
    verdict = "about usual" if usual.verdict == "no detectable change" else usual.verdict
    return f"{verdict} beside {usual.metric.format(usual.previous)}, {usual.against}"


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


def _text(value: Any, form: Format | None) -> str:
    if pd.isna(value):
        return "n/a"
    if callable(form):
        return form(value)
    if isinstance(value, pd.Timestamp):
        return f"{value.day} {value:%b %Y}"
    if isinstance(value, str | bool):
        return str(value)
    return format(value, form or ("," if float(value).is_integer() else ",.4g"))


def _month_words(month: pd.Timestamp) -> str:
    return f"{month:%b %Y}"


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _words(name: str) -> str:
    return name.replace("_", " ")


# HTML for JupyterLab: inline styles only, in Lab's own colours with plain ones to fall back on.

_MUTED = "color:var(--jp-ui-font-color2,#59626f);"
_LINE = "var(--jp-border-color2,#e0e0e0)"
_NOTE = f"padding:8px 14px;border-left:3px solid {_LINE};line-height:1.5;max-width:46em;"
_EDGE = {"info": "#2b5fb8", "warn": "#b87700"}
_CARD = f"border:1px solid {_LINE};border-radius:10px;padding:14px 16px;line-height:1.45;"
_GRID = "display:grid;grid-template-columns:repeat(auto-fit,minmax(210px,1fr));gap:12px;"
_CELL = f"padding:4px 16px 4px 0;border-bottom:1px solid {_LINE};text-align:"


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


def _table_html(title: str, columns: list[dict[str, str]], rows: list[list[str]]) -> str:
    sides = [column["align"] for column in columns]
    head = _row_html("th", [column["label"] for column in columns], sides)
    body = "".join(_row_html("td", row, sides) for row in rows)
    caption = f'<caption style="text-align:left;font-weight:600">{escape(title)}</caption>'
    return f"<table>{caption}<thead>{head}</thead><tbody>{body}</tbody></table>"


def _table_text(title: str, columns: list[dict[str, str]], rows: list[list[str]]) -> str:
    """The table in letters of one width."""
    lines = [[column["label"] for column in columns], *rows]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    signs = [">" if column["align"] == "right" else "<" for column in columns]
    forms = [f"{{:{sign}{width}}}" for sign, width in zip(signs, widths, strict=True)]
    texts = ("  ".join(map(str.format, forms, cells)).rstrip() for cells in lines)
    return "\n".join([title, *texts] if rows else [title, "no rows"])


def _row_html(tag: str, texts: list[str], sides: list[str]) -> str:
    cells = (
        f'<{tag} style="{_CELL}{side}">{escape(text)}</{tag}>'
        for text, side in zip(texts, sides, strict=True)
    )
    return f"<tr>{''.join(cells)}</tr>"
