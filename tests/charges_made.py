"""Charges for tests, with only what a test is about written out."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pandas as pd
import pyarrow as pa
from builders import dataset

from ccanalytics.charges.charge_days import CHARGES, build_charges, usage_of
from ccanalytics.frames.arrow_tables import to_pandas
from ccanalytics.sources.registry import source_spec
from ccanalytics.wire.analytics_cost import ChargedDays, CostActor, CostAmounts, CostGroup, CostItem

NAMES = {"apikey_1": "ci"}


def charge(day="2026-11-16", who="ann@x.example", cents=100, listed=None, model="claude-opus-5"):
    """One row of the report; `who` is an address, a key id, or None for no actor."""
    start = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)
    actor = None
    if who is not None and "@" in who:
        actor = CostActor("user_actor", user_id=f"user_{who}", email_address=who)
    elif who is not None:
        actor = CostActor("api_actor", api_key_id=who)
    amounts = CostAmounts(Decimal(str(cents)), Decimal(str(listed or cents)), "USD")
    group = CostGroup(actor, model, "tokens", "output_tokens")
    return CostItem(start, start + timedelta(days=1), group, amounts)


def charged(charges, since, until, source="api"):
    """The frames of charges, for every day from `since` to `until`."""
    days = [d.date() for d in pd.date_range(since, until)]
    by_day = {d: [c for c in charges if c.day == d] for d in days}
    whole = ChargedDays(by_day, None, NAMES, "org-1")
    tables = [build_charges(day, whole) for day in days]
    frame = to_pandas(pa.concat_tables([CHARGES.empty_table(), *tables]))
    known = pd.DataFrame({"date": pd.DatetimeIndex(days).as_unit("ms")})
    frames = {"charges": frame, "charged_days": known}
    if not source_spec(source).has_usage:
        frames |= {"model_usage": usage_of(frame, "list_usd"), "cost_days": known}
    return frames


def billed_dataset(records, charges, since, until, days=None, source="api", **options):
    """A dataset in which every day, or those of `days`, has charges."""
    extras = charged(charges, *(days or (since, until)), source=source)
    return dataset(records, since, until, source=source, extras=extras, **options)
