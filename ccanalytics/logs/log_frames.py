"""Facts of session logs <-> the frames that only logs can fill.

The rows are the facts: what a store has of days whose logs are long deleted is joined with what is
read today as if both had been read together.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

import pyarrow as pa

from ccanalytics.frames.arrow_tables import table_of
from ccanalytics.frames.schemas import USD, Frames
from ccanalytics.logs.edits import Outcome
from ccanalytics.logs.log_facts import (
    Event,
    Facts,
    LoggedRequest,
    Origin,
    Place,
    Session,
    ToolCall,
    Used,
    put,
)
from ccanalytics.logs.log_schemas import LOG_SCHEMAS
from ccanalytics.prices import Tariff, Tokens

Row = tuple[object, ...]


def tables_of(
    day: date,
    sessions: Iterable[Row],
    requests: Iterable[LoggedRequest],
    calls: Iterable[ToolCall],
    events: Iterable[Event],
) -> Frames:
    """The four frames of a UTC day, each in order of time."""
    rows: dict[str, Iterable[Row]] = {
        "sessions": sorted(sessions, key=lambda row: (row[4], row[0])),
        "requests": (
            row
            for request in sorted(requests, key=lambda r: (r.at, r.message, r.request or ""))
            for row in _request_rows(request)
        ),
        "tool_calls": map(_call_row, sorted(calls, key=lambda c: (c.at, c.call))),
        "log_events": map(_event_row, sorted(events, key=lambda e: (e.at, e.event))),
    }
    return {name: table_of(LOG_SCHEMAS[name], day, list(table)) for name, table in rows.items()}


def facts_of(frames: Frames) -> tuple[Facts, dict[str, Row]]:
    """The facts in the frames of any days, and the rows of their sessions."""
    facts, sessions = Facts(), {}
    for row in _rows(frames["requests"]):
        _add_request_row(facts, row)
    for row in _rows(frames["tool_calls"]):
        place, (at, call, tool, agent) = Place(*row[:4]), row[4:8]
        done, started = Outcome(*row[8:13]), row[13:]
        put(facts.calls, call, ToolCall(at, place, call, tool, agent != "main", done, started))
    for session, at, event, *told in _rows(frames["log_events"]):
        put(facts.events, event, Event(at, session, event, *told))
    for row in _rows(frames["sessions"]):
        name, project, branch, terminal, start, end, *_ = row
        put(facts.own, name, Session(start, end, Place(name, project, branch, terminal)))
        sessions[name] = row
    return facts, sessions


def _rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    """The rows without their date; dollars in units."""
    columns = [_plain(table[field.name]) for field in table.schema if field.name != "date"]
    return zip(*columns, strict=True)


def _plain(column: pa.ChunkedArray) -> list[Any]:
    """The values, moments and dollars as whole numbers."""
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.int64()).to_pylist()
    if column.type != USD:
        return column.to_pylist()
    return [
        value if value is None else int(value.scaleb(USD.scale)) for value in column.to_pylist()
    ]


def _add_request_row(facts: Facts, row: tuple[Any, ...]) -> None:
    """A row of `requests`; those of advisors follow the row of who asked them."""
    *place, at, message, request, model, agent, final = row[:10]
    used = Used(Tariff(model), Tokens(*row[10:16]), *row[16:18])
    if agent == "advisor":
        facts.requests[message, request].advisors.append(used)
    else:
        side = agent == "subagent"
        origin = Origin(*row[18:])
        told = LoggedRequest(at, Place(*place), message, request, side, final, used, [], origin)
        put(facts.requests, (message, request), told)


def _request_rows(request: LoggedRequest) -> Iterator[Row]:
    """The row of a request, and one for each call to an advisor."""
    place, agent = request.place, "subagent" if request.side else "main"
    for used in request.calls():
        yield (
            *place,
            request.at,
            request.message,
            request.request,
            used.tariff.model,
            agent,
            request.final,
            *used.tokens,
            used.cost,
            used.uncached_cost,
            *request.origin,
        )
        agent = "advisor"


def _call_row(call: ToolCall) -> Row:
    agent = "subagent" if call.side else "main"
    return (*call.place, call.at, call.call, call.tool, agent, *call.done, *call.started)


def _event_row(event: Event) -> Row:
    return event.session, event.at, event.event, event.kind, event.tokens, event.text
