"""How sure a week's figure is: 90 % intervals with weeks as replicates.

An interval says how far the figure of *these* people would move in another week like it, not what
other people would do. The other weeks show it: their scatter, as far as it is not explained by how
much each week rests on, is the scatter of one more. Student's t has one degree of freedom less than
there are weeks. Shares keep within 0 and 1: that scatter is turned into a number of trials, of
which Wilson's interval is taken.
"""

from statistics import NormalDist

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

Floats = npt.NDArray[np.float64]

Weeks = npt.NDArray[np.bool_]
"""Of each week (column) whether it is meant."""

LEVEL = 0.90

MINIMUM_ACTORS = 5
"""Under this many people no change is judged, unless it is of one's own records."""

FEWEST_WEEKS = 4
"""Under this many weeks there is no interval: nothing shows how far they scatter."""

TAIL = NormalDist().inv_cdf((1 + LEVEL) / 2)

_NOTHING = 1e-9
"""The least variance of a week, as a part of the largest: rounding leaves no less."""


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


def week_intervals(top: Floats, bottom: Floats, known: Weeks, is_share: bool = False) -> Floats:
    """The ends (columns) of the interval of each week's ratio (rows); NaN unless `known`.

    Weeks without a denominator have none, and no scatter is learned from them; nor have weeks
    without a numerator, unless it is a share.
    """
    known = known & (bottom.sum(axis=0) > 0) & (is_share | (top.sum(axis=0) > 0))
    ends = np.full((len(known), 2), np.nan)
    if known.sum() < FEWEST_WEEKS:
        return ends
    top, bottom, width = top[:, known], bottom[:, known], student(known.sum() - 1)
    values = top.sum(axis=0) / bottom.sum(axis=0)
    scale = bottom.sum(axis=0) if is_share else top.sum(axis=0)
    variances = week_variances(top, bottom, scale)
    if is_share:
        trials = _trials(top, bottom, scatter(values, variances))
        ends[known] = wilson(values, trials, width).T
    else:
        reach = width * scatter(np.log(values), variances)
        ends[known] = np.array([values / np.exp(reach), values * np.exp(reach)]).T
    return ends


def _trials(top: Floats, bottom: Floats, errors: Floats) -> Floats:
    """How many independent trials a share of each week scatters like.

    Where weeks do not scatter at all, people are the trials: six of six is not for certain.
    """
    whole = float(top.sum() / bottom.sum())
    alike = whole * (1 - whole) / np.maximum(errors, _NOTHING) ** 2
    people = np.count_nonzero((top != 0) | (bottom != 0), axis=0)
    trials: Floats = np.maximum(np.where(errors > _NOTHING, alike, people), 1.0)
    return trials


def wilson(share: Floats | float, trials: Floats | float, width: float = TAIL) -> Floats:
    """The two ends (rows) of Wilson's interval of a share of so many independent trials."""
    squared = width**2 / trials
    middle = share + squared / 2
    reach = width * np.sqrt(share * (1 - share) / trials + squared / (4 * trials))
    ends: Floats = np.array([middle - reach, middle + reach]) / (1 + squared)
    return ends
