"""The facts in session logs -> frames: those only logs fill, and those of every source.

facts: requests, tool_calls, log_events ─┬─ by session ────────────────▶ sessions
                                         └─ by day, terminal, project ─▶ activity, model_usage,
                                                                         tool_actions
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ccanalytics.frames.schemas import SCHEMAS, TOKENS, USD, Frames
from ccanalytics.logs.edits import EDIT_TOOLS
from ccanalytics.logs.log_schemas import ORDER, SESSIONS

WHO = dict.fromkeys(("organization", "actor", "customer_type"), "local") | {"actor_kind": "user"}
"""Logs do not say who wrote them, so any folder adds to one organization."""

PLACE = ["date", "terminal", "project"]
SPENT = [*TOKENS, "cost_usd"]
WORK = ["lines_added", "lines_removed", "commits", "pull_requests"]
SESSION_SUMS = ["requests", "final_requests", *SPENT, *WORK]


def frames_of(facts: Frames, known_sessions: pa.Table | None = None) -> Frames:
    """The frames of all days of settled facts, those of logs in order of time.

    `known_sessions` are the rows of unchanged sessions, whose facts are not all loaded.
    """
    logged = {name: _sorted(table, ORDER[name]) for name, table in facts.items()}
    requests, calls = logged["requests"], logged["tool_calls"]
    # What an advisor is asked is no answer.
    own = pc.not_equal(requests["agent"], "advisor")
    writes = pc.add(requests["cache_write_5m_tokens"], requests["cache_write_1h_tokens"])
    requests = (
        requests.append_column("requests", own)
        .append_column("final_requests", pc.and_(own, requests["final"]))
        .append_column("cache_creation_tokens", writes)
    )
    sessions = _with_sums(logged["sessions"], requests, calls)
    if known_sessions is not None:
        is_known = pc.is_in(sessions["session"], known_sessions["session"])
        others = sessions.filter(pc.invert(is_known))
        sessions = _sorted(pa.concat_tables([others, known_sessions]), ORDER["sessions"])
    sums = _sums_by_place(requests, calls, sessions)
    shown = {name: _shaped(table, SCHEMAS[name], WHO) for name, table in sums.items()}
    return {**shown, **logged, "sessions": sessions}


def by_day(frames: Frames, days: Iterable[date]) -> dict[date, Frames]:
    """The rows of each of these days; the frames are sorted by day."""
    found: dict[date, Frames] = {day: {} for day in days}
    ends = np.array([(day, day + timedelta(1)) for day in found], "datetime64[ms]").reshape(-1, 2)
    for name, table in frames.items():
        places = np.searchsorted(table["date"].to_numpy(), ends).tolist()
        for one, (start, end) in zip(found.values(), places, strict=True):
            one[name] = table.slice(start, end - start)
    return found


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


def _with_sums(sessions: pa.Table, requests: pa.Table, calls: pa.Table) -> pa.Table:
    """The sessions with the models and sums of their facts."""
    sums = _sums([requests, calls, sessions], ["session"], SESSION_SUMS)
    answered = _sorted(requests, ["model"]).group_by("session", use_threads=False)
    answered = answered.aggregate([("model", "distinct")])
    models = answered["model_distinct"].take(pc.index_in(sums["session"], answered["session"]))
    models = pc.coalesce(models, pa.scalar([], models.type))
    sums = sums.append_column("models", models)
    sums = sums.take(pc.index_in(sessions["session"], sums["session"]))
    for name in ("models", *SESSION_SUMS):
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
