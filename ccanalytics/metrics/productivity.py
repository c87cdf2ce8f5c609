"""Acceptance, lines, commits, pull requests: activity, not productivity.

These are counts of what happened through Claude Code; delivery and quality are not in this data.
"""

import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.metrics.actor_weeks import actor_weeks
from ccanalytics.metrics.withholding import hide


def lines(data: Dataset) -> pd.DataFrame:
    """One row per week and kind ("added", "removed"): lines of code, and how many were active."""
    sums = actor_weeks(data).groupby("week")[["lines_added", "lines_removed", "active"]].sum()
    sums = sums.reindex(data.weeks, fill_value=0).rename_axis("week").reset_index()
    frame = sums.rename(columns={"lines_added": "added", "lines_removed": "removed"}).melt(
        id_vars=["week", "active"], var_name="kind", ignore_index=True
    )
    frame = frame.sort_values(["week", "kind"], ignore_index=True)
    frame = frame.rename(columns={"active": "n_actors"})[["week", "kind", "value", "n_actors"]]
    frame = frame.astype({"kind": "str", "value": "float64", "n_actors": "float64"})
    return hide(data, frame, data.minimum_group, keep=("kind",))
