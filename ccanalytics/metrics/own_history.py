"""How sure a figure is, and whether it moved, judged by the weeks of its own history.

A week is one replicate: people, holidays and tools all move it, so the other weeks show how far a
figure goes without any cause. Drawing people within one week cannot see what moves all of them at
once, and finds changes where there are none.

A 90 % interval says how far the figure of *these* people would move in another week like it, not
what other people would do: the scatter of the other weeks, as far as it is not explained by how
much each week rests on, is the scatter of one more. Student's t has one degree of freedom less than
there are weeks. Shares keep within 0 and 1: that scatter is turned into a number of trials, of
which Wilson's interval is taken.

Everywhere `top` and `bottom` have people as rows and weeks as columns; a total has a `bottom` of
zeros. Changes are on the log scale: an `estimate` of 0.26 is 30 % more.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

Floats = npt.NDArray[np.float64]
Weeks = npt.NDArray[np.bool_]  # of each week (column) whether it is meant

LEVEL = 0.90  # of all intervals
MINIMUM_ACTORS = 5  # under this many people no change is judged, unless it is of one's own records
FEWEST_WEEKS = 4  # under this many weeks there is no interval: nothing shows how far they scatter

TAIL = NormalDist().inv_cdf((1 + LEVEL) / 2)

_NOTHING = 1e-9
"""What rounding leaves of a difference of zero; also the least variance of a week, as a part of the
largest."""

POWER = 0.80  # how often a rise of the `detectable` size would be found
MINIMUM_WEEKS = 8  # under this many closed weeks no change is judged

DRIFT = 0.008
"""How far a figure drifts in a week without any cause, as a standard deviation (0.8 %).

The middles of the two sides of a change are half of their weeks apart."""

CLEARLY = 1.25
"""How many times what people's own weeks explain the scatter of weeks is, before it is shared."""


def ratio(top: Floats, bottom: Floats) -> Floats:
    """`top / bottom`, NaN where `bottom` is 0."""
    return np.divide(top, bottom, out=np.full(np.shape(top), np.nan), where=bottom != 0)


def student(freedom: float) -> float:
    """How many standard errors of so many degrees of freedom the ends of an interval are off."""
    return float(stdtrit(freedom, (1 + LEVEL) / 2))


def week_variances(top: Floats, bottom: Floats, scale: Floats) -> Floats:
    """How unsure the ratio of each week (column) is, next to the others, from its people (rows).

    The sum, over the people there, of each one's mean squared residual, over the square of `scale`:
    the weeks' denominators, or their numerators where logarithms of the ratio are looked at.
    """
    there = (top != 0) | (bottom != 0)
    residuals = top - top.sum() / bottom.sum() * bottom
    squares = np.sum(residuals**2, axis=1) / np.maximum(there.sum(axis=1), 1)
    variances: Floats = squares @ there / scale**2
    return np.maximum(variances, _NOTHING * max(float(variances.max()), _NOTHING))


def scatter(values: Floats, variances: Floats) -> Floats:
    """The standard error of each week's value, from how far all of them scatter."""
    weights = 1 / variances
    squares = (values - np.average(values, weights=weights)) ** 2
    errors: Floats = np.sqrt(float(weights @ squares) / (len(values) - 1) * variances)
    return errors


def reach(values: Floats, variances: Floats) -> Floats:
    """How far the ends of its interval are off each week's value; NaN of too few weeks."""
    if len(values) < FEWEST_WEEKS:
        return np.full(len(values), np.nan)
    return student(len(values) - 1) * scatter(values, variances)


def week_intervals(top: Floats, bottom: Floats, known: Weeks, is_share: bool = False) -> Floats:
    """The ends (columns) of the interval of each week's ratio (rows); NaN unless `known`.

    Weeks without a denominator have none, and no scatter is learned from them; nor have weeks
    without a numerator, unless it is a share.
    """
    known = known & (bottom.sum(axis=0) > 0) & (is_share | (top.sum(axis=0) > 0))
    ends = np.full((len(known), 2), np.nan)
    if known.sum() < FEWEST_WEEKS:
        return ends
    top, bottom = top[:, known], bottom[:, known]
    values = top.sum(axis=0) / bottom.sum(axis=0)
    scale = bottom.sum(axis=0) if is_share else top.sum(axis=0)
    variances = week_variances(top, bottom, scale)
    if is_share:
        # As many independent trials as scatter like its weeks. Where they do not scatter at all,
        # people are the trials: six of six is not for certain.
        errors, whole = scatter(values, variances), float(top.sum() / bottom.sum())
        alike = whole * (1 - whole) / np.maximum(errors, _NOTHING) ** 2
        people = np.count_nonzero((top != 0) | (bottom != 0), axis=0)
        trials = np.maximum(np.where(errors > _NOTHING, alike, people), 1.0)
        ends[known] = wilson(values, trials, student(len(values) - 1)).T
    else:
        factor = np.exp(reach(np.log(values), variances))
        ends[known] = np.array([values / factor, values * factor]).T
    return ends


def wilson(share: Floats | float, trials: Floats | float, width: float = TAIL) -> Floats:
    """The two ends (rows) of Wilson's interval of a share of so many independent trials."""
    squared = width**2 / trials
    middle = share + squared / 2
    half = width * np.sqrt(share * (1 - share) / trials + squared / (4 * trials))
    low, high = (middle - half) / (1 + squared), (middle + half) / (1 + squared)
    # Rounding must not put an end past 0, past 1, or past the share itself.
    ends: Floats = np.array([np.clip(low, 0, share), np.clip(high, share, 1)])
    return ends


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
        half = student(self.freedom) * self.error
        return math.expm1(self.estimate - half), math.expm1(self.estimate + half)

    @property
    def detectable(self) -> float:
        """The smallest rise, as a fraction, that would be found four times in five."""
        needed = student(self.freedom) + float(stdtrit(self.freedom, POWER))
        return math.expm1(needed * self.error)

    @property
    def verdict(self) -> Literal["up", "down", "no detectable change"]:
        """Its direction where there is none less than one time in ten."""
        if not self.p_value <= 1 - LEVEL:
            return "no detectable change"
        return "up" if self.estimate > 0 else "down"


def last_week_change(top: Floats, bottom: Floats) -> LogChange | None:
    """The last week against the weighted mean of all before; None where it cannot be judged.

    The scatter of the weeks before sets the scale, so weeks that all people share a shock in are
    seen to be unsure. It has two degrees of freedom less than there are weeks. `DRIFT` is added: it
    is given, so the more of the variance it is, the more degrees of freedom the whole has
    (Satterthwaite, Biometrics Bulletin 2, 1946).
    """
    weeks = _log_weeks(top, bottom) if top.shape[1] >= MINIMUM_WEEKS else None
    if weeks is None:
        return None
    values, variances = weeks
    weights = 1 / variances[:-1]
    before = float(np.average(values[:-1], weights=weights))
    freedom = len(values) - 2
    scale = float(weights @ (values[:-1] - before) ** 2) / freedom
    scattered = max(scale * float(variances[-1] + 1 / weights.sum()), _NOTHING)
    variance = scattered + (DRIFT * len(values) / 2) ** 2
    whole_freedom = freedom * (variance / scattered) ** 2
    return LogChange(float(values[-1]) - before, math.sqrt(variance), whole_freedom)


def sides_change(top: Floats, bottom: Floats, after: Weeks) -> LogChange | None:
    """The weeks `after` against all others; None where it cannot be judged.

    People are the replicates: how far each one's own figure moved sees habits that last. What all
    of them share in a week comes on top, as far as weeks clearly scatter more than people's own
    weeks explain (two-way clustering: Cameron, Gelbach and Miller, Journal of Business & Economic
    Statistics 29, 2011), and `DRIFT` is added. Of a few people weeks are the only replicates.
    """
    weeks, there, sides = len(after), (top + bottom).any(axis=1).sum(), (~after, after)
    # Of a total, each week is divided by one.
    bottom = bottom if bottom.any() else np.full_like(bottom, 1 / len(bottom))
    sums = np.array([[part[:, side].sum() for side in sides] for part in (top, bottom)])
    if weeks < MINIMUM_WEEKS or not (sums > 0).all():
        return None
    # What each person and week adds to the logarithm of the figure of a side.
    influences = [
        (top - above / below * bottom)[:, side] / above
        for side, above, below in zip(sides, *sums, strict=True)
    ]
    moves = influences[1].sum(axis=1) - influences[0].sum(axis=1)
    # How far weeks scatter, as they are and as far as people who have nothing in common explain it.
    together, own, spread = 0.0, 0.0, 0.0
    for influence in influences:
        size = influence.shape[1]
        apart = influence - influence.mean(axis=1, keepdims=True)
        together += size**2 * float(np.sum(influence.sum(axis=0) ** 2))
        own += size**2 * float(np.sum(apart**2))
        spread += 1 / size / (weeks - 2)
    people, shared, n = 0.0, together * spread, 2.0
    if there >= MINIMUM_ACTORS:
        # How many people of the same size scatter like these: a few heavy ones count as a few.
        amounts = top.sum(axis=1)
        n = max(float(amounts.sum() ** 2 / (amounts @ amounts)), 2.0)
        people = float(moves @ moves) * n / (n - 1)
        shared = max(together / CLEARLY - own, 0.0) * spread
    error = math.sqrt(people + shared + (DRIFT * weeks / 2) ** 2)
    parts = people**2 / (n - 1) + shared**2 / (weeks - 2)
    # Drift adds none here: of unchanged reports of 40 people whose weeks share a shock of 10 %,
    # 14 % would have a change, where 10 % do (`simulated_truth`, 200 seeds).
    freedom = (people + shared) ** 2 / parts if parts > 0 else weeks - 2
    before, now = np.log(sums[0] / sums[1])
    return LogChange(float(now - before), error, freedom)


def beginning(top: Floats, bottom: Floats, after: Weeks) -> tuple[int, bool]:
    """The first week of the later part, where two levels fit the weeks best; and whether a step to
    the weeks `after` fits them better than a steady rise or fall does."""
    weeks = _log_weeks(top, bottom)
    if weeks is None:
        return 0, True
    values, variances = weeks
    order = np.arange(len(after))

    def misfit(shape: npt.NDArray[Any]) -> float:
        """The weighted squares that a level and a multiple of `shape` leave."""
        fit = np.polyfit(shape, values, 1, w=1 / np.sqrt(variances), full=True)
        return float(fit[1].sum())

    first = int(np.argmin([misfit(order >= at) for at in order[1:]])) + 1
    return first, misfit(after) <= misfit(order)


def typical(top: Floats, bottom: Floats) -> tuple[Floats, Floats]:
    """`top` and `bottom` with heavy users weighted down: what the typical person does.

    Somebody's weight falls with their share of both sums, so that a few do not make the figure.
    """
    if not top.any() or not bottom.any():
        return top, bottom
    use = top.mean(axis=1) / top.mean() + bottom.mean(axis=1) / bottom.mean()
    weights = 1 / (1 + use / np.median(use[use > 0]))
    return top * weights[:, None], bottom * weights[:, None]


def _log_weeks(top: Floats, bottom: Floats) -> tuple[Floats, Floats] | None:
    """The logarithm of each week's figure, and how unsure each is next to the others.

    None where a logarithm is not defined. Weeks of a total count alike: weighing them would favour
    the large ones.
    """
    tops, ones = top.sum(axis=0), np.ones(top.shape[1])
    bottoms = bottom.sum(axis=0) if bottom.any() else ones
    if not (tops > 0).all() or not (bottoms > 0).all():
        return None
    return np.log(tops / bottoms), week_variances(top, bottom, tops) if bottom.any() else ones
