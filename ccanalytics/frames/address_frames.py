"""The addresses of people on a day and the source's own ids -> an Arrow table."""

from collections.abc import Sequence
from datetime import date

import pyarrow as pa

from ccanalytics.frames.arrow_tables import table_of
from ccanalytics.frames.schemas import field
from ccanalytics.wire.claude_code import Record, UserActor

ADDRESSES = pa.schema(
    [
        field("date", pa.timestamp("ms"), "UTC day, at its midnight"),
        field("actor_id", pa.string(), "user.id: the same when the address changes"),
        field("actor", pa.string(), "the address on that day, as sent"),
    ]
)


def build_addresses(day: date, records: Sequence[Record]) -> pa.Table:
    """One row per person of the day with an id of the source."""
    people = (one.actor for one in records if isinstance(one.actor, UserActor))
    rows = sorted({(one.id, one.email_address) for one in people if one.id})
    return table_of(ADDRESSES, day, rows)
