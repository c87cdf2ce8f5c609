"""The two halves of a tool call -> the call.

They stand on two lines, at times in the wrong order and seldom in two files.
"""

from typing import NamedTuple

from ccanalytics.logs.edits import (
    ACCEPTED,
    AGENT_TOOLS,
    Call,
    may_count,
    outcome,
    result_of,
    started_agent,
)
from ccanalytics.logs.log_facts import Place, ToolCall
from ccanalytics.logs.log_lines import ContentBlock, Turn

HalfKey = tuple[str, str]
"""The session and the id of the call, which may be another call's in another session."""


class CallHalf(NamedTuple):
    """A tool call without its result, and the message it stands in."""

    block: ContentBlock
    message: str | None
    turn: str | None


class ResultHalf(NamedTuple):
    """A tool result, and when, where and by whom its line was written."""

    block: ContentBlock
    turn: Turn
    at: int
    place: Place
    side: bool


Half = CallHalf | ResultHalf


class OpenHalves:
    """The calls and results of a file of which the other half was not read yet."""

    def __init__(self) -> None:
        self.calls: dict[HalfKey, tuple[int, CallHalf]] = {}
        self.results: dict[HalfKey, tuple[int, ResultHalf]] = {}

    def take(self, key: HalfKey, half: Half, offset: int) -> ToolCall | None:
        """The call, when this was its second half; the first is kept with its `offset`."""
        if isinstance(half, CallHalf):
            if key in self.results:
                return paired(half, self.results.pop(key)[1])
            self.calls[key] = offset, half
        elif key in self.calls:
            return paired(self.calls.pop(key)[1], half)
        else:
            self.results[key] = offset, half
        return None


def paired(call: CallHalf, result: ResultHalf) -> ToolCall:
    """The tool call of two halves."""
    block, turn, at, place, side = result
    name, tool = call.block.id or "", call.block.name or ""
    done = ACCEPTED
    started: tuple[str | None, str | None] = None, None
    asked, answered = Call(tool, call.block.input), result_of(block, turn)
    if block.is_error or turn.tool_denial_kind is not None or may_count(tool):
        done = outcome(asked, answered)
    elif tool in AGENT_TOOLS:
        started = started_agent(asked, answered)
    return ToolCall(at, place, name, tool, side, done, call.message, call.turn, started)
