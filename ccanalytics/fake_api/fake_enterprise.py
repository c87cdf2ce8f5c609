"""The Claude Enterprise Analytics API: people of a UTC day, and seats by day.

The same organisation as elsewhere, told by person: keys are left out, terminals added up, and
members who used another product only are there with zeros. A day is counted at ten the next.
"""

import json
import zlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ccanalytics.fake_api.messages import bad_request
from ccanalytics.fake_api.routes import (
    DAY_PATTERN,
    PAGE,
    Asked,
    Route,
    RouteParameter,
    World,
    limit,
)
from ccanalytics.wire.claude_code import EDIT_TOOLS, Record, UserActor
from ccanalytics.wire.enterprise import PeoplePage, SummaryPage

USERS = "/v1/organizations/analytics/users"
SUMMARIES = "/v1/organizations/analytics/summaries"

COUNTED_AT = timedelta(hours=10)
FLOOR = date(2026, 1, 1)
LONGEST_SPAN = timedelta(days=366)

Row = dict[str, Any]


def page_of_people(world: World, asked: Asked) -> bytes:
    """People of the day asked for, in an envelope without `has_more`."""
    day = date.fromisoformat(asked["date"])
    _check_counted(world, "date", day)
    cursor, question = asked["page"], f"users {day} {asked['limit']}"
    if cursor is None:
        rows = [json.dumps(row).encode() for row in _people(world, day)]
        walk, start = world.walks.begin(rows), 0
    else:
        walk, start = world.walks.found(cursor, question)
    page = world.walks.slice(
        walk, start, asked["limit"], question, repeat=asked.repeat, expired=410
    )
    following = json.dumps(page.next_page).encode()
    return b'{"data":[%s],"next_page":%s}' % (b",".join(page.rows), following)


def summaries(world: World, asked: Asked) -> bytes:
    """One row per day, in `summaries`, or in `data` for those who ask with `beta=true`."""
    start = date.fromisoformat(asked["starting_date"])
    newest = newest_day(world.now())
    end = newest + timedelta(days=1)
    if asked["ending_date"] is not None:
        end = date.fromisoformat(asked["ending_date"])
    if end <= start or end - start > LONGEST_SPAN:
        raise bad_request("ending_date must be after starting_date, by at most 366 days")
    _check_counted(world, "starting_date", start)
    _check_counted(world, "ending_date", end - timedelta(days=1))
    days = [start + timedelta(days=n) for n in range((end - start).days)]
    users = {day: set(_by_person(world.records(day))) for day in _with_month_before(days)}
    rows = [_summary(world, day, users) for day in days]
    beta = asked["beta"] is True
    return json.dumps({"data": rows, "next_page": None} if beta else {"summaries": rows}).encode()


def newest_day(now: datetime) -> date:
    """The newest day that is counted at `now`."""
    return (now.astimezone(UTC) - COUNTED_AT).date() - timedelta(days=1)


def _check_counted(world: World, name: str, day: date) -> None:
    if day < FLOOR:
        raise bad_request(f"{name}: data is available from {FLOOR} on")
    newest = newest_day(world.now())
    if day > newest:
        raise bad_request(f"{name}: data is not available yet. The latest available day: {newest}")


def _people(world: World, day: date) -> Sequence[Row]:
    """One row per person: those with records of the day, then members who used something else."""
    members = {row["email"].lower(): row["id"] for row in world.lists["users"]()}
    used = _by_person(world.records(day))
    others = [who for who in members if who not in used and _elsewhere(who, day)]
    found = [*used.items(), *((who, []) for who in others)]
    return [_row(members.get(who, _id(who)), who, records) for who, records in found]


def _by_person(records: Sequence[Record]) -> dict[str, list[Record]]:
    """The records of each person, by address in lower case; keys are nobody."""
    people: dict[str, list[Record]] = {}
    for record in records:
        if isinstance(record.actor, UserActor):
            people.setdefault(record.actor.email_address.strip().lower(), []).append(record)
    return people


def _elsewhere(who: str, day: date) -> bool:
    return zlib.crc32(f"{who} {day}".encode()) % 3 == 0


def _id(who: str) -> str:
    return f"user_{zlib.crc32(who.encode()):08x}"


def _row(id: str, who: str, records: Sequence[Record]) -> Row:
    core = [record.core_metrics for record in records]
    return {
        "user": {"id": id, "email_address": who},
        "chat_metrics": {"message_count": 0 if records else 4},
        "claude_code_metrics": {
            "core_metrics": {
                "commit_count": sum(c.commits_by_claude_code for c in core),
                "pull_request_count": sum(c.pull_requests_by_claude_code for c in core),
                "distinct_session_count": sum(c.num_sessions or 0 for c in core),
                "lines_of_code": {
                    "added_count": sum(c.lines_of_code.added for c in core),
                    "removed_count": sum(c.lines_of_code.removed for c in core),
                },
            },
            "tool_actions": {tool: _decisions(records, tool) for tool in EDIT_TOOLS},
        },
        "web_search_count": 0,
        "last_activity_date": None,
        "rbac_group_id": None,
        "rbac_group_name": None,
    }


def _decisions(records: Sequence[Record], tool: str) -> Row:
    actions = [record.tool_actions[tool] for record in records if tool in record.tool_actions]
    return {
        "accepted_count": sum(action.accepted for action in actions),
        "rejected_count": sum(action.rejected for action in actions),
    }


def _with_month_before(days: Sequence[date]) -> list[date]:
    before = [days[0] - timedelta(days=n) for n in range(29, 0, -1)]
    return [*before, *days]


def _summary(world: World, day: date, users: dict[date, set[str]]) -> Row:
    seats = sum(row["added_at"][:10] <= str(day) for row in world.lists["users"]()) or None
    windows = {"daily": 1, "weekly": 7, "monthly": 30}
    active = {
        name: len(set().union(*(users[day - timedelta(days=n)] for n in range(length))))
        for name, length in windows.items()
    }
    return {
        "starting_at": f"{day}T00:00:00Z",
        "ending_at": f"{day + timedelta(days=1)}T00:00:00Z",
        "assigned_seat_count": seats,
        "pending_invite_count": 3 if seats else None,
        **{f"{name}_active_user_count": count for name, count in active.items()},
        **{f"claude_code_{name}_active_user_count": count for name, count in active.items()},
        **{f"{name}_adoption_rate": _percent(count, seats) for name, count in active.items()},
    }


def _percent(count: int, seats: int | None) -> float | None:
    return round(100 * count / seats, 2) if seats else None


def _date(name: str, about: str, *, required: bool = True) -> RouteParameter:
    return RouteParameter(
        name=name,
        about=about,
        required=required,
        pattern=DAY_PATTERN,
        format="date",
        example="2026-11-20",
    )


ROUTES = (
    Route(
        path=USERS,
        name="list_enterprise_people",
        summary="People of one UTC day",
        about=(
            "One row per person, whichever product they used; the row does not tell its day. "
            "There is no `has_more`: the last page has a null `next_page`. A day that is not "
            "counted yet is a 400 that names the newest one; an expired cursor is a 410."
        ),
        group="Claude Enterprise",
        parameters=(
            _date("date", "The UTC day, counted at ten in the morning of the next."),
            limit("People per page.", default=100),
            PAGE,
        ),
        gives=PeoplePage,
        answer=page_of_people,
        scope="read:analytics",
        errors=(400, 410),
        example={"date": "2026-11-20", "limit": "2"},
    ),
    Route(
        path=SUMMARIES,
        name="list_enterprise_summaries",
        summary="Seats and active people by UTC day",
        about="Seats are of all products. The envelope is `summaries`, or `data` with `beta=true`.",
        group="Claude Enterprise",
        parameters=(
            _date("starting_date", "The first UTC day."),
            _date("ending_date", "The day after the last one.", required=False),
            RouteParameter(name="beta", about="The later envelope.", kind="boolean", default=False),
        ),
        gives=SummaryPage,
        answer=summaries,
        scope="read:analytics",
        errors=(400,),
        example={"starting_date": "2026-11-19", "ending_date": "2026-11-21"},
    ),
)
