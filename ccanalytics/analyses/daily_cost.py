"""The cost of each UTC day beside what its weekday usually costs, and the days that stand out.

The baseline of a day is the median of the same weekday in the eight weeks before it; a holiday is
like a weekend day. What a day may differ by is judged from how the days before differed from their
own medians (median absolute deviation, on a log scale), with the tails of Student's t of 4 degrees
of freedom, and over all days looked at by Benjamini and Hochberg's procedure.
"""

import math

import numpy as np
import numpy.typing as npt
import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.metrics.actor_weeks import week_of
from ccanalytics.metrics.availability import if_told
from ccanalytics.metrics.families import model_family
from ccanalytics.metrics.intervals import Floats
from ccanalytics.metrics.metric_frame import measures
from ccanalytics.metrics.ratios import MINIMUM_PRICED
from ccanalytics.people.small_groups import withheld

BASELINE_DAYS = 56
MINIMUM_HISTORY = 21
"""Days before a day that it takes to say what is usual."""

Kinds = npt.NDArray[np.int64]

LOOKED_AT = 28
"""The newest days, of which the unusual ones are told."""

FALSE_DISCOVERIES = 0.10
LEAST_USD, LEAST_SHARE = 25.0, 0.10
"""A day less than so many dollars, and so much of a typical day, away from usual is not told."""

DAY_COLUMNS = ["date", "value", "expected", "low", "high", "unusual"]
UNUSUAL_COLUMNS = ["date", "value", "expected", "excess", "contributor", "event"]

_T4_90 = 2.1318  # upper 95 % point of Student's t with 4 degrees of freedom
_NARROWEST = 0.05


@measures("daily_cost")
def daily_cost(data: Dataset) -> pd.DataFrame:
    """One row per closed UTC day: cost of people and API keys, expected, low, high, unusual, event.

    `low` to `high` is where 90 % of ordinary days lie. Null in a week of fewer people than the
    minimum group, or with too many unpriced tokens; expected is null before 21 days of history.
    """
    days = cost_by_day(data)
    values, kinds = days["value"].to_numpy(), days["kind"].to_numpy()
    base = [_baseline(values, kinds, at) for at in range(len(days))]
    frame = days.assign(
        expected=[expected for expected, _ in base],
        low=[_moved(expected, -_T4_90 * spread) for expected, spread in base],
        high=[_moved(expected, _T4_90 * spread) for expected, spread in base],
    )
    frame["unusual"] = _unusual(frame, np.array([spread for _, spread in base]))
    events = noted_events(data).groupby("date")["what"].agg("; ".join)
    frame["event"] = frame["date"].map(events).astype("str")
    return if_told(data, frame[[*DAY_COLUMNS, "event"]])


@measures(
    "unusual_days",
    title="Unusual days",
    shown_by="analyses.analysis_display:unusual_days_bundle",
    shown_columns=("date", "value", "expected", "excess", "contributor", "event"),
    labels={
        "date": "day",
        "value": "cost",
        "expected": "usual",
        "excess": "difference",
        "contributor": "most of it",
        "event": "noted",
    },
    empty_text="No day of the newest 28 stood out from the ordinary ones.",
)
def unusual_days(data: Dataset) -> pd.DataFrame:
    """One row per unusual day of the newest 28: date, value, expected, excess, contributor, event.

    `contributor` is the team, or without teams the model family, with the largest part of the
    excess, as far as it is of enough people; `event` what the events file says of the day or of
    its neighbours.
    """
    frame = daily_cost(data).drop(columns="event")
    found = frame.assign(excess=frame["value"] - frame["expected"])[frame["unusual"]].copy()
    parts = _parts(data)
    found["contributor"] = [_contributor(parts, row.date, row.excess) for row in found.itertuples()]
    events = noted_events(data)
    found["event"] = [_event(events, day) for day in found["date"]]
    kinds = {"contributor": "str", "event": "str"}
    return if_told(data, found[UNUSUAL_COLUMNS].astype(kinds).reset_index(drop=True))


def noted_events(data: Dataset) -> pd.DataFrame:
    """One row per event of everybody or of a team that is shown: date, what, team."""
    events = data.calendars.events
    shown = (events["team"] == "") | events["team"].isin(_parts(data).columns)
    return events[shown].reset_index(drop=True)


def cost_by_day(data: Dataset) -> pd.DataFrame:
    """One row per closed day: date, value (cost of people and keys), kind of day (0-6, 7 is off).

    The value is 0 on a quiet day, and null where it may not be shown.
    """
    closed = data.days.loc[data.days["stored"] & data.days["closed"], "date"]
    usage = data.model_usage
    tokens = usage[["input_tokens", "output_tokens", "cache_read_tokens",
                    "cache_creation_tokens"]].sum(axis=1)  # fmt: skip
    dark = tokens.where(usage["cost_usd"].isna())
    sums = pd.DataFrame({"cost": usage["cost_usd"], "tokens": tokens, "dark": dark})
    by_day = sums.groupby(usage["date"]).sum().reindex(closed, fill_value=0.0)
    priced = 1 - by_day["dark"] / by_day["tokens"].where(by_day["tokens"] > 0)
    shown = (priced.fillna(1) >= MINIMUM_PRICED).to_numpy() & _enough_people(data, closed)
    value = np.where(shown, by_day["cost"], math.nan)
    frame = if_told(data, pd.DataFrame({"date": closed.to_numpy(), "value": value}), "value")
    return frame.assign(kind=kinds_of_day(data, frame["date"]))


def kinds_of_day(data: Dataset, dates: pd.Series) -> pd.Series:
    """0 to 4 for Monday to Friday, 5 and 6 for the weekend, 7 for a holiday in the week."""
    weekday = dates.dt.day_of_week
    return weekday.where(data.calendars.is_working_day(dates) | (weekday >= 5), 7)


def expected_of(history: pd.DataFrame, kind: int) -> float:
    """The median of the days of this kind; a holiday is like any day of the weekend."""
    return _median_of_kind(history["value"].to_numpy(), history["kind"].to_numpy(), kind)


def _median_of_kind(values: Floats, kinds: Kinds, kind: int) -> float:
    alike = kinds >= 5 if kind == 7 else kinds == kind
    known = values[alike & ~np.isnan(values)]
    return float(np.median(known)) if len(known) else math.nan


def _baseline(values: Floats, kinds: Kinds, at: int) -> tuple[float, float]:
    """What is usual for the day, and the spread around it on the log scale."""
    before = np.arange(max(0, at - BASELINE_DAYS), at)
    before = before[~np.isnan(values[before])]
    if len(before) < MINIMUM_HISTORY:
        return math.nan, math.nan
    history, of_kind, kind = values[before], kinds[before], int(kinds[at])
    expected = np.array([_median_of_kind(history, of_kind, each) for each in range(8)])
    own = (of_kind < 5) == (kind < 5)
    moved = _logs(history[own], expected[of_kind[own]])
    return float(expected[kind]), max(1.4826 * float(np.median(np.abs(moved))), _NARROWEST)


def _logs(values: Floats, expected: Floats) -> Floats:
    result: Floats = np.log((values + 1) / (expected + 1))
    return result


def _moved(expected: float, by: float) -> float:
    return max((expected + 1) * math.exp(by) - 1, 0.0) if not math.isnan(expected) else math.nan


def _unusual(frame: pd.DataFrame, spread: Floats) -> list[bool]:
    """Which of the newest days stand out, with few false alarms among them."""
    known = frame["value"].notna() & frame["expected"].notna()
    newest = known & (frame.index >= len(frame) - LOOKED_AT)
    z = _logs(frame["value"].to_numpy(), frame["expected"].to_numpy()) / spread
    p = np.where(newest, _two_sided(np.abs(z)), np.nan)
    typical = float(frame.loc[known, "expected"].median()) if known.any() else 0.0
    floor = max(LEAST_USD, LEAST_SHARE * typical)
    large = (frame["value"] - frame["expected"]).abs() >= floor
    return [bool(one) for one in (p <= _threshold(p[~np.isnan(p)])) & large]


def _two_sided(t: Floats) -> Floats:
    """The two-sided p value of Student's t with 4 degrees of freedom, in closed form."""
    u = 1 + t**2 / 4
    upper = 0.5 - 0.375 * t / np.sqrt(u) * (1 - t**2 / (12 * u))
    result: Floats = 2 * upper
    return result


def _threshold(p: Floats) -> float:
    """The largest p that Benjamini and Hochberg's procedure lets through; below 0 for none."""
    ordered = np.sort(p)
    passed = ordered[ordered <= FALSE_DISCOVERIES * np.arange(1, len(p) + 1) / max(len(p), 1)]
    return float(passed[-1]) if len(passed) else -1.0


def _enough_people(data: Dataset, dates: pd.Series) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether the week of each day has as many people as may be shown, or nobody."""
    people = data.activity[data.activity["actor_kind"] == "user"]
    counts = people.groupby(week_of(people["date"]))["actor"].nunique()
    sizes = week_of(dates).map(counts).fillna(0)
    return ((sizes == 0) | (sizes >= data.minimum_group)).to_numpy()


def _parts(data: Dataset) -> pd.DataFrame:
    """Days by team, or by model family without teams, that may be shown: cost."""
    usage = data.model_usage[data.model_usage["actor_kind"] == "user"]
    if len(data.roster) and not data.team:
        part = usage["team"].astype("str")
    else:
        part = usage["model"].map(lambda model: model_family(str(model))).astype("str")
    usage = usage.assign(part=part).dropna(subset="part")
    recent = usage[usage["date"] > usage["date"].max() - pd.Timedelta(days=LOOKED_AT)]
    sizes = recent.groupby("part")["actor"].nunique()
    hidden = withheld({str(name): int(n) for name, n in sizes.items()}, data.minimum_group)
    shown = usage[usage["part"].isin(set(sizes.index) - hidden)]
    dates = data.days["date"]
    table = shown.pivot_table(index="date", columns="part", values="cost_usd", aggfunc="sum")
    return table.reindex(dates).fillna(0.0)


def _contributor(parts: pd.DataFrame, day: pd.Timestamp, excess: float) -> str:
    """The part with the most of the excess, if it has a third of it or more."""
    before = parts[(parts.index < day) & (parts.index.day_of_week == day.day_of_week)].tail(8)
    if before.empty or parts.shape[1] < 2:
        return ""
    share = (parts.loc[day] - before.median()) / excess
    name = share.idxmax()
    return f"{name} ({share[name]:.0%})" if share[name] >= 1 / 3 else ""


def _event(events: pd.DataFrame, day: pd.Timestamp) -> str:
    """What is noted of the day or its neighbours."""
    return "; ".join(events["what"][(events["date"] - day).abs() <= pd.Timedelta(days=1)])
