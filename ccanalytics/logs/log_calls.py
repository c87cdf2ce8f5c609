"""The two halves of a tool call -> the call.

They stand on two lines, at times in the wrong order and seldom in two files.
"""

from typing import NamedTuple

from ccanalytics.logs.edits import ACCEPTED, AGENT_TOOLS, ToolUse, may_count
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

    def take(self, key: HalfKey, half: Half, offset: int) -> tuple[CallHalf, ResultHalf] | None:
        """Both halves, when this was the second; the first is kept with its `offset`."""
        if isinstance(half, CallHalf):
            if key in self.results:
                return half, self.results.pop(key)[1]
            self.calls[key] = offset, half
        elif key in self.calls:
            return self.calls.pop(key)[1], half
        else:
            self.results[key] = offset, half
        return None


def paired(call: CallHalf, result: ResultHalf) -> tuple[ToolCall, list[str]]:
    """The tool call of two halves, and what was wrong with values in it."""
    block, turn, at, place, side = result
    name, tool = call.block.id or "", call.block.name or ""
    is_error, denied = bool(block.is_error), turn.tool_denial_kind is not None
    use = ToolUse(
        tool,
        call.block.input,
        block.content,
        turn.tool_use_result,
        is_error=is_error,
        denied=denied,
    )
    done = use.outcome() if is_error or denied or may_count(tool) else ACCEPTED
    started = use.started_agent() if done is ACCEPTED and tool in AGENT_TOOLS else (None, None)
    made = ToolCall(at, place, name, tool, side, done, call.message, call.turn, started)
    return made, use.faults
