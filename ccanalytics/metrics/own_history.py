"""Whether a figure moved, judged by the weeks of its own history.

A week is one replicate: people, holidays and tools all move it, so the other weeks show how far a
figure goes without any cause. Drawing people within one week cannot see what moves all of them at
once, and finds changes where there are none.

Everywhere `top` and `bottom` have people as rows and weeks as columns; a total has a `bottom` of
zeros. Changes are on the log scale: an `estimate` of 0.26 is 30 % more.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from ccanalytics.metrics.intervals import (
    MINIMUM_ACTORS,
    Floats,
    Weeks,
    student,
    week_variances,
)

POWER = 0.80

MINIMUM_WEEKS = 8
"""Under this many closed weeks no change is judged."""

DRIFT = 0.008
"""How far a figure drifts in a week without any cause, as a standard deviation (0.8 %)."""

CLEARLY = 1.25
"""How many times what people's own weeks explain the scatter of weeks is, before it is shared."""

_NOTHING = 1e-9
"""What rounding leaves of a difference of zero."""


@dataclass(frozen=True)
class LogChange:
    """A change on the log scale, its standard error and degrees of freedom."""

    estimate: float
    error: float
    freedom: float

    @property
    def p_value(self) -> float:
        """How often so large a change is seen where there is none."""
        if self.error < _NOTHING:
            return float(abs(self.estimate) < _NOTHING)
        return float(2 * stdtr(self.freedom, -abs(self.estimate) / self.error))

    @property
    def relative(self) -> float:
        """The change as a fraction of what was before."""
        return math.expm1(self.estimate)

    @property
    def interval(self) -> tuple[float, float]:
        """The ends of the 90 % interval of `relative`."""
        reach = student(self.freedom) * self.error
        return math.expm1(self.estimate - reach), math.expm1(self.estimate + reach)

    @property
    def detectable(self) -> float:
        """The smallest rise, as a fraction, that would be found four times in five."""
        needed = student(self.freedom) + float(stdtrit(self.freedom, POWER))
        return math.expm1(needed * self.error)


@dataclass(frozen=True)
class LogWeeks:
    """The logarithm of each week's figure, and how unsure each is next to the others."""

    values: Floats
    variances: Floats

    @classmethod
    def of(cls, top: Floats, bottom: Floats) -> "LogWeeks | None":
        """None where a logarithm is not defined.

        Weeks of a total count alike: weighing them would favour the large ones.
        """
        tops, bottoms = top.sum(axis=0), _bottoms(bottom)
        if not (tops > 0).all() or not (bottoms > 0).all():
            return None
        ones = np.ones(len(tops))
        variances = week_variances(top, bottom, tops) if bottom.any() else ones
        return cls(np.log(tops / bottoms), variances)


def last_week_change(top: Floats, bottom: Floats) -> LogChange | None:
    """The last week against the weighted mean of all before; None where it cannot be judged.

    The scatter of the weeks before sets the scale, so weeks that all people share a shock in are
    seen to be unsure, and `DRIFT` is added to it. Student's t with two degrees of freedom less than
    there are weeks.
    """
    weeks = LogWeeks.of(top, bottom) if top.shape[1] >= MINIMUM_WEEKS else None
    if weeks is None:
        return None
    weights = 1 / weeks.variances[:-1]
    before = float(np.average(weeks.values[:-1], weights=weights))
    freedom = len(weeks.values) - 2
    scale = float(weights @ (weeks.values[:-1] - before) ** 2) / freedom
    variance = scale * (weeks.variances[-1] + 1 / weights.sum()) + _drifted(len(weeks.values))
    return LogChange(float(weeks.values[-1]) - before, math.sqrt(variance), freedom)


def sides_change(top: Floats, bottom: Floats, before: Weeks, after: Weeks) -> LogChange | None:
    """The weeks `after` against the weeks `before`; None where it cannot be judged.

    People are the replicates: how far each one's own figure moved sees habits that last. What all
    of them share in a week comes on top, as far as weeks clearly scatter more than people's own
    weeks explain (two-way clustering: Cameron, Gelbach and Miller, Journal of Business & Economic
    Statistics 29, 2011), and `DRIFT` is added. Of a few people weeks are the only replicates.
    """
    weeks = int(before.sum() + after.sum())
    sides = (before, after)
    if weeks < MINIMUM_WEEKS or not before.any() or not after.any():
        return None
    estimates = [_log_side(top, bottom, side) for side in sides]
    if not np.isfinite(estimates).all():
        return None
    influences = [_influence(top, bottom, side) for side in sides]
    moves = (influences[1] - influences[0]).sum(axis=1)
    together, own = _scatters(influences, sides)
    people, shared, n = 0.0, together, 2.0
    if np.count_nonzero((top + bottom).any(axis=1)) >= MINIMUM_ACTORS:
        n = _alike(top[:, before | after].sum(axis=1))
        people = float(moves @ moves) * n / (n - 1)
        shared = max(together / CLEARLY - own, 0.0)
    error = math.sqrt(people + shared + _drifted(weeks))
    parts = people**2 / (n - 1) + shared**2 / (weeks - 2)
    freedom = (people + shared) ** 2 / parts if parts > 0 else weeks - 2
    return LogChange(estimates[1] - estimates[0], error, freedom)


def _alike(amounts: Floats) -> float:
    """How many people of the same size scatter like these: a few heavy ones count as a few."""
    return max(float(amounts.sum() ** 2 / (amounts @ amounts)), 2.0)


def _scatters(influences: list[Floats], sides: tuple[Weeks, Weeks]) -> tuple[float, float]:
    """The variance of a change from how far weeks scatter: as they are, and as far as people who
    have nothing in common explain it."""
    squares = np.zeros(2)
    for influence, side in zip(influences, sides, strict=True):
        weekly = influence[:, side] * side.sum()
        apart = weekly - weekly.mean(axis=1, keepdims=True)
        squares += np.sum(weekly.sum(axis=0) ** 2), np.sum(apart**2)
    before, after = (int(side.sum()) for side in sides)
    together, own = squares / (before + after - 2) * (1 / before + 1 / after)
    return float(together), float(own)


def _drifted(weeks: int) -> float:
    """The variance that drift adds: the middles of two sides are half of their weeks apart."""
    return (DRIFT * weeks / 2) ** 2


def is_step(top: Floats, bottom: Floats, after: Weeks) -> bool:
    """Whether a step between the sides fits the weeks better than a steady rise or fall does."""
    weeks = LogWeeks.of(top, bottom)
    if weeks is None:
        return True
    roots = np.sqrt(1 / weeks.variances)
    shapes = after.astype(float), np.arange(len(after), dtype=float)
    step, slope = (_misfit(weeks.values, shape, roots) for shape in shapes)
    return step <= slope


def change_point(top: Floats, bottom: Floats) -> int:
    """The first week of the later part, where two levels fit the weeks best."""
    weeks = LogWeeks.of(top, bottom)
    if weeks is None:
        return 0
    roots = np.sqrt(1 / weeks.variances)
    order = np.arange(len(weeks.values))
    misfits = [_misfit(weeks.values, (order >= at).astype(float), roots) for at in order[1:]]
    return int(np.argmin(misfits)) + 1


def typical(top: Floats, bottom: Floats) -> tuple[Floats, Floats]:
    """`top` and `bottom` with heavy users weighted down: what the typical person does.

    Somebody's weight falls with their share of both sums, so that a few do not make the figure.
    """
    if not top.any() or not bottom.any():
        return top, bottom
    use = top.mean(axis=1) / top.mean() + bottom.mean(axis=1) / bottom.mean()
    weights = 1 / (1 + use / np.median(use[use > 0]))
    return top * weights[:, None], bottom * weights[:, None]


def _bottoms(bottom: Floats) -> Floats:
    """What each week is divided by: of a total, one."""
    return bottom.sum(axis=0) if bottom.any() else np.ones(bottom.shape[1])


def _log_side(top: Floats, bottom: Floats, weeks: Weeks) -> float:
    """The logarithm of the figure of these weeks together; -inf or NaN where undefined."""
    above, below = float(top[:, weeks].sum()), float(_bottoms(bottom)[weeks].sum())
    return math.log(above / below) if above > 0 and below > 0 else math.nan


def _influence(top: Floats, bottom: Floats, weeks: Weeks) -> Floats:
    """What each person and week adds to the logarithm of the figure of these weeks together."""
    above = float(top[:, weeks].sum())
    if bottom.any():
        residuals = top - above / bottom[:, weeks].sum() * bottom
    else:
        residuals = top - above / (len(top) * weeks.sum())
    result: Floats = residuals * weeks / above
    return result


def _misfit(values: Floats, shape: Floats, roots: Floats) -> float:
    """The weighted squares that a level and a multiple of `shape` leave."""
    columns = np.column_stack([np.ones(len(shape)), shape]) * roots[:, None]
    fitted = columns @ np.linalg.lstsq(columns, values * roots, rcond=None)[0]
    return float(np.sum((values * roots - fitted) ** 2))
