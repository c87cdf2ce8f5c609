"""The bill of a month -> CSV rows by cost centre or team that sum to it to the cent.

The columns are those of FOCUS, the FinOps cost and usage specification, with a real `BilledCost`.
It is after discounts and before credits, so the rows sum to the bill, not to the invoice.
Nobody is in two rows: a person has one cost centre per day. API keys and unattributed cost
are rows of their own. Groups of too few people are one row.
"""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd

from ccanalytics.charges.charge_days import has_bill
from ccanalytics.charges.charge_metrics import NOT_THE_INVOICE, PARTS, part_of
from ccanalytics.dataset.dataset import Dataset
from ccanalytics.dataset.titled_frame import TitledFrame, titled
from ccanalytics.errors import StoreError
from ccanalytics.metrics.withholding import withheld_days
from ccanalytics.people.roster import NO_TEAM
from ccanalytics.people.small_groups import few, withheld_rows
from ccanalytics.weeks import days_between, month_days
from ccanalytics.words import counted, day_words

OTHER, NO_GROUP, ALL = "other groups", "no group", "everybody and everything"


def showback(data: Dataset, by: str = "cost_centre") -> TitledFrame:
    """The bill of the days of a dataset: one row per cost centre or team, in FOCUS columns.

    Its title says what they add up to. `StoreError` when a day before the last charged one is
    missing: the rest would look like the bill.
    """
    days = {day.date() for day in data.charged_days["date"]} if has_bill(data) else set()
    last, group = max(days, default=data.until), by.replace("_", " ")
    missing = [day for day in days_between(data.since, last) if day not in days]
    if missing:
        raise StoreError(
            f"{counted(len(missing), 'day')} from {missing[0]} on have no charges, so the rows "
            f"would not be the bill: ccanalytics sync --since {data.since} --billed."
        )
    charges = (data if by == "team" else data.by_cost_centre()).charges
    charges = charges[charges["date"] <= pd.Timestamp(last)]
    is_person = charges["actor_kind"] == "user"
    names = charges["team"].astype("object").where(charges["team"].notna(), NO_GROUP)
    charges = charges.assign(name=names.where(is_person, part_of(charges)))
    hidden = _small_groups(data, charges, charges[is_person], by)
    name = charges["name"].mask(is_person & charges["name"].isin(hidden), OTHER)
    charges = charges.assign(name=ALL if ALL in hidden else name)
    # Units of the last stored digit, so that sums are exact; a float is exact to more digits.
    units = (charges[["amount_usd", "list_usd"]] * 10**8).round().astype("int64")
    cents = units.groupby(charges["name"]).sum().apply(_to_cents)
    cents["people"] = charges[is_person].groupby("name")["actor"].nunique()
    cents = cents.sort_values("amount_usd", ascending=False)
    total = int(cents["amount_usd"].sum())
    shares = [
        f"{part} {100 * cents.loc[part, 'amount_usd'] / max(total, 1):.1f} %"
        for part in (*PARTS, NO_GROUP)
        if part in cents.index
    ]
    up_to = "" if last == data.until else f" up to {day_words(last)}"
    said = (
        f"${total / 100:,.2f} was billed for Claude Code in {data.since:%B %Y}{up_to}, "
        f"{NOT_THE_INVOICE}. The rows add up to it, and none overlaps another"
    )
    notes = [", ".join(shares)] if shares else []
    if hidden - {ALL}:
        notes.append(f"{counted(len(hidden), group)} with too few people share a row")
    rows = _focus(cents, charges, group.capitalize(), (data.since, last))
    return titled(rows, ". ".join(filter(None, (said, "; ".join(notes)))))


def _small_groups(data: Dataset, charges: pd.DataFrame, people: pd.DataFrame, by: str) -> set[str]:
    """The groups of too few people, or `ALL` where everybody, or a week of them, is too few: minus
    the weeks shown elsewhere, the rows would reveal that one."""
    if data.identity == "named":
        return set()
    minimum, people = data.minimum_group, people.assign(cost_usd=people["amount_usd"])
    if few(people, minimum, []).any() or withheld_days(data, charges["date"])[1].any():
        return {ALL}
    hidden = set(people.loc[withheld_rows(people, minimum, [], "name"), "name"])
    if by == "team":
        teams = {team for week, team in data.withheld_teams() if week in data.weeks}
        teams |= {NO_GROUP} if NO_TEAM in teams else set()
        hidden |= teams & set(people["name"])
    others = people[~people["name"].isin(hidden)].groupby("name")["actor"].nunique()
    if len(hidden) == 1 and len(others):
        hidden |= {others[::-1].idxmin()}  # alone it is what the others leave of the total
    return hidden


def _to_cents(units: pd.Series) -> pd.Series:
    """Units as cents that sum to the rounded total: the largest remainders are rounded up."""
    whole, rest = units // 10**6, units % 10**6
    total = round(Decimal(int(units.sum())).scaleb(-6))
    more = rest.sort_values(ascending=False, kind="stable").index[: total - int(whole.sum())]
    return whole + np.isin(whole.index, more)


def _focus(
    cents: pd.DataFrame, charges: pd.DataFrame, kind: str, days: tuple[date, date]
) -> pd.DataFrame:
    """One row per sub account, in FOCUS columns."""
    accounts = charges["organization"].astype("str").dropna().unique()
    month, next_day = month_days(f"{days[0]:%Y-%m}"), timedelta(days=1)
    dollars = cents[["amount_usd", "list_usd"]].map(lambda one: Decimal(int(one)).scaleb(-2))
    columns = {
        "BillingAccountId": "".join(accounts[:1]),
        "BillingAccountName": None,
        "BillingCurrency": "USD",
        "BillingPeriodStart": f"{month[0]}T00:00:00Z",
        "BillingPeriodEnd": f"{month[1] + next_day}T00:00:00Z",
        "ChargeCategory": "Usage",
        "ChargeClass": None,
        "ChargeDescription": f"Claude Code, {NOT_THE_INVOICE}",
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodStart": f"{days[0]}T00:00:00Z",
        "ChargePeriodEnd": f"{days[1] + next_day}T00:00:00Z",
        **dict.fromkeys(("InvoiceIssuerName", "ProviderName", "PublisherName"), "Anthropic"),
        **dict.fromkeys(("PricingQuantity", "PricingUnit")),
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": "Claude Code",
        **dict.fromkeys(("SubAccountId", "SubAccountName"), cents.index),
        "SubAccountType": cents["people"].notna().map({True: kind, False: None}),
        **dict.fromkeys(("BilledCost", "ContractedCost", "EffectiveCost"), dollars["amount_usd"]),
        "ListCost": dollars["list_usd"],
        "x_People": cents["people"].astype("Int64"),
    }
    return pd.DataFrame(columns, index=cents.index).reset_index(drop=True)
