"""What was billed, next to what was estimated: never added, as both are of the same use."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from ccanalytics.charges.charge_days import UNATTRIBUTED, has_bill, usage_of
from ccanalytics.dataset.dataset import Dataset, kept
from ccanalytics.dataset.titled_frame import Column
from ccanalytics.metrics.by_week import measures
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.metrics.ratios import week_frame
from ccanalytics.metrics.withholding import withheld_days
from ccanalytics.people.calendars import week_of
from ccanalytics.people.small_groups import few, large
from ccanalytics.showing import Sentence, says
from ccanalytics.words import counted, day_words

PEOPLE, KEYS, OTHERS = "people", "API keys", "other identities"
PARTS = (PEOPLE, KEYS, OTHERS, UNATTRIBUTED)

NOT_THE_INVOICE = "after discounts and before credits, so it is not the invoice"

MOST_BANDS = 4  # the most bands of people on seats

_USD = METRICS["cost"].format
_WEEK = Column("week of", kind="datetime64[ms]")
_MONTH = Column("month", "{:%b %Y}".format, "datetime64[ms]")
_PEOPLE = Column("people", ",.0f")
_LISTED = Column("at list prices", _USD)


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
    # By its groups, not by its rows: a charge has no terminal, which is a group of its own.
    other = week_frame(data, estimate, by).set_index(keys)["value"].rename("estimated")
    merged = frame.join(other, on=keys)
    merged.attrs = frame.attrs
    return merged


billed_cost_per_commit = partial(_next_to, "cost_per_commit")
billed_cost_per_active_day = partial(_next_to, "cost_per_active_day")


def part_of(charges: pd.DataFrame) -> pd.Series:
    """Which of `PARTS` of the bill each charge belongs to."""
    known = {"user": PEOPLE, "api_key": KEYS, UNATTRIBUTED: UNATTRIBUTED}
    return charges["actor_kind"].astype("str").map(known).fillna(OTHERS)


BILL = {
    "week": _WEEK,
    "part": Column("of", kind="str"),
    "value": Column("billed", _USD),
    "listed": _LISTED,
    "share": Column("share", ".0%"),
}


@measures("bill", columns=BILL)
def bill_by_week(data: Dataset) -> pd.DataFrame:
    """One row per closed week and part of the bill: value (billed), listed, share of the week.

    Parts are people, API keys, other identities, and unattributed cost. People's
    is null in a week with too few of them, and so are the shares. No rows without a bill.
    """
    if not has_bill(data):
        return pd.DataFrame(columns=list(BILL))
    people = week_frame(data, "billed_cost")[["week", "value"]]
    listed = week_frame(_with_money(data, "list_usd"), "cost")["value"]
    charges, days = data.charges[data.charges["actor_kind"] != "user"], data.days["date"]
    # Of others than people only weeks that are billed completely.
    week, missing = week_of(charges["date"]), days[~days.isin(data.charged_days["date"])]
    charges = charges[week.isin(data.weeks) & ~week.isin(week_of(missing))]
    keys = [week_of(charges["date"]).rename("week"), part_of(charges).rename("part")]
    others = charges.groupby(keys)[["amount_usd", "list_usd"]].sum().reset_index()
    others = others.rename(columns={"amount_usd": "value", "list_usd": "listed"})
    frame = pd.concat([people.assign(listed=listed, part=PEOPLE), others])
    frame = frame.sort_values("week", kind="stable", ignore_index=True)
    whole = frame.groupby("week")["value"].transform(lambda part: part.sum(skipna=False))
    return frame.assign(share=frame["value"] / whole.where(whole > 0))


DISCOUNT = {
    "week": _WEEK,
    "value": Column("discount"),
    "billed": Column("billed", _USD),
    "listed": _LISTED,
}


@measures("discount", columns=DISCOUNT)
def discount(data: Dataset) -> pd.DataFrame:
    """One row per closed week: value, 1 - billed / listed of the shown bill."""
    sums = bill_by_week(data).groupby("week")[["value", "listed"]].sum(min_count=1)
    share = 1 - sums["value"] / sums["listed"].where(sums["listed"] > 0)
    return sums.rename(columns={"value": "billed"}).assign(value=share).reset_index()


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


RECONCILIATION = {
    "month": _MONTH,
    "actor_days": Column("person-days", ",.0f"),
    "estimated": Column("estimated", _USD),
    "listed": _LISTED,
    "gap": Column("difference", METRICS["cost"].format_change),
    # A gap of rounding only is none.
    "value": Column(
        "of the list price", lambda gap: METRICS["reconciliation"].format(round(gap, 4))
    ),
    "n_actors": _PEOPLE,
}


@measures("reconciliation", columns=RECONCILIATION)
def reconciliation(data: Dataset) -> pd.DataFrame:
    """One row per month: the estimated cost by the list price of the same person-days.

    Columns: month, actor_days, estimated and listed (US dollars, of the person-days that both
    have), gap, value (gap / listed) and n_actors. People as API customers only, on closed days of
    which both are known.
    """
    if not has_bill(data) or not data.has_tokens:
        return pd.DataFrame(columns=list(RECONCILIATION))
    closed = data.days.loc[data.days["stored"] & data.days["closed"], "date"]
    sides = {"estimated": data, "listed": _with_money(data, "list_usd")}
    costs = dict[str, pd.Series]()
    for name, side in sides.items():
        rows = side.model_usage.astype({"actor": "str"})
        rows = rows[(rows["actor_kind"] == "user") & rows["date"].isin(closed)]
        costs[name] = rows.groupby(["date", "actor"])["cost_usd"].sum()
    usage = data.model_usage
    seats = usage.loc[usage["customer_type"] != "api", ["date", "actor"]].astype({"actor": "str"})
    days = pd.concat(costs, axis=1, join="inner")
    days = days[~days.index.isin(pd.MultiIndex.from_frame(seats))].reset_index()
    days = days.assign(month=month_of(days["date"]), cost_usd=days[[*sides]].max(axis=1))
    months = days.groupby("month")
    frame = months[[*sides]].sum().assign(actor_days=months.size())
    frame["n_actors"] = months["actor"].nunique()
    frame["gap"] = frame["estimated"] - frame["listed"]
    frame["value"] = frame["gap"] / frame["listed"].where(frame["listed"] > 0)
    hidden = few(days, data.minimum_group, ["month"]) | withheld_days(data, days["date"])[1]
    shown = frame[~frame.index.isin(days.loc[hidden, "month"])]
    return shown.reindex(frame.index).reset_index()


SEAT_VALUE = {
    "month": _MONTH,
    "band": Column("people, least use first", kind="str"),
    "value": Column("at list prices, each", _USD),
    "price": Column("price of a seat", _USD),
    "times": Column("times the price", ".1f"),
    "n_actors": _PEOPLE,
}
NO_SEATS = "It takes a whole month of people on seats, and [seat_prices] in ccanalytics.toml."


@measures("seat_value", columns=SEAT_VALUE, empty_text=NO_SEATS)
def seat_value(data: Dataset) -> pd.DataFrame:
    """One row per whole month and band of people on seats: value, price, times, n_actors.

    `value` is the mean of the band, US dollars a person at list prices; `price` what a seat costs
    at the beginning of the month, by the settings. Bands are of equally many people from least to
    most use, four at most and none under the minimum group. It gives a direction, not a saving:
    without a seat people would use less, or another model. Seats nobody used are not in the
    records.
    """
    usage, days = data.model_usage, data.days
    on_seats = (usage["customer_type"] == "subscription") & (usage["actor_kind"] == "user")
    rows = usage[on_seats].astype({"actor": "str"})
    closed = days.loc[days["stored"] & days["closed"], "date"]
    hidden = set(month_of(closed[withheld_days(data, closed)[1]]))
    found = []
    for month, count in closed.groupby(month_of(closed)).size().items():
        known = [day for day in data.seat_prices if day <= month.date()]
        price = data.seat_prices[max(known)] if known else 0.0
        if count == month.days_in_month and price and month not in hidden:
            costs = rows[month_of(rows["date"]) == month].groupby("actor")["cost_usd"].sum()
            for name, value, people in _bands(data, costs):
                found.append((month, name, value, price, value / price, people))
    return pd.DataFrame(found, columns=list(SEAT_VALUE))


def _bands(data: Dataset, costs: pd.Series) -> list[tuple[str, float, int]]:
    """Name, mean and people of each band; a mean that is nearly one person's is null."""
    count, found = min(MOST_BANDS, len(costs) // data.minimum_group), []
    bands = np.arange(len(costs)) * count // max(len(costs), 1)
    for number, band in costs.sort_values().groupby(bands) if count else []:
        shown = large(len(band), band.max(), band.sum(), data.minimum_group)
        found.append((f"{number + 1} of {count}", band.mean() if shown else np.nan, len(band)))
    return found


def month_of(dates: pd.Series) -> pd.Series:
    """The first day of the month of each."""
    return dates.dt.to_period("M").dt.to_timestamp().astype("datetime64[ms]")
