"""Who of the roster is active, who stays, who comes back, and who stops.

What lies before the first closed week is not known, so somebody first seen in it may have begun
long before; what comes after the last one has not happened yet, and is never taken for a no.
"""

import math

import numpy as np
import numpy.typing as npt
import pandas as pd

from ccanalytics.dataset import Dataset
from ccanalytics.metrics.adoption import shown
from ccanalytics.metrics.ratios import by_week
from ccanalytics.metrics.registry import METRICS
from ccanalytics.metrics.weeks import actor_days, actor_weeks, follows, roster_weeks
from ccanalytics.people import WEEK, roster_sizes, withheld

Cells = npt.NDArray[np.bool_]

_NO_SEATS = pd.Series(dtype="float64", index=pd.DatetimeIndex([]).as_unit("ms"))

FLOWS = ("retained", "reactivated", "new", "lapsed", "left")
STATUSES = ("active", "dormant", "never seen", "too new to say")

NO_ROSTER = (
    "There is no roster, so nobody knows how many people could have used it, and no share of them "
    "is given: name a CSV file (email,team,start,end) as `roster` in ccanalytics.toml."
)


def active_rate(data: Dataset, by: str | None = None) -> pd.DataFrame:
    """One row per week (and team): active people on that week's roster / everybody on it.

    `joined` and `left` are how the roster differs from that of the week before. Null without one.
    """
    frame = by_week(data, "active_rate", by)
    sizes = roster_sizes(data.roster, data.weeks, by_team=by is not None)
    keys = ["week", *([by] if by else [])]
    frame = frame.merge(sizes[[*keys, "joined", "left"]], on=keys, how="left")
    there = frame["denominator"] > 0
    return frame.assign(**{name: frame[name].where(there) for name in ("joined", "left")})


def seat_rate(data: Dataset) -> pd.DataFrame:
    """One row per week: active people / seats assigned at the end of the week.

    Columns: week, value, numerator, denominator, n_actors. Null where the source tells no seats,
    and under the minimum group.
    """
    frame = by_week(data, "active_actors")[["week", "numerator", "n_actors"]]
    sundays = frame["week"] + WEEK - pd.Timedelta(days=1)
    seats = _NO_SEATS if data.seats is None else data.seats.set_index("date")["assigned_seats"]
    known = seats.reindex(sundays).to_numpy(dtype="float64")
    frame = frame.assign(denominator=np.where(known > 0, known, np.nan))
    frame.insert(1, "value", frame["numerator"] / frame["denominator"])
    return frame[["week", "value", "numerator", "denominator", "n_actors"]]


def off_roster(data: Dataset) -> pd.DataFrame:
    """One row per week: active people who were not on that week's roster.

    Null under the minimum group, without a roster, and of one team, which such people are not in.
    """
    frame = by_week(data, "active_actors")[["week", "value", "n_actors"]]
    people = roster_weeks(data).groupby("week")["active"]
    known, sizes = (
        counts.reindex(frame["week"], fill_value=0).to_numpy()
        for counts in (people.sum(), people.size())
    )
    value = frame["value"] - known
    few = (value > 0) & (value < data.minimum_group)
    return frame.assign(value=value.where((sizes > 0) & ~few & (data.team == "")))


def roster_sentence(data: Dataset) -> str:
    """The last week's roster, how it moved, and who is active without being on it, in words.

    Seats stand beside it where the source tells them, and are all there is without a roster.
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
    status = pd.Series(np.select(rules, STATUSES[:3], STATUSES[3])).value_counts()
    sizes = {name: int(status.get(name, 0)) for name in STATUSES}
    frame = pd.DataFrame({"status": list(STATUSES), "value": _shown_sizes(sizes, data)})
    return frame.assign(share=frame["value"] / len(people)).astype(columns)


def returning_share(data: Dataset) -> pd.DataFrame:
    """One row per week: the share of the week before's active people who are active again."""
    return by_week(data, "returning_share")


def actor_flow(data: Dataset) -> pd.DataFrame:
    """One row per week but the first, and flow: people.

    Retained, reactivated and new people add up to the week's active people; retained, lapsed and
    left ones to those of the week before. Null when either week is withheld, or the one before is
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


def retention(data: Dataset, weeks: int = 12) -> pd.DataFrame:
    """One row per cohort and k: the share of it that was active k weeks after its first week.

    A cohort is the people first active in a closed week that follows on another one; those of a
    week that follows on none may have begun long before. `status` is "seen", "nobody" (began in
    that week), "withheld" (fewer people than the minimum group, or to be had by subtraction) or
    "not yet" (the week is not closed, or missing). Each cohort is followed for `weeks` weeks.
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
    return pd.DataFrame(cells, columns=list(kinds)).astype(kinds)


def _seat_words(data: Dataset) -> str:
    """Active people beside the seats of the last week; nothing where no seats are told."""
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
    """How many active people were not on the last week's roster, as far as it may be said."""
    value = off_roster(data)["value"].iloc[-1]
    if data.team or value == 0:
        return ""
    count = f"Fewer than {data.minimum_group}" if math.isnan(value) else f"{value:.0f}"
    return f" {count} active people were not on it, and are not in the share."


def _last_roster(data: Dataset) -> pd.DataFrame:
    """One row per person on the last week's roster: start of the first stay, last active day."""
    rows = roster_weeks(data)
    people = rows.loc[rows["week"].isin(data.weeks[-1:]), ["actor"]].set_index("actor")
    ordered = data.roster.sort_values("start", na_position="first")
    start = ordered.drop_duplicates("actor").set_index("actor")["start"]
    days = actor_days(data)
    use = days[days["active"] == 1].astype({"actor": "str"}).groupby("actor")["date"].max()
    columns = {"start": start.reindex(people.index), "last_use": use.reindex(people.index)}
    return people.assign(**columns).reset_index()


def _shown_sizes(sizes: dict[str, int], data: Dataset) -> list[float]:
    """The sizes, null where withheld; a zero is one only beside people who may be counted."""
    if sum(sizes.values()) < data.minimum_group:
        return [math.nan] * len(sizes)
    hidden = withheld({name: size for name, size in sizes.items() if size}, data.minimum_group)
    return [math.nan if name in hidden else float(size) for name, size in sizes.items()]


def _cells(rows: pd.DataFrame, names: npt.NDArray[np.str_], weeks: pd.DatetimeIndex) -> Cells:
    """Weeks by people: who has a row."""
    cells = np.zeros((len(weeks), len(names)), dtype=bool)
    people = pd.Index(names).get_indexer(rows["actor"].astype("str"))
    cells[weeks.get_indexer(rows["week"]), people] = True
    return cells


def _flow(active: Cells, on_roster: Cells, staying: Cells, position: int) -> tuple[int, ...]:
    """The people of each flow of the week at `position`, in the order of FLOWS."""
    now, last = active[position], active[position - 1]
    seen = active[:position].any(axis=0)
    left = last & ~now & on_roster[position - 1] & ~staying[position]
    parts = (now & last, now & seen & ~last, now & ~seen, last & ~now & ~left, left)
    return tuple(int(part.sum()) for part in parts)


def _hidden_cohorts(sizes: pd.Series, cohorts: pd.DatetimeIndex, minimum: int) -> set[pd.Timestamp]:
    """The cohorts to withhold: small ones, and more where they could be had by subtraction.

    A week's active people less those of the cohorts shown are the rest: in every week nobody, or
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
