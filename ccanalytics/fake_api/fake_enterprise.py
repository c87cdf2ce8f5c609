"""The Claude Enterprise Analytics API: people of a UTC day, and seats by day.

The same organisation as elsewhere, by person: keys are left out, terminals added up, and members
who used another product only are there with zeros. A day is counted at ten the next.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from ccanalytics.fake_api.fake_console import Day
from ccanalytics.fake_api.faults import Refused
from ccanalytics.fake_api.queries import Json, Limit, Paged, Query, World
from ccanalytics.wire.claude_code import EDIT_TOOLS, Record, UserActor
from ccanalytics.wire.enterprise import ClaudeCode, Counters, Decisions, Lines, Person

COUNTED_AT = timedelta(hours=10)
FLOOR = date(2026, 1, 1)
LONGEST_SPAN = timedelta(days=366)


class PeopleQuery(Paged, frozen=True, kw_only=True):
    """Which people."""

    date: Day
    """The UTC day, counted at ten in the morning of the next."""
    limit: Limit = 100
    """People per page."""


class SummariesQuery(Query, frozen=True, kw_only=True):
    """Which summaries."""

    starting_date: Day
    """The first UTC day."""
    ending_date: Annotated[date, Meta(examples=["2026-11-22"])] | UnsetType = UNSET
    """The day after the last one."""
    beta: bool = False
    """The later envelope."""


def list_enterprise_people(world: World, query: PeopleQuery) -> Json:
    """People of one UTC day.

    One row per person, whichever product they used; the day is not in the row. There is no
    `has_more`: the last page has a null `next_page`. A day that is not counted yet is a 400 that
    names the newest one; an expired cursor is a 410.
    """
    _check_counted(world, query.date)
    rows, cursor = query.one_page(_people(world, query.date))
    return {"data": rows, "next_page": cursor}


def list_enterprise_summaries(world: World, query: SummariesQuery) -> Json:
    """Seats by UTC day.

    Seats are of all products. The envelope is `summaries`, or `data` with `beta=true`.
    """
    start = query.starting_date
    end = query.ending_date or newest_day(world.now()) + timedelta(days=1)
    if not timedelta(0) < end - start <= LONGEST_SPAN:
        raise Refused(400, "ending_date must be after starting_date, by at most 366 days")
    _check_counted(world, start)
    _check_counted(world, end - timedelta(days=1))
    days = (start + timedelta(days=number) for number in range((end - start).days))
    rows = [_summary(world, day) for day in days]
    return {"data": rows, "next_page": None} if query.beta else {"summaries": rows}


def newest_day(now: datetime) -> date:
    """The newest day that is counted at `now`."""
    return (now.astimezone(UTC) - COUNTED_AT).date() - timedelta(days=1)


def _check_counted(world: World, day: date) -> None:
    if day < FLOOR:
        raise Refused(400, f"Data is available from {FLOOR} on.")
    newest = newest_day(world.now())
    if day > newest:
        raise Refused(400, f"Data is not available yet. The latest available day: {newest}")


def _people(world: World, day: date) -> Sequence[Json]:
    """One row per person: those with records of the day, then members who used something else."""
    members = {row["email"].lower(): row["id"] for row in world.members()}
    used = _by_person(world.records(day))
    others = [who for who in members if who not in used and _hash(f"{who} {day}") % 3 == 0]
    found = [*used.items(), *((who, []) for who in others)]
    return [_person(members.get(who, f"user_{_hash(who):08x}"), who, rows) for who, rows in found]


def _hash(text: str) -> int:
    return zlib.crc32(text.encode())


def _by_person(records: Iterable[Record]) -> Mapping[str, list[Record]]:
    """The records of each person, by address in lower case; keys are nobody."""
    people: dict[str, list[Record]] = {}
    for record in records:
        if isinstance(record.actor, UserActor):
            people.setdefault(record.actor.email_address.strip().lower(), []).append(record)
    return people


def _person(id: str, who: str, records: Sequence[Record]) -> Json:
    """The counters of a person's records; tools are always the same four."""
    core = [record.core_metrics for record in records]
    counters = Counters(
        num_sessions=sum(one.num_sessions or 0 for one in core),
        lines_of_code=Lines(
            sum(one.lines_of_code.added for one in core),
            sum(one.lines_of_code.removed for one in core),
        ),
        commits_by_claude_code=sum(one.commits_by_claude_code for one in core),
        pull_requests_by_claude_code=sum(one.pull_requests_by_claude_code for one in core),
    )
    decided = {tool: [record.tool_actions[tool] for record in records
                      if tool in record.tool_actions] for tool in EDIT_TOOLS}  # fmt: skip
    actions = {tool: Decisions(sum(one.accepted for one in some), sum(one.rejected for one in some))
               for tool, some in decided.items()}  # fmt: skip
    return {
        "user": Person(id, who),
        "claude_code_metrics": ClaudeCode(counters, actions),
        "chat_metrics": {"message_count": 0 if records else 4},
        "web_search_count": 0,
        "last_activity_date": None,
        "rbac_group_id": None,
        "rbac_group_name": None,
    }


def _summary(world: World, day: date) -> Json:
    seats = sum(row["added_at"][:10] <= str(day) for row in world.members()) or None
    return {
        "starting_at": f"{day}T00:00:00Z",
        "ending_at": f"{day + timedelta(days=1)}T00:00:00Z",
        "assigned_seat_count": seats,
        "pending_invite_count": 3 if seats else None,
        "daily_active_user_count": len(_by_person(world.records(day))),
    }
