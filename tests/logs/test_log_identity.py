"""Which session each answer and tool call belongs to when ids repeat or are missing and histories
are copied."""

import pytest
from log_lines_made import (
    NOW,
    PATCH,
    answer,
    appended,
    call,
    line,
    output,
    progress,
    result,
    rows,
    synced_logs,
    written,
)

import ccanalytics as cca
from ccanalytics.logs.log_source import LocalLogs
from ccanalytics.store.day_store import Store


def prompt(uuid="p1", **fields):
    """A line with a prompt from a person."""
    return line("user", uuid=uuid, message={"role": "user", "content": "please"}, **fields)


def answered(tokens, message="gateway", request=None, **fields):
    """An answer with this many input tokens, and a tenth of that as output."""
    usage = {"input_tokens": tokens}
    return answer(message, request, output=tokens // 10, usage=usage, **fields)


# Requests


def test_answers_of_a_gateway_with_one_id_are_distinguished_by_prompt(folder, store):
    """Three prompts, each answered the same way, and a fourth in another session."""
    lines = [prompt("p1"), answered(100), answered(100), prompt("p2"), answered(100), prompt("p3")]
    other = [prompt("p4", session="s2"), answered(100, session="s2")]
    synced_logs(store, written(folder, s1=lines, s2=other))
    appended(folder, "s1", answered(100))
    synced_logs(store, folder)
    assert output(store) == [10, 10, 10, 10]


def at(clock):
    return f"2026-08-03T{clock}.000Z"


def exchange(number, tokens, ids=("gateway", "request"), **fields):
    """A prompt in this minute, and its answer five seconds later."""
    return [
        prompt(f"p{number}", at=at(f"10:0{number}:00"), **fields),
        answered(tokens, *ids, at=at(f"10:0{number}:05"), **fields),
    ]


@pytest.mark.parametrize("first", [3, 7])
def test_both_ids_repeated_after_another_prompt_are_another_answer(folder, store, first):
    """With the same or other tokens, read at once or in two parts; a repeated line is not."""
    again = answered(200, "gateway", "request", at=at("10:03:06"))
    lines = [*exchange(1, 100), *exchange(2, 100), *exchange(3, 200), again]
    synced_logs(store, written(folder, s1=lines[:first]))
    appended(folder, "s1", *lines[first:])
    synced_logs(store, folder)
    assert sorted(output(store)) == [10, 10, 20]


def test_a_command_typed_during_an_answer_does_not_split_it(folder, store):
    """The ids of the API are unique, whatever lines are between the blocks."""
    ids = "m1", "req_011CXHysVP9JhqvJJoLb5PnV"
    lines = [
        *exchange(1, 100, ids),
        prompt("p2", at=at("10:01:06")),
        answered(100, *ids, at=at("10:01:07")),
    ]
    synced_logs(store, written(folder, s1=lines))
    assert output(store) == [10]


def test_both_ids_repeated_after_a_tool_with_more_input_are_another_answer(folder, store):
    """Blocks of one answer before and after a result have the same tokens."""
    ids = "gateway", "request"
    lines = [
        *exchange(1, 100),
        result(at=at("10:01:06")),
        answered(100, *ids, at=at("10:01:07")),
        result("t2", at=at("10:01:08")),
        answered(200, *ids, at=at("10:01:09")),
    ]
    synced_logs(store, written(folder, s1=lines))
    assert sorted(output(store)) == [10, 20]


@pytest.mark.parametrize("first", ["s1", "s2"])
def test_both_ids_repeated_in_another_session_are_another_answer(folder, store, first):
    """Whichever is read first, and however often; a copy has the timestamps of the original."""
    files = {"s1": exchange(1, 100), "s2": exchange(2, 100, session="s2")}
    files["s3"] = [one | {"sessionId": "s3"} for one in files["s2"]]
    synced_logs(store, written(folder, **{first: files[first]}))
    synced_logs(store, written(folder, **files))
    cca.sync(LocalLogs([folder]), store, now=NOW, again=True)
    assert output(store) == [10, 10]


def test_lines_copied_by_a_compaction_count_once(folder, store):
    """With their timestamps, not always with the prompt before; also if a gateway has no ids."""
    for ids in (("m1", "r1"), ("m1", None), (None, None)):
        place = folder / str(ids), Store(store.root / str(ids))
        lines = [*exchange(1, 100, ids), *exchange(2, 200, ("m2", "r2"))]
        synced_logs(place[1], written(place[0], s1=lines))
        appended(place[0], "s1", lines[1])
        synced_logs(place[1], place[0])
        assert sorted(output(place[1])) == [10, 20]


def test_two_subagents_of_a_gateway_with_one_id_for_all_are_two(folder, store):
    """They start with the same number of tokens, in one session."""
    files = {
        f"s1__subagents__agent-{name}": [answered(100, isSidechain=True, agentId=name)]
        for name in ("a", "b")
    }
    synced_logs(store, written(folder, s1=[prompt()], **files))
    assert output(store) == [10, 10]


def test_a_subagent_is_not_a_copy_of_another_session(folder, store):
    """One message id for all, or none, and the same number of tokens."""
    for number, message in enumerate(["gateway", None]):
        here, there = {"session": f"a{number}"}, {"session": f"b{number}", "isSidechain": True}
        lines = [answered(100, message, "r1", **here), answered(100, message, "r2", **there)]
        written(folder, **{f"a{number}": lines[:1], f"b{number}": lines[1:]})
    synced_logs(store, folder)
    assert output(store) == [10] * 4


def test_a_longer_context_after_a_tool_is_another_answer(folder, store):
    """Within one prompt, with one id for all, and no request id."""
    lines = [prompt(), answered(1000), answered(1000), result(), answered(2000)]
    synced_logs(store, written(folder, s1=lines))
    assert sorted(output(store)) == [100, 200]


def test_blocks_of_one_answer_before_and_after_a_tool_result_are_one(folder, store):
    """Tools run while the answer is still being written: the input tokens are the same."""
    lines = [prompt(), answered(1000, "m1"), result(), answered(1000, "m1")]
    synced_logs(store, written(folder, s1=lines))
    assert output(store) == [100]


@pytest.mark.parametrize("missing", ["message", "request"])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("parts", [1, 2])
def test_one_answer_with_and_without_an_id_is_one(folder, store, missing, turned, parts):
    """In either order, read at once or in two parts; the more complete line counts."""
    whole = answered(1000, "m1", "r1")
    lacking = answered(1000, *((None, "r1") if missing == "message" else ("m1", None)))
    lacking["message"]["usage"]["output_tokens"] = 130
    first, second = (lacking, whole) if turned else (whole, lacking)
    if parts == 2:
        synced_logs(store, written(folder, s1=[prompt(), first]))
        appended(folder, "s1", second)
    else:
        written(folder, s1=[prompt(), first, second])
    synced_logs(store, folder)
    (row,) = rows(store)["requests"]
    assert (row["message"], row["request"], row["output_tokens"]) == ("m1", "r1", 130)


def test_an_answer_that_starts_with_zero_tokens_is_one(folder, store):
    """A gateway counts only at the end; the first line says 0, and so does the next answer."""
    later = {"at": "2026-08-03T11:00:00Z"}
    again = [prompt("p2", **later), answered(0, "m1", **later)]
    lines = [prompt(), answered(0, "m1"), answered(1000, "m1"), *again]
    synced_logs(store, written(folder, s1=lines[:2]))
    appended(folder, "s1", *lines[2:])
    synced_logs(store, folder)
    assert sorted(output(store)) == [0, 100]


@pytest.mark.parametrize("order", [("s1", "s2", "s3"), ("s3", "s1", "s2"), ("s2", "s3", "s1")])
def test_answers_copied_behind_a_later_prompt_join_the_originals_in_any_order(folder, store, order):
    """A copy answers the last prompt before it by time; an answer without any id is of its own."""
    later = prompt("p2", at="2026-08-04T09:00:00.000Z")
    unnamed = answer(None, None, output=3)
    files = {
        "s1": [answered(50), unnamed],
        "s2": [later, unnamed, answered(50)],
        "s3": [answer("m1", None, output=33), answer("m1", "r1", output=30)],
    }
    for name in order:
        synced_logs(store, written(folder, **{name: files[name]}))
    assert sorted(output(store)) == [3, 5, 33]


def test_a_subagent_without_request_ids_is_counted_once(folder, store):
    """From its file and from its parent's progress, which has no prompt."""
    inner = answered(1000, "m2", isSidechain=True, agentId="a7")
    own = [prompt("p9", isSidechain=True, agentId="a7"), inner]
    lines = [prompt(), progress(inner)]
    synced_logs(store, written(folder, s1=lines, **{"s1__subagents__agent-a7": own}))
    assert output(store) == [100]


def test_an_answer_without_a_request_id_stays_in_its_session(folder, store):
    """The message id of a gateway is only valid within its session."""
    lines = [prompt("p1", session="s2"), answered(1000, "m1", None, session="s2")]
    synced_logs(store, written(folder, s1=[prompt(), answered(1000, "m1", "r1")], s2=lines))
    assert output(store) == [100, 100]


def test_a_subagent_of_a_gateway_with_one_id_for_all_counts(folder, store):
    """It repeats no answer of the session: its input tokens differ."""
    inner = [prompt("p2", isSidechain=True), answered(300, "gateway", "r9", isSidechain=True)]
    lines = [prompt(), answered(100, "gateway", "r1")]
    synced_logs(store, written(folder, s1=lines, **{"s1__subagents__agent-a": inner}))
    assert sorted(output(store)) == [10, 30]


# Tool calls


def test_tool_calls_numbered_from_one_in_each_turn_are_different(folder, store):
    """Three edits called t1: in two messages, and in another session."""

    def edited(message, session="s1"):
        block = {"type": "tool_use", "id": "t1", "name": "Edit", "input": {}}
        return [
            answer(message, message, content=[block], session=session),
            result("t1", PATCH, session=session),
        ]

    synced_logs(store, written(folder, s1=edited("m1"), s2=edited("m3", "s2")))
    appended(folder, "s1", *edited("m2"))
    synced_logs(store, folder)
    assert len(rows(store)["tool_calls"]) == 3
    assert sum(row["lines_added"] for row in rows(store)["activity"]) == 6


def test_a_result_in_another_session_does_not_close_an_open_call(folder, store):
    """Both are called t1; the first was interrupted."""
    synced_logs(store, written(folder, s1=[call("t1")], s2=[result("t1", PATCH, session="s2")]))
    assert rows(store)["tool_calls"] == []


# Copies


MARKS = {
    "background": ({"sessionKind": "bg"}, None),
    "continued": ({}, {"type": "continued-in", "sessionId": "", "continuedInSessionId": ""}),
    "forked": ({"forkedFrom": {"sessionId": "", "messageUuid": "x"}}, None),
    "unmarked": ({}, None),
}


def copied(kind, original, copy):
    """The lines of a session, and those of its copy, which continued from there."""
    marks, last = MARKS[kind]

    def past(session, **fields):
        edit = {"type": "tool_use", "id": "t1", "name": "Edit", "input": {}}
        place = {"session": session, **fields}
        return [
            prompt("p1", at=at("10:00:00"), **place),
            answer("m1", "r1", output=1, at=at("10:00:10"), uuid="u1", **place),
            prompt("p2", at=at("10:05:00"), **place),
            answer("m2", "r2", output=2, at=at("10:05:10"), content=[edit], **place),
            result("t1", PATCH, at=at("10:05:11"), **place),
            line("system", subtype="compact_boundary", uuid="c1", at=at("10:06:00"), **place),
        ]

    fields = {"forkedFrom": {"sessionId": original}} if kind == "forked" else marks
    kept = {name: value for name, value in marks.items() if name != "forkedFrom"}
    own = [
        prompt("p3", at=at("10:30:00"), session=copy, **kept),
        answer("m3", "r3", output=4, at=at("10:31:00"), session=copy, **kept),
    ]
    end = [last | {"sessionId": original, "continuedInSessionId": copy}] if last else []
    return [*past(original), *end], [*past(copy, **fields), *own]


@pytest.mark.parametrize("kind", MARKS)
@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
@pytest.mark.parametrize("order", ["at once", "original first", "copy first"])
def test_a_copy_has_only_the_lines_after_it_was_made(folder, store, kind, names, order):
    """Whatever the order of names and of reading, at once or in two syncs."""
    original, copy = names
    lines, more = copied(kind, original, copy)
    if order == "original first":
        synced_logs(store, written(folder, **{original: lines}))
    if order == "copy first":
        synced_logs(store, written(folder, **{copy: more}))
    synced_logs(store, written(folder, **{original: lines, copy: more}))
    found = rows(store)
    tokens = {row["session"]: 0 for row in found["requests"]}
    for row in found["requests"]:
        tokens[row["session"]] += row["output_tokens"]
    assert tokens == {original: 3, copy: 4}
    assert [row["session"] for row in found["tool_calls"]] == [original]
    compacted = [row["session"] for row in found["log_events"] if row["kind"] == "compaction"]
    assert compacted == [original]
    sessions = {row["session"]: row for row in found["sessions"]}
    assert f"{sessions[original]['started_at']:%H:%M}" == "10:00"
    assert f"{sessions[copy]['started_at']:%H:%M:%S}" == "10:30:00"
    assert (sessions[original]["output_tokens"], sessions[copy]["output_tokens"]) == (3, 4)
    rest = kind in ("background", "continued")
    assert sessions[copy]["continues"] == (original if rest else None)
    assert sum(row["sessions"] for row in found["activity"]) == (1 if rest else 2)


MARKED = [kind for kind in MARKS if kind != "unmarked"]


@pytest.mark.parametrize("kind", MARKED)
def test_a_copy_keeps_its_start_when_stores_merge(folder, store, kind):
    """The other machine has only its copied lines: it starts with its own ones all the same."""
    lines, more = copied(kind, "a", "b")
    other = Store(store.root.parent / "other")
    synced_logs(store, written(folder, a=lines, b=more))
    synced_logs(other, written(folder.parent / "there", a=lines, b=more[:5]))
    cca.merge(other, store, now=NOW)
    started = {row["session"]: row["started_at"] for row in rows(store)["sessions"]}
    assert {name: f"{at:%H:%M}" for name, at in started.items()} == {"a": "10:00", "b": "10:30"}


@pytest.mark.parametrize("kind", MARKED)
@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
def test_a_copy_seen_before_it_has_lines_of_its_own_is_still_the_copy(folder, store, kind, names):
    """It then ends where the original does; the original has not changed since."""
    original, copy = names
    lines, more = copied(kind, original, copy)
    synced_logs(store, written(folder, **{original: lines, copy: more[:5]}))
    synced_logs(store, written(folder, **{copy: more}))
    owners = {row["message"]: row["session"] for row in rows(store)["requests"]}
    assert owners == {"m1": original, "m2": original, "m3": copy}


def test_an_original_that_was_taken_for_the_copy_has_its_start_back(folder, store):
    """At first the copy is the shorter one; then both grow, and the copy lasts longer."""
    unanswered = prompt("p0", at=at("10:00:00"))
    lines = [unanswered, *exchange(1, 100, ("m1", "r1")), *exchange(2, 200, ("m2", "r2"))]
    past = [one | {"sessionId": "s2"} for one in lines[:3]]
    synced_logs(store, written(folder, s1=lines, s2=past))
    appended(folder, "s1", *exchange(3, 300, ("m3", "r3")))
    appended(folder, "s2", *exchange(4, 400, ("m4", "r4"), session="s2"))
    synced_logs(store, folder)
    started = {row["session"]: row["started_at"] for row in rows(store)["sessions"]}
    assert {name: f"{at:%H:%M}" for name, at in started.items()} == {"s1": "10:00", "s2": "10:04"}


def test_a_session_is_the_rest_of_one_that_is_read_later(folder, store):
    """The line that says so is in the other file, and no other line of it is on these days."""
    rest = answer(session="b", at="2026-08-09T10:00:00Z")
    synced_logs(store, written(folder, b=[rest]))
    said = MARKS["continued"][1] | {"sessionId": "a", "continuedInSessionId": "b"}
    synced_logs(store, written(folder, a=[answer("m0", "r0", session="a"), said]))
    found = rows(store)
    assert {row["session"]: row["continues"] for row in found["sessions"]} == {"a": None, "b": "a"}
    assert sum(row["sessions"] for row in found["activity"]) == 1


def test_what_continues_a_session_is_known_without_its_log_and_the_ledger(folder, store):
    """The line that says so was in a log that is gone since, and the ledger is damaged."""
    said = MARKS["continued"][1] | {"sessionId": "a", "continuedInSessionId": "b"}
    synced_logs(store, written(folder, a=[answer("m0", "r0", session="a"), said]))
    (folder / "projects" / "p" / "a.jsonl").unlink()
    (store.folder("local") / "logs.ledger").write_bytes(b"")
    synced_logs(store, written(folder, b=[answer(session="b", at="2026-08-09T10:00:00Z")]))
    continues = {row["session"]: row["continues"] for row in rows(store)["sessions"]}
    assert continues == {"a": None, "b": "a"}


def test_a_copy_that_starts_with_its_later_name_is_not_the_original(folder, store):
    """A session gets its name after a few answers; its copy, with nothing more, has it at once."""
    named = {"slug": "quiet-river"}
    lines = [prompt(), answer(output=1), answer("m2", "r2", output=2, **named)]
    more = [prompt(session="a", **named), answer(output=1, session="a", **named)]
    synced_logs(store, written(folder, b=[one | {"sessionId": "b"} for one in lines], a=more))
    assert {row["session"] for row in rows(store)["requests"]} == {"b"}
    assert sum(row["sessions"] for row in rows(store)["activity"]) == 2


def test_a_copy_of_a_copy_leaves_each_its_own_lines(folder, store):
    """Three sessions, one after the other in the background, read in the worst order."""
    marks = {"sessionKind": "bg"}
    steps = [("m1", "09:00:00", "p1"), ("m2", "10:00:00", "p2"), ("m3", "11:00:00", "p3")]

    def logged(session, count, **fields):
        pairs = [
            (
                prompt(p, session=session, at=at(clock), **fields),
                answer(m, m, output=1, session=session, at=at(clock), **fields),
            )
            for m, clock, p in steps[:count]
        ]
        return [one for pair in pairs for one in pair]

    files = {"c": logged("c", 1), "b": logged("b", 2, **marks), "a": logged("a", 3, **marks)}
    for name in files:
        synced_logs(store, written(folder, **{name: files[name]}))
    other = Store(store.root.parent / "other")
    for name in reversed(files):
        synced_logs(other, written(folder.parent / "again", **{name: files[name]}))
    for one in (store, other):
        owners = {row["message"]: row["session"] for row in rows(one)["requests"]}
        assert owners == {"m1": "c", "m2": "b", "m3": "a"}
        assert sum(row["sessions"] for row in rows(one)["activity"]) == 1


def test_a_fork_of_a_fork_leaves_the_first_its_own_lines(folder, store):
    """Each copied line names the session just before; the first one continued the longest."""

    def logged(session, number, hour, **fields):
        return answer(
            f"m{number}",
            f"r{number}",
            output=number,
            session=session,
            at=f"2026-08-03T{hour}:00:00Z",
            **fields,
        )

    of_c, of_b = {"forkedFrom": {"sessionId": "c"}}, {"forkedFrom": {"sessionId": "b"}}
    files = {
        "c": [logged("c", 1, "09"), logged("c", 2, "15")],
        "b": [logged("b", 1, "09", **of_c), logged("b", 3, "10")],
        "a": [logged("a", 1, "09", **of_b), logged("a", 3, "10", **of_b), logged("a", 4, "11")],
    }
    synced_logs(store, written(folder, **files))
    owners = {row["message"]: row["session"] for row in rows(store)["requests"]}
    assert owners == {"m1": "c", "m2": "c", "m3": "b", "m4": "a"}


# Context


def test_the_context_of_an_answer_is_that_of_its_last_own_call(folder, store):
    """Calls of 400 and 408 tokens around an advisor of 410: 808 paid for, 408 in the context."""
    parts = [
        {"type": "message", "input_tokens": 400},
        {"type": "advisor_message", "input_tokens": 410, "output_tokens": 3},
        {"type": "message", "input_tokens": 408},
    ]
    usage = {"input_tokens": 808, "iterations": parts}
    synced_logs(store, written(folder, s1=[answer(usage=usage, advisorModel="claude-fable-5")]))
    found = {row["agent"]: row for row in rows(store)["requests"]}
    assert (found["main"]["input_tokens"], found["main"]["context_tokens"]) == (808, 408)
    assert (found["advisor"]["model"], found["advisor"]["context_tokens"]) == (
        "claude-fable-5",
        410,
    )


# Projects


def test_worktrees_subfolders_and_spellings_of_a_drive_are_one_project(folder, store):
    """Seven answers of one project, and one of a folder whose name starts the same way."""
    places = [
        "c:\\app",
        "C:\\app\\src",
        "\\\\?\\C:\\app",
        "/mnt/c/app",
        "C:\\app\\.claude\\worktrees\\fix-1\\src",
        "C:/app/.worktrees/fix-2",
        "C:\\app\\.\\src\\..\\",
        "C:\\app2",
    ]
    lines = [answer(f"m{n}", f"r{n}", output=1, cwd=cwd) for n, cwd in enumerate(places)]
    synced_logs(store, written(folder, s1=lines[:1]))
    appended(folder, "s1", *lines[1:])
    synced_logs(store, folder)
    projects = sorted(row["project"] for row in rows(store)["requests"])
    assert projects == ["C:\\app"] * 7 + ["C:\\app2"]
    assert {row["project"] for row in rows(store)["activity"]} == {"C:\\app", "C:\\app2"}


def test_two_spellings_of_an_accent_are_one_project(folder, store):
    """A Mac writes it as a separate character."""
    places = ["/w/caf\u00e9", "/w/cafe\u0301/"]
    lines = [answer(f"m{n}", f"r{n}", session=f"s{n}", cwd=cwd) for n, cwd in enumerate(places)]
    synced_logs(store, written(folder, s0=lines[:1], s1=lines[1:]))
    assert {row["project"] for row in rows(store)["requests"]} == {"/w/caf\u00e9"}


@pytest.mark.parametrize("place", ["subagents__agent-a", "subagents__workflows__wf_1__agent-a"])
@pytest.mark.parametrize("later", [False, True])
def test_a_subagent_in_a_subfolder_has_the_project_of_its_session(folder, store, place, later):
    """Read with the session, or in a later sync."""
    own = {f"s1__{place}": [answer("m2", "r2", isSidechain=True, agentId="a", cwd="/w/src")]}
    written(folder, s1=[answer(output=1)], **({} if later else own))
    synced_logs(store, folder)
    synced_logs(store, written(folder, **own))
    assert [row["project"] for row in rows(store)["requests"]] == ["/w", "/w"]
