"""How many people who joined the roster started to use Claude Code, and how soon.

People join on the first day of a stay on the roster; use is counted in closed weeks. Earlier use
is unknown, and people who have not started by the end may still do so.
"""

import math
import warnings

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import CensoredData, ecdf

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.dataset.kept import kept
from ccanalytics.metrics.actor_weeks import active_days, follows
from ccanalytics.metrics.intervals import LEVEL, Floats, wilson
from ccanalytics.metrics.metric_frame import measures
from ccanalytics.metrics.ratios import MINIMUM_DISTRIBUTION
from ccanalytics.people.roster import WEEK
from ccanalytics.showing import Note, says

DAYS = 30

_DAY = pd.Timedelta(days=1)
_LEFT_OUT = ["unknown_start", "before", "unfinished"]
_CURVE = ["day", "value", "low", "high", "at_risk", "n_actors"]


def activation_rate(data: Dataset, days: int = DAYS) -> pd.DataFrame:
    """One row, of the last week: people first active within `days` days of joining / people whose
    `days` days are over.

    Day 1 is the first day on the roster; earlier use counts as use on it. People left out are
    counted by reason: `unknown_start`, `before` (joined before the records start) and `unfinished`
    (the days are not over, or the person left during them). No row without a closed week.
    """
    columns = ["value", "low", "high", "numerator", "denominator", *_LEFT_OUT]
    rows = [_activation(_stays(data), data, days)] if len(data.weeks) else []
    frame = pd.DataFrame(rows, columns=columns).astype("float64")
    frame.insert(0, "week", data.weeks[-1:])
    return frame


@says(Note)
def activation_sentence(data: Dataset, days: int = DAYS) -> str:
    """The activation rate in words, with the people it leaves out."""
    if data.roster.empty:
        return "Without a roster it is not known who joined when, so there is no activation rate."
    if not len(data.weeks):
        return "No week is closed yet, so there is no activation rate."
    rate = activation_rate(data, days).iloc[0]
    left_out = (
        f"Left out: {rate['before']:.0f} who joined before the records start, "
        f"{rate['unknown_start']:.0f} without a start date, {rate['unfinished']:.0f} whose {days} "
        "days are not over or who left during them."
    )
    if math.isnan(rate["value"]):
        return f"Too few people joined to give an activation rate. {left_out}"
    return (
        f"{rate['numerator']:.0f} of {rate['denominator']:.0f} people, "
        f"{100 * rate['value']:.0f} %{_interval(rate)}, started within {days} days of joining. "
        f"{left_out}"
    )


@measures("time_to_first_use")
def time_to_first_use(data: Dataset) -> pd.DataFrame:
    """One row per day since joining: the share of people who had started by then (Kaplan-Meier).

    The day of joining is day 0, and only people who joined in the closed weeks count. `at_risk` is
    how many had not started before that day and were on the roster. The curve ends where fewer
    than the minimum group are left. No rows for fewer than ten people.
    """
    days, began = _waits(data)
    if len(days) < max(MINIMUM_DISTRIBUTION, data.minimum_group):
        return pd.DataFrame(columns=_CURVE).astype("float64")
    curve = kaplan_meier(days, began).assign(n_actors=float(len(days)))
    return curve[curve["at_risk"] >= data.minimum_group][_CURVE].astype("float64")


@says(Note)
def first_use_sentence(data: Dataset) -> str:
    """How long people took from joining to their first active day, in words."""
    curve = time_to_first_use(data)
    if curve.empty:
        return (
            "Time to first use is not available: at least "
            f"{max(MINIMUM_DISTRIBUTION, data.minimum_group)} people must have joined the roster "
            "while there are records."
        )
    lower, median, upper = (_reached(curve, share) for share in (0.25, 0.5, 0.75))
    return (
        f"Of {curve['n_actors'].iloc[0]:.0f} people who joined, a quarter had begun {lower}, half "
        f"{median}, three quarters {upper}. People who have not begun count for the days they have "
        "been on the roster."
    )


def kaplan_meier(days: Floats, began: npt.NDArray[np.bool_]) -> pd.DataFrame:
    """One row per whole day up to the longest wait: day, value (share begun), low, high, at_risk.

    `days` is each person's wait until the start or, where not `began`, the last observed day.
    The 90 % interval is Greenwood's on the scale of log(-log).
    """
    at = np.arange(int(days.max()) + 1)
    cdf = ecdf(CensoredData(uncensored=days[began], right=days[~began])).cdf
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
        # scipy warns about days before the first start, which have no interval.
        ends = cdf.confidence_interval(LEVEL, method="log-log")
    value = cdf.evaluate(at)
    some = (value > 0) & (value < 1)
    return pd.DataFrame(
        {
            "day": at,
            "value": value,
            "low": np.where(some, ends.low.evaluate(at), np.nan),
            "high": np.where(some, ends.high.evaluate(at), np.nan),
            "at_risk": (days[None, :] >= at[:, None]).sum(axis=1),
        }
    )


def _activation(stays: pd.DataFrame, data: Dataset, days: int) -> list[float]:
    known = stays["start"].notna()
    before = known & (stays["start"] < _first_day(data))
    last = stays["start"] + (days - 1) * _DAY
    watched = stays["end"].fillna(_last_day(data)).clip(upper=_last_day(data))
    over = known & ~before & (last <= watched)
    began = (stays["first_use"] <= last)[over].to_numpy(dtype="float64")
    left_out = [float((~known).sum()), float(before.sum()), float((known & ~before & ~over).sum())]
    if len(began) < max(data.minimum_group, 1):
        return [math.nan] * 5 + left_out
    ends = wilson(float(began.mean()), len(began))
    return [float(began.mean()), *ends, float(began.sum()), float(len(began)), *left_out]


def _waits(data: Dataset) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """The wait in days of people who joined while there are records, and whether they started."""
    stays = _stays(data)
    stays = stays[stays["start"].between(_first_day(data), _last_day(data))]
    watched = stays["end"].fillna(_last_day(data)).clip(upper=_last_day(data))
    began = stays["first_use"] <= watched
    days = (stays["first_use"].where(began, watched) - stays["start"]).dt.days.clip(lower=0)
    return days.to_numpy(dtype="float64"), began.to_numpy()


@kept
def _stays(data: Dataset) -> pd.DataFrame:
    """One row per person on the roster while there are records: start, end and first use.

    The start is that of the first stay (NaT: unknown), the end that of the last (NaT: open).
    """
    roster = data.roster[~(data.roster["start"] > _last_day(data))]
    roster = roster if len(data.weeks) else roster.iloc[:0]
    ordered = roster.sort_values(["actor", "start"], na_position="first")
    stays = ordered.drop_duplicates("actor")[["actor", "start"]].set_index("actor")
    stays["end"] = ordered.drop_duplicates("actor", keep="last").set_index("actor")["end"]
    stays = stays[~(stays["end"] < _first_day(data))]
    days = active_days(data)
    use = days[days["date"] >= _first_day(data)].groupby("actor")["date"].min()
    return stays.assign(first_use=use.reindex(stays.index)).reset_index()


def _first_day(data: Dataset) -> pd.Timestamp:
    """The first day of the unbroken run of closed weeks that ends with the last."""
    begins = data.weeks[~follows(data.weeks)]
    return begins[-1] if len(begins) else pd.NaT


def _last_day(data: Dataset) -> pd.Timestamp:
    return data.weeks[-1] + WEEK - _DAY if len(data.weeks) else pd.NaT


def _interval(rate: pd.Series) -> str:
    if math.isnan(rate["low"]):
        return ""
    return f" (90 % interval {100 * rate['low']:.0f} % to {100 * rate['high']:.0f} %)"


def _reached(curve: pd.DataFrame, share: float) -> str:
    """The day by which `share` of the people had started, in words."""
    days = curve.loc[curve["value"] >= share - 1e-9, "day"]
    if days.empty:
        return "at a time not seen yet"
    day = int(days.iloc[0])
    return "on the day of joining" if day == 0 else f"by day {day}"
