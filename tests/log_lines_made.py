"""Lines of session logs, as Claude Code writes them, and the results of reading them."""

import json
from datetime import UTC, datetime

import ccanalytics as cca
from ccanalytics.logs.log_source import LocalLogs

NOW = datetime(2026, 8, 12, 12, tzinfo=UTC)

MODEL = "claude-opus-5"


def line(kind="assistant", *, session="s1", at="2026-08-03T10:00:00.000Z", cwd="/w", **fields):
    """One line of a log."""
    return {"type": kind, "sessionId": session, "timestamp": at, "cwd": cwd, **fields}


def answer(message="m1", request="r1", *, output=0, model=MODEL, stop=None, content=(), **fields):
    """A line with the usage of a request; `usage` adds to it."""
    usage = {"output_tokens": output, **fields.pop("usage", {})}
    body = {"id": message, "model": model, "stop_reason": stop, "usage": usage}
    return line(message={**body, "content": list(content)}, requestId=request, **fields)


def call(name="t1", tool="Edit", **given):
    """A line with a tool call."""
    block = {"type": "tool_use", "id": name, "name": tool, "input": given}
    return answer(f"m-{name}", content=[block])


def result(name="t1", account=None, *, text="ok", error=False, **fields):
    """A line with the result of a tool call."""
    block = {"type": "tool_result", "tool_use_id": name, "content": text, "is_error": error}
    logged = {} if account is None else {"toolUseResult": account}
    return line("user", message={"role": "user", "content": [block]}, **logged, **fields)


def progress(inner, **fields):
    """A subagent's line as its parent's log repeats it."""
    copy = {
        key: inner[key] for key in ("type", "message", "requestId", "toolUseResult") if key in inner
    }
    data = {"type": "agent_progress", "message": copy, "agentId": inner.get("agentId")}
    return line("progress", data=data, **fields)


PATCH = {"structuredPatch": [{"lines": ["+new", "+newer", "-old"]}]}


def written(folder, **files):
    """A log folder with these files; an existing file is replaced."""
    for name, lines in files.items():
        path = folder / "projects" / "p" / f"{name.replace('__', '/')}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(map(bytes_of, lines)))
    return folder


def appended(folder, name, *lines):
    """Add lines to the end of a file."""
    with (folder / "projects" / "p" / f"{name}.jsonl").open("ab") as file:
        file.write(b"".join(map(bytes_of, lines)))


def bytes_of(line):
    return line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n"


def synced_logs(store, folder, now=NOW):
    """The result of a sync of the logs in a folder."""
    return cca.sync(LocalLogs([folder]), store, now=now)


def rows(store):
    """Every row of every frame of every day, in order, without the identity of the store."""
    _, frames = store.read_days("local", store.dates("local"))
    return {
        name: sorted(
            ({k: v for k, v in row.items() if k != "organization"} for row in table.to_pylist()),
            key=repr,
        )
        for name, table in frames.items()
    }


def output(store):
    """Output tokens, by request and in total."""
    frames = rows(store)
    tokens = [row["output_tokens"] for row in frames["requests"]]
    assert sum(tokens) == sum(row["output_tokens"] for row in frames["model_usage"])
    return tokens
