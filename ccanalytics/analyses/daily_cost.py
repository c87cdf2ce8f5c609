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
from ccanalytics.metrics.by_week import measures
from ccanalytics.metrics.definitions import KINDS
from ccanalytics.metrics.own_history import LEVEL, POWER, Floats
from ccanalytics.metrics.ratios import MINIMUM_PRICED, priced_share
from ccanalytics.metrics.withholding import mask_unavailable, withheld_days
from ccanalytics.people.calendars import week_of
from ccanalytics.people.small_groups import few, withheld_rows
from ccanalytics.prices import model_family

BASELINE_DAYS = 42
"""The days before a day that say what is usual: six of each weekday."""

MINIMUM_HISTORY = 21
"""Known days before a day that are needed to say what is usual."""

OFF, HOLIDAY = 10, 17
"""The first kind of day off, and the kind of a holiday."""

Kinds = npt.NDArray[np.int64]

NEWEST_DAYS = 28
"""The newest days that are tested."""

FALSE_ALARMS = 0.10
"""The share of organisations without an unusual day for which one is reported."""

LEAST_USD, LEAST_SHARE = 25.0, 0.10
"""An unusual day is off by at least this many dollars, and this share of a typical day."""

UNUSUAL_COLUMNS = {
    "date": "day",
    "value": "cost",
    "expected": "usual",
    "excess": "difference",
    "contributor": "most of it",
    "event": "noted",
}
"""Columns of the unusual days, with their headers."""

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
    low, high = (
        np.maximum((expected + 1) * np.exp(sign * _T_90 * spread) - 1, 0) for sign in (-1, 1)
    )
    frame = days.assign(expected=expected, low=low, high=high)
    frame["unusual"] = _unusual(frame, spread)
    working = (kinds < OFF) & (frame.index >= max(BASELINE_DAYS, len(frame) - NEWEST_DAYS))
    if np.isfinite(spread[working]).any():
        noise = float(np.nanmedian(spread[working]))
        frame.attrs["detectable"] = math.exp((_STANDS_OUT + t.ppf(POWER, _FREEDOM)) * noise)
    events = noted_events(data).groupby("date")["what"].agg("; ".join)
    frame["event"] = frame["date"].map(events).astype("str")
    columns = ["date", "value", "expected", "low", "high", "unusual", "event"]
    return mask_unavailable(data, frame[columns])


@measures(
    "unusual_days",
    title="Unusual days",
    shown_by="analyses.analysis_display:unusual_days_bundle",
    shown_columns=tuple(UNUSUAL_COLUMNS),
    labels=UNUSUAL_COLUMNS,
    empty_text="No day of the newest 28 was unusual.",
)
def unusual_days(data: Dataset) -> pd.DataFrame:
    """One row per unusual day of the newest 28: date, value, expected, excess, contributor, event.

    `contributor` is the team, or without teams the model family, with the largest part of the
    excess, if it has enough people; `event` is what the events file says about the day or
    its neighbours.
    """
    frame = daily_cost(data).drop(columns="event")
    found = frame.assign(excess=frame["value"] - frame["expected"])[frame["unusual"]].copy()
    parts = _parts(data)
    found["contributor"] = [_contributor(parts, row.date, row.excess) for row in found.itertuples()]
    events, near = noted_events(data), pd.Timedelta(days=1)
    found["event"] = [
        "; ".join(events["what"][(events["date"] - day).abs() <= near]) for day in found["date"]
    ]
    kinds = {"contributor": "str", "event": "str"}
    return mask_unavailable(data, found[list(UNUSUAL_COLUMNS)].astype(kinds).reset_index(drop=True))


def noted_events(data: Dataset) -> pd.DataFrame:
    """One row per event of everybody or of a team that may be shown: date, what, team."""
    events = data.calendars.events
    shown = (events["team"] == "") | events["team"].isin(_parts(data).columns)
    return events[shown].reset_index(drop=True)


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
    cost = by_day["cost"].where(priced >= MINIMUM_PRICED)
    frame = pd.DataFrame({"date": closed.to_numpy()})
    cost = cost.reset_index(drop=True)
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


def median_of_kind(values: Floats, kinds: Kinds, kind: int) -> float:
    """The median of days of this kind; a holiday counts as a weekend day."""
    alike = kinds >= OFF if kind == HOLIDAY else kinds == kind
    known = values[alike & ~np.isnan(values)]
    return float(np.median(known)) if len(known) else math.nan


def _baseline(values: Floats, kinds: Kinds, at: int) -> tuple[float, float]:
    """The usual cost of the day, and the spread around it on the log scale.

    The spread is that of working days for a working day, else that of days off; 1.4826 makes a
    median absolute deviation the standard deviation of a normal distribution.
    """
    before = np.arange(max(0, at - BASELINE_DAYS), at)
    before = before[~np.isnan(values[before])]
    if len(before) < MINIMUM_HISTORY:
        return math.nan, math.nan
    history, of_kind, kind = values[before], kinds[before], int(kinds[at])
    expected = np.array([median_of_kind(history, of_kind, each) for each in range(HOLIDAY + 1)])
    alike = (of_kind < OFF) == (kind < OFF)
    if not alike.any():  # as where all days off are withheld
        return math.nan, math.nan
    # On a log scale; a dollar is added because a day may cost nothing.
    off = np.log1p(history[alike]) - np.log1p(expected[of_kind[alike]])
    return float(expected[kind]), max(1.4826 * float(np.median(np.abs(off))), _NARROWEST)


def _unusual(frame: pd.DataFrame, spread: Floats) -> "pd.Series[bool]":
    """The unusual days among the newest ones with six weeks before them."""
    newest = frame.index >= max(BASELINE_DAYS, len(frame) - NEWEST_DAYS)
    off = frame["value"] - frame["expected"]
    typical = frame["expected"][off.notna()].median()
    z = (np.log1p(frame["value"]) - np.log1p(frame["expected"])) / spread
    large = off.abs() >= max(LEAST_USD, LEAST_SHARE * typical)
    return large & newest & (np.abs(z) >= _STANDS_OUT)


@kept
def _parts(data: Dataset) -> pd.DataFrame:
    """The cost by day (row) and shown team, or without teams model family.

    Null on a day with too few active people.
    """
    usage = data.model_usage[data.model_usage["actor_kind"] == "user"]
    if len(data.roster) and not data.team:
        part = usage["team"].astype("str")
    else:
        part = usage["model"].map(lambda model: model_family(str(model))).astype("str")
    usage = usage.assign(part=part).dropna(subset="part")
    recent = usage[usage["date"] > usage["date"].max() - pd.Timedelta(days=NEWEST_DAYS)]
    hidden = withheld_rows(recent, data.minimum_group, [], "part")
    shown = usage[usage["part"].isin(recent.loc[~hidden, "part"].unique())]
    dates = data.days["date"]
    table = shown.pivot_table(index="date", columns="part", values="cost_usd", aggfunc="sum")
    cells = shown[few(shown, data.minimum_group, ["date", "part"])]
    table = table.reindex(dates).fillna(0.0)
    return table.mask(pd.crosstab(cells["date"], cells["part"]).reindex_like(table) > 0)


def _contributor(parts: pd.DataFrame, day: pd.Timestamp, excess: float) -> str:
    """The part with most of the excess, if it is at least a third."""
    before = parts[(parts.index < day) & (parts.index.day_of_week == day.day_of_week)].tail(8)
    if before.empty or parts.shape[1] < 2:
        return ""
    share = ((parts.loc[day] - before.median()) / excess).dropna()
    name = share.idxmax() if len(share) else ""
    return f"{name} ({100 * share[name]:.0f} %)" if name and share[name] >= 1 / 3 else ""
