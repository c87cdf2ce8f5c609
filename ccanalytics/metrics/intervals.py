"""How sure a ratio of sums is: 90 % intervals from resampling actors.

The rows of one person are correlated, so whole actors are drawn with replacement, all their weeks
with them. A plain percentile interval is too narrow for few or very unequal actors. Its tails are
therefore moved outwards as far as a t interval is wider than a normal one, with the degrees of
freedom that the actors' kurtosis leaves (Satterthwaite's approximation; Hesterberg's expanded
percentile interval). The draws depend on the number of actors alone: same data, same interval.
"""

import math
from collections.abc import Iterable, Iterator
from functools import lru_cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LEVEL = 0.90
REPLICATES = 2000
MINIMUM_ACTORS = 5
"""Under this many actors there is no interval."""

_FEW = 200  # actors whose draws are kept: 3 MB each
_CHUNK = 1_000_000  # weights held at once: 8 MB, whatever the number of actors
_UNDEFINED_AT_MOST = 0.05
TAIL = NormalDist().inv_cdf((1 + LEVEL) / 2)


def resampled_sums(columns: Floats) -> Floats:
    """One row per replicate: the sums of `columns` over actors drawn with replacement."""
    return np.concatenate([weights @ columns for weights in _weights(len(columns))])


def ratio(top: Floats, bottom: Floats) -> Floats:
    """`top / bottom`, NaN where `bottom` is 0."""
    return np.divide(top, bottom, out=np.full(np.shape(top), np.nan), where=bottom != 0)


def interval(value: float, replicates: Floats, influence: Floats) -> tuple[float, float]:
    """Low and high end around `value`; NaN when there is too little to say.

    `influence` is what each actor adds to the error of `value`, in any unit. Too little is fewer
    than five actors, or a value that is often undefined. Actors who do not differ leave no room.
    """
    if len(influence) < MINIMUM_ACTORS or math.isnan(value):
        return math.nan, math.nan
    if alike(influence):
        return value, value
    defined = replicates[np.isfinite(replicates)]
    if len(defined) < (1 - _UNDEFINED_AT_MOST) * len(replicates):
        return math.nan, math.nan
    tail = NormalDist().cdf(-TAIL * widening(influence))
    low, high = np.quantile(defined, [tail, 1 - tail])
    return min(float(low), value), max(float(high), value)


def widening(influence: Floats) -> float:
    """How many times wider than normal the interval has to be; towards 1 with many actors."""
    n = len(influence)
    spread = influence - influence.mean()
    kurtosis = float(np.mean(spread**4) / np.mean(spread**2) ** 2)
    freedom = min(n - 1.0, 2 * n / max(kurtosis - 1, 1e-9))
    return math.sqrt(n / (n - 1)) * student(freedom) / TAIL


def alike(influence: Floats) -> bool:
    """Whether no actor differs from the others, so that resampling shows nothing."""
    return float(np.ptp(influence)) <= 1e-9 * float(np.max(np.abs(influence)))


def median_interval(values: Floats) -> tuple[float, float]:
    """A 90 % interval of the median from the order of `values` alone; NaN under five values."""
    n = len(values)
    if n < MINIMUM_ACTORS:
        return math.nan, math.nan
    ordered = np.sort(values)
    outer = max(math.floor((n + 1 - TAIL * math.sqrt(n)) / 2) - 1, 0)  # binomial, as a normal
    return float(ordered[outer]), float(ordered[n - 1 - outer])


def _weights(n: int) -> Iterable[Floats]:
    """How often each of `n` actors was drawn, some replicates at a time."""
    return _few_weights(n) if n <= _FEW else _drawn(n)


@lru_cache(maxsize=24)
def _few_weights(n: int) -> tuple[Floats, ...]:
    """The draws of so few actors are kept: groups of the same size have the same ones."""
    return tuple(_drawn(n))


def _drawn(n: int) -> Iterator[Floats]:
    random = np.random.default_rng(n)
    step = max(1, _CHUNK // max(n, 1))
    for start in range(0, REPLICATES, step):
        count = min(step, REPLICATES - start)
        drawn = random.integers(0, n, size=(count, n)) + n * np.arange(count)[:, None]
        yield np.bincount(drawn.ravel(), minlength=count * n).reshape(count, n).astype(float)


def student(freedom: float) -> float:
    """The upper quantile of Student's t, by the Cornish-Fisher series; good to 1 % from 3 up."""
    z, v = TAIL, max(freedom, 2.5)
    return (
        z
        + (z**3 + z) / (4 * v)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
    )
