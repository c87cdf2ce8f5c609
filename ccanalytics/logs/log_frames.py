"""Facts of session logs <-> frames: those only logs fill, and those of every source.

facts ◀─▶ requests, tool_calls, log_events ─┬─ by session ────────────────▶ sessions
                                            └─ by day, terminal, project ─▶ activity, model_usage,
                                                                            tool_actions

The rows are the facts: stored days whose logs were deleted are joined with what is
read today as if both were read together.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ccanalytics.frames.arrow_tables import table_of
from ccanalytics.frames.schemas import SCHEMAS, TOKENS, USD, Frames
from ccanalytics.logs.edits import EDIT_TOOLS, Outcome
from ccanalytics.logs.log_facts import (
    Event,
    Facts,
    LoggedRequest,
    Place,
    Session,
    ToolCall,
    Used,
)
from ccanalytics.logs.log_schemas import LOG_SCHEMAS, SESSIONS
from ccanalytics.prices import UNITS, Tokens

Row = tuple[object, ...]

WHO = dict.fromkeys(("organization", "actor", "customer_type"), "local") | {"actor_kind": "user"}
"""Logs do not say who wrote them, so any folder adds to one organization."""

PLACE = ["date", "terminal", "project"]
SPENT = [*TOKENS, "cost_usd"]
WORK = ["lines_added", "lines_removed", "commits", "pull_requests"]
ORDER = {
    "sessions": ["started_at", "session"],
    "requests": ["at", "message", "request", "turn"],
    "tool_calls": ["at", "call", "message", "turn"],
    "log_events": ["at", "event"],
}
"""The columns by which each frame is sorted: a moment, and what tells its rows apart."""
SESSION_SUMS = ["requests", "final_requests", *SPENT, *WORK]


def frames_of(facts: Facts, known_sessions: pa.Table | None = None) -> Frames:
    """The frames of all days of settled facts, those of logs in order of time.

    `known_sessions` are the rows of unchanged sessions, whose facts are not all loaded.
    """
    rows: dict[str, Iterable[Row]] = {
        "requests": chain.from_iterable(
            _request_rows(facts, one) for one in facts.counted_requests()
        ),
        "tool_calls": (
            (*facts.place(one), one.at, *one.ids, one.tool, one.agent, *one.done, *one.started)
            for one in facts.calls.values()
        ),
        "log_events": (
            (one.place.session, one.at, *one.ids, one.kind, one.tokens, one.text)
            for one in facts.events.values()
        ),
    }
    logged = {name: _dated(LOG_SCHEMAS[name], some, ORDER[name]) for name, some in rows.items()}
    requests, calls = logged["requests"], logged["tool_calls"]
    # What an advisor is asked is no answer.
    own = pc.not_equal(requests["agent"], "advisor")
    writes = pc.add(requests["cache_write_5m_tokens"], requests["cache_write_1h_tokens"])
    requests = (
        requests.append_column("requests", own)
        .append_column("final_requests", pc.and_(own, requests["final"]))
        .append_column("cache_creation_tokens", writes)
    )
    sessions = _session_frame(facts, requests, calls)
    if known_sessions is not None:
        is_known = pc.is_in(sessions["session"], known_sessions["session"])
        others = sessions.filter(pc.invert(is_known))
        sessions = _sorted(pa.concat_tables([others, known_sessions]), ORDER["sessions"])
    sums = _sums_by_place(requests, calls, sessions)
    shown = {name: _shaped(table, SCHEMAS[name], WHO) for name, table in sums.items()}
    return {**shown, "sessions": sessions, **logged}


def by_day(frames: Frames, days: Iterable[date]) -> dict[date, Frames]:
    """The rows of each of these days; the frames are sorted by day."""
    found: dict[date, Frames] = {day: {} for day in days}
    ends = np.array([(day, day + timedelta(1)) for day in found], "datetime64[ms]").reshape(-1, 2)
    for name, table in frames.items():
        places = np.searchsorted(table["date"].to_numpy(), ends).tolist()
        for one, (start, end) in zip(found.values(), places, strict=True):
            one[name] = table.slice(start, end - start)
    return found


def _dated(schema: pa.Schema, rows: Iterable[Row], order: Sequence[str]) -> pa.Table:
    """A table of rows, which lack its first column: the day of the moment they are sorted by."""
    table = _sorted(table_of(schema, date.min, list(rows)), order)
    return table.set_column(0, schema.field(0), pc.floor_temporal(table[order[0]], unit="day"))


def _sorted(table: pa.Table, order: Sequence[str]) -> pa.Table:
    """Sorted by these columns; rows that are equal there, such as of advisors, stay in order."""
    return table.sort_by([(name, "ascending", "at_start") for name in order])


def _shaped(table: pa.Table, schema: pa.Schema, constants: Mapping[str, object]) -> pa.Table:
    """The columns of `schema`: those of `table`, and constants, which are null unless given."""
    columns = [
        table[field.name].cast(field.type)
        if field.name in table.column_names
        else pa.repeat(pa.scalar(constants.get(field.name), field.type), len(table))
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def _sums(parts: Sequence[pa.Table], keys: Sequence[str], measures: Sequence[str]) -> pa.Table:
    """The sums of all parts, in the order of the keys.

    A part without a measure adds 0; one unknown price makes a sum unknown.
    """
    kinds = {**dict.fromkeys(keys, pa.string()), "date": pa.timestamp("ms"), "cost_usd": USD}
    schema = pa.schema([(name, kinds.get(name, pa.int64())) for name in (*keys, *measures)])
    zeros = dict.fromkeys(measures, 0)
    stacked = pa.concat_tables([_shaped(part, schema, zeros) for part in parts])
    how = pc.ScalarAggregateOptions(skip_nulls=False)
    sums = stacked.group_by(list(keys), use_threads=False).aggregate(
        [(name, "sum", how) for name in measures]
    )
    sums = sums.select([*keys, *(f"{name}_sum" for name in measures)]).rename_columns(schema.names)
    return _sorted(sums, keys)


def _session_frame(facts: Facts, requests: pa.Table, calls: pa.Table) -> pa.Table:
    """One row per session, with the sums of its facts."""
    models: dict[str | None, list[str]] = defaultdict(list)
    pairs = requests.group_by(["session", "model"]).aggregate([])
    for row in _sorted(pairs, ["model"]).to_pylist():
        models[row["session"]].append(row["model"])
    rows = [
        (*one.place, one.started_at, one.ended_at, models[name], one.kind, one.continues)
        for name, one in facts.sessions.items()
    ]
    schema = pa.schema([field for field in SESSIONS if field.name not in SESSION_SUMS])
    sessions = _dated(schema, rows, ORDER["sessions"])
    sums = _sums([requests, calls, sessions], ["session"], SESSION_SUMS)
    sums = sums.take(pc.index_in(sessions["session"], sums["session"]))
    for name in SESSION_SUMS:
        sessions = sessions.append_column(name, sums[name])
    return sessions.select(SESSIONS.names).cast(SESSIONS)


def _sums_by_place(requests: pa.Table, calls: pa.Table, sessions: pa.Table) -> dict[str, pa.Table]:
    """What was done in each place, also where that is an answer and nothing else."""
    begun = sessions.filter(pc.is_null(sessions["continues"])).select(PLACE)
    begun = begun.append_column("sessions", pa.repeat(1, len(begun)))
    # An error happens before anybody decides.
    is_edit = pc.is_in(calls["tool"], pa.array(EDIT_TOOLS))
    is_decided = pc.and_(is_edit, pc.not_equal(calls["decision"], "error"))
    is_done = pc.greater(pc.add(calls["commits"], calls["pull_requests"]), 0)
    counting, decided = calls.filter(pc.or_(is_decided, is_done)), calls.filter(is_decided)
    tools = pc.index_in(decided["tool"], pa.array(EDIT_TOOLS))
    accepted = pc.equal(decided["decision"], "accepted")
    actions = (
        decided.select(PLACE)
        .append_column("tool", pa.array(EDIT_TOOLS.values()).take(tools))
        .append_column("accepted", accepted)
        .append_column("rejected", pc.invert(accepted))
    )
    return {
        "activity": _sums([requests, counting, begun], PLACE, ["sessions", *WORK]),
        "model_usage": _sums([requests], [*PLACE, "model"], SPENT),
        "tool_actions": _sums([actions], [*PLACE, "tool"], ["accepted", "rejected"]),
    }


def facts_of(frames: Frames) -> Facts:
    """The facts in the frames of any days."""
    facts, advisors = Facts(), list[Used]()
    for row in _rows(frames["requests"]):
        asked_at, model, agent, final = row[8:12]
        used = Used(model, Tokens(*row[12:18]), *row[18:20])
        if agent == "advisor":  # its row follows that of its caller
            advisors.append(used)
        else:
            advisors = []
            about = asked_at, agent, final, used, row[20], row[21:], advisors
            facts.add(LoggedRequest(Place(*row[:4]), row[4], row[5:8], *about))
    for row in _rows(frames["tool_calls"]):
        tool, agent, done = row[8], row[9], Outcome(*row[10:15])
        facts.add(ToolCall(Place(*row[:4]), row[4], row[5:8], tool, agent, done, row[15:]))
    for session, at, event, kind, size, text in _rows(frames["log_events"]):
        facts.add(Event(Place(session), at, (event,), kind, size, text))
    for name, project, branch, terminal, start, end, *_, kind, whole in _rows(frames["sessions"]):
        place = Place(name, project, branch, terminal)
        facts.see(name, Session(start, end, place, kind, whole))
    return facts


def _rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    """The rows without their date, with times and dollars as integers."""
    columns = []
    for name in table.column_names[1:]:
        column = table[name]
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.int64())
        elif column.type == USD:
            column = pc.multiply(column, UNITS).cast(pa.int64())
        columns.append(column.to_pylist())
    return zip(*columns, strict=True)


def _request_rows(facts: Facts, one: LoggedRequest) -> Iterator[Row]:
    """The row of a request, and one for each call to an advisor."""
    place = facts.place(one)
    for agent, used in [(one.agent, one.used), *(("advisor", used) for used in one.advisors)]:
        context = used.tokens.into if agent == "advisor" else one.context
        yield (
            *(*place, one.at, *one.ids, one.asked_at, used.model, agent, one.final),
            *(*used.tokens, used.cost, used.uncached_cost, context, *one.origin),
        )
