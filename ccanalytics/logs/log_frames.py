"""Facts of session logs <-> the frames only logs fill.

The rows are the facts: stored days whose logs were deleted are joined with what is
read today as if both were read together.
"""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from ccanalytics.frames.schemas import USD, Frames
from ccanalytics.logs.edits import Outcome
from ccanalytics.logs.log_fact_set import Facts
from ccanalytics.logs.log_facts import (
    Event,
    LoggedRequest,
    Origin,
    Place,
    Session,
    ToolCall,
    Used,
    put,
)
from ccanalytics.prices import Tariff, Tokens

Row = tuple[object, ...]


def facts_of(frames: Frames) -> tuple[Facts, dict[str, Row]]:
    """The facts in the frames of any days, and the rows of their sessions."""
    facts, sessions = Facts(), {}
    for row in _rows(frames["requests"]):
        _add_request_row(facts, row)
    for row in _rows(frames["tool_calls"]):
        call = _call_of(row)
        put(facts.calls, call.key, call)
    for session, at, event, *rest in _rows(frames["log_events"]):
        put(facts.events, event, Event(at, Place(session, None, None, None), event, *rest))
    for row in _rows(frames["sessions"]):
        name, project, branch, terminal, start, end, *_, kind, continues = row
        place = Place(name, project, branch, terminal)
        put(facts.own, name, Session(start, end, place, kind, continues))
        sessions[name] = row
    return facts, sessions


def _rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    """The rows without their date, dollars in units."""
    columns = [_plain(table[field.name]) for field in table.schema if field.name != "date"]
    return zip(*columns, strict=True)


def _plain(column: pa.ChunkedArray) -> list[Any]:
    """The values, with times and dollars as integers."""
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.int64()).to_pylist()
    if column.type != USD:
        return column.to_pylist()
    return [
        value if value is None else int(value.scaleb(USD.scale)) for value in column.to_pylist()
    ]


def _add_request_row(facts: Facts, row: tuple[Any, ...]) -> None:
    """A row of `requests`; rows of advisors follow the row of their caller."""
    *place, at, message, request, turn, asked_at, model, agent, final = row[:12]
    used = Used(Tariff(model), Tokens(*row[12:18]), *row[18:20])
    if agent == "advisor":
        facts.requests[message, request, turn].advisors.append(used)
    else:
        side = agent == "subagent"
        keys = message, request, side, final, used, turn, asked_at, row[20]
        stored = LoggedRequest(at, Place(*place), *keys, origin=Origin(*row[21:]))
        put(facts.requests, stored.key, stored)


def request_rows(request: LoggedRequest) -> Iterator[Row]:
    """The row of a request, and one for each call to an advisor."""
    place, agent = request.place, "subagent" if request.side else "main"
    for used in request.calls():
        yield (
            *place,
            request.at,
            *request.key,
            request.asked_at,
            used.tariff.model,
            agent,
            request.final,
            *used.tokens,
            used.cost,
            used.uncached_cost,
            used.tokens.into if agent == "advisor" else request.context,
            *request.origin,
        )
        agent = "advisor"


def _call_of(row: tuple[Any, ...]) -> ToolCall:
    place, (at, call, message, turn, tool, agent) = Place(*row[:4]), row[4:10]
    done, side = Outcome(*row[10:15]), agent != "main"
    return ToolCall(at, place, call, tool, side, done, message, turn, row[15:])


def call_row(call: ToolCall) -> Row:
    """The row of a tool call."""
    agent = "subagent" if call.side else "main"
    return (*call.place, call.at, *call.key, call.tool, agent, *call.done, *call.started)


def event_row(event: Event) -> Row:
    """The row of an event."""
    return event.place.session, event.at, event.event, event.kind, event.tokens, event.text
