"""Actor-weeks -> metric frames: sums, ratios of sums, floors, withheld groups, intervals."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

import numpy as np
import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.dataset.kept import kept
from ccanalytics.metrics.actor_weeks import (
    POPULATIONS,
    SPLITS,
    actor_weeks,
    model_weeks,
    tool_weeks,
)
from ccanalytics.metrics.availability import USAGE, basis_of, mask_unavailable
from ccanalytics.metrics.definitions import METRICS, ActorKind, Metric
from ccanalytics.metrics.families import model_family
from ccanalytics.metrics.intervals import Floats, week_intervals
from ccanalytics.metrics.withholding import NOTHING_HIDDEN, Subject, hide_parts, withheld_groups

MINIMUM_PRICED = 0.95
"""Below this share of tokens with a known price there is no amount of money."""

MINIMUM_DISTRIBUTION = 10
"""Below this many people a distribution is not shown, unless it is one's own."""

KINDS = {
    "input_tokens": "input",
    "output_tokens": "output",
    "cache_read_tokens": "cache read",
    "cache_creation_tokens": "cache write",
}
"""Kinds of tokens and their names."""

TOOL_COLUMNS = {"accepted", "rejected", "proposals"}
"""Columns that exist by tool."""

MODEL_COLUMNS = {"cost_usd", "total_tokens", "input_side_tokens", *KINDS}
"""Columns that exist by model."""

NO_TEAM = "no team"
UNKNOWN = "unknown"


def week_frame(
    data: Dataset, metric_id: str, by: str | None = None, actor_kind: ActorKind = "user"
) -> pd.DataFrame:
    """One row per closed week (and value of `by`): a ratio of sums, or a total.

    This is `by_week` of metrics that are summed from actor-weeks, without a type of its own.

    Columns: week, [by], value, numerator, denominator, n_actors, low, high, and for money
    priced_share. Groups that are withheld (`people.small_groups`) are null in every number. Of API
    keys `n_actors` counts keys; all of them together are shown however few they are, groups are
    not.
    """
    return frame_of(data, summable(metric_id), by, actor_kind)


@kept
def frame_of(
    data: Dataset, metric: Metric, by: str | None = None, actor_kind: ActorKind = "user"
) -> pd.DataFrame:
    """`week_frame` of any metric, also one without a definition."""
    data = basis_of(data, metric)
    sums = week_sums(data, metric, by, actor_kind)
    return _with_intervals(data, metric, sums, rows_of(data, metric, by, actor_kind), by)


@kept
def week_sums(
    data: Dataset, metric: Metric, by: str | None = None, actor_kind: ActorKind = "user"
) -> pd.DataFrame:
    """`frame_of` without intervals: null where withheld."""
    data = basis_of(data, metric)
    rows = rows_of(data, metric, by, actor_kind)
    hidden = withheld(data, Subject.of(metric), by, actor_kind)
    return sums_of(data, metric, rows, data.weeks, by, hidden)


def frame_of_rows(
    data: Dataset,
    metric: Metric,
    rows: pd.DataFrame,
    rest: list[pd.DataFrame],
    spans: pd.DatetimeIndex,
    by: str | None,
    actor_kind: ActorKind,
) -> pd.DataFrame:
    """`frame_of` of `rows` whose `week` is a month or day; `spans` are all of these."""
    data = basis_of(data, metric)
    minimum = _minimum(data, by, actor_kind)
    hidden = withheld_groups([rows, *rest], Subject.of(metric), by, minimum)
    sums = sums_of(data, metric, rows, spans, by, hidden)
    return _with_intervals(data, metric, sums, rows, by)


def sums_of(
    data: Dataset,
    metric: Metric,
    rows: pd.DataFrame,
    weeks: pd.DatetimeIndex,
    by: str | None,
    hidden: pd.MultiIndex = NOTHING_HIDDEN,
) -> pd.DataFrame:
    """The sums of `rows` with their value, null where that is `hidden` or not known."""
    sums = _sums(weeks, metric, rows, by)
    sums["value"] = _values(metric, sums)
    if metric.is_money and not sums["n_actors"].any():
        # Without any use the cost is unknown, not $0.
        sums["value"] = sums["value"].mask(sums["value"] == 0)
    sums = hide_parts(data, sums, hidden, by)
    if not metric.needs_usage:
        return sums
    usage = ["value", "priced_share", *_usage_sides(metric)]
    return mask_unavailable(data, sums, *usage, of_tokens=metric.needs_tokens)


@kept
def withheld(
    data: Dataset, subject: Subject, by: str | None, actor_kind: ActorKind = "user"
) -> pd.MultiIndex:
    """The weeks and groups withheld from every metric about the same people."""
    rows = _rows(data, subject.population, by, actor_kind)
    everybody = [rows, *rest_rows(data, subject, by, actor_kind)]
    hidden = withheld_groups(everybody, subject, by, _minimum(data, by, actor_kind))
    if by == "team" and (before := data.withheld_before_of(subject.money)):
        return hidden.append(pd.MultiIndex.from_tuples(before, names=hidden.names))
    return hidden


def _minimum(data: Dataset, by: str | None, actor_kind: ActorKind) -> int:
    return 1 if actor_kind == "api_key" and by is None else data.minimum_group


def rest_rows(
    data: Dataset, subject: Subject, by: str | None, actor_kind: ActorKind = "user"
) -> list[pd.DataFrame]:
    """The rows of people outside the dataset's team, whom its figures must not reveal."""
    if data.rest is None or actor_kind == "api_key" or data.minimum_group <= 1:
        return []
    return [_rows(data.rest, subject.population, by, actor_kind)]


def _usage_sides(metric: Metric) -> list[str]:
    sides = {"numerator": metric.numerator, "denominator": metric.denominator}
    return [side for side, column in sides.items() if column in USAGE]


def summable(metric_id: str) -> Metric:
    """The metric with this id; `ValueError` when it is unknown, or neither a total nor a ratio."""
    metric = METRICS.get(metric_id)
    if metric is None or metric.numerator is None:
        known = ", ".join(name for name, entry in METRICS.items() if entry.numerator)
        raise ValueError(f"{metric_id!r} is no total or ratio by week; there are {known}.")
    return metric


def distribution_minimum(data: Dataset) -> int:
    """The fewest people whose distribution is shown; no minimum for one's own records."""
    return (
        data.minimum_group
        if data.minimum_group == 1
        else max(MINIMUM_DISTRIBUTION, data.minimum_group)
    )


def priced_share(total_tokens: pd.Series, unpriced_tokens: pd.Series) -> pd.Series:
    """The share of tokens with a known price; 1 without tokens."""
    return (1 - unpriced_tokens / total_tokens.where(total_tokens > 0)).fillna(1.0)


def splits_of(metric_id: str, actor_kind: ActorKind = "user") -> tuple[str, ...]:
    """The values of `by` that a metric supports; for some only team, or none."""
    return _splits(summable(metric_id), actor_kind)


def _splits(metric: Metric, actor_kind: ActorKind) -> tuple[str, ...]:
    if metric.denominator in POPULATIONS:
        return ("team",) if actor_kind == "user" else ()
    sides = {metric.numerator, metric.denominator} - {None}
    tool = ("tool",) if sides <= TOOL_COLUMNS else ()
    team = ("team",) if actor_kind == "user" else ()
    model = ("model", "family") if sides <= MODEL_COLUMNS and actor_kind == "user" else ()
    kind = ("kind",) if sides == {"total_tokens"} else ()
    return (*team, *SPLITS, *tool, *model, *kind)


def rows_of(
    data: Dataset, metric: Metric, by: str | None = None, actor_kind: ActorKind = "user"
) -> pd.DataFrame:
    """One row per week, actor and group, with the columns the metric needs."""
    _check_question(metric, by, actor_kind)
    return _rows(basis_of(data, metric), Subject.of(metric).population, by, actor_kind)


@kept
def _rows(data: Dataset, population: str, by: str | None, actor_kind: ActorKind) -> pd.DataFrame:
    if population:
        return _of_population(data, population, by)
    if by == "tool":
        return tool_weeks(data, actor_kind).assign(total_tokens=0, unpriced_tokens=0)
    if by in ("model", "family"):
        return _of_models(data, by)
    if by == "kind":
        return _of_kinds(data, actor_kind)
    if by is None:
        return actor_weeks(data, actor_kind)
    rows = actor_weeks(data, actor_kind, split=by)
    return rows.assign(**{by: _labels(rows[by], NO_TEAM if by == "team" else UNKNOWN)})


def _check_question(metric: Metric, by: str | None, actor_kind: ActorKind) -> None:
    if actor_kind not in get_args(ActorKind):
        raise ValueError(f"actor_kind is {actor_kind!r}; it is {' or '.join(get_args(ActorKind))}.")
    if actor_kind == "api_key" and metric.denominator in POPULATIONS:
        raise ValueError(f"{metric.id} is of people: API keys are not on a roster.")
    if actor_kind == "api_key" and by == "team":
        raise ValueError(f"{metric.id} by 'team': API keys have no team.")
    known = _splits(metric, actor_kind)
    if by is not None and by not in known:
        listed = f"{'one of ' if len(known) > 1 else ''}{', '.join(known)}"
        raise ValueError(f"{metric.id} by {by!r}: by is {listed} or nothing.")


def _of_models(data: Dataset, by: str) -> pd.DataFrame:
    """One row per week, person and model or family of models in use."""
    rows = model_weeks(data)
    rows = rows.assign(
        total_tokens=rows[list(KINDS)].sum(axis=1),
        input_side_tokens=rows[[name for name in KINDS if name != "output_tokens"]].sum(axis=1),
    )
    rows = rows[(rows["total_tokens"] > 0) | (rows["cost_usd"] > 0)]
    names = {model: model_family(model) for model in rows["model"].unique()}
    rows = rows.assign(family=rows["model"].map(names)).astype({"model": "str", "family": "str"})
    numbers = [*MODEL_COLUMNS, "unpriced_tokens"]
    return rows.groupby(["week", "actor", by])[numbers].sum().reset_index().assign(active=1)


def _of_kinds(data: Dataset, actor_kind: ActorKind) -> pd.DataFrame:
    """One row per week, actor and kind of token that was used."""
    # melt refuses an existing column name, so it gets only the columns it needs.
    rows = actor_weeks(data, actor_kind)[["week", "actor", *KINDS]]
    rows = rows.melt(["week", "actor"], var_name="kind", value_name="total_tokens")
    rows = rows.assign(kind=rows["kind"].map(KINDS), active=1, unpriced_tokens=0)
    return rows[rows["total_tokens"] > 0]


def _of_population(data: Dataset, population: str, by: str | None) -> pd.DataFrame:
    rows = POPULATIONS[population](data, by or "")
    rows = rows.assign(total_tokens=0, unpriced_tokens=0)
    return rows.assign(team=_labels(rows["team"], NO_TEAM)) if by else rows


def _labels(column: pd.Series, null: str) -> pd.Series:
    return column.astype("str").fillna(null)


def _sums(
    weeks: pd.DatetimeIndex, metric: Metric, rows: pd.DataFrame, by: str | None
) -> pd.DataFrame:
    """One row per week and group seen in any week, in order; 0 without use."""
    picked = pd.DataFrame(
        {
            "week": rows["week"],
            "numerator": rows[metric.numerator].astype("float64"),
            "denominator": rows[metric.denominator].astype("float64") if metric.is_ratio else 0.0,
            "n_actors": rows["active"].astype("float64"),
            "total_tokens": rows["total_tokens"],
            "unpriced_tokens": rows["unpriced_tokens"],
        }
    )
    if by:
        picked[by] = rows[by].astype("str")
    keys = ["week", by] if by else ["week"]
    sums = picked.groupby(keys, observed=True).sum().reindex(_grid(weeks, picked, by), fill_value=0)
    sums["priced_share"] = priced_share(sums.pop("total_tokens"), sums.pop("unpriced_tokens"))
    if not metric.is_ratio:
        sums["denominator"] = np.nan
    return sums.reset_index()


def _grid(weeks: pd.DatetimeIndex, picked: pd.DataFrame, by: str | None) -> pd.Index:
    index = pd.Index(weeks, name="week").astype(picked["week"].dtype)
    if by is None:
        return index
    return pd.MultiIndex.from_product([index, sorted(picked[by].unique())], names=["week", by])


def _values(metric: Metric, sums: pd.DataFrame) -> pd.Series:
    values = sums["numerator"]
    if metric.is_ratio:
        bottom = sums["denominator"]
        values = values / bottom.where((bottom > 0) & (bottom >= metric.minimum_denominator))
    return values.where(sums["priced_share"] >= MINIMUM_PRICED) if metric.is_money else values


@dataclass(frozen=True)
class Matrix:
    """The actors of one group (rows) by week (columns): their part of top and bottom."""

    top: Floats
    bottom: Floats


def matrix(rows: pd.DataFrame, weeks: pd.DatetimeIndex, metric: Metric) -> Matrix:
    """`rows` as actors by `weeks`, 0 where an actor did nothing."""
    rows = rows[rows["week"].isin(weeks)]
    actors, names = pd.factorize(rows["actor"])
    cells = actors, weeks.get_indexer(rows["week"])
    top, bottom = np.zeros((2, len(names), len(weeks)))
    np.add.at(top, cells, rows[metric.numerator].to_numpy(dtype="float64"))
    if metric.denominator:
        np.add.at(bottom, cells, rows[metric.denominator].to_numpy(dtype="float64"))
    return Matrix(top, bottom)


def by_group(
    sums: pd.DataFrame, rows: pd.DataFrame, by: str | None
) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """Each group of `by` in order, with its weekly sums and rows; without `by` a single group."""
    if by is None:
        yield "", sums, rows
        return
    members = dict(list(rows.groupby(rows[by].astype("str"))))
    for group, part in sums.groupby(by, sort=True):
        yield str(group), part, members[str(group)]


def _with_intervals(
    data: Dataset, metric: Metric, sums: pd.DataFrame, rows: pd.DataFrame, by: str | None
) -> pd.DataFrame:
    """`sums` with low and high; null where the value is, for totals, and below four weeks."""
    ends = pd.DataFrame(np.nan, columns=["low", "high"], index=sums.index)
    for _, part, members in by_group(sums, rows, by) if metric.is_ratio else ():
        actors = matrix(members, pd.DatetimeIndex(part["week"]), metric)
        known = part["value"].notna().to_numpy()
        is_share = metric.unit == "share"
        ends.loc[part.index] = week_intervals(actors.top, actors.bottom, known, is_share)
    sums = sums.assign(**ends)
    if metric.needs_usage:
        sums = mask_unavailable(data, sums, "low", "high", of_tokens=metric.needs_tokens)
    columns = ["week", *([by] if by else []), "value", "numerator", "denominator", "n_actors"]
    return sums[[*columns, "low", "high", *(["priced_share"] if metric.is_money else [])]]
