"""Lines of session logs, as Claude Code writes them."""

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
    return line("progress", data={"type": "agent_progress", "message": copy}, **fields)


PATCH = {"structuredPatch": [{"lines": ["+new", "+newer", "-old"]}]}
