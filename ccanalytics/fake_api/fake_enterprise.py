"""The Claude Enterprise Analytics API: people of a UTC day, and seats by day.

The same organisation as elsewhere, by person: keys are left out, terminals added up, and members
who used another product only are there with zeros. A day is counted at ten the next.
"""

import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, timedelta
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from ccanalytics.fake_api.faults import Refused
from ccanalytics.fake_api.queries import Day, Json, Limit, Paged, Query, World
from ccanalytics.wire.claude_code import EDIT_TOOLS, Record, UserActor
from ccanalytics.wire.enterprise import Counters, Decisions, Lines

COUNTED_AT = timedelta(hours=10)
"""The time of the next UTC day at which a day is available."""

FLOOR = date(2026, 1, 1)
LONGEST_SPAN = timedelta(days=366)


class PeopleQuery(Paged, frozen=True, kw_only=True):
    """People of one UTC day.

    One row per person, whichever product they used; the day is not in the row. There is no
    `has_more`: the last page has a null `next_page`. A day that is not counted yet is a 400 that
    names the newest one; an expired cursor is a 410.
    """

    date: Day
    """The UTC day, counted at ten in the morning of the next."""
    limit: Limit = 100
    """People per page."""

    def answer(self, world: World) -> Json:
        _check_counted(world, self.date)
        members = {row["email"].lower(): row["id"] for row in world.members()}
        used = _by_person(world, self.date)
        idle = (who for who in members if who not in used)
        others = [who for who in idle if _hash(f"{who} {self.date}") % 3 == 0]
        found, cursor = self.one_page([*used.items(), *((who, []) for who in others)])
        rows = [
            _person(members.get(who, f"user_{_hash(who):08x}"), who, records)
            for who, records in found
        ]
        return {"data": rows, "next_page": cursor}


class SummariesQuery(Query, frozen=True, kw_only=True):
    """Seats by UTC day.

    Seats are of all products. The envelope is `summaries`, or `data` with `beta=true`.
    """

    starting_date: Day
    """The first UTC day."""
    ending_date: Annotated[date, Meta(examples=["2026-11-22"])] | UnsetType = UNSET
    """The day after the last one."""
    beta: bool = False
    """The later envelope."""

    def answer(self, world: World) -> Json:
        start, one = self.starting_date, timedelta(days=1)
        end = self.ending_date or _newest_day(world) + one
        if not timedelta(0) < end - start <= LONGEST_SPAN:
            raise Refused(400, "ending_date must be after starting_date, by at most 366 days")
        _check_counted(world, start)
        _check_counted(world, end - one)
        rows = [_summary(world, start + n * one) for n in range((end - start).days)]
        return {"data": rows, "next_page": None} if self.beta else {"summaries": rows}


def _newest_day(world: World) -> date:
    """The newest day that is counted by now."""
    return (world.now().astimezone(UTC) - COUNTED_AT).date() - timedelta(days=1)


def _check_counted(world: World, day: date) -> None:
    if day < FLOOR:
        raise Refused(400, f"Data is available from {FLOOR} on.")
    newest = _newest_day(world)
    if day > newest:
        raise Refused(400, f"Data is not available yet. The latest available day: {newest}")


def _hash(text: str) -> int:
    return zlib.crc32(text.encode())


def _by_person(world: World, day: date) -> Mapping[str, list[Record]]:
    """The records of each person, by address in lower case; keys are nobody."""
    people: dict[str, list[Record]] = defaultdict(list)
    for record in world.records(day):
        if isinstance(record.actor, UserActor):
            people[record.actor.email_address.strip().lower()].append(record)
    return people


def _person(id: str, who: str, records: Sequence[Record]) -> Json:
    """The counters of a person's records; tools are always the same four."""
    decided = {tool: [record.tool_actions[tool] for record in records
                      if tool in record.tool_actions] for tool in EDIT_TOOLS}  # fmt: skip
    return {
        "user": {"id": id, "email_address": who},
        "claude_code_metrics": {
            "core_metrics": _summed(Counters, [record.core_metrics for record in records]),
            "tool_actions": {tool: _summed(Decisions, some) for tool, some in decided.items()},
        },
        "chat_metrics": {"message_count": 0 if records else 4},
        "web_search_count": 0,
        "last_activity_date": None,
        "rbac_group_id": None,
        "rbac_group_name": None,
    }


def _summed(kind: type[Struct], parts: Sequence[Struct]) -> Json:
    """Counters added up, under the names this API has for them."""
    total: Json = {}
    for one in msgspec.structs.fields(kind):
        values = [getattr(part, one.name) for part in parts]
        is_part = one.type is Lines
        total[one.encode_name] = _summed(Lines, values) if is_part else sum(v or 0 for v in values)
    return total


def _summary(world: World, day: date) -> Json:
    seats = sum(row["added_at"][:10] <= str(day) for row in world.members()) or None
    return {
        "starting_at": f"{day}T00:00:00Z",
        "ending_at": f"{day + timedelta(days=1)}T00:00:00Z",
        "assigned_seat_count": seats,
        "pending_invite_count": 3 if seats else None,
        "daily_active_user_count": len(_by_person(world, day)),
    }
