"""A few weeks of one figure -> a sparkline, for cards and the index of reports.

Every sparkline starts at zero, so a change of a tenth looks the same in all of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from html import escape

WIDTH, HEIGHT, EDGE = 240, 50, 5

Point = tuple[date, float]
Sparkline = dict[str, list[str]]
"""lines: polylines of at least two points; dots: points with a gap on both sides; last: the newest
point of all, in a list that is empty where the newest week has no number."""


def sparkline(
    runs: Iterable[Sequence[Point]], first: date, end: date, top: float = 0.0
) -> Sparkline:
    """A drawing of `runs` of points without gaps, over the days from `first` to `end`.

    To compare lines of one unit, give them the same `top`, the largest number.
    """
    drawn = [run for run in runs if run]
    numbers = [number for run in drawn for _, number in run]
    low, high = min([0.0, *numbers]), max([top, *numbers])
    days = (end - first).days

    def place(point: Point) -> str:
        right = (point[0] - first).days / days if days else 1.0
        down = (high - point[1]) / (high - low) if high > low else 0.5
        return f"{EDGE + right * (WIDTH - 2 * EDGE):.1f},{EDGE + down * (HEIGHT - 2 * EDGE):.1f}"

    return {
        "lines": [" ".join(map(place, run)) for run in drawn if len(run) > 1],
        "dots": [place(run[0]) for run in drawn if len(run) == 1],
        "last": [place(run[-1]) for run in drawn if run[-1][0] == end],
    }


def spark_svg(line: Mapping[str, Sequence[str]], words: str) -> str:
    """The drawing as SVG in the colour of the text; `words` is its text alternative."""
    drawn = [f'<polyline points="{escape(points)}"/>' for points in line["lines"]]
    drawn += [_circle(point, "2") for point in line["dots"]]
    drawn += [_circle(point, "3.5") for point in line["last"]]
    return (
        f'<svg class="spark" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(words)}"'
        ' fill="none" stroke="currentColor" stroke-width="1.8" stroke-linejoin="round">'
        f"{''.join(drawn)}</svg>"
    )


def _circle(point: str, radius: str) -> str:
    right, _, down = point.partition(",")
    return (
        f'<circle cx="{escape(right)}" cy="{escape(down)}" r="{radius}" fill="currentColor" '
        'stroke="none"/>'
    )
