"""Cost: estimated US dollars at list prices, and ratios of it.

Tokens of unknown price have no cost, so every frame about money has the `priced_share`
of its tokens, and no value where that is below 95 %.
"""

import numpy as np
import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.metrics.actor_weeks import actor_weeks
from ccanalytics.metrics.availability import mask_unavailable
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.metrics.intervals import FEWEST_WEEKS, scatter, student
from ccanalytics.metrics.ratios import (
    MINIMUM_PRICED,
    priced_share,
    rows_of,
    week_frame,
    withheld,
)
from ccanalytics.metrics.withholding import (
    Subject,
    hide,
    hide_parts,
    withheld_groups,
    withheld_parts,
)

MINIMUM_COMMITS = 5
"""The fewest commits of a person in a week for a cost per commit of their own."""

TOGETHER = "withheld together"
"""The name of model families shown together because too few people used some of them."""


def cost_per_commit(data: Dataset, by: str | None = None) -> pd.DataFrame:
    """One row per week (and value of `by`): estimated cost / commits made through Claude Code.

    Null below 20 commits. `unconverted_share` is the share of the cost of people
    without a commit in the week.
    """
    frame = week_frame(data, "cost_per_commit", by)
    return frame.assign(unconverted_share=week_frame(data, "unconverted_share", by)["value"])


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
    frame = hide(data, frame, data.minimum_group)
    known = frame["value"] > 0
    if known.sum() >= FEWEST_WEEKS:
        values = np.log(frame.loc[known, "value"].to_numpy())
        errors = scatter(values, 1 / frame.loc[known, "n_actors"].to_numpy())
        reach = student(len(values) - 1) * errors
        frame.loc[known, ["low", "high"]] = np.exp([values - reach, values + reach]).T
    return mask_unavailable(data, frame, "value", "low", "high", "priced_share")


def model_mix(data: Dataset) -> pd.DataFrame:
    """One row per week and model family in use: cost, and its share of cost and output tokens.

    The raw model ids are in `data.model_usage`. A family of unknown price has null cost, and the
    shares of cost are of the priced part. Withheld families are one row, `TOGETHER`.
    """
    metric, by = METRICS["cost"], "family"
    rows = rows_of(data, metric, by)
    hidden = withheld_parts(rows, withheld(data, Subject.of(metric), by), by)
    rows = rows.assign(family=rows["family"].mask(hidden, TOGETHER))
    rows = rows.groupby(["week", "actor", "family"]).sum().reset_index().assign(active=1)
    still = withheld_groups([rows], Subject.of(metric), by, data.minimum_group)
    return mask_unavailable(data, hide_parts(data, _mix(rows), still, by))


def _mix(rows: pd.DataFrame) -> pd.DataFrame:
    keys = ["week", "family"]
    groups = rows.groupby(keys)
    frame = groups[["cost_usd", "output_tokens", "total_tokens", "unpriced_tokens"]].sum()
    frame["n_actors"] = groups["actor"].nunique().astype("float64")
    week = frame.groupby("week")[["cost_usd", "output_tokens"]].transform("sum")
    frame["priced_share"] = priced_share(frame["total_tokens"], frame["unpriced_tokens"])
    frame["value"] = frame["cost_usd"].where(frame["priced_share"] >= MINIMUM_PRICED)
    frame["share"] = frame["value"] / week["cost_usd"].where(week["cost_usd"] > 0)
    frame["output_share"] = frame["output_tokens"] / week["output_tokens"].where(
        week["output_tokens"] > 0
    )
    columns = [*keys, "value", "share", "output_share", "n_actors", "priced_share"]
    return frame.reset_index()[columns]


def api_key_cost(data: Dataset) -> pd.DataFrame:
    """One row per week: estimated cost of API keys, its share of all cost, and how many keys."""
    keys = week_frame(data, "cost", actor_kind="api_key").set_index("week")
    # Its share would reveal the cost of people, so that must be shown as well.
    both = keys["value"] + week_frame(data, "cost").set_index("week")["numerator"]
    frame = keys[["value", "priced_share"]].assign(
        share=keys["value"] / both.where(both > 0), n_keys=keys["n_actors"]
    )
    frame = frame[["value", "share", "n_keys", "priced_share"]]
    return mask_unavailable(data, frame.reset_index(), *frame.columns)
