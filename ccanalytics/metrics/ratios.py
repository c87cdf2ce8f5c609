"""Actor-weeks -> metric frames: sums, ratios of sums, floors, withheld groups, intervals."""

from collections.abc import Iterator
from typing import NamedTuple, get_args

import numpy as np
import pandas as pd

from ccanalytics.dataset.dataset import Dataset, kept
from ccanalytics.metrics.actor_weeks import (
    ROWS_OF,
    SPLITS,
    actor_weeks,
    model_weeks,
    tool_weeks,
    with_token_sums,
)
from ccanalytics.metrics.definitions import KINDS, POPULATIONS, ActorKind, Metric, summable
from ccanalytics.metrics.own_history import Floats, week_intervals
from ccanalytics.metrics.withholding import (
    USAGE,
    Subject,
    basis_of,
    hide,
    mask_unavailable,
    places,
    withheld_groups,
)
from ccanalytics.people.calendars import week_of
from ccanalytics.people.roster import NO_TEAM
from ccanalytics.prices import model_family

MINIMUM_PRICED = 0.95  # below this share of tokens with a known price there is no amount of money

MINIMUM_DISTRIBUTION = 10
"""Below this many people a distribution is not shown, unless it is one's own."""

_NUMBERS = ["value", "numerator", "denominator", "n_actors", "low", "high"]

TOOL_COLUMNS = {"accepted", "rejected", "proposals"}  # columns that exist by tool

MODEL_COLUMNS = {"cost_usd", "total_tokens", "input_side_tokens", *KINDS}
"""Columns that exist by model."""


@kept
def week_frame(
    data: Dataset, metric: Metric | str, by: str | None = None, actor_kind: ActorKind = "user"
) -> pd.DataFrame:
    """One row per closed week (and value of `by`): a ratio of sums, or a total.

    This is `by_week` of metrics that are summed from actor-weeks, also of one without a definition,
    without a type of its own.

    Columns: week, [by], value, numerator, denominator, n_actors, low, high, and for money
    priced_share. Groups that are withheld (`people.small_groups`) are null in every number. Of API
    keys `n_actors` counts keys; all of them together are shown however few they are, groups are
    not.
    """
    if isinstance(metric, str):
        return week_frame(data, summable(metric), by, actor_kind)
    data = basis_of(data, metric)
    rows = rows_of(data, metric, by, actor_kind)
    hidden = withheld(data, Subject.of(metric), by, actor_kind)
    return frame_of(data, metric, rows, data.weeks, by, hidden)


def frame_of(
    data: Dataset,
    metric: Metric,
    rows: pd.DataFrame,
    weeks: pd.DatetimeIndex,
    by: str | None,
    hidden: pd.MultiIndex,
) -> pd.DataFrame:
    """The sums of `rows` by week and group with their value, null where that is `hidden` or not
    known, and its interval."""
    sums = sums_of(metric, rows, weeks, by)
    few = pd.Series(places(sums, by).isin(hidden))
    # In a group, nobody active is not shown as zero: the group itself may be small.
    sums = hide(data, sums, few | (sums["n_actors"] == 0) if by else few)
    if metric.needs_usage:
        usage = [side for side, column in metric.sides.items() if column in USAGE]
        of_tokens = metric.needs_tokens
        sums = mask_unavailable(data, sums, "value", "priced_share", *usage, of_tokens=of_tokens)
    for _, part, members in by_group(sums, rows, by) if metric.is_ratio else ():
        actors = matrix(members, pd.DatetimeIndex(part["week"]), metric)
        ends = week_intervals(*actors, part["value"].notna().to_numpy(), metric.unit == "share")
        sums.loc[part.index, ["low", "high"]] = ends
    return sums if metric.is_money else sums.drop(columns="priced_share")


def sums_of(
    metric: Metric, rows: pd.DataFrame, weeks: pd.DatetimeIndex, by: str | None
) -> pd.DataFrame:
    """One row per week and group seen in any week, in order: the sums of `rows`, 0 without use, and
    their value, null where it is not defined."""
    keys, tokens = ["week", *([by] if by else [])], ["total_tokens", "unpriced_tokens"]
    numbers = {name: rows[column] for name, column in metric.sides.items()}
    numbers |= {"n_actors": rows["active"], **{name: rows.get(name, 0) for name in tokens}}
    picked = pd.DataFrame(numbers, rows.index, dtype="float64").assign(week=rows["week"])
    grid: pd.Index = pd.Index(weeks, name="week").astype(picked["week"].dtype)
    if by:
        picked[by] = rows[by].astype("str")
        grid = pd.MultiIndex.from_product([grid, sorted(picked[by].unique())], names=keys)
    sums = picked.groupby(keys, observed=True).sum().reindex(grid, fill_value=0).reset_index()
    sums["priced_share"] = priced_share(*(sums.pop(name) for name in tokens))
    value = sums["numerator"]
    if metric.is_ratio:
        bottom = sums["denominator"]
        value = value / bottom.where((bottom > 0) & (bottom >= metric.minimum_denominator))
    if metric.is_money:
        value = value.where(sums["priced_share"] >= MINIMUM_PRICED)
        if not sums["n_actors"].any():
            value = value.mask(value == 0)  # Without any use the cost is unknown, not $0.
    return sums.assign(value=value).reindex(columns=[*keys, *_NUMBERS, "priced_share"])


@kept
def withheld(
    data: Dataset, subject: Subject, by: str | None, actor_kind: ActorKind = "user"
) -> pd.MultiIndex:
    """The weeks and groups withheld from every metric about the same people."""
    minimum = 1 if actor_kind == "api_key" and by is None else data.minimum_group
    # People outside the dataset's team are those whom its figures must not reveal.
    everybody = [data, *([data.rest] if data.rest is not None and actor_kind == "user" else [])]
    rows = [_rows(part, subject.population, by, actor_kind) for part in everybody]
    hidden, *others = (withheld_groups(part, subject, by, minimum) for part in rows)
    if len(everybody) > 1:
        teams = [_rows(part, subject.population, "team", actor_kind) for part in everybody]
        found = withheld_groups(pd.concat(teams, ignore_index=True), subject, "team", minimum)
        # What its row among all teams withholds is not in its own report either.
        weeks = found[found.get_level_values("group") == data.team].get_level_values("week")
        others.append(places(rows[0][rows[0]["week"].isin(weeks)], by).unique())
    before = [
        (week, team) for week, team, only in data.withheld_before if subject.money or not only
    ]
    if by == "team" and before:
        others.append(pd.MultiIndex.from_tuples(before, names=hidden.names))
    return hidden.append(others)


@kept
def noted_events(data: Dataset) -> pd.DataFrame:
    """One row per event of everybody, or of a team that may be shown in its week: date, what, team.

    What was noted of a few people says what they did.
    """
    events = data.calendars.events
    if data.minimum_group == 1 or (events["team"] == "").all():
        return events
    people = data.roster.groupby("team")["actor"].nunique()
    is_large = events["team"].isin(["", *people.index[people >= data.minimum_group]])
    at = pd.MultiIndex.from_arrays([week_of(events["date"]), events["team"]])
    hidden = withheld(data, Subject(money=False), "team")
    return events[is_large & ~at.isin(hidden)].reset_index(drop=True)


def priced_share(total_tokens: pd.Series, unpriced_tokens: pd.Series) -> pd.Series:
    """The share of tokens with a known price; 1 without tokens."""
    return (1 - unpriced_tokens / total_tokens.where(total_tokens > 0)).fillna(1.0)


def splits_of(metric: Metric, actor_kind: ActorKind = "user") -> tuple[str, ...]:
    """The values of `by` that a metric supports; for some only team, or none."""
    sides, is_people = {*metric.sides.values()}, actor_kind == "user"
    team = ("team",) if is_people else ()
    if metric.denominator in POPULATIONS:
        return team
    tool = ("tool",) if sides <= TOOL_COLUMNS else ()
    model = ("model", "family") if sides <= MODEL_COLUMNS and is_people else ()
    kind = ("kind",) if sides == {"total_tokens"} else ()
    return (*team, *SPLITS, *tool, *model, *kind)


def rows_of(
    data: Dataset, metric: Metric, by: str | None = None, actor_kind: ActorKind = "user"
) -> pd.DataFrame:
    """One row per week, actor and group, with the columns the metric needs."""
    if actor_kind not in get_args(ActorKind):
        raise ValueError(f"actor_kind is {actor_kind!r}; it is {' or '.join(get_args(ActorKind))}.")
    if actor_kind == "api_key" and metric.denominator in POPULATIONS:
        raise ValueError(f"{metric.id} is of people: API keys are not on a roster.")
    known = splits_of(metric, actor_kind)
    if by is not None and by not in known:
        raise ValueError(f"{metric.id} by {by!r}: by is one of {', '.join(known)} or nothing.")
    return _rows(basis_of(data, metric), Subject.of(metric).population, by, actor_kind)


@kept
def _rows(data: Dataset, population: str, by: str | None, actor_kind: ActorKind) -> pd.DataFrame:
    if by == "tool":
        return tool_weeks(data, actor_kind)
    if by in ("model", "family"):
        used = with_token_sums(model_weeks(data))
        used = used[(used["total_tokens"] > 0) | (used["cost_usd"] > 0)]
        names = {model: model_family(model) for model in used["model"].unique()}
        used = used.assign(family=used["model"].map(names))
        used = used.astype({"model": "str", "family": "str"})
        numbers = [*MODEL_COLUMNS, "unpriced_tokens"]
        return used.groupby(["week", "actor", by])[numbers].sum().reset_index().assign(active=1)
    if by == "kind":
        # melt refuses an existing column name, so it gets only the columns it needs.
        used = actor_weeks(data, actor_kind)[["week", "actor", *KINDS]]
        used = used.melt(["week", "actor"], var_name="kind", value_name="total_tokens")
        used = used.assign(kind=used["kind"].map(KINDS), active=1)
        return used[used["total_tokens"] > 0]
    if population:
        rows = ROWS_OF[population](data, by or "")
    else:
        rows = actor_weeks(data, actor_kind, by or "")
    if by is None:
        return rows
    return rows.assign(
        **{by: rows[by].astype("str").fillna(NO_TEAM if by == "team" else "unknown")}
    )


class Matrix(NamedTuple):
    """The actors of one group (rows) by week (columns): their part of top and bottom."""

    top: Floats
    bottom: Floats


def matrix(rows: pd.DataFrame, weeks: pd.DatetimeIndex, metric: Metric) -> Matrix:
    """`rows` as actors by `weeks`, 0 where an actor did nothing."""
    rows = rows[rows["week"].isin(weeks)]
    actors, names = pd.factorize(rows["actor"])
    cells = actors, weeks.get_indexer(rows["week"])
    made = Matrix(*np.zeros((2, len(names), len(weeks))))
    for part, column in zip(made, metric.sides.values(), strict=False):
        np.add.at(part, cells, rows[column].to_numpy(dtype="float64"))
    return made


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
