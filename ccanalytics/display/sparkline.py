"""A few weeks of one figure -> a sparkline, for cards and the index of reports.

Every sparkline starts at zero, so a change of a tenth looks the same in all of them.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import date
from html import escape

WIDTH, HEIGHT, EDGE = 240, 50, 5

Point = tuple[date, float, object]
"""A week, its number or NaN, and the version of its definition."""

Sparkline = dict[str, list[str]]
"""lines: polylines of at least two points; dots: points with a gap on both sides; last: the newest
point of all, in a list that is empty where the newest week has no number."""


def sparkline(points: Sequence[Point], top: float = 0.0) -> Sparkline:
    """A drawing of weekly points in order, broken where a week or a number is missing and where
    the definition changed: those numbers cannot be compared.

    To compare lines of one unit, give them the same `top`, the largest number.
    """
    if not points:
        return {"lines": [], "dots": [], "last": []}
    first, end = points[0][0], points[-1][0]
    numbers = [number for _, number, _ in points if not math.isnan(number)]
    low, high = min([0.0, *numbers]), max([top, *numbers])
    days = (end - first).days

    def place(point: Point) -> str:
        right = (point[0] - first).days / days if days else 1.0
        down = (high - point[1]) / (high - low) if high > low else 0.5
        return f"{EDGE + right * (WIDTH - 2 * EDGE):.1f},{EDGE + down * (HEIGHT - 2 * EDGE):.1f}"

    runs = _runs(points)
    return {
        "lines": [" ".join(map(place, run)) for run in runs if len(run) > 1],
        "dots": [place(run[0]) for run in runs if len(run) == 1],
        "last": [place(run[-1]) for run in runs if run[-1][0] == end],
    }


def _runs(points: Sequence[Point]) -> list[list[Point]]:
    """The points with a number, in runs without a break."""
    runs: list[list[Point]] = []
    for point in points:
        week, number, version = point
        last = runs[-1][-1] if runs else None
        if math.isnan(number):
            continue
        if last and (week - last[0]).days == 7 and version == last[2]:
            runs[-1].append(point)
        else:
            runs.append([point])
    return runs


def spark_svg(line: Mapping[str, Sequence[str]], words: str) -> str:
    """The drawing as SVG in the colour of the text; `words` is its text alternative."""
    drawn = [f'<polyline points="{escape(points)}"/>' for points in line["lines"]]
    circles = [*((point, "2") for point in line["dots"]), *((one, "3.5") for one in line["last"])]
    for point, radius in circles:
        right, _, down = escape(point).partition(",")
        drawn.append(
            f'<circle cx="{right}" cy="{down}" r="{radius}" fill="currentColor" stroke="none"/>'
        )
    return (
        f'<svg class="spark" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(words)}"'
        ' fill="none" stroke="currentColor" stroke-width="1.8" stroke-linejoin="round">'
        f"{''.join(drawn)}</svg>"
    )
