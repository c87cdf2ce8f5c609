"""What the issues of one scope remember of a headline -> a small line with words.

One point per issue, at its week. The line is broken where an issue or a week is missing and where
the metric was defined anew: what stands on both sides cannot be read as one movement.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ccanalytics.report.archive import Issue

WIDTH, HEIGHT, EDGE = 240, 48, 5


@dataclass(frozen=True)
class Spark:
    """One headline over the issues: its newest value, the drawing, and what it shows in words."""

    label: str
    value: str
    unit: str
    words: str
    lines: list[str]
    """Polylines of at least two points."""
    dots: list[str]
    """Points with a gap on both sides, as "x,y"."""
    last: str
    """The newest point; empty when the newest issue has no number."""
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True)
class _Point:
    """What one issue says of a metric; `number` is NaN where it remembers none."""

    week: str
    monday: date
    number: float
    text: str
    version: object


def sparks(issues: Sequence[Issue]) -> list[Spark]:
    """One line per headline of `issues`, which are of one scope, one a week and oldest first."""
    metrics = dict.fromkeys(card["metric"] for issue in reversed(issues) for card in issue.cards)
    return [spark for metric in metrics if (spark := _spark(metric, issues))]


def _spark(metric: str, issues: Sequence[Issue]) -> Spark | None:
    """The line of one metric; None when no issue remembers a number of it."""
    points = [_point(metric, issue) for issue in issues]
    runs = list(_runs(points))
    if not runs:
        return None
    card = next(filter(None, (_card(metric, issue) for issue in reversed(issues))))
    places = _places([point for run in runs for point in run], points[0].monday, points[-1].monday)
    drawn = [[places[point] for point in run] for run in runs]
    return Spark(
        label=card["label"],
        value=points[-1].text,
        unit=card["unit"],
        words=_words(points),
        lines=[" ".join(run) for run in drawn if len(run) > 1],
        dots=[run[0] for run in drawn if len(run) == 1],
        last="" if math.isnan(points[-1].number) else drawn[-1][-1],
    )


def _point(metric: str, issue: Issue) -> _Point:
    assert issue.monday  # one_a_week leaves out what has none
    weeks = issue.memory.numbers.get(metric)
    number = weeks.get(issue.monday.isoformat()) if isinstance(weeks, Mapping) else None
    known = float(number) if isinstance(number, int | float) else math.nan
    card = _card(metric, issue)
    text = "n/a" if not math.isfinite(known) else card["value"] if card else f"{known:,.4g}"
    version = issue.memory.definitions.get(metric)
    return _Point(issue.week, issue.monday, known if text != "n/a" else math.nan, text, version)


def _card(metric: str, issue: Issue) -> Mapping[str, str] | None:
    return next((card for card in issue.cards if card["metric"] == metric), None)


def _runs(points: Iterable[_Point]) -> Iterator[list[_Point]]:
    """Points in unbroken weeks and of one definition."""
    run: list[_Point] = []
    for point in points:
        joined = run and point.version == run[-1].version
        joined = joined and point.monday - run[-1].monday == timedelta(weeks=1)
        if run and (math.isnan(point.number) or not joined):
            yield run
            run = []
        if not math.isnan(point.number):
            run.append(point)
    if run:
        yield run


def _places(points: Sequence[_Point], first: date, last: date) -> dict[_Point, str]:
    """Where each point is drawn; a single week stands at the right, a flat line in the middle."""
    numbers = [point.number for point in points]
    low, high = min(numbers), max(numbers)
    days = (last - first).days

    def place(point: _Point) -> str:
        right = (point.monday - first).days / days if days else 1.0
        down = (high - point.number) / (high - low) if high > low else 0.5
        return f"{EDGE + right * (WIDTH - 2 * EDGE):.1f},{EDGE + down * (HEIGHT - 2 * EDGE):.1f}"

    return {point: place(point) for point in points}


def _words(points: Sequence[_Point]) -> str:
    """What the line shows, for those who cannot see it and as its caption."""
    known = [point for point in points if not math.isnan(point.number)]
    same = [point for point in known if point.version == known[-1].version]
    said = [_range(same)]
    if len(known) < len(points):
        missing = len(points) - len(known)
        said.append(f"{missing} {'issue' if missing == 1 else 'issues'} without it.")
    if len(same) < len(known):
        said.append(f"Defined anew in {same[0].week}; what came before is left out of this.")
    return " ".join(said)


def _range(points: Sequence[_Point]) -> str:
    low = min(points, key=lambda one: one.number)
    high = max(points, key=lambda one: one.number)
    if len(points) == 1:
        return f"One issue, {low.week}."
    span = f"{len(points)} issues, {points[0].week} to {points[-1].week}"
    if low.text == high.text:
        return f"{span}: {low.text} in each."
    return f"{span}: lowest {low.text} in {low.week}, highest {high.text} in {high.week}."
