"""The spend report that claude.ai exports for plans without an API -> the store, and its sums.

One row per person, product and model, for the whole range chosen at the export: no
days, no sessions, no commits. `net_usd` is after discounts and credits, unlike the amounts of the
cost report; `gross_usd` is before both. For plans with seats it has only what goes beyond them.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

from ccanalytics.charges.charge_days import SPEND
from ccanalytics.dataset.titled_frame import Column, TitledFrame, titled, typed
from ccanalytics.errors import StoreError
from ccanalytics.frames.arrow_tables import table_of, to_pandas, usd_units
from ccanalytics.people.csv_rows import CsvColumns, read_text
from ccanalytics.people.roster import plain_address
from ccanalytics.people.small_groups import few, withheld_rows
from ccanalytics.sources.registry import MINIMUM_GROUP
from ccanalytics.store.day_store import Store
from ccanalytics.store.layout import Companion
from ccanalytics.weeks import Settling, days_between, parse_day
from ccanalytics.words import counted

TEXT = ("user_email", "account_uuid", "product", "model")
COUNTS = ("total_requests", "total_prompt_tokens", "total_completion_tokens")
MOST = 9 * 10**10  # no count or amount of one person is this large
MONEY = ("total_net_spend_usd", "total_gross_spend_usd")

COLUMNS = CsvColumns(
    required=(*TEXT, *COUNTS, *MONEY),
    aliases={name.replace("_", " "): name for name in (*TEXT, *COUNTS, *MONEY)}
    | {"email": "user_email", "e-mail": "user_email"},
    further=True,
)

_SHOWN = {
    "since": Column("from", kind="datetime64[ms]"),
    "date": Column("to", kind="datetime64[ms]"),
    "use": Column("product and model", kind="str"),
    "people": Column("people", ",.0f"),
    "requests": Column("requests", ",.0f"),
    "net_usd": Column("net", "$,.2f"),
    "gross_usd": Column("gross", "$,.2f"),
}


def sync_spend_report(
    path: Path, store: Store, since: date | str, until: date | str, now: datetime
) -> str:
    """Store an export of the days from `since` to `until`; returns a summary of it.

    It replaces an export that ends on the same day. `SettingsError` lists every bad line.
    """
    first, last = parse_day(since), parse_day(until)
    days_between(first, last)
    lines = COLUMNS.rows(read_text(path, "spend report"), str(path), _row)
    start = datetime(first.year, first.month, first.day)
    table = table_of(SPEND, last, [(start, *row) for row in lines.values()])
    store.write_day(STORED_AS, last, {"spend": table}, fetched_at=now)
    rows = to_pandas(table)
    return (
        f"{first} to {last}: {counted(rows['actor'].nunique(), 'person', 'people')}, "
        f"{counted(rows['model'].nunique(), 'model')}, ${rows['gross_usd'].sum():,.2f} gross, "
        f"${rows['net_usd'].sum():,.2f} net of discounts and credits. The export has no days, "
        "sessions or commits, and of seats only what goes beyond them."
    )


def spend_report(store: Store | Path | str, minimum_group: int = MINIMUM_GROUP) -> TitledFrame:
    """One row per stored export, product and model: people, requests, net_usd and gross_usd.

    Models of too few people are one row of the export; an export of too few people has no numbers.
    """
    opened = store if isinstance(store, Store) else Store(Path(store))
    days = opened.dates(STORED_AS)
    if not days:
        raise StoreError("There is no spend report yet: ccanalytics sync --spend-report FILE.")
    frame = to_pandas(opened.read(STORED_AS, "spend", days[0], days[-1]))
    frame = frame.astype({"actor": "str"}).assign(cost_usd=frame["gross_usd"])
    frame["use"] = frame["product"].astype("str") + ", " + frame["model"].astype("str")
    merged = withheld_rows(frame, minimum_group, ["date"], "use")
    frame["use"] = frame["use"].mask(merged, "withheld together")
    groups = frame.groupby(["since", "date", "use"])
    numbers = ["people", "requests", "net_usd", "gross_usd"]
    found = groups[numbers[1:]].sum().assign(people=groups["actor"].nunique()).reset_index()
    small = found["date"].isin(frame.loc[few(frame, minimum_group, ["date"]), "date"])
    found[numbers] = found[numbers].mask(small)
    return titled(typed(found, _SHOWN), "Spend reports", _SHOWN)


def _row(cells: Mapping[str, str]) -> tuple[object, ...]:
    """The columns of a row besides its range."""
    address, *text = (cells[name] for name in TEXT)
    if "@" not in address:
        raise ValueError(f"user_email is {address!r}, not an address")
    counts = (int(_number(cells, name)) for name in COUNTS)
    money = (usd_units(_number(cells, name) * 100) for name in MONEY)
    return plain_address(address), *text, *counts, *money


def _number(cells: Mapping[str, str], name: str) -> Decimal:
    try:
        found = Decimal(cells[name].replace(",", "").removeprefix("$") or "0")
    except InvalidOperation:
        found = Decimal("NaN")
    if not (found.is_finite() and abs(found) < MOST):
        raise ValueError(f"{name} is {cells[name]!r}, not a number")
    return found


COMPANION = Companion("spend", Settling(timedelta(0), timedelta(0)), frames=("spend",))
"""It is stored on the last day of its range, apart from any source."""

STORED_AS = COMPANION.stored_as("team")
