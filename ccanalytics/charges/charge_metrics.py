"""What was billed, next to what was estimated: never added, as both are of the same use.

billed, listed       a Dataset whose cost is what was billed, or its list price
bill_by_week         the bill by week: people, API keys, what nobody is known to have caused
reconciliation       the estimate by the list price of the same person-days
"""

from dataclasses import replace
from weakref import WeakKeyDictionary

import pandas as pd

from ccanalytics.charges.charge_frames import UNATTRIBUTED, has_bill
from ccanalytics.charges.charge_sync import usage_of
from ccanalytics.dataset.dataset import Dataset
from ccanalytics.metrics.actor_weeks import week_of
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.metrics.metric_frame import measures
from ccanalytics.metrics.ratios import frame_of, week_frame
from ccanalytics.metrics.withholding import withheld_days
from ccanalytics.people.small_groups import few, members
from ccanalytics.showing import Sentence, says

PEOPLE, KEYS, OTHERS = "people", "API keys", "other identities"
PARTS = {"user": PEOPLE, "api_key": KEYS, UNATTRIBUTED: UNATTRIBUTED}

_made: WeakKeyDictionary[Dataset, str] = WeakKeyDictionary()
_known: WeakKeyDictionary[Dataset, dict[str, Dataset]] = WeakKeyDictionary()

_RECONCILED = (
    "month",
    "actor_days",
    "estimated",
    "listed",
    "gap",
    "value",
    "only_estimated",
    "only_listed",
)

NOT_THE_INVOICE = "after discounts and before credits, so it is not the invoice"


def billed(data: Dataset) -> Dataset:
    """The dataset with what was billed as its cost; days that were not fetched have none."""
    return _with_money(data, "amount_usd")


def listed(data: Dataset) -> Dataset:
    """The dataset with the list price of what was billed as its cost."""
    return _with_money(data, "list_usd")


def _with_money(data: Dataset, money: str) -> Dataset:
    if _made.get(data) == money:
        return data
    known = _known.setdefault(data, {})
    if money not in known:
        usage, days = data.model_usage.iloc[:0], frozenset[pd.Timestamp]()
        if has_bill(data):
            usage, days = usage_of(data.charges, money), frozenset(data.charged_days["date"])
        rest = data.rest and _with_money(data.rest, money)
        known[money] = replace(data, model_usage=usage, cost_days=days, rest=rest)
        _made[known[money]] = money
    return known[money]


def billed_cost_per_commit(data: Dataset, by: str | None = None) -> pd.DataFrame:
    """One row per week (and value of `by`): billed cost / commits made through Claude Code.

    `estimated` is the estimated cost per commit of the same people.
    """
    return _next_to(data, "billed_cost_per_commit", "cost_per_commit", by)


def billed_cost_per_active_day(data: Dataset, by: str | None = None) -> pd.DataFrame:
    """One row per week (and value of `by`): billed cost / active person-days.

    `estimated` is the estimated cost per active day of the same people.
    """
    return _next_to(data, "billed_cost_per_active_day", "cost_per_active_day", by)


def _next_to(data: Dataset, metric_id: str, estimate: str, by: str | None) -> pd.DataFrame:
    keys = ["week", *([by] if by else [])]
    other = week_frame(data, estimate, by)[[*keys, "value"]].rename(columns={"value": "estimated"})
    frame = week_frame(data, metric_id, by)
    merged = frame.merge(other, on=keys, how="left")
    merged.attrs = frame.attrs
    return merged


@measures(
    "bill",
    shown_columns=("week", "part", "value", "listed", "share"),
    labels={"week": "week of", "part": "of", "value": "billed", "listed": "at list prices"},
)
def bill_by_week(data: Dataset) -> pd.DataFrame:
    """One row per closed week and part of the bill: value (billed), listed, share of the week.

    Parts are people, API keys, other identities, and what nobody is known to have caused. People's
    is null in a week of too few of them, and with it the shares. No rows where no bill is known.
    """
    columns = {"week": "datetime64[ms]", "part": "str",
               **dict.fromkeys(["value", "listed", "share"], "float64")}  # fmt: skip
    if not has_bill(data):
        return pd.DataFrame(columns=list(columns)).astype(columns)
    frame = pd.concat([_people(data), _others(data)]).sort_values("week", kind="stable")
    whole = frame.groupby("week")["value"].transform(lambda part: part.sum(skipna=False))
    frame = frame.assign(share=frame["value"] / whole.where(whole > 0))
    return frame[list(columns)].astype(columns).reset_index(drop=True)


@measures("discount", labels={"numerator": "billed", "denominator": "at list prices"})
def discount(data: Dataset) -> pd.DataFrame:
    """One row per closed week: value, 1 - billed / list price of all of the bill that is shown."""
    sums = bill_by_week(data).groupby("week")[["value", "listed"]].sum(min_count=1)
    billed_usd, listed_usd = sums["value"], sums["listed"]
    value = 1 - billed_usd / listed_usd.where(listed_usd > 0)
    found = {"value": value, "numerator": billed_usd, "denominator": listed_usd}
    return pd.DataFrame(found).reset_index()


@says(Sentence)
def bill_sentence(data: Dataset) -> str:
    """What the weeks of the dataset were billed, of whom, and at what discount."""
    if not has_bill(data):
        return _why_nothing(data)
    frame = bill_by_week(data)
    shown = frame[frame["share"].notna()]
    if shown.empty:
        return "No week is billed in full yet, or its people are too few to be shown."
    usd, share = METRICS["bill"].format, METRICS["discount"].format
    parts = shown.groupby("part")[["value", "listed"]].sum()
    total, listed_usd = parts.sum()
    weeks = shown["week"]
    rest = ", ".join(
        f"{share(parts.loc[name, 'value'] / total)} {words}"
        for name, words in {
            KEYS: "of API keys",
            OTHERS: "of other identities",
            UNATTRIBUTED: "that cannot be attributed to anybody",
        }.items()
        if name in parts.index
    )
    return (
        f"Claude Code was billed {usd(total)} in the {weeks.nunique()} weeks from "
        f"{weeks.min():%-d %B} to {weeks.max() + pd.Timedelta(days=6):%-d %B %Y}, "
        f"{NOT_THE_INVOICE}; at list prices {usd(listed_usd)}, a discount of "
        f"{share(1 - total / listed_usd)}. {f'Of it {rest}.' if rest else ''}"
    ).rstrip()


@measures(
    "reconciliation",
    title="Estimate against list price",
    shown_columns=_RECONCILED,
    labels={
        "actor_days": "person-days in both",
        "listed": "at list prices",
        "gap": "difference",
        "value": "of the list price",
        "only_estimated": "estimated only",
        "only_listed": "charged only",
    },
    formats={
        "month": lambda month: f"{month:%b %Y}",
        "actor_days": ",.0f",
        **dict.fromkeys(
            ["estimated", "listed", "only_estimated", "only_listed"], METRICS["cost"].format
        ),
        "gap": METRICS["cost"].format_change,
    },
)
def reconciliation(data: Dataset) -> pd.DataFrame:
    """One row per month: the estimated cost by the list price of the same person-days.

    Columns: month, value (gap / listed), gap, estimated and listed (US dollars, of the person-days
    that both have), actor_days, only_estimated and only_listed (of those that one side has), and
    n_actors. People as API customers only, on days of which both are known.
    """
    numbers = ["value", "gap", "estimated", "listed", "actor_days", "only_estimated",
               "only_listed", "n_actors"]  # fmt: skip
    kinds = {"month": "datetime64[ms]", **dict.fromkeys(numbers, "float64")}
    if not has_bill(data) or not data.has_tokens:
        return pd.DataFrame(columns=list(kinds)).astype(kinds)
    days = _person_days(data)
    both = days.dropna()
    sums = both.groupby("month")[["estimated", "listed"]].sum()
    gap = sums["estimated"] - sums["listed"]
    frame = sums.assign(
        gap=gap,
        value=gap / sums["listed"].where(sums["listed"] > 0),
        actor_days=both.groupby("month").size(),
        only_estimated=days[days["listed"].isna()].groupby("month")["estimated"].sum(),
        only_listed=days[days["estimated"].isna()].groupby("month")["listed"].sum(),
        n_actors=both.groupby("month")["actor"].nunique(),
    ).reset_index()
    ones = ["only_estimated", "only_listed"]
    frame[ones] = frame[ones].fillna(0.0)
    hidden = frame["month"].isin(_hidden_months(data, days))
    frame[numbers] = frame[numbers].mask(hidden)
    return frame[list(kinds)].astype(kinds)


def _people(data: Dataset) -> pd.DataFrame:
    value = week_frame(data, "billed_cost").set_index("week")["value"]
    at_list = frame_of(listed(data), METRICS["cost"]).set_index("week")["value"]
    return pd.DataFrame({"value": value, "listed": at_list, "part": PEOPLE}).reset_index()


def _others(data: Dataset) -> pd.DataFrame:
    """What the weeks that are billed in full have of others than people."""
    charges = data.charges[data.charges["actor_kind"] != "user"]
    part = charges["actor_kind"].astype("str").map(PARTS).fillna(OTHERS)
    sums = charges.groupby([week_of(charges["date"]), part])[["amount_usd", "list_usd"]].sum()
    frame = sums.rename_axis(["week", "part"]).reset_index()
    frame = frame.rename(columns={"amount_usd": "value", "list_usd": "listed"})
    days = data.days["date"]
    missing = week_of(days[~days.isin(data.charged_days["date"])])
    return frame[frame["week"].isin(data.weeks) & ~frame["week"].isin(missing)]


def _person_days(data: Dataset) -> pd.DataFrame:
    """One row per closed day and person of either side: month, actor, estimated and listed."""
    closed = data.days.loc[data.days["stored"] & data.days["closed"], "date"]
    common = set(closed) & set(data.charged_days["date"])
    usage = data.model_usage[data.model_usage["customer_type"] == "api"]
    sides = {}
    for name, frame, money in (
        ("estimated", usage, "cost_usd"),
        ("listed", data.charges, "list_usd"),
    ):
        rows = frame[(frame["actor_kind"] == "user") & frame["date"].isin(common)]
        rows = rows.astype({"actor": "str"})
        sides[name] = rows.groupby(["date", "actor"])[money].sum()
    seats = data.model_usage[data.model_usage["customer_type"] != "api"]
    paid_flat = pd.MultiIndex.from_frame(seats[["date", "actor"]].astype({"actor": "str"}))
    both = pd.concat(sides, axis=1)
    both = both[~both.index.isin(paid_flat)].reset_index()
    month = both["date"].dt.to_period("M").dt.to_timestamp().astype("datetime64[ms]")
    return both.assign(month=month)


def _hidden_months(data: Dataset, days: pd.DataFrame) -> set[pd.Timestamp]:
    """The months of too few people, or with a week that is withheld, which they would tell."""
    found = set[pd.Timestamp]()
    sides = {"all": days, "both": days.dropna(), "estimated": days[days["listed"].isna()],
             "listed": days[days["estimated"].isna()]}  # fmt: skip
    for side in sides.values():
        people = members(side.assign(cost_usd=side[["estimated", "listed"]].max(axis=1)), ["month"])
        found |= {*people.loc[few(people, data.minimum_group, ["month"]), "month"]}
    _, untold = withheld_days(data, days["date"])
    return found | {*days.loc[untold, "month"]}


def _why_nothing(data: Dataset) -> str:
    if not data.spec.key:
        return f"What was billed is not available for source {data.source}."
    return (
        "What was billed on these days is not known: fetch it with ccanalytics sync --since "
        f"{data.since} --billed."
    )
