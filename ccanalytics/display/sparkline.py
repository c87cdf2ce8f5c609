"""A few weeks of one figure -> a sparkline, for cards and the index of reports.

Every sparkline starts at zero, so a change of a tenth looks the same in all of them.
"""

import math
from collections.abc import Sequence
from datetime import date

WIDTH, HEIGHT, EDGE = 240, 50, 5
"""Of the drawing, which the macro `spark` of `lab.html.j2` shows."""

Point = tuple[date, float]
"""A week, and its number or NaN."""

Sparkline = dict[str, list[str]]
"""lines: polylines of at least two points; dots: points with a gap on both sides; last: the newest
point of all, in a list that is empty where the newest week has no number."""


def sparkline(points: Sequence[Point], top: float = 0.0) -> Sparkline:
    """A drawing of weekly points in order, broken where a week or a number is missing.

    To compare lines of one unit, give them the same `top`, the largest number.
    """
    runs: list[list[Point]] = []
    for week, number in points:
        if math.isnan(number):
            continue
        if not runs or (week - runs[-1][-1][0]).days != 7:
            runs.append([])
        runs[-1].append((week, number))
    numbers = [number for run in runs for _, number in run]
    low, high = min([0.0, *numbers]), max([top, *numbers])
    days = (points[-1][0] - points[0][0]).days if points else 0

    def place(point: Point) -> str:
        right = (point[0] - points[0][0]).days / days if days else 1.0
        down = (high - point[1]) / (high - low) if high > low else 0.5
        return f"{EDGE + right * (WIDTH - 2 * EDGE):.1f},{EDGE + down * (HEIGHT - 2 * EDGE):.1f}"

    return {
        "lines": [" ".join(map(place, run)) for run in runs if len(run) > 1],
        "dots": [place(run[0]) for run in runs if len(run) == 1],
        "last": [place(run[-1]) for run in runs if run[-1][0] == points[-1][0]],
    }
