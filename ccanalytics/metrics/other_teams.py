"""The teams that are withheld in a week, as one row, so that what is shown adds up to the total."""

import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.metrics.availability import basis_of
from ccanalytics.metrics.definitions import Metric
from ccanalytics.metrics.ratios import rows_of, sums_of, week_sums, withheld
from ccanalytics.metrics.withholding import Subject, weeks_of_few, withheld_parts

OTHER_TEAMS = "other teams"

_ONCE = ["active", "on_roster", "active_before", "active_again", "landed"]
"""Columns that count a person once, in however many teams they were."""


def with_other_teams(data: Dataset, metric: Metric, frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` by week and team, with a row for the withheld teams of a week together, the last.

    It is what the total less the teams shown says already: there is none where the total is
    withheld, no team is shown, or these teams together are of too few people. It has no interval,
    as other teams may be in it from week to week.
    """
    basis, subject = basis_of(data, metric), Subject.of(metric)
    rows = rows_of(basis, metric, "team")
    rows = rows[withheld_parts(rows, withheld(basis, subject, "team"), "team")]
    total = week_sums(basis, metric)
    known = set(total.loc[total["n_actors"].notna(), "week"])
    known &= set(frame.loc[frame["n_actors"].notna(), "week"])
    known -= weeks_of_few(rows, subject, data.minimum_group)
    rows = rows[rows["week"].isin(list(known))]
    if data.team or rows.empty:
        return frame
    weeks = pd.DatetimeIndex(rows["week"].unique()).sort_values()
    people = rows.groupby(["week", "actor"], observed=True).sum(numeric_only=True).reset_index()
    once = people.columns.intersection(_ONCE)
    people = people.assign(**people[once].clip(upper=1), team=OTHER_TEAMS)
    sums = sums_of(basis, metric, people, weeks, "team")
    joined = pd.concat([frame, sums[sums.columns.intersection(frame.columns)]])
    joined = joined.sort_values("week", kind="stable", ignore_index=True)
    joined.attrs = frame.attrs
    return joined
