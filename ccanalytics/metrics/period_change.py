"""A range of closed weeks against the weeks before it: how much it moved, and whether it did."""

import math
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.dataset.titled_frame import TitledFrame, titled
from ccanalytics.metrics.change import all_shown, compare, weeks_used
from ccanalytics.metrics.definitions import ActorKind, Metric
from ccanalytics.metrics.ratios import by_group, matrix, rows_of, summable, week_sums
from ccanalytics.weeks import parse_day

Sides = npt.NDArray[np.bool_]
"""Of each side (rows: before, after) the weeks (columns) that are on it."""

_COLUMNS = {
    "previous": "float64",
    "value": "float64",
    "change": "float64",
    "change_share": "float64",
    "low": "float64",
    "high": "float64",
    "n_actors": "float64",
    "verdict": "str",
    "weeks_before": "int64",
    "weeks": "int64",
}


def period_change(
    data: Dataset,
    metric_id: str,
    start: date | str,
    by: str | None = None,
    actor_kind: ActorKind = "user",
) -> TitledFrame:
    """One row (or one per value of `by`): the closed weeks from `start` on, and those before.

    Columns: [by], previous, value, change (their difference); change_share, the change as a
    fraction of previous (of ratios that of the typical person) with its 90 % interval low and high;
    n_actors (of both sides together), verdict, weeks_before, weeks. A ratio is of the sums of all
    weeks of a side, a total is its mean per week; a week that `start` falls into is on neither, nor
    is one before it in which nobody was active. Fewer than eight weeks are not judged. Null where a
    single week is withheld, because the others would tell it by subtraction, or has too few known
    prices.
    """
    metric = summable(metric_id)
    first = pd.Timestamp(parse_day(start))
    weeks = data.weeks
    sides = np.asarray([weeks + pd.Timedelta(days=6) < first, weeks >= first])
    rows = rows_of(data, metric, by, actor_kind)
    sums = week_sums(data, metric, by, actor_kind)
    found = [
        {by or "group": group, **_compared(data, metric, part, members, sides)}
        for group, part, members in by_group(sums, rows, by)
    ]
    columns = {**({by: "str"} if by else {}), **_COLUMNS}
    frame = pd.DataFrame(found, columns=list(columns)).astype(columns)
    return titled(
        frame,
        f"{metric.name} against the range before",
        formats={
            **dict.fromkeys(("previous", "value"), metric.format),
            "change": metric.format_change,
            **dict.fromkeys(("change_share", "low", "high"), "+.0%"),
        },
    )


def _compared(
    data: Dataset, metric: Metric, sums: pd.DataFrame, rows: pd.DataFrame, sides: Sides
) -> dict[str, object]:
    """What is said of one group, whose weeks are those of `sums`, in order."""
    whole = all_shown(metric, sums[sides.any(axis=0)])
    before, after = sides[0] & weeks_used(sums), sides[1]
    found = compare(metric, matrix(rows, data.weeks, metric), before, after, whole)
    said = {name: getattr(found, name) for name in _COLUMNS if hasattr(found, name)}
    changed = {"change": found.difference, "change_share": found.change}
    return {**said, **changed, "n_actors": found.n_actors or math.nan}
