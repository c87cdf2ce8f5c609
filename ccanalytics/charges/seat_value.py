"""The use of seats at list prices and the price of a seat, by bands of people, never one.

It gives a direction, not a saving: without a seat people would use less, or another model. Seats
nobody used are not in the records.
"""

import numpy as np
import pandas as pd

from ccanalytics.charges.charge_frames import month_of
from ccanalytics.dataset.dataset import Dataset
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.metrics.metric_frame import measures
from ccanalytics.metrics.withholding import withheld_days
from ccanalytics.people.small_groups import enough

MOST_BANDS = 4

_USD = METRICS["cost"].format


@measures(
    "seat_value",
    labels={"band": "people by use", "value": "at list prices, each", "price": "price of a seat",
            "times": "times the price", "n_actors": "people"},
    formats={"month": lambda month: f"{month:%b %Y}", "value": _USD, "price": _USD,
             "times": ".1f", "n_actors": ",.0f"},
    empty_text="It takes a whole month of people on seats, and [seat_prices] in ccanalytics.toml.",
)  # fmt: skip
def seat_value(data: Dataset) -> pd.DataFrame:
    """One row per whole month and band of people on seats: value, price, times, n_actors.

    `value` is the mean of the band, US dollars a person at list prices; `price` what a seat costs
    at the beginning of the month, by the settings. Bands are of equally many people in order of
    their use, four at most and none under the minimum group.
    """
    kinds = {"month": "datetime64[ms]", "band": "str",
             **dict.fromkeys(["value", "price", "times", "n_actors"], "float64")}  # fmt: skip
    usage = data.model_usage
    on_seats = (usage["customer_type"] == "subscription") & (usage["actor_kind"] == "user")
    rows = usage[on_seats].astype({"actor": "str"})
    closed = data.days.loc[data.days["stored"] & data.days["closed"], "date"]
    months = closed.groupby(month_of(closed)).size()
    hidden = set(month_of(closed[withheld_days(data, closed)[1]]))
    found = []
    for month, count in months.items():
        price = _price(data, month)
        if count == month.days_in_month and price and month not in hidden:
            costs = rows[month_of(rows["date"]) == month].groupby("actor")["cost_usd"].sum()
            found += [(month, name, value, price, value / price, people)
                      for name, value, people in _bands(data, costs)]  # fmt: skip
    return pd.DataFrame(found, columns=list(kinds)).astype(kinds)


def _bands(data: Dataset, costs: pd.Series) -> list[tuple[str, float, int]]:
    """Name, mean and people of each band; a mean that is nearly one person's is null."""
    count = min(MOST_BANDS, len(costs) // data.minimum_group)
    if not count:
        return []
    ordered, place = costs.sort_values(), np.arange(len(costs)) * count // len(costs)
    found = []
    for number in range(count):
        band = ordered[place == number]
        shown = enough([band.to_dict()], data.minimum_group)
        name = f"{number + 1} of {count}"
        found.append((name, float(band.mean()) if shown else np.nan, len(band)))
    return found


def _price(data: Dataset, month: pd.Timestamp) -> float | None:
    known = [day for day in data.seat_prices if day <= month.date()]
    return data.seat_prices[max(known)] if known else None
