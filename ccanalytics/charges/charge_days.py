"""What UTC days were charged -> a tidy frame and the store, next to the source's own days.

`amount_usd` is after discounts and before credits: it is not the invoice. It is never added to the
estimates of `model_usage`, which are for the same use. Rows without an actor are kept: they belong
to the bill, and to nobody.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

import pyarrow as pa

from ccanalytics.errors import StoreError
from ccanalytics.frames.arrow_tables import table_of, to_pandas, usd_units
from ccanalytics.frames.schemas import SCHEMAS, USD, field
from ccanalytics.sources.keys import find_key
from ccanalytics.sources.registry import Access, Source, SourceSpec, source_spec
from ccanalytics.store.day_store import Changes, NewDay, Store
from ccanalytics.store.layout import Companion
from ccanalytics.store.sync import SyncResult
from ccanalytics.weeks import Settling, days_between, is_closed
from ccanalytics.wire.analytics_cost import ChargedDays, CostActor

if TYPE_CHECKING:  # a sync needs the schemas, and no frame
    import pandas as pd

    from ccanalytics.dataset.dataset import Dataset

CHARGES = pa.schema(
    [
        field("date", pa.timestamp("ms"), "UTC day, at its midnight"),
        field("organization", pa.string(), "organization id; null when not known"),
        field("actor_id", pa.string(), "user_id, api_key_id, ...; only in the store"),
        field("actor", pa.string(), "address, or name of the API key; null when unattributed"),
        field("actor_kind", pa.string(), "user, api_key, others as sent, or unattributed"),
        field("model", pa.string(), "an open set; null for what is not of one model"),
        field("cost_type", pa.string(), "tokens, web_search, code_execution, session_usage, ..."),
        field("token_type", pa.string(), "kind of token; null for other costs"),
        field("amount_usd", USD, "US dollars after discounts, before credits: not the invoice"),
        field("list_usd", USD, "US dollars at list prices"),
        field("requests", pa.int64(), "null where split by kind of cost or token"),
    ]
)

CHARGED_DAYS = pa.schema(
    [field("date", pa.timestamp("ms"), "UTC day whose bill was fetched, at its midnight")]
)

SPEND = pa.schema(
    [
        field("date", pa.timestamp("ms"), "last UTC day of the range of the export"),
        field("since", pa.timestamp("ms"), "first UTC day of it"),
        field("actor", pa.string(), "user_email"),
        field("account_id", pa.string(), "account_uuid"),
        field("product", pa.string(), "Chat, Claude Code, ...: an open set"),
        field("model", pa.string(), "an open set"),
        field("requests", pa.int64(), "total_requests"),
        field("prompt_tokens", pa.int64(), "total_prompt_tokens, of any kind"),
        field("completion_tokens", pa.int64(), "total_completion_tokens"),
        field("net_usd", USD, "US dollars after discounts and credits"),
        field("gross_usd", USD, "US dollars before both"),
    ]
)

CHARGE_SCHEMAS = {"charges": CHARGES, "charged_days": CHARGED_DAYS, "spend": SPEND}

UNATTRIBUTED = "unattributed"  # the actor kind of cost that is attributed to nobody
LONGEST_WALK = 31  # the most days the service gives in one walk
SETTLING = Settling(timedelta(0), timedelta(days=30))
"""By the time of the last refresh; the service revises costs for up to 30 days."""


def sync_charges(
    client: Source,
    store: Store,
    source: str,
    since: date,
    until: date,
    now: datetime,
    again: bool = False,
) -> SyncResult:
    """Store the charges from `since` to `until`, both inclusive.

    The charges must belong to the organization of the days of `source`. A day counts as fetched
    when the service refreshed its costs: later days are not complete and are not stored, and a day
    may still be revised for a month. What one walk may cover is stored before the next, so that a
    failure loses little.
    """
    name, whose = COMPANION.stored_as(source), store.organization(source)
    wanted, stored = days_between(since, until), {} if again else store.days(name)
    final = tuple(day for day in wanted if day in stored and stored[day].final)
    missing = [day for day in wanted if day not in final and is_closed(day, now, SETTLING)]
    changes: Changes = {}
    for _, walk in groupby(missing, lambda day: (day - missing[0]).days // LONGEST_WALK):
        days = list(walk)
        charged = client.charges(days[0], days[-1])
        if charged is None or charged.refreshed_at is None:
            continue
        if whose and charged.organization and whose != charged.organization:
            raise StoreError(
                f"The store {store.root} holds {source} days of organization {whose}, the charges "
                f"are of {charged.organization}: they cannot be compared. Use the key of {whose}."
            )
        known_at = min(now, charged.refreshed_at)
        news = [
            NewDay(day, {"charges": build_charges(day, charged)}, known_at, charged.organization)
            for day in days
            if day in charged.days and is_closed(day, known_at, SETTLING)
        ]
        changes |= store.write_days(name, news)
    open_days = tuple(day for day in wanted if day not in {*final, *changes})
    return SyncResult.of(changes, final=final, open=open_days)


def stored_charges(
    store: Store, source: str, since: date, until: date
) -> "Mapping[str, pd.DataFrame]":
    """The frames `charges` and `charged_days` of the range; none when nothing was fetched.

    For a source without cost of its own also its `model_usage`, at the list prices of the charges.
    """
    import pandas as pd

    name = COMPANION.stored_as(source)
    stored = store.days(name, since, until)
    if not stored:
        return {}
    charges = to_pandas(store.read(name, "charges", since, until))
    days = pd.DataFrame({"date": pd.DatetimeIndex([*stored]).as_unit("ms")})
    found = {"charges": charges, "charged_days": days}
    if source_spec(source).has_usage:
        return found
    return {**found, "model_usage": usage_of(charges, "list_usd"), "cost_days": days}


def usage_of(charges: "pd.DataFrame", money: str) -> "pd.DataFrame":
    """Charges as rows of `model_usage`: `money` is their cost; tokens are unknown."""
    import pandas as pd

    names = SCHEMAS["model_usage"].names
    rows = charges.rename(columns={money: "cost_usd"})
    for name in set(names) - set(rows):
        rows[name] = 0 if name.endswith("_tokens") else pd.Categorical([None] * len(rows), [])
    rows["is_remote"] = pd.array([pd.NA] * len(rows), "boolean")
    return rows[[*names, *(name for name in ("team", "actor_id") if name in rows)]]


def has_bill(data: "Dataset") -> bool:
    """Whether any charges are known for the days of a dataset."""
    return "charges" in data.extras


def build_charges(day: date, charged: ChargedDays) -> pa.Table:
    """One row per actor, model, kind of cost and kind of token of the day."""
    rows = [
        (
            charged.organization,
            *_actor(one.group.actor, charged.key_names),
            one.group.model,
            one.group.cost_type,
            one.group.token_type,
            usd_units(one.cost.amount),
            usd_units(one.cost.list_amount),
            one.cost.requests,
        )
        for one in charged.days[day]
    ]
    return table_of(CHARGES, day, rows)


def _actor(actor: CostActor | None, names: dict[str, str]) -> tuple[str | None, str | None, str]:
    """Id, name and kind; a person without an address is known by their id."""
    if actor is None:
        return None, None, UNATTRIBUTED
    id = actor.user_id or actor.api_key_id or actor.service_account_id or actor.subject or None
    kind = {"api_actor": "api_key"}.get(actor.type, actor.type.removesuffix("_actor"))
    return id, actor.email_address or names.get(id or "", id) or actor.type, kind


def _open(spec: SourceSpec, access: Access) -> Source:
    """A client of the cost report with the key of the source."""
    if spec.key is None:
        raise ValueError(f"--billed is for the sources of an organisation, not for {spec.name}.")
    key = find_key(access.environ, access.key_file, spec.key)
    from ccanalytics.charges.cost_client import CostClient  # needed by none who only reads

    return CostClient(key, base_url=access.base_url)


COMPANION = Companion(
    name="charges",
    settling=SETTLING,
    frames=("charges",),
    open=_open,
    load=stored_charges,
    sync=sync_charges,
)
"""Charges are stored next to the days of their source, as `api-charges`."""
