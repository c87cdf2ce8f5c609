"""The cost of each UTC day compared with its usual cost, and the unusual days.

What is usual for a day is the median of the same weekday in the six weeks before it; a holiday
counts as a weekend day. The normal deviation comes from the days before: how far they
were off their own medians (median absolute deviation, on a log scale). Costs have more outliers
than a normal distribution, so Student's t with 4 degrees of freedom takes its place. A day is
judged by its own six weeks only, whatever else is shown: as 28 days are looked at, each has a
twenty-eighth of the false alarms.
"""

import math

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import t

from ccanalytics.dataset.dataset import Dataset, kept
from ccanalytics.dataset.titled_frame import Column, typed, with_columns
from ccanalytics.metrics.by_week import MetricFrame, measures
from ccanalytics.metrics.definitions import KINDS, METRICS
from ccanalytics.metrics.own_history import LEVEL, POWER, Floats
from ccanalytics.metrics.ratios import MINIMUM_PRICED, noted_events, priced_share
from ccanalytics.metrics.withholding import UNAVAILABLE, mask_unavailable, withheld_days
from ccanalytics.people.calendars import week_of

BASELINE_DAYS = 42  # the days before a day that say what is usual: six of each weekday
MINIMUM_HISTORY = 21  # known days before a day that are needed to say what is usual
OFF, HOLIDAY = 10, 17  # the first kind of day off, and the kind of a holiday
Kinds = npt.NDArray[np.int64]

NEWEST_DAYS = 28  # the newest days that are tested
FALSE_ALARMS = 0.10  # the share of organisations without an unusual day for which one is reported
LEAST_USD, LEAST_SHARE = 25.0, 0.10
"""An unusual day is off by at least this many dollars, and this share of a typical day."""

_FREEDOM = 4  # of Student's t: costs of days have heavier tails than a normal distribution
_T_90 = t.ppf((1 + LEVEL) / 2, _FREEDOM)
_STANDS_OUT = t.isf(FALSE_ALARMS / NEWEST_DAYS / 2, _FREEDOM)
_NARROWEST = 0.05  # days that hardly ever differ would make every cent an outlier


@measures("daily_cost")
def daily_cost(data: Dataset) -> pd.DataFrame:
    """One row per closed UTC day: cost of people and API keys, expected, low, high, unusual, event.

    `low` to `high` is where 90 % of ordinary days lie; a working day of `attrs["detectable"]` times
    the usual cost is found four times in five. Null on days that are withheld from their
    week, because too few people were active, or with too many unpriced tokens; expected is null
    before 21 days of history.
    """
    days = cost_by_day(data)
    values, kinds = days["value"].to_numpy(), days["kind"].to_numpy()
    usual = [_baseline(values, kinds, at) for at in range(len(days))]
    expected, spread = np.array(usual).reshape(-1, 2).T
    usual_log, t_90 = np.log1p(expected), _T_90 * spread
    low, high = (np.maximum(np.expm1(usual_log + off), 0) for off in (-t_90, t_90))
    off, newest = np.abs(values - expected), days.index >= len(days) - NEWEST_DAYS
    newest &= days.index >= BASELINE_DAYS  # with six weeks before them
    least = max(LEAST_USD, LEAST_SHARE * pd.Series(expected[~np.isnan(off)]).median())
    z = np.abs(np.log1p(values) - usual_log) / spread
    events = noted_events(data).groupby("date")["what"].agg("; ".join)
    frame = days[["date", "value"]].assign(
        expected=expected,
        low=low,
        high=high,
        unusual=newest & (off >= least) & (z >= _STANDS_OUT),
        event=days["date"].map(events).astype("str"),
    )
    if np.isfinite(noise := spread[newest & (kinds < OFF)]).any():
        found = (_STANDS_OUT + t.ppf(POWER, _FREEDOM)) * float(np.nanmedian(noise))
        frame.attrs["detectable"] = math.exp(found)
    return mask_unavailable(data, frame)


_UNUSUAL = {
    "date": Column("day", kind="datetime64[ms]"),
    "value": Column("cost"),
    "expected": Column("usual", METRICS["cost"].format),
    "excess": Column("difference", METRICS["cost"].format_change),
    "event": Column("noted", kind="str"),
}


def unusual_days(data: Dataset) -> MetricFrame:
    """One row per unusual day of the newest 28: date, value, expected, excess, event."""
    daily, metric, power = daily_cost(data), METRICS["unusual_days"], ""
    excess = daily["value"] - daily["expected"]
    found = daily.assign(excess=excess, event=daily["event"].fillna(""))[daily["unusual"]]
    made = MetricFrame.of(typed(found.reset_index(drop=True), _UNUSUAL), metric, None)
    with_columns(made, _UNUSUAL)
    if "detectable" in daily.attrs:
        power = f" A working day of {daily.attrs['detectable']:.1f} times the usual would be found."
    made.attrs = dict(daily.attrs)
    made.title = f"Unusual days.{power}"
    made.empty_text = f"No day of the newest {NEWEST_DAYS} was unusual.{power}"
    if "unavailable" in daily.attrs:
        made.empty_text = f"Which days stood out is {UNAVAILABLE}: it has no cost."
    return made


@kept
def cost_by_day(data: Dataset) -> pd.DataFrame:
    """One row per closed day: date, value (cost of people and keys), kind of day.

    The value is 0 on a quiet day, and null where it may not be shown. `level` is the value, and the
    mean of the week's withheld days on those of them: together they are of enough people.
    """
    closed = data.days.loc[data.days["stored"] & data.days["closed"], "date"]
    usage = data.model_usage
    tokens = usage[list(KINDS)].sum(axis=1)
    unpriced = tokens.where(usage["cost_usd"].isna())
    sums = pd.DataFrame({"cost": usage["cost_usd"], "tokens": tokens, "unpriced": unpriced})
    by_day = sums.groupby(usage["date"]).sum().reindex(closed, fill_value=0.0)
    priced = priced_share(by_day["tokens"], by_day["unpriced"])
    cost = by_day["cost"].where(priced >= MINIMUM_PRICED).reset_index(drop=True)
    frame = pd.DataFrame({"date": closed.to_numpy()})
    hidden, hidden_weeks = withheld_days(data, frame["date"])
    mean = cost.groupby([week_of(frame["date"]), hidden]).transform("mean")
    frame = frame.assign(value=cost.mask(hidden), level=cost.mask(hidden, mean).mask(hidden_weeks))
    frame = mask_unavailable(data, frame, "value", "level")
    return frame.assign(kind=kinds_of_day(data, frame["date"]))


def kinds_of_day(data: Dataset, dates: pd.Series) -> pd.Series:
    """0 to 6 for Monday to Sunday, plus `OFF` on a weekend, and `HOLIDAY` for a weekday holiday."""
    weekend = data.calendars.is_weekend(dates)
    kinds = dates.dt.day_of_week + OFF * weekend
    return kinds.where(data.calendars.is_working_day(dates) | weekend, HOLIDAY)


def usual_costs(values: Floats, kinds: Kinds) -> Floats:
    """The median cost of the days of each kind; a holiday is like all days off together."""
    known, usual = ~np.isnan(values), np.full(HOLIDAY + 1, np.nan)
    for kind in np.unique(kinds[known]):
        usual[kind] = np.median(values[known & (kinds == kind)])
    if (off := known & (kinds >= OFF)).any():
        usual[HOLIDAY] = np.median(values[off])
    return usual


def _baseline(values: Floats, kinds: Kinds, at: int) -> tuple[float, float]:
    """The usual cost of the day, and the spread around it on the log scale.

    The spread is that of working days for a working day, else that of days off; 1.4826 makes a
    median absolute deviation the standard deviation of a normal distribution.
    """
    before = np.arange(max(0, at - BASELINE_DAYS), at)
    before = before[~np.isnan(values[before])]
    history, of_kind, kind = values[before], kinds[before], int(kinds[at])
    alike = (of_kind < OFF) == (kind < OFF)
    if len(before) < MINIMUM_HISTORY or not alike.any():  # as where all days off are withheld
        return math.nan, math.nan
    expected = usual_costs(history, of_kind)
    # On a log scale; a dollar is added because a day may cost nothing.
    off = np.log1p(history[alike]) - np.log1p(expected[of_kind[alike]])
    return float(expected[kind]), max(1.4826 * float(np.median(np.abs(off))), _NARROWEST)
