"""The Claude Code Analytics API: records of one UTC day, and how they looked in other years."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ccanalytics.fake_api.routes import (
    DAY_PATTERN,
    PAGE,
    Asked,
    Route,
    RouteParameter,
    World,
    limit,
)
from ccanalytics.fake_api.walks import encode_slice
from ccanalytics.wire.claude_code import Page, Record, to_wire

REPORT = "/v1/organizations/usage_report/claude_code"
FRESHNESS = timedelta(hours=1)


def page_of_records(world: World, asked: Asked) -> bytes:
    """Records of the day asked for; all pages of a walk show the moment it began."""
    day = date.fromisoformat(asked["starting_at"])
    cursor, question = asked["page"], f"claude_code {day}"
    if cursor is None:
        rows = [json.dumps(world.shape(to_wire(record))).encode() for record in _told(world, day)]
        walk, start = world.walks.begin(rows), 0
    else:
        walk, start = world.walks.found(cursor, question)
    page = world.walks.slice(walk, start, asked["limit"], question, repeat=asked.repeat)
    return encode_slice(page)


def _told(world: World, day: date) -> Sequence[Record]:
    """Of today only what is an hour old, of tomorrow nothing."""
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    share = (world.now() - FRESHNESS - begin) / timedelta(days=1)
    if share <= 0:
        return []
    records = world.records(day)
    return records if share >= 1 else records[: int(share * len(records))]


def legacy(record: dict[str, Any]) -> dict[str, Any]:
    """A record as the service sent it before it knew `is_remote`."""
    return {k: v for k, v in record.items() if k not in ("is_remote", "subscription_type")}


def eccentric(record: dict[str, Any]) -> dict[str, Any]:
    """A record with fields nobody knows yet, and amounts written as text."""
    models = [
        usage | {"estimated_cost": usage["estimated_cost"] | {"amount": _as_text(usage)}}
        for usage in record["model_breakdown"]
    ]
    return record | {"model_breakdown": models, "seen_next_year": {"a": [1]}}


def _as_text(usage: Mapping[str, Any]) -> str:
    return str(usage["estimated_cost"]["amount"])


ROUTES = (
    Route(
        path=REPORT,
        name="list_claude_code_records",
        summary="Claude Code records of one UTC day",
        about=(
            "One record per actor, terminal, customer type and remote or not. Only what is at "
            "least an hour old is told. A day without use is an empty list, never a 404. Follow "
            "`next_page` until `has_more` is false; a part of a day is not the day."
        ),
        group="Claude Code",
        parameters=(
            RouteParameter(
                name="starting_at",
                about="The UTC day, and only that day; a moment is refused.",
                required=True,
                pattern=DAY_PATTERN,
                format="date",
            ),
            limit("Records per page."),
            PAGE,
        ),
        gives=Page,
        answer=page_of_records,
        errors=(400,),
        example={"starting_at": "2026-11-20", "limit": "2"},
    ),
)
