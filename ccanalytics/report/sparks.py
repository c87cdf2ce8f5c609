"""A headline over the issues of one scope -> a sparkline with a text alternative.

One point per issue, at its week. The line breaks where an issue or a week is missing and where
the definition of the metric changed: those numbers cannot be compared. Lines of one
unit share one scale.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from ccanalytics.display.sparkline import Sparkline, sparkline
from ccanalytics.report.archive import Issue
from ccanalytics.words import counted


@dataclass(frozen=True)
class Spark:
    """One headline over the issues: its newest value, the drawing, and its text alternative."""

    label: str
    value: str
    unit: str
    words: str
    line: Sparkline


@dataclass(frozen=True)
class _Point:
    """One issue's value of a metric; `number` is NaN if missing."""

    week: str
    monday: date
    number: float
    text: str
    version: object

    @property
    def known(self) -> bool:
        return not math.isnan(self.number)


def sparks(issues: Sequence[Issue]) -> list[Spark]:
    """One sparkline per headline of `issues` of one scope, one a week, oldest first."""
    cards = {card["metric"]: card for issue in issues for card in issue.cards}
    newest_first = dict.fromkeys(card["metric"] for one in reversed(issues) for card in one.cards)
    points = {metric: [_point(metric, one) for one in issues] for metric in newest_first}
    tops: dict[str, float] = defaultdict(float)
    for metric, shown in points.items():
        numbers = [point.number for point in shown if point.known]
        tops[cards[metric]["unit"]] = max([tops[cards[metric]["unit"]], *numbers])
    return [
        _spark(cards[metric], shown, tops[cards[metric]["unit"]])
        for metric, shown in points.items()
        if any(point.known for point in shown)
    ]


def _point(metric: str, issue: Issue) -> _Point:
    assert issue.monday  # one_a_week leaves out issues without one
    value = issue.memory.numbers.get(metric, {}).get(issue.monday.isoformat(), math.nan)
    card = next((card for card in issue.cards if card["metric"] == metric), None)
    text = "n/a" if math.isnan(value) else card["value"] if card else f"{value:,.4g}"
    return _Point(issue.week, issue.monday, value, text, issue.memory.definitions.get(metric))


def _spark(card: Mapping[str, str], points: Sequence[_Point], top: float) -> Spark:
    """The sparkline of the headline with this card; `top` is the largest number of its unit."""
    runs = [[(point.monday, point.number) for point in run] for run in _runs(points)]
    return Spark(
        label=card["label"],
        value=points[-1].text,
        unit=card["unit"],
        words=_words(points),
        line=sparkline(runs, points[0].monday, points[-1].monday, top),
    )


def _runs(points: Sequence[_Point]) -> list[list[_Point]]:
    """Runs of points with a number, split where a week is missing or the definition changed."""
    runs: list[list[_Point]] = []
    for before, point in pairwise([None, *points]):
        assert point
        if not point.known:
            continue
        if (
            before
            and before.known
            and before.version == point.version
            and point.monday - before.monday == timedelta(weeks=1)
        ):
            runs[-1].append(point)
        else:
            runs.append([point])
    return runs


def _words(points: Sequence[_Point]) -> str:
    """The text alternative and caption of the line."""
    known = [point for point in points if point.known]
    same = [point for point in known if point.version == known[-1].version]
    words = [_range(same)]
    if len(known) < len(points):
        words.append(f"{counted(len(points) - len(known), 'issue')} without a number.")
    if len(same) < len(known):
        words.append(f"The definition changed in {same[0].week}; earlier issues are left out here.")
    return " ".join(words)


def _range(points: Sequence[_Point]) -> str:
    low = min(points, key=lambda one: one.number)
    high = max(points, key=lambda one: one.number)
    if len(points) == 1:
        return f"One issue, {low.week}."
    span = f"{len(points)} issues, {points[0].week} to {points[-1].week}"
    if low.text == high.text:
        return f"{span}: {low.text} in each."
    return f"{span}: lowest {low.text} in {low.week}, highest {high.text} in {high.week}."
