"""The bill of a month -> rows by cost centre or team that add up to it to the cent, as CSV.

The columns are those of FOCUS, the FinOps cost and usage specification, with a real `BilledCost`.
It is after discounts and before credits, so the rows add up to the bill and not to the invoice.
Nobody is in two rows: a person has one cost centre on a day. API keys and what cannot be attributed
are rows of their own. Groups of too few people are one row, as everywhere.
"""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd

from ccanalytics.charges.charge_frames import UNATTRIBUTED, has_bill
from ccanalytics.charges.charge_metrics import KEYS, NOT_THE_INVOICE, OTHERS, PARTS
from ccanalytics.dataset.dataset import Dataset
from ccanalytics.errors import StoreError
from ccanalytics.metrics.withholding import withheld_days
from ccanalytics.people.small_groups import few, members, withheld_rows, withheld_teams
from ccanalytics.weeks import days_between, month_days
from ccanalytics.words import counted

GROUPS = {"cost_centre": "Cost centre", "team": "Team"}
"""What the bill is split by, and what FOCUS calls such a sub account."""

UNITS = 10**8
"""Of these make a dollar: amounts are whole numbers of them, so that sums are exact."""


@dataclass(frozen=True)
class Showback:
    """The rows of a month: name, people, cents and list_cents; all cents add up to `total`.

    `people` is null for what is not of people. `last` is the last day that is charged.
    """

    rows: pd.DataFrame
    by: str
    first: date
    last: date
    end: date
    organization: str
    total: int
    together: int = 0

    def sentence(self) -> str:
        """What the rows add up to, and what is not in a group of its own."""
        part = "" if self.last == self.end else f" up to {self.last:%-d %B}"
        groups = counted(self.together, f"{self.by.replace('_', ' ')}")
        told = [f"{self._share(name)} is {words}" for name, words in _WORDS.items()
                if name in set(self.rows["name"])]  # fmt: skip
        return " ".join(
            [
                f"Claude Code was billed ${self.total / 100:,.2f} in {self.first:%B %Y}{part}, "
                f"{NOT_THE_INVOICE}. The rows add up to it, and none overlaps another.",
                *([f"{', '.join(told)}."] if told else []),
                *([f"{groups} of too few people share a row."] if self.together else []),
            ]
        )

    def _share(self, name: str) -> str:
        cents = self.rows.loc[self.rows["name"] == name, "cents"].sum()
        return f"{100 * cents / self.total:.1f} %" if self.total else "0 %"

    def csv_text(self) -> str:
        """The rows as CSV in the columns of FOCUS."""
        text = io.StringIO()
        found = [self._focus(row._asdict()) for row in self.rows.itertuples(index=False)]
        writer = csv.DictWriter(text, [*self._focus(_EMPTY)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)
        return text.getvalue()

    def _focus(self, row: Mapping[str, object]) -> dict[str, object]:
        billed, at_list = (_dollars(row[name]) for name in ("cents", "list_cents"))
        month = self.first.replace(day=1), month_days(f"{self.first:%Y-%m}")[1] + timedelta(1)
        people = row["people"]
        return {
            **_constants(*month),
            "BillingAccountId": self.organization,
            "ChargePeriodStart": _moment(self.first),
            "ChargePeriodEnd": _moment(self.last + timedelta(days=1)),
            "SubAccountId": row["name"],
            "SubAccountName": row["name"],
            "SubAccountType": GROUPS[self.by] if people is not None else None,
            **dict.fromkeys(("BilledCost", "ContractedCost", "EffectiveCost"), billed),
            "ListCost": at_list,
            "x_People": people,
        }


OTHER, NO_GROUP, ALL = "other groups", "no group", "everybody and everything"

_WORDS = {KEYS: "of API keys", OTHERS: "of other identities", NO_GROUP: "of people without one",
          UNATTRIBUTED: "not attributed to anybody"}  # fmt: skip

_EMPTY = {"name": "", "people": None, "cents": 0, "list_cents": 0}


def showback(data: Dataset, by: str = "cost_centre") -> Showback:
    """The bill of the days of a dataset by cost centre, or by team.

    `StoreError` when a day before the last one that is charged is missing: the rest would look like
    the bill.
    """
    first, last = _charged_range(data)
    charges = _grouped(data, by)
    charges = charges[charges["date"].between(pd.Timestamp(first), pd.Timestamp(last))]
    charges, together = _without_small_groups(data, charges, by)
    units = charges.assign(
        cents=_units(charges["amount_usd"]), list_cents=_units(charges["list_usd"])
    )
    sums = units.groupby("name")[["cents", "list_cents"]].sum()
    people = charges[charges["actor_kind"] == "user"].groupby("name")["actor"].nunique()
    counts = [int(people[name]) if name in people.index else None for name in sums.index]
    rows = sums.apply(_to_cents).assign(people=pd.Series(counts, sums.index, dtype="object"))
    known = charges["organization"].astype("str").dropna().unique()
    return Showback(
        rows.reset_index().sort_values("cents", ascending=False, ignore_index=True),
        by,
        first,
        last,
        data.until,
        str(known[0]) if len(known) else data.source,
        int(rows["cents"].sum()),
        together,
    )


def _charged_range(data: Dataset) -> tuple[date, date]:
    days = {day.date() for day in data.charged_days["date"]} if has_bill(data) else set()
    if not days:
        raise StoreError(
            f"No day of {data.since} to {data.until} is charged yet: fetch them with ccanalytics "
            f"sync --since {data.since} --billed."
        )
    last = max(days)
    missing = [day for day in days_between(data.since, last) if day not in days]
    if missing:
        raise StoreError(
            f"{counted(len(missing), 'day')} from {missing[0]} on have no charges, so the rows "
            f"would not be the bill: ccanalytics sync --since {data.since} --billed."
        )
    return data.since, last


def _grouped(data: Dataset, by: str) -> pd.DataFrame:
    """The charges with the name of their row."""
    charges = (data if by == "team" else data.by_cost_centre()).charges
    people = charges["actor_kind"] == "user"
    group = charges["team"].astype("object").where(charges["team"].notna(), NO_GROUP)
    other = charges["actor_kind"].astype("str").map(PARTS).fillna(OTHERS)
    return charges.assign(name=group.where(people, other))


def _without_small_groups(
    data: Dataset, charges: pd.DataFrame, by: str
) -> tuple[pd.DataFrame, int]:
    """The charges with groups of too few people as one row, and how many these are.

    Where everybody is too few, or a week of them, all of the bill is one row: less the weeks that
    are shown elsewhere it would tell of that one.
    """
    if data.identity == "named":
        return charges, 0
    minimum, is_person = data.minimum_group, charges["actor_kind"] == "user"
    people = charges[is_person].assign(cost_usd=charges["amount_usd"], month="")
    everybody = members(people, ["month"])
    if few(everybody, minimum, ["month"]).any() or withheld_days(data, charges["date"])[1].any():
        return charges.assign(name=ALL), 0
    rows = members(people, ["month", "name"])
    hidden = set(rows.loc[withheld_rows(rows, minimum, ["month"], "name"), "name"])
    if by == "team":
        weekly = withheld_teams(data.activity, data.model_usage, minimum)
        shown = set(rows["name"])
        hidden |= {team or NO_GROUP for week, team in weekly if week in data.weeks} & shown
    others = rows.loc[~rows["name"].isin(hidden), "name"].value_counts()
    if len(hidden) == 1 and len(others):
        hidden |= {others.index[-1]}  # alone it would still be told
    merged = charges["name"].mask(is_person & charges["name"].isin(hidden), OTHER)
    return charges.assign(name=merged), len(hidden)


def _units(dollars: pd.Series) -> pd.Series:
    """Dollars as whole units; a float is exact to more digits than that."""
    return (dollars * UNITS).round().astype("int64")


def _to_cents(units: pd.Series) -> pd.Series:
    """Units as cents that add up to the rounded sum: the largest remainders are rounded up."""
    cent = UNITS // 100
    whole, rest = units // cent, units % cent
    total = int(Decimal(int(units.sum())).scaleb(-6).to_integral_value())
    more = rest.sort_values(ascending=False, kind="stable").index[: total - int(whole.sum())]
    return whole + np.isin(whole.index, more)


def _dollars(cents: object) -> Decimal:
    return Decimal(int(str(cents))).scaleb(-2)


def _moment(day: date) -> str:
    return f"{day}T00:00:00Z"


def _constants(start: date, end: date) -> dict[str, object]:
    return {
        "BillingAccountId": "",
        "BillingCurrency": "USD",
        "BillingPeriodStart": _moment(start),
        "BillingPeriodEnd": _moment(end),
        "ChargeCategory": "Usage",
        "ChargeClass": None,
        "ChargeDescription": f"Claude Code, {NOT_THE_INVOICE}",
        "ChargeFrequency": "Usage-Based",
        **dict.fromkeys(("InvoiceIssuerName", "ProviderName", "PublisherName"), "Anthropic"),
        "PricingQuantity": None,
        "PricingUnit": None,
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": "Claude Code",
    }
