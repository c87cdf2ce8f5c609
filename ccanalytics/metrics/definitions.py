"""The meaning of every number: `definitions.toml` of the metrics and of each wing -> `METRICS`.

Notebooks, tooltips, the definitions of the report and the docs read this table; nothing
else states a definition.
"""

import math
import tomllib
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any, Literal

from ccanalytics.wings import Reference, wings

FILE = "metrics/definitions.toml"

ActorKind = Literal["user", "api_key"]

SECTION_TESTS = ("active_actors", "commits_per_active_day", "cost_per_commit", "cost")
"""The tested metric of each section; the others are only described."""

KINDS = {
    "input_tokens": "input",
    "output_tokens": "output",
    "cache_read_tokens": "cache read",
    "cache_creation_tokens": "cache write",
}
"""Kinds of tokens and their names."""

POPULATIONS = ("on_roster", "active_before")  # denominators that count people, also inactive ones

COLUMN_WORDS = {
    "active": "people",
    "active_days": "active days",
    "commits": "commits",
    "proposals": "proposals",
    "input_side_tokens": "tokens",
    "cost_usd": "US dollars",
    "on_roster": "people on the roster",
    "active_before": "people active the week before",
    "accepted": "accepted proposals",
    "active_again": "people active in both weeks",
    "cache_read_tokens": "tokens read from the cache",
    "cost_without_commit": "US dollars without a commit",
    "landed": "people with a commit",
    "working_day_share": "people on a working day",
}
"""The words for the rows of a numerator or denominator in prose."""


@dataclass(frozen=True)
class Metric:
    """The definition of one metric.

    `numerator` and `denominator` are columns of `actor_weeks`: both make a ratio of sums, a
    numerator alone a total, and neither a metric with a shape of its own. There is no value under
    `minimum_denominator`. `frame` is the function of a weekly metric with a shape of its own,
    `function` that of one with other rows than weeks, `chart` that of one that is not drawn like
    all others, `words` that of one that has a sentence. `order` is its place in the report. `basis`
    is a function that gives the dataset with the money it is about, where that is not the estimate.
    """

    id: str
    name: str
    unit: str
    formula: str
    numerator: str | None = None
    denominator: str | None = None
    minimum_denominator: int = 1
    grade: Literal["high", "medium", "low"] = "medium"
    caveats: tuple[str, ...] = ()
    source: str = ""
    version: int = 1
    order: int = 0
    frame: Reference = ""
    function: Reference = ""
    chart: Reference = ""
    basis: Reference = ""
    words: Reference = ""

    @property
    def sides(self) -> dict[str, str]:
        """The columns that are summed: of a total the numerator, of a ratio the denominator too."""
        sides = {"numerator": self.numerator, "denominator": self.denominator}
        return {side: column for side, column in sides.items() if column}

    @property
    def is_ratio(self) -> bool:
        """Whether it is a ratio of sums, which has an interval."""
        return self.denominator is not None

    @property
    def is_money(self) -> bool:
        """Whether it is about cost, where unknown prices matter."""
        return any(column.startswith("cost_") for column in self.sides.values())

    @property
    def needs_tokens(self) -> bool:
        """Whether it needs tokens, which not every source has."""
        return any("tokens" in column for column in self.sides.values())

    @property
    def needs_usage(self) -> bool:
        """Whether it needs tokens or cost."""
        return self.needs_tokens or self.is_money

    def format(self, value: float | None) -> str:
        """`value` formatted: "$1.35", "77 %", "421"; "n/a" for null.

        >>> METRICS["cost_per_commit"].format(1.349)
        '$1.35'
        """
        if value is None or math.isnan(value):
            return "n/a"
        return ("-" if value < 0 else "") + _amount(self.unit, abs(value))

    def format_change(self, change: float | None) -> str:
        """A difference with its sign: "+$0.11", "-3 points", "0"; "n/a" for null.

        >>> [METRICS["cost_per_commit"].format_change(one) for one in (0.11, -3.0, -0.004)]
        ['+$0.11', '-$3.00', '$0.00']
        """
        if change is None or math.isnan(change):
            return "n/a"
        text = _amount(self.unit, abs(change))
        sign = "" if text == _amount(self.unit, 0.0) else "-" if change < 0 else "+"
        return sign + (text.replace("%", "points") if self.unit == "share" else text)


def _amount(unit: str, value: float) -> str:
    if unit == "usd":
        return f"${value:,.2f}" if value < 99.995 else f"${value:,.0f}"
    if unit == "share":
        return f"{100 * value:.1f} %" if 0.0005 <= value < 0.0995 else f"{100 * value:.0f} %"
    if unit == "index":
        return f"{value:.2f}"
    if " per " in unit:
        return f"{value:,.2f}" if value < 9.995 else f"{value:,.1f}"
    return f"{value:,.0f}"


def _read() -> dict[str, Metric]:
    """The definitions of the spine and of every wing, in the order of the report."""
    named: dict[str, Any] = {}
    for path in (FILE, *(path for wing in wings() for path in wing.definitions)):
        named |= tomllib.loads((files("ccanalytics") / path).read_text(encoding="utf-8"))
    shared = named.pop("caveats")
    for name, entry in named.items():
        caveats = [shared[one[1:]] if one.startswith("@") else one for one in entry["caveats"]]
        named[name] = Metric(**{**entry, "id": name, "caveats": tuple(caveats)})
    return dict(sorted(named.items(), key=lambda item: item[1].order))


METRICS: dict[str, Metric] = _read()  # every metric by its id, in the order of the report


def known_metric(metric_id: str, what: str, *having: str) -> Metric:
    """The metric with this id and one of the fields `having`; `ValueError` lists those there are.

    `what` says what such metrics are.
    """
    known = {name: one for name, one in METRICS.items() if any(getattr(one, h) for h in having)}
    if metric_id in known:
        return known[metric_id]
    raise ValueError(
        f"{metric_id!r} is no {what}; there are {', '.join(known)}. For others: cca.metric_frame."
    )


def summable(metric_id: str) -> Metric:
    """The metric with this id; `ValueError` when it is unknown, or neither a total nor a ratio."""
    return known_metric(metric_id, "total or ratio by week", "numerator")


def metric_in_words(metric: Metric, actor_kind: ActorKind) -> Metric:
    """The definition `metric`, worded for its kind of actor.

    >>> metric_in_words(METRICS["landing_share"], "api_key").name
    'Share of API keys with a commit'
    >>> metric_in_words(METRICS["cost"], "api_key").name
    'Cost, API keys only'
    """
    if actor_kind == "user" or "API key" in metric.name:
        return metric
    words: Any = {name: _of_keys(getattr(metric, name)) for name in ("name", "unit", "formula")}
    if "API key" not in words["name"]:
        words["name"] += ", API keys only"
    return replace(metric, **words)


def column_words(column: str, actor_kind: ActorKind = "user") -> str:
    """The words for the rows of a column: "people", "commits", "API keys"."""
    words = COLUMN_WORDS.get(column, column.replace("_", " "))
    return words if actor_kind == "user" else _of_keys(words)


def singular(words: str) -> str:
    """The singular of `column_words`.

    >>> singular("people"), singular("active days")
    ('person', 'active day')
    """
    return words.replace("people", "person").removesuffix("s")


def amount_words(value: float, column: str | None, actor_kind: ActorKind = "user") -> str:
    """A count with its noun: "412 commits", "1 person"."""
    if column == "cost_usd":
        return f"${value:,.0f}"
    words = column_words(str(column), actor_kind)
    if value >= 10_000_000:
        return f"{value / 1e6:,.0f} million {words}"
    return f"{value:,.0f} {singular(words) if value == 1 else words}"


def _of_keys(text: str) -> str:
    text = text.replace("people's", "API keys'").replace("person-days", "key-days")
    return text.replace("people", "API keys").replace("People", "API keys")
