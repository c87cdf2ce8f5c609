"""Who on the roster is active, stays, returns or stops.

Weeks before the first closed one are unknown, so somebody first seen in it may have started
long before; weeks after the last one are not over and never count as absence.
"""

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.metrics.actor_weeks import active_days, actor_weeks, follows, roster_weeks
from ccanalytics.metrics.adoption import shown
from ccanalytics.metrics.findings import Finding
from ccanalytics.metrics.intervals import wilson
from ccanalytics.metrics.metric_frame import measures
from ccanalytics.people.roster import WEEK
from ccanalytics.people.small_groups import of_people, withheld

Cells = npt.NDArray[np.bool_]


BEGAN_AFTER, SINCE_THEN = 4, 2
"""Weeks somebody must not have been seen before, and weeks to return in."""

MANY_STOPPED = 1 / 3

FLOWS = ("retained", "reactivated", "new", "lapsed", "left")
STATUSES = ("active", "dormant", "never seen", "too new to say")


@measures("roster_use")
def roster_use(data: Dataset, weeks: int = 4, grace: int = 28) -> pd.DataFrame:
    """One row per status of the people on the last week's roster: people, and their share.

    Active in the last `weeks` closed weeks; dormant: before that only; never seen in this range;
    too new to say: not seen, but on the roster for fewer than `grace` days. A status of too few
    people is null, and the next smallest one with it. No rows without a roster.
    """
    people = _last_roster(data)
    columns = {"status": "str", "value": "float64", "share": "float64"}
    if people.empty:
        return pd.DataFrame(columns=list(columns)).astype(columns)
    last_day = data.weeks[-1] + WEEK - pd.Timedelta(days=1)
    recent = people["last_use"] > last_day - weeks * WEEK
    new = (last_day - people["start"]).dt.days + 1 < grace
    rules = [recent, people["last_use"].notna(), ~new]
    status = pd.Series(np.select(rules, STATUSES[:3], STATUSES[3]))
    frame = pd.DataFrame({"status": list(STATUSES), "value": _shown_sizes(status, people, data)})
    return frame.assign(share=frame["value"] / len(people)).astype(columns)


def actor_flow(data: Dataset) -> pd.DataFrame:
    """One row per week after the first, and flow: people.

    Retained, reactivated and new people sum to the week's active people; retained, lapsed and
    left ones to those of the previous week. Null when either week is withheld, or that one is
    missing; `left` is null without a roster.
    """
    rows = actor_weeks(data)
    rows = rows[rows["active"] == 1]
    roster = roster_weeks(data)
    names = np.unique(rows["actor"].astype("str").to_numpy())
    roster = roster[roster["actor"].isin(names)]
    active = _cells(rows, names, data.weeks)
    there = _cells(roster, names, data.weeks)
    staying = _cells(roster[roster["stays"] == 1], names, data.weeks)
    counts = [_flow(active, there, staying, position) for position in range(1, len(data.weeks))]
    frame = pd.DataFrame(
        {
            "week": data.weeks[1:].repeat(len(FLOWS)),
            "flow": pd.Series(list(FLOWS) * len(counts), dtype="str"),
            "value": np.array(counts, dtype="float64").reshape(-1),
        }
    )
    known = shown(data, frame["week"]) & shown(data, frame["week"] - WEEK)
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
    cells = [
        (cohort, k, *_cell(active, cohort, k, cohort + k * WEEK in data.weeks, cohort in hidden))
        for cohort in cohorts
        for k in range(min(weeks + 1, len(cohorts)))
    ]
    kinds = {"cohort": "datetime64[ms]", "k": "int64", "value": "float64", "n_actors": "float64"}
    kinds |= {"status": "str"}
    frame = pd.DataFrame(cells, columns=list(kinds)).astype(kinds)
    later = frame[["value", "n_actors"]].where(frame["k"] > 0).to_numpy()
    low, high = wilson(*later.T)
    return frame.assign(low=low, high=high)


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
        f"They began from {weeks[BEGAN_AFTER]:%-d %B} to {weeks[-SINCE_THEN - 1]:%-d %B}, and have "
        f"not been active in the {SINCE_THEN} weeks after it or more.",
        "retention",
        weight=math.sqrt(stopped * max(cost, 1.0)) * share,
    )


def _last_roster(data: Dataset) -> pd.DataFrame:
    """One row per person on the last week's roster: start of the first stay, last active day."""
    rows = roster_weeks(data)
    people = rows.loc[rows["week"].isin(data.weeks[-1:]), ["actor"]].set_index("actor")
    ordered = data.roster.sort_values("start", na_position="first")
    start = ordered.drop_duplicates("actor").set_index("actor")["start"]
    use = active_days(data).groupby("actor")["date"].max()
    columns = {"start": start.reindex(people.index), "last_use": use.reindex(people.index)}
    return people.assign(**columns).reset_index()


def _shown_sizes(status: pd.Series, people: pd.DataFrame, data: Dataset) -> list[float]:
    """People by status, null where withheld; a zero is shown only with counts that may be shown."""
    if len(people) < data.minimum_group:
        return [math.nan] * len(STATUSES)
    groups = {name: people["actor"][status == name] for name in STATUSES}
    parts = {name: of_people(actors) for name, actors in groups.items()}
    hidden = withheld(parts, data.minimum_group)
    return [math.nan if name in hidden else float(len(groups[name])) for name in STATUSES]


def _cells(rows: pd.DataFrame, names: npt.NDArray[np.str_], weeks: pd.DatetimeIndex) -> Cells:
    """Weeks (rows) by people: whether there is a row."""
    cells = np.zeros((len(weeks), len(names)), dtype=bool)
    people = pd.Index(names).get_indexer(rows["actor"].astype("str"))
    cells[weeks.get_indexer(rows["week"]), people] = True
    return cells


def _flow(active: Cells, on_roster: Cells, staying: Cells, position: int) -> tuple[int, ...]:
    """The people of each flow in the week at `position`, in the order of FLOWS."""
    now, last = active[position], active[position - 1]
    seen = active[:position].any(axis=0)
    left = last & ~now & on_roster[position - 1] & ~staying[position]
    parts = (now & last, now & seen & ~last, now & ~seen, last & ~now & ~left, left)
    return tuple(int(part.sum()) for part in parts)


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


def _cell(
    active: pd.Series, cohort: pd.Timestamp, k: int, closed: bool, hidden: bool
) -> tuple[float, float, str]:
    """Value, people and status of one cell of the triangle."""
    size = int(active.get((cohort, 0), 0))
    if not closed:
        return math.nan, math.nan, "not yet"
    if hidden or not size:
        return math.nan, math.nan, "withheld" if size else "nobody"
    return int(active.get((cohort, k), 0)) / size, float(size), "seen"
