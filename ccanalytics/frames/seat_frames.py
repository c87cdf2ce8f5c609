"""The seats of an organisation, known to the Enterprise API only -> one Arrow table per day."""

from datetime import date

import pyarrow as pa

from ccanalytics.frames.arrow_tables import table_of
from ccanalytics.frames.schemas import field
from ccanalytics.wire.enterprise import Summary

_count = pa.int64()

SEATS = pa.schema(
    [
        field("date", pa.timestamp("ms"), "UTC day, at its midnight"),
        field("assigned_seats", _count, "assigned_seat_count: seats of any kind; null: not known"),
        field("pending_invites", _count, "pending_invite_count; null when not known"),
    ]
)


def build_seats(day: date, summary: Summary | None) -> pa.Table:
    """The seats of one UTC day: one row, or none when the service sent nothing."""
    rows = [(summary.assigned_seat_count, summary.pending_invite_count)] if summary else []
    return table_of(SEATS, day, rows)
