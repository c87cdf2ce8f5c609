"""Who on the roster starts, how soon, who is active, stays, returns or stops.

Weeks before the first closed one are unknown, so somebody first seen in it may have started
long before; weeks after the last one are not over and never count as absence. People join on the
first day of a stay on the roster; those who have not started by the end may still do so.
"""

import math
import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.stats import CensoredData, ecdf

from ccanalytics.dataset.dataset import Dataset, kept
from ccanalytics.dataset.titled_frame import typed
from ccanalytics.metrics.actor_weeks import (
    active_days,
    actor_weeks,
    follows,
    roster_weeks,
    week_pairs,
)
from ccanalytics.metrics.by_week import measures
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.metrics.findings import Finding
from ccanalytics.metrics.own_history import LEVEL, Floats, Weeks, ratio, wilson
from ccanalytics.metrics.ratios import MINIMUM_DISTRIBUTION, week_frame
from ccanalytics.people.roster import WEEK
from ccanalytics.people.small_groups import withheld_rows
from ccanalytics.showing import Note, says
from ccanalytics.words import day_words

BEGAN_AFTER, SINCE_THEN = 4, 2
"""Weeks somebody must not have been seen before, and weeks to return in."""

MANY_STOPPED = 1 / 3
"""A finding when surely more than this share of beginners came in their first week only."""

# In the order of `actor_flow`.
FLOWS = ("retained", "reactivated", "new", "lapsed", "left")
STATUSES = ("active", "dormant", "never seen", "too new to say")

DAYS = 30  # days from joining in which somebody who starts counts as activated
_DAY = pd.Timedelta(days=1)
_CURVE = ["day", "value", "low", "high", "at_risk", "n_actors"]


def activation_rate(data: Dataset) -> pd.DataFrame:
    """One row, of the last week: people first active within 30 days of joining / people whose
    30 days are over.

    Day 1 is the first day on the roster; earlier use counts as use on it. People left out are
    counted by reason: `unknown_start`, `before` (joined before the records start) and `unfinished`
    (the days are not over, or the person left during them). No row without a closed week.
    """
    stays, (first, _) = _stays(data), _watched(data)
    start, last = stays["start"], stays["start"] + (DAYS - 1) * _DAY
    over = (start >= first) & (last <= stays["watched"])
    began, n = float((stays["first_use"] <= last)[over].sum()), float(over.sum())
    enough = n >= max(data.minimum_group, 1)
    shown = (began / n, *wilson(began / n, n), began, n) if enough else [math.nan] * 5
    numbers = dict(zip(("value", "low", "high", "numerator", "denominator"), shown, strict=True))
    left_out = {"unknown_start": start.isna(), "before": start < first}
    left_out["unfinished"] = (start >= first) & ~over
    numbers |= {reason: float(people.sum()) for reason, people in left_out.items()}
    return pd.DataFrame({"week": data.weeks[-1:], **numbers})


@says(Note)
def activation_sentence(data: Dataset) -> str:
    """The activation rate in words, with the people it leaves out."""
    if data.roster.empty or not len(data.weeks):
        return "Without a roster and a closed week there is no activation rate."
    rate = activation_rate(data).iloc[0]
    share = METRICS["activation_rate"].format
    said = (
        f"{rate['numerator']:.0f} of {rate['denominator']:.0f} people, {share(rate['value'])} "
        f"(90 % interval {share(rate['low'])} to {share(rate['high'])}), started within {DAYS} "
        "days of joining."
    )
    if math.isnan(rate["value"]):
        said = "Too few people joined to give an activation rate."
    return (
        f"{said} Left out: {rate['before']:.0f} who joined before the records start, "
        f"{rate['unknown_start']:.0f} without a start date, {rate['unfinished']:.0f} whose {DAYS} "
        "days are not over or who left during them."
    )


@measures("time_to_first_use")
def time_to_first_use(data: Dataset) -> pd.DataFrame:
    """One row per day since joining: the share of people who had started by then (Kaplan-Meier).

    The day of joining is day 0, and only people who joined in the closed weeks count. `at_risk` is
    how many had not started before that day and were on the roster. The curve ends where fewer
    than the minimum group are left. No rows for fewer than ten people.
    """
    stays = _stays(data)
    stays = stays[stays["start"].between(*_watched(data))]
    began = stays["first_use"] <= stays["watched"]
    waits = stays["first_use"].where(began, stays["watched"]) - stays["start"]
    curve = pd.DataFrame(columns=_CURVE)
    if len(stays) >= max(MINIMUM_DISTRIBUTION, data.minimum_group):
        days = waits.dt.days.clip(lower=0).to_numpy("float64")
        curve = kaplan_meier(days, began.to_numpy()).assign(n_actors=len(stays))
    return curve[curve["at_risk"] >= data.minimum_group].astype("float64")


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
    reached = (curve.loc[curve["value"] >= share - 1e-9, "day"] for share in (0.25, 0.5, 0.75))
    lower, median, upper = (
        f"by day {days.iloc[0]:.0f}" if len(days) else "at a time not seen yet" for days in reached
    )
    return (
        f"Of {curve['n_actors'].iloc[0]:.0f} people who joined, a quarter had begun {lower}, half "
        f"{median}, three quarters {upper}. People who have not begun count for the days they have "
        "been on the roster."
    )


def kaplan_meier(days: Floats, began: Weeks) -> pd.DataFrame:
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


@measures("roster_use")
def roster_use(data: Dataset) -> pd.DataFrame:
    """One row per status of the people on the last week's roster: people, and their share.

    Active in the last 4 closed weeks; dormant: before that only; never seen in this range; too new
    to say: not seen, but on the roster for fewer than 28 days. A status of too few people is null,
    and the next smallest one with it. No rows without a roster.
    """
    there, (_, last_day) = roster_weeks(data), _watched(data)
    people = _stays(data)
    people = people[people["actor"].isin(there.loc[there["week"].isin(data.weeks[-1:]), "actor"])]
    last_use = active_days(data).groupby("actor")["date"].max().reindex(people["actor"])
    last_use = last_use.set_axis(people.index)
    is_new = people["start"] > last_day - 27 * _DAY
    rules = [last_use > last_day - 4 * WEEK, last_use.notna(), ~is_new]
    people = people.assign(status=np.select(rules, STATUSES[:3], STATUSES[3]), cost_usd=0.0)
    hidden = set(people.loc[withheld_rows(people, data.minimum_group, [], "status"), "status"])
    if len(people) < data.minimum_group:  # a zero is shown only with counts that may be shown
        hidden = set(STATUSES)
    sizes = people["status"].value_counts()
    rows = []
    for status in STATUSES if len(people) else ():
        size = math.nan if status in hidden else float(sizes.get(status, 0))
        rows.append((status, size, size / len(people)))
    return typed(rows, {"status": "str", "value": "float64", "share": "float64"})


def actor_flow(data: Dataset) -> pd.DataFrame:
    """One row per week after the first, and flow: people.

    Retained, reactivated and new people sum to the week's active people; retained, lapsed and
    left ones to those of the previous week. Null when either week is withheld, or that one is
    missing; `left` is null without a roster.
    """
    pairs, roster = week_pairs(data), roster_weeks(data).set_index(["week", "actor"])
    now, before = pairs["active"] == 1, pairs["active_before"] == 1
    seen = pairs.groupby("actor")["week"].transform("min") < pairs["week"]
    week, week_before = (
        pd.MultiIndex.from_arrays([pairs["week"] - off, pairs["actor"]]) for off in (0 * WEEK, WEEK)
    )
    left = week_before.isin(roster.index) & ~week.isin(roster.index[roster["stays"] == 1])
    rules = [now & before, now & seen, now, ~left]
    flow = pd.Series(np.select(rules, FLOWS[:4], FLOWS[4]), pairs.index, name="flow")
    grid = pd.MultiIndex.from_product([data.weeks[1:], FLOWS], names=["week", "flow"])
    counts = pairs.groupby(["week", flow]).size().reindex(grid, fill_value=0)
    frame = counts.astype("float64").rename("value").reset_index().astype({"flow": "str"})
    total = week_frame(data, "active_actors").set_index("week")["value"].dropna()
    known = frame["week"].isin(total.index) & (frame["week"] - WEEK).isin(total.index)
    if data.roster.empty:
        known &= frame["flow"] != "left"
    return frame.assign(value=frame["value"].where(known))


@measures("retention")
def retention(data: Dataset, weeks: int = 12) -> pd.DataFrame:
    """One row per cohort and k: the share that was active k weeks after the first week.

    A cohort is the people first active in a closed week that follows on another one; those of a
    week without a previous one may have started earlier. `status` is "seen", "nobody" (began in
    that week), "withheld" (fewer people than the minimum group, or revealed by subtraction) or
    "not yet" (the week is not closed, or missing). `low` to `high` is Wilson's 90 % interval of the
    share, as if people were independent. Each cohort is followed for `weeks` weeks.
    """
    rows = actor_weeks(data)
    rows = rows[rows["active"] == 1].astype({"actor": "str"})
    first = rows.groupby("actor")["week"].transform("min")
    active = rows.groupby([first, (rows["week"] - first).dt.days // 7]).size()
    cohorts = data.weeks[follows(data.weeks)]
    sizes = active[active.index.get_level_values(1) == 0].droplevel(1)
    hidden = _hidden_cohorts(sizes, cohorts, data.minimum_group)
    followed = range(min(weeks + 1, len(cohorts)))
    grid = pd.MultiIndex.from_product([cohorts, followed], names=["cohort", "k"])
    frame = grid.to_frame(index=False)
    seen = active.reindex(grid, fill_value=0).to_numpy("float64")
    size = sizes.reindex(frame["cohort"], fill_value=0).to_numpy("float64")
    closed = (frame["cohort"] + frame["k"] * WEEK).isin(data.weeks)
    rules = [~closed, size == 0, frame["cohort"].isin(list(hidden))]
    status = np.select(rules, ["not yet", "nobody", "withheld"], "seen")
    value, size = (np.where(status == "seen", of, np.nan) for of in (ratio(seen, size), size))
    low, high = np.where(frame["k"] > 0, wilson(value, size), np.nan)
    status = pd.Series(status, dtype="str")
    return frame.assign(value=value, n_actors=size, status=status, low=low, high=high)


def stopped_findings(data: Dataset) -> Iterator[Finding]:
    """People who used it in one week only, where they surely are more than a third of those who
    started; people who left the roster do not count."""
    weeks = data.weeks
    rows = actor_weeks(data)
    rows = rows[rows["active"] == 1].astype({"actor": "str"})
    if len(data.roster):
        roster = roster_weeks(data)
        rows = rows[rows["actor"].isin(roster.loc[roster["week"] == weeks[-1], "actor"])]
    used = rows.groupby("actor").agg(first=("week", "min"), n=("week", "nunique"))
    began = used[used["first"].isin(weeks[BEGAN_AFTER:-SINCE_THEN])]
    stopped, stayed = int((began["n"] == 1).sum()), int((began["n"] > 1).sum())
    enough = stopped >= max(data.minimum_group, 1) and not 0 < stayed < data.minimum_group
    share = stopped / max(len(began), 1)
    if not enough or wilson(share, len(began))[0] <= MANY_STOPPED:
        return
    cost = rows["cost_usd"].sum() / len(rows) if data.has_cost else 1.0
    yield Finding(
        "stopped",
        f"{stopped} of {len(began)} people who started stopped after their first week",
        f"They began from {day_words(weeks[BEGAN_AFTER])} to {day_words(weeks[-SINCE_THEN - 1])}, "
        f"and have not been active in the {SINCE_THEN} weeks after it or more.",
        "retention",
        weight=math.sqrt(stopped * max(cost, 1.0)) * share,
    )


@kept
def _stays(data: Dataset) -> pd.DataFrame:
    """One row per person on the roster while there are records: start of the first stay (NaT:
    unknown), first use, and the last day they are watched."""
    first, last = _watched(data)
    roster = data.roster[~(data.roster["start"] > last) & bool(len(data.weeks))]
    people = roster.sort_values(["actor", "start"], na_position="first").groupby("actor")
    stays = people[["start"]].first(skipna=False).join(people["end"].last(skipna=False))
    stays = stays[~(stays["end"] < first)]
    days = active_days(data)
    use = days[days["date"] >= first].groupby("actor")["date"].min()
    watched = stays["end"].fillna(last).clip(upper=last)
    return stays.assign(first_use=use.reindex(stays.index), watched=watched).reset_index()


def _watched(data: Dataset) -> tuple[pd.Timestamp, pd.Timestamp]:
    """The first and last day of the unbroken run of closed weeks that ends with the last."""
    if not len(data.weeks):
        return pd.NaT, pd.NaT
    return data.weeks[~follows(data.weeks)][-1], data.weeks[-1] + WEEK - _DAY


def _hidden_cohorts(sizes: pd.Series, cohorts: pd.DatetimeIndex, minimum: int) -> set[pd.Timestamp]:
    """The cohorts to withhold: small ones, and more where subtraction would reveal them.

    A week's active people minus the shown cohorts are the rest: in every week nobody, or
    enough people.
    """
    hidden = {cohort for cohort in sizes.index if cohort not in cohorts or sizes[cohort] < minimum}
    for until in cohorts:
        there = sizes[sizes.index <= until]
        for cohort in there.sort_values(kind="stable").index:
            rest = there[there.index.isin(list(hidden))].sum()
            if 0 < rest < minimum:
                hidden.add(cohort)
    return hidden
