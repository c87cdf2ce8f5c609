"""What each answer of a log answers: the last prompt of its conversation, and the last line."""

from collections.abc import Mapping
from typing import NamedTuple

from ccanalytics.logs.log_facts import Place
from ccanalytics.logs.log_lines import ContentBlock, Line, Message, Turn, tokens


class Said(NamedTuple):
    """A message, and where and by whom it was written."""

    line: Line
    turn: Turn
    message: Message
    at: int
    place: Place
    side: bool


class Turns:
    """The conversations of a file: the session's own, and those of its subagents.

    `asked` has the last prompt of each, and the moment of the last prompt or tool result.
    """

    def __init__(self, asked: Mapping[str, tuple[str, int]]) -> None:
        self.asked = dict(asked)

    def ask(self, line: Line, turn: Turn, at: int) -> None:
        """Remembers what the next answer answers."""
        stream = line.stream()
        known = self.asked.get(stream)
        if known is None or not _has_result(turn.message):
            known = turn.uuid or f"{line.session()}:{at}", at
        self.asked[stream] = known[0], at

    def asked_at(self, line: Line) -> int | None:
        """The moment of the prompt or tool result that a line answers."""
        asked = self.asked.get(line.stream())
        return asked[1] if asked else None

    def turn(self, said: Said) -> str | None:
        """What stands for the id a message lacks: the prompt it answers, and what went in.

        Within one prompt what goes in grows with every answer. Results of tools do not tell: they
        are written between the blocks of one answer too. What a subagent says stands in two files,
        of which one may lack the prompt.
        """
        line, turn, message, _, _, side = said
        if message.id and turn.request_id:
            return None
        prompt, asked_at = self.asked.get(line.stream(), (f"{line.session()}", 0))
        into = tokens(message.usage).into if message.usage else 0
        return f"{line.session() if side else prompt}/{into or asked_at}"


def _has_result(message: Message | str | None) -> bool:
    """Whether a user's line is only the answer of a tool."""
    content = message.content if type(message) is Message else None
    return type(content) is list and any(
        type(block) is ContentBlock and block.type == "tool_result" for block in content
    )
