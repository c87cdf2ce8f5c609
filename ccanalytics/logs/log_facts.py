"""The facts in session logs, each once, however often and in whatever order logs repeat it.

    requests      a call of a model    message id, request id, turn
    tool_calls    a tool call          its id, those of the message it stands in: id, turn
    log_events    anything else        the id of its line
    sessions      a session            its id

A row of these frames is an account of a fact. Logs repeat: one line per block of a message, each
with the usage so far; a subagent's messages in a file of their own and again as progress of the
parent; whole histories copied by a fork. So accounts of one fact are joined, and joining is the
same in any order and as often as one likes. That is why files may be read again, and facts of two
machines united.

Ids are not always unique: gateways repeat message ids, leave out request ids, number tool calls
from 1 in each turn. There the `turn` is part of the identity: the prompt, and what went in.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ccanalytics.frames.arrow_tables import table_of
from ccanalytics.frames.schemas import Frames
from ccanalytics.logs.log_schemas import ACCOUNTS, IDS, ORDER

Row = tuple[object, ...]

UNKNOWN_MODEL = "unknown"  # the model of a request without a model

CONTINUED = "continued"
"""The kind of an event: the session it is named for is the rest of the one it stands in."""

KINDS = (None, "named", "fork", "bg")
"""What a session's file shows, from the likely original to the likely copy: nothing; a name in its
first line, which sessions get later on; lines forked from another; that it runs in the background.
"""

_FULLEST = {"total": "descending", "is_unknown": "ascending", "cost_usd": "ascending"}
"""A part of an answer yields to more of it. An answer that is known to be refused, so that it costs
nothing, goes before its line that may still be billed."""

_OF_ALL = {
    "sessions": [("ended_at", "max"), ("continues", "min")],
    "requests": [("asked_at", "min"), ("final", "any")],
}
"""What all accounts of a fact add to the one that counts."""

_INTO = ["input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens"]

_OF_ADVISOR = ["model", "agent", *_INTO, "output_tokens", "web_searches", "cost_usd"]
_OF_ADVISOR += ["uncached_cost_usd", "context_tokens"]
"""What an advisor has of its own; the rest of its row is that of its caller, which it follows."""

_WHERE = ["session", "project", "branch", "terminal"]

_Sessions = dict[str | None, dict[str, Any]]


def accounts_of(rows: Mapping[str, Sequence[Row]]) -> Frames:
    """The tables of rows, which lack their first column, the day."""
    tables = {name: table_of(schema, date.min, rows[name]) for name, schema in ACCOUNTS.items()}
    return {name: dated(table, ORDER[name][0]) for name, table in tables.items()}


def dated(table: pa.Table, moment: str) -> pa.Table:
    """The table with the days of its moments."""
    return table.set_column(0, table.field(0), pc.floor_temporal(table[moment], unit="day"))


def days_of(frames: Frames) -> set[date]:
    """The UTC days of all rows."""
    return {day.date() for table in frames.values() for day in table["date"].unique().to_pylist()}


def keys_of(table: pa.Table, columns: Sequence[str]) -> pa.ChunkedArray:
    """One text for the values of these columns."""
    values = [table[name].cast(pa.string()) for name in columns]
    none = {"null_handling": "replace", "null_replacement": ""}
    return pc.binary_join_element_wise(*values, "\0", **none)


def settled(accounts: Frames) -> Frames:
    """One row of each fact that counts, in no particular order.

    When a session moves to the background, or is forked, a copy of its lines gets a session id of
    its own. A fact with accounts of several sessions is left to the original, and a copy begins
    with the first thing of its own.
    """
    sessions = {s["session"]: s for s in _joined("sessions", accounts["sessions"])[0].to_pylist()}
    events = accounts["log_events"].filter(pc.field("kind") == CONTINUED)
    pairs = zip(events["event"].to_pylist(), events["session"].to_pylist(), strict=True)
    continued = dict(sorted(pairs, reverse=True))

    def rank(name: str | None) -> tuple[object, ...]:
        """The original comes first: the one not marked as a copy, else the shorter session."""
        if (one := sessions.get(name)) is None:
            return True, 0, datetime.min, name or ""
        rest = one["kind"] == "bg" or name in continued or one["continues"] is not None
        return rest, KINDS.index(one["kind"]), one["ended_at"], name

    accounts = accounts | {"requests": _numbered(accounts["requests"])}
    facts, copies = {}, set[tuple[str, str]]()
    for name in ("requests", "tool_calls", "log_events"):
        by_rank = sorted(accounts[name]["session"].unique().to_pylist(), key=rank)
        facts[name], copied = _joined(name, accounts[name], by_rank)
        copies |= copied
    requests = _identified(facts["requests"])
    _begin_copies(sessions, copies, continued, requests)
    starts = pa.Table.from_pylist([*sessions.values()], ACCOUNTS["sessions"])
    facts["sessions"] = dated(starts, "started_at")
    facts["tool_calls"] = _in_projects(facts["tool_calls"], sessions)
    # What a side conversation repeats has another request id.
    requests = _without_repeats(requests, ["session", "message", "into"])
    requests = _in_projects(requests, sessions)
    facts["requests"] = _with_advisors(requests, accounts["requests"])
    return facts


def _numbered(requests: pa.Table) -> pa.Table:
    """The requests with the number of their account, which advisors share, and what went in."""
    is_own = pc.not_equal(requests["agent"], "advisor")
    requests = (
        requests.append_column("account", pc.cumulative_sum(is_own.cast(pa.int64())))
        .append_column("into", reduce(pc.add, (requests[name] for name in _INTO)))
        .append_column("is_unknown", pc.equal(requests["model"], UNKNOWN_MODEL))
    )
    parts = requests.group_by("account").aggregate([("into", "sum"), ("output_tokens", "sum")])
    total = pc.add(parts["into_sum"], parts["output_tokens_sum"])
    return requests.append_column(
        "total", total.take(pc.index_in(requests["account"], parts["account"]))
    )


def _joined(
    name: str, accounts: pa.Table, by_rank: Sequence[str | None] = ()
) -> tuple[pa.Table, set[tuple[str, str]]]:
    """One account of each fact, in the first of its sessions by rank; and copies with originals."""
    if name == "requests":  # what an advisor was asked belongs to the account of its caller
        accounts = accounts.filter(pc.not_equal(accounts["agent"], "advisor"))
        accounts = _without_repeats(accounts, IDS[name])
    columns, of_all = ACCOUNTS[name].names, _OF_ALL.get(name, [])
    order = _FULLEST if name == "requests" else {}
    order = order | dict.fromkeys([ORDER[name][0], *columns], "ascending")
    accounts = accounts.sort_by([(column, how, "at_end") for column, how in order.items()])
    rows, count = np.arange(len(accounts)), max(len(accounts), 1)
    ranks = pc.index_in(accounts["session"], pa.array(by_rank, pa.string())).fill_null(0)
    key = keys_of(accounts, IDS[name])
    # The smallest home is the first account in the first of the sessions.
    added = {"key": key, "row": pa.array(rows), "home": pa.array(ranks.to_numpy() * count + rows)}
    for column, values in added.items():
        accounts = accounts.append_column(column, values)
    groups = accounts.group_by("key", use_threads=False)
    groups = groups.aggregate([("row", "min"), ("home", "min"), *of_all])
    facts = accounts.drop_columns([*added]).take(groups["row_min"])
    where = [column for column in _WHERE if column in columns]
    homes = accounts.select(where).take(pa.array(groups["home_min"].to_numpy() % count))
    for column in where:
        facts = _replaced(facts, column, homes[column])
    for column, how in of_all:
        facts = _replaced(facts, column, groups[f"{column}_{how}"])
    home = homes["session"].take(pc.index_in(key, groups["key"]))
    moved = pc.not_equal(accounts["session"], home)
    pairs = accounts["session"].filter(moved).to_pylist(), home.filter(moved).to_pylist()
    return facts, set(zip(*pairs, strict=True))


def _replaced(table: pa.Table, column: str, values: pa.ChunkedArray) -> pa.Table:
    place = table.schema.get_field_index(column)
    return table.set_column(place, table.field(place), values)


def _identified(requests: pa.Table) -> pa.Table:
    """Joins a request that lacks an id with the request of its session that it is part of.

    That one has both ids, as much went in, and it answers the same.
    """
    has_both = pc.and_(pc.is_valid(requests["message"]), pc.is_valid(requests["request"]))
    whole, lacking = requests.filter(has_both), requests.filter(pc.invert(has_both))
    names, parts = pc.coalesce(lacking["message"], lacking["request"]), []
    for column in ("message", "request"):
        part = whole.filter(pc.is_in(whole[column], names))
        parts.append(part.append_column("name", part[column]))
    named = pa.concat_tables(parts).sort_by([(name, "ascending") for name in IDS["requests"]])
    lacking, place = lacking.append_column("name", names), ["session", "into", "name", "turn"]
    of_any_turn = _replaced(lacking, "turn", pa.nulls(len(lacking), pa.string()))
    known = keys_of(named, place)
    same = pc.coalesce(*(pc.index_in(keys_of(one, place), known) for one in (lacking, of_any_turn)))
    if same.null_count == len(same):
        return requests
    found, is_found = named.take(same), pc.is_valid(same)
    for column in IDS["requests"]:
        ids = pc.if_else(is_found, found[column], lacking[column])
        lacking = _replaced(lacking, column, ids)
    return _joined("requests", pa.concat_tables([whole, lacking.drop_columns("name")]))[0]


def _begin_copies(
    sessions: _Sessions,
    copies: Collection[tuple[str, str]],
    continued: dict[str, str],
    requests: pa.Table,
) -> None:
    """Start copies with their first own request, and note what continues what."""
    rests = {name for name, one in sessions.items() if one["continues"]}
    rests |= continued.keys() | {copy for copy, _ in copies}
    asked = requests.select(["session"]).append_column(
        "asked", pc.coalesce(requests["asked_at"], requests["at"])
    )
    firsts = asked.group_by("session").aggregate([("asked", "min")])
    for name, first in zip(*(column.to_pylist() for column in firsts.columns), strict=True):
        if name in rests and name in sessions:
            sessions[name]["started_at"] = max(sessions[name]["started_at"], first)
    for copy, original in copies:
        if copy in sessions and sessions[copy]["kind"] == "bg":
            continued[copy] = min(original, continued.get(copy, original))
    for copy, original in continued.items():
        if copy in sessions:
            sessions[copy]["continues"] = original


def _without_repeats(requests: pa.Table, columns: Sequence[str]) -> pa.Table:
    """The requests but those in which a side conversation repeats one of the session itself."""
    what, is_main = keys_of(requests, columns), pc.equal(requests["agent"], "main")
    own = what.filter(pc.and_(is_main, pc.is_valid(requests["message"])))
    return requests.filter(pc.or_(is_main, pc.invert(pc.is_in(what, own))))


def _in_projects(facts: pa.Table, sessions: _Sessions) -> pa.Table:
    """The facts in the project their session began in, if that is around their folder."""
    names, folders = (facts[column].to_pylist() for column in ("session", "project"))
    projects = []
    for name, project in zip(names, folders, strict=True):
        began = sessions[name]["project"] if name in sessions else None
        is_inside = began and project and project.startswith((f"{began}/", f"{began}\\"))
        projects.append(began if is_inside else project)
    return _replaced(facts, "project", pa.array(projects, pa.string()))


def _with_advisors(requests: pa.Table, accounts: pa.Table) -> pa.Table:
    """The requests, each with a row after it for each of its calls to an advisor."""
    rows = accounts.filter(pc.is_in(accounts["account"], requests["account"]))
    found = requests.take(pc.index_in(rows["account"], requests["account"]))
    for name in _OF_ADVISOR:
        found = _replaced(found, name, rows[name])
    return found.select(ACCOUNTS["requests"].names)
