"""What was billed, next to what was estimated: never added, as both are of the same use.

billed               a Dataset whose cost is what was billed
bill_by_week         the bill by week: people, API keys, unattributed
reconciliation       the estimate by the list price of the same person-days
seat_value           the use of seats at list prices and the price of a seat, by bands of people
"""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from ccanalytics.charges.charge_days import UNATTRIBUTED, has_bill, usage_of
from ccanalytics.dataset.dataset import Dataset, kept
from ccanalytics.metrics.by_week import measures
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.metrics.ratios import week_frame
from ccanalytics.metrics.withholding import withheld_days
from ccanalytics.people.calendars import week_of
from ccanalytics.people.small_groups import few, large
from ccanalytics.showing import Sentence, says
from ccanalytics.words import counted, day_words

PEOPLE, KEYS, OTHERS = "people", "API keys", "other identities"
PARTS = {"user": PEOPLE, "api_key": KEYS, UNATTRIBUTED: UNATTRIBUTED}

NOT_THE_INVOICE = "after discounts and before credits, so it is not the invoice"

_USD = METRICS["cost"].format

MOST_BANDS = 4  # the most bands of people on seats


def billed(data: Dataset) -> Dataset:
    """The dataset with billed money as its cost; days that were not fetched have none."""
    return _with_money(data, "amount_usd")


@kept
def _with_money(data: Dataset, money: str) -> Dataset:
    usage, days = data.model_usage.iloc[:0], frozenset[pd.Timestamp]()
    if has_bill(data):
        usage, days = usage_of(data.charges, money), frozenset(data.charged_days["date"])
    rest = data.rest and _with_money(data.rest, money)
    return replace(data, model_usage=usage, cost_days=days, rest=rest)


def _next_to(estimate: str, data: Dataset, by: str | None = None) -> pd.DataFrame:
    """One row per week (and value of `by`) of a billed ratio; `estimated` is the same of the
    estimate, of the same people."""
    keys = ["week", *([by] if by else [])]
    frame = week_frame(data, f"billed_{estimate}", by)
    other = week_frame(data, estimate, by).set_index(keys)["value"].rename("estimated")
    merged = frame.join(other, on=keys)
    merged.attrs = frame.attrs
    return merged


billed_cost_per_commit = partial(_next_to, "cost_per_commit")
billed_cost_per_active_day = partial(_next_to, "cost_per_active_day")


@measures(
    "bill",
    shown_columns=("week", "part", "value", "listed", "share"),
    labels={"week": "week of", "part": "of", "value": "billed", "listed": "at list prices"},
)
def bill_by_week(data: Dataset) -> pd.DataFrame:
    """One row per closed week and part of the bill: value (billed), listed, share of the week.

    Parts are people, API keys, other identities, and unattributed cost. People's
    is null in a week with too few of them, and so are the shares. No rows without a bill.
    """
    numbers = dict.fromkeys(["value", "listed", "share"], "float64")
    columns = {"week": "datetime64[ms]", "part": "str", **numbers}
    if not has_bill(data):
        return pd.DataFrame(columns=list(columns)).astype(columns)
    people = week_frame(data, "billed_cost").set_index("week")[["value"]]
    at_list = week_frame(_with_money(data, "list_usd"), "cost").set_index("week")["value"]
    people = people.assign(listed=at_list, part=PEOPLE).reset_index()
    charges, days = data.charges[data.charges["actor_kind"] != "user"], data.days["date"]
    part = charges["actor_kind"].astype("str").map(PARTS).fillna(OTHERS).rename("part")
    keys = [week_of(charges["date"]).rename("week"), part]
    others = charges.groupby(keys)[["amount_usd", "list_usd"]].sum()
    others = others.set_axis(["value", "listed"], axis=1).reset_index()
    # Of others than people only weeks that are billed completely.
    missing = week_of(days[~days.isin(data.charged_days["date"])])
    others = others[others["week"].isin(data.weeks) & ~others["week"].isin(missing)]
    frame = pd.concat([people, others])
    frame = frame.sort_values("week", kind="stable")
    whole = frame.groupby("week")["value"].transform(lambda part: part.sum(skipna=False))
    frame = frame.assign(share=frame["value"] / whole.where(whole > 0))
    return frame[list(columns)].astype(columns).reset_index(drop=True)


@measures(
    "discount",
    labels={"week": "week of", "value": "discount", "listed": "at list prices"},
    formats={"value": METRICS["discount"].format, "billed": _USD, "listed": _USD},
)
def discount(data: Dataset) -> pd.DataFrame:
    """One row per closed week: value, 1 - billed / listed of the shown bill."""
    sums = bill_by_week(data).groupby("week")[["value", "listed"]].sum(min_count=1)
    share = 1 - sums["value"] / sums["listed"].where(sums["listed"] > 0)
    sums = sums.rename(columns={"value": "billed"}).assign(value=share)
    return sums.reset_index()[["week", "value", "billed", "listed"]]


@says(Sentence)
def bill_sentence(data: Dataset) -> str:
    """What the weeks of the dataset were billed, for whom, and at what discount."""
    if not has_bill(data):
        if not data.spec.key:
            return f"Billed cost is not available for source {data.source}."
        fetch = f"run ccanalytics sync --since {data.since} --billed."
        return f"The bill of these days was not fetched: {fetch}"
    frame = bill_by_week(data)
    shown = frame[frame["share"].notna()]
    if shown.empty:
        return "No week is completely billed yet, or it has too few people to be shown."
    share, weeks = METRICS["discount"].format, shown["week"]
    parts = shown.groupby("part")[["value", "listed"]].sum()
    total, at_list = parts.sum()
    who = [f"{name} {share(part / total)}" for name, part in parts["value"].items()]
    return (
        f"{_USD(total)} was billed for Claude Code in the {counted(weeks.nunique(), 'week')} from "
        f"{day_words(weeks.min())} to {day_words(weeks.max() + pd.Timedelta(days=6), '%B %Y')}, "
        f"{NOT_THE_INVOICE}; {_USD(at_list)} at list prices, a discount of "
        f"{share(1 - total / at_list)}; {', '.join(who)}."
    )


@measures(
    "reconciliation",
    labels={
        "actor_days": "person-days",
        "listed": "at list prices",
        "gap": "difference",
        "value": "of the list price",
        "n_actors": "people",
    },
    formats={
        "month": lambda month: f"{month:%b %Y}",
        **{"actor_days": ",.0f", "n_actors": ",.0f", "estimated": _USD, "listed": _USD},
        "gap": METRICS["cost"].format_change,
        "value": lambda share: METRICS["reconciliation"].format(round(share, 4)),
    },
)
def reconciliation(data: Dataset) -> pd.DataFrame:
    """One row per month: the estimated cost by the list price of the same person-days.

    Columns: month, actor_days, estimated and listed (US dollars, of the person-days that both
    have), gap, value (gap / listed) and n_actors. People as API customers only, on closed days of
    which both are known.
    """
    numbers = ["actor_days", "estimated", "listed", "gap", "value", "n_actors"]
    kinds = {"month": "datetime64[ms]", **dict.fromkeys(numbers, "float64")}
    if not has_bill(data) or not data.has_tokens:
        return pd.DataFrame(columns=list(kinds)).astype(kinds)
    closed = data.days.loc[data.days["stored"] & data.days["closed"], "date"]
    usage, sides = data.model_usage.astype({"actor": "str"}), []
    for frame in (usage, _with_money(data, "list_usd").model_usage.astype({"actor": "str"})):
        rows = frame[(frame["actor_kind"] == "user") & frame["date"].isin(closed)]
        sides.append(rows.groupby(["date", "actor"])["cost_usd"].sum())
    seats = pd.MultiIndex.from_frame(usage.loc[usage["customer_type"] != "api", ["date", "actor"]])
    days = pd.concat(sides, axis=1, join="inner", keys=["estimated", "listed"])
    days = days[~days.index.isin(seats)].reset_index()
    days = days.assign(month=month_of(days["date"]), cost_usd=days[numbers[1:3]].max(axis=1))
    months = days.groupby("month")
    frame = months[["estimated", "listed"]].sum()
    gap = frame["estimated"] - frame["listed"]
    frame = frame.assign(
        actor_days=months.size(),
        n_actors=months["actor"].nunique(),
        gap=gap,
        value=gap / frame["listed"].where(frame["listed"] > 0),
    )
    hidden = few(days, data.minimum_group, ["month"]) | withheld_days(data, days["date"])[1]
    frame = frame[numbers].astype("float64")
    frame[frame.index.isin(days.loc[hidden, "month"])] = np.nan
    return frame.reset_index().astype(kinds)


@measures(
    "seat_value",
    labels={
        "band": "people, least use first",
        "value": "at list prices, each",
        "price": "price of a seat",
        "times": "times the price",
        "n_actors": "people",
    },
    formats={
        "month": lambda month: f"{month:%b %Y}",
        "value": _USD,
        "price": _USD,
        "times": ".1f",
        "n_actors": ",.0f",
    },
    empty_text="It takes a whole month of people on seats, and [seat_prices] in ccanalytics.toml.",
)
def seat_value(data: Dataset) -> pd.DataFrame:
    """One row per whole month and band of people on seats: value, price, times, n_actors.

    `value` is the mean of the band, US dollars a person at list prices; `price` what a seat costs
    at the beginning of the month, by the settings. Bands are of equally many people from least to
    most use, four at most and none under the minimum group. It gives a direction, not a saving:
    without a seat people would use less, or another model. Seats nobody used are not in the
    records.
    """
    kinds = {
        "month": "datetime64[ms]",
        "band": "str",
        **dict.fromkeys(["value", "price", "times", "n_actors"], "float64"),
    }
    usage = data.model_usage
    on_seats = (usage["customer_type"] == "subscription") & (usage["actor_kind"] == "user")
    rows = usage[on_seats].astype({"actor": "str"})
    closed = data.days.loc[data.days["stored"] & data.days["closed"], "date"]
    months = closed.groupby(month_of(closed)).size()
    hidden = set(month_of(closed[withheld_days(data, closed)[1]]))
    found = []
    for month, count in months.items():
        known = [day for day in data.seat_prices if day <= month.date()]
        price = data.seat_prices[max(known)] if known else 0.0
        if count == month.days_in_month and price and month not in hidden:
            costs = rows[month_of(rows["date"]) == month].groupby("actor")["cost_usd"].sum()
            found += [
                (month, name, value, price, value / price, people)
                for name, value, people in _bands(data, costs)
            ]
    return pd.DataFrame(found, columns=list(kinds)).astype(kinds)


def _bands(data: Dataset, costs: pd.Series) -> list[tuple[str, float, int]]:
    """Name, mean and people of each band; a mean that is nearly one person's is null."""
    count = min(MOST_BANDS, len(costs) // data.minimum_group)
    if not count:
        return []
    bands = costs.sort_values().groupby(np.arange(len(costs)) * count // len(costs))
    shown = bands.agg(lambda band: large(len(band), band.max(), band.sum(), data.minimum_group))
    return [
        (f"{number + 1} of {count}", float(band.mean()) if shown[number] else np.nan, len(band))
        for number, band in bands
    ]


def month_of(dates: pd.Series) -> pd.Series:
    """The first day of the month of each."""
    return dates.dt.to_period("M").dt.to_timestamp().astype("datetime64[ms]")
