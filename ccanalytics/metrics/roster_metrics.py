"""Active people as a share of the roster and of the seats."""

import math

import numpy as np
import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.dataset.kept import kept
from ccanalytics.metrics.actor_weeks import roster_weeks
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.metrics.ratios import week_frame
from ccanalytics.people.roster import WEEK, roster_sizes
from ccanalytics.showing import Note, says

_NO_SEATS = pd.Series(dtype="float64", index=pd.DatetimeIndex([]).as_unit("ms"))

NO_ROSTER = (
    "There is no roster, so it is unknown how many people could have used it, and no share of them "
    "is given: name a CSV file (email,team,start,end) as `roster` in ccanalytics.toml."
)


@kept
def active_rate(data: Dataset, by: str | None = None) -> pd.DataFrame:
    """One row per week (and team): active people on that week's roster / everybody on it.

    `joined` and `left` compare the roster with that of the previous week. Null without one.
    """
    frame = week_frame(data, "active_rate", by)
    sizes = roster_sizes(data.roster, data.weeks, by_team=by is not None)
    keys = ["week", *([by] if by else [])]
    frame = frame.merge(sizes[[*keys, "joined", "left"]], on=keys, how="left")
    there = frame["denominator"] > 0
    return frame.assign(**{name: frame[name].where(there) for name in ("joined", "left")})


def seat_rate(data: Dataset) -> pd.DataFrame:
    """One row per week: active people / seats assigned at the end of the week.

    Columns: week, value, numerator, denominator, n_actors. Null where the source has no seats,
    and below the minimum group.
    """
    frame = week_frame(data, "active_actors")[["week", "numerator", "n_actors"]]
    sundays = frame["week"] + WEEK - pd.Timedelta(days=1)
    seats = _NO_SEATS
    if "seats" in data.extras:
        seats = data.extras["seats"].set_index("date")["assigned_seats"]
    known = seats.reindex(sundays).to_numpy(dtype="float64")
    frame = frame.assign(denominator=np.where(known > 0, known, np.nan))
    frame.insert(1, "value", frame["numerator"] / frame["denominator"])
    return frame[["week", "value", "numerator", "denominator", "n_actors"]]


def off_roster(data: Dataset) -> pd.DataFrame:
    """One row per week: active people who were not on that week's roster.

    Null below the minimum group, without a roster, and for one team, which such people are not in.
    """
    frame = week_frame(data, "active_actors")[["week", "value", "n_actors"]]
    people = roster_weeks(data).groupby("week")["active"]
    known, sizes = (
        counts.reindex(frame["week"], fill_value=0).to_numpy()
        for counts in (people.sum(), people.size())
    )
    value = frame["value"] - known
    few = (value > 0) & (value < data.minimum_group)
    return frame.assign(value=value.where((sizes > 0) & ~few & (data.team == "")))


@says(Note)
def roster_sentence(data: Dataset) -> str:
    """The last week's roster, its change, and active people who are not on it, in words.

    Seats are added where the source has them, and are all there is without a roster.
    """
    return f"{_roster_words(data)}{_seat_words(data)}"


def _roster_words(data: Dataset) -> str:
    if data.roster.empty:
        return NO_ROSTER
    if not len(data.weeks):
        return "No week is closed yet, so there is no share of the roster."
    last = active_rate(data).iloc[-1]
    if math.isnan(last["value"]):
        return "Too few people of the week's roster, or too few of them active, to show a share."
    return (
        f"The week's roster has {last['denominator']:,.0f} people: {last['joined']:.0f} joined and "
        f"{last['left']:.0f} left since the week before.{_strangers(data)}"
    )


def _seat_words(data: Dataset) -> str:
    """Active people and the seats of the last week; empty where the source has no seats."""
    last = seat_rate(data).iloc[-1:]
    if not last["value"].notna().any():
        return ""
    share = METRICS["seat_rate"].format(last["value"].item())
    return (
        f" The service counts {last['denominator'].item():,.0f} assigned seats at the end of the "
        f"week, of any kind and for any product: {last['numerator'].item():,.0f} people were "
        f"active in Claude Code, {share} of them."
    )


def _strangers(data: Dataset) -> str:
    """How many active people were not on the last week's roster, unless withheld."""
    value = off_roster(data)["value"].iloc[-1]
    if data.team or value == 0:
        return ""
    count = f"Fewer than {data.minimum_group}" if math.isnan(value) else f"{value:.0f}"
    return f" {count} active people were not on it, and are not in the share."
