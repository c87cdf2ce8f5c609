"""Weekly metrics with a shape of their own: who uses it, what came out, what it cost.

Counts are of what happened through Claude Code: activity, not productivity. Cost is estimated US
dollars at list prices. Tokens of unknown price have no cost, so every frame about money has the
`priced_share` of its tokens, and no value where that is below 95 %.
"""

import math

import numpy as np
import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.metrics.actor_weeks import actor_weeks
from ccanalytics.metrics.by_week import by_period, measures
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.metrics.own_history import reach
from ccanalytics.metrics.ratios import (
    MINIMUM_DISTRIBUTION,
    MINIMUM_PRICED,
    priced_share,
    rows_of,
    week_frame,
    withheld,
)
from ccanalytics.metrics.withholding import (
    Subject,
    are_few,
    hide,
    mask_unavailable,
    places,
    withheld_groups,
)
from ccanalytics.people.roster import WEEK, joined_and_left
from ccanalytics.showing import Note, says

BANDS = {"light": 1, "moderate": 2, "heavy": 4}  # the fewest active days per week in each band
MINIMUM_COMMITS = 5  # the fewest commits of a person in a week for a cost per commit of their own

TOGETHER = "withheld together"
"""The name of model families shown together because too few people used some of them."""

NO_ROSTER = (
    "There is no roster, so it is unknown how many people could have used it, and no share of them "
    "is given: name a CSV file (email,team,start,end) as `roster` in ccanalytics.toml."
)


@measures("active_actors_by_day")
def active_actors_by_day(data: Dataset) -> pd.DataFrame:
    """One row per UTC day of the closed weeks: distinct active people; 0 on a quiet day.

    Null on days withheld from the total of their week because too few people were active.
    """
    return by_period(data, "active_actors", "day")[["date", "value"]]


def active_day_bands(data: Dataset) -> pd.DataFrame:
    """One row per week and band of active days ("light" 1, "moderate" 2-3, "heavy" 4 or more).

    Value is people, share is their part of the week's active people. Null below ten people.
    """
    weeks = actor_weeks(data)
    weeks = weeks[weeks["active"] == 1]
    edges = [*BANDS.values(), np.inf]
    bands = pd.cut(weeks["active_days"], edges, right=False, labels=list(BANDS)).astype("str")
    grid = pd.MultiIndex.from_product([data.weeks, list(BANDS)], names=["week", "band"])
    counts = weeks.groupby(["week", bands.rename("band")]).size().reindex(grid, fill_value=0)
    frame = counts.astype("float64").rename("value").reset_index()
    total = frame.groupby("week")["value"].transform("sum")
    frame = frame.assign(share=frame["value"] / total.where(total > 0), n_actors=total)
    least = 1 if data.minimum_group == 1 else max(MINIMUM_DISTRIBUTION, data.minimum_group)
    return hide(data, frame, are_few(total, least))


def seat_rate(data: Dataset) -> pd.DataFrame:
    """One row per week: active people / seats assigned at the end of the week.

    Columns: week, value, numerator, denominator, n_actors. Null where the source has no seats,
    and below the minimum group.
    """
    frame = week_frame(data, "active_actors")[["week", "value", "numerator", "n_actors"]]
    seats = pd.Series(dtype="float64")
    if "seats" in data.extras:
        seats = data.extras["seats"].set_index("date")["assigned_seats"].astype("float64")
    known = seats.reindex(frame["week"] + WEEK - pd.Timedelta(days=1)).to_numpy()
    frame.insert(3, "denominator", np.where(known > 0, known, np.nan))
    return frame.assign(value=frame["numerator"] / frame["denominator"])


@says(Note)
def roster_sentence(data: Dataset) -> str:
    """The last week's roster, its change, and active people who are not on it, in words.

    Seats are added where the source has them, and are all there is without a roster.
    """
    seats = seat_rate(data).iloc[-1:].dropna(subset="value")
    share = "".join(
        f" The service counts {last.denominator:,.0f} assigned seats at the end of the week, of "
        f"any kind and for any product: {last.numerator:,.0f} people were active in Claude Code, "
        f"{METRICS['seat_rate'].format(last.value)} of them."
        for last in seats.itertuples()
    )
    return _roster_words(data) + share


def _roster_words(data: Dataset) -> str:
    if data.roster.empty:
        return NO_ROSTER
    if not len(data.weeks):
        return "No week is closed yet, so there is no share of the roster."
    last, week = week_frame(data, "active_rate").iloc[-1], data.weeks[-1]
    if math.isnan(last["value"]):
        return "Too few people of the week's roster, or too few of them active, to show a share."
    joined, left = joined_and_left(data.roster, week)
    words = (
        f"The week's roster has {last['denominator']:,.0f} people: {joined} joined and {left} left "
        "since the week before."
    )
    # Often a gap in the roster, or another spelling of an address.
    strangers = week_frame(data, "active_actors")["value"].iloc[-1] - last["numerator"]
    if data.team or strangers == 0:
        return words
    few = f"Fewer than {data.minimum_group}"
    count = f"{strangers:.0f}" if strangers >= data.minimum_group else few
    return f"{words} {count} active people were not on it, and are not in the share."


def lines(data: Dataset) -> pd.DataFrame:
    """One row per week and kind ("added", "removed"): lines of code, and how many were active."""
    names = {"lines_added": "added", "lines_removed": "removed", "active": "n_actors"}
    sums = actor_weeks(data).groupby("week")[list(names)].sum().reindex(data.weeks, fill_value=0)
    sums = sums.astype("float64").rename(columns=names).rename_axis("week").reset_index()
    frame = sums.melt(["week", "n_actors"], var_name="kind")[["week", "kind", "value", "n_actors"]]
    frame = frame.sort_values(["week", "kind"], ignore_index=True).astype({"kind": "str"})
    return hide(data, frame, are_few(frame["n_actors"], data.minimum_group))


def typical_cost_per_commit(data: Dataset) -> pd.DataFrame:
    """One row per week: the median over people with 5 commits or more of their cost per commit.

    `n_actors` is those people; the interval says how far it would be off in another week like it.
    """
    rows = actor_weeks(data)
    rows = rows[rows["commits"] >= MINIMUM_COMMITS]
    people = rows.assign(value=rows["cost_usd"] / rows["commits"]).groupby("week")
    tokens = people[["total_tokens", "unpriced_tokens"]].sum()
    priced = priced_share(tokens["total_tokens"], tokens["unpriced_tokens"])
    frame = pd.DataFrame({"value": people["value"].median(), "n_actors": people.size()})
    frame = frame.assign(low=np.nan, high=np.nan, priced_share=priced).reindex(data.weeks)
    frame = frame.astype("float64").fillna({"n_actors": 0.0, "priced_share": 1.0}).reset_index()
    frame["value"] = frame["value"].mask(frame["priced_share"] < MINIMUM_PRICED)
    frame = hide(data, frame, are_few(frame["n_actors"], data.minimum_group))
    known = frame["value"] > 0
    values = np.log(frame.loc[known, "value"].to_numpy())
    off = reach(values, 1 / frame.loc[known, "n_actors"].to_numpy())
    frame.loc[known, ["low", "high"]] = np.exp([values - off, values + off]).T
    return mask_unavailable(data, frame, "value", "low", "high", "priced_share")


def model_mix(data: Dataset) -> pd.DataFrame:
    """One row per week and model family in use: cost, and its share of cost and output tokens.

    The raw model ids are in `data.model_usage`. A family of unknown price has null cost, and the
    shares of cost are of the priced part. Withheld families are one row, `TOGETHER`.
    """
    metric, by = METRICS["cost"], "family"
    rows = rows_of(data, metric, by)
    hidden = places(rows, by).isin(withheld(data, Subject.of(metric), by))
    rows = rows.assign(family=rows["family"].mask(hidden, TOGETHER))
    rows = rows.groupby(["week", "actor", "family"]).sum().reset_index().assign(active=1)
    still = withheld_groups(rows, Subject.of(metric), by, data.minimum_group)
    groups = rows.groupby(["week", by])
    frame = groups[["cost_usd", "output_tokens", "total_tokens", "unpriced_tokens"]].sum()
    frame["n_actors"] = groups["actor"].nunique().astype("float64")
    week = frame.groupby("week")[["cost_usd", "output_tokens"]].transform("sum")
    frame["priced_share"] = priced_share(frame["total_tokens"], frame["unpriced_tokens"])
    frame["value"] = frame["cost_usd"].where(frame["priced_share"] >= MINIMUM_PRICED)
    frame["share"] = frame["value"] / week["cost_usd"].where(week["cost_usd"] > 0)
    used = week["output_tokens"].where(week["output_tokens"] > 0)
    frame["output_share"] = frame["output_tokens"] / used
    columns = ["week", by, "value", "share", "output_share", "n_actors", "priced_share"]
    frame = frame.reset_index()[columns]
    return mask_unavailable(data, hide(data, frame, pd.Series(places(frame, by).isin(still))))


def api_key_cost(data: Dataset) -> pd.DataFrame:
    """One row per week: estimated cost of API keys, its share of all cost, and how many keys."""
    keys = week_frame(data, "cost", actor_kind="api_key").set_index("week")
    # Its share would reveal the cost of people, so that must be shown as well.
    both = keys["value"] + week_frame(data, "cost").set_index("week")["numerator"]
    frame = keys.assign(share=keys["value"] / both.where(both > 0), n_keys=keys["n_actors"])
    frame = frame[["value", "share", "n_keys", "priced_share"]]
    return mask_unavailable(data, frame.reset_index(), *frame.columns)
