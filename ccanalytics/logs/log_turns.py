"""What each answer of a log answers: the last prompt of its conversation, and the last line.

Ids do not always say which answer a line is of: gateways leave them out, or give every answer the
same. The prompt before it, and how much went in, then stand for them.
"""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

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
    stream: str


class Given(msgspec.Struct, gc=False):
    """An answer that has both ids: they may come again with another answer."""

    ids: tuple[str, str]
    into: int
    at: int


class Conversation(msgspec.Struct, gc=False):
    """How far a conversation of a file has come."""

    prompt: str
    prompted_at: int
    asked_at: int
    """The moment of the last prompt or tool result."""
    given: Given | None = None
    """The last answer with ids that no answer before it has."""


class Turns:
    """The conversations of a file by name: the session's own, and those of its subagents."""

    def __init__(self, known: Mapping[str, Conversation]) -> None:
        self.conversations = {name: msgspec.structs.replace(one) for name, one in known.items()}
        self._given = {(name, one.given.ids): one.given for name, one in known.items() if one.given}

    def ask(self, said: Said) -> None:
        """Remembers what the next answer answers."""
        line, turn, message, at, _, _, stream = said
        known = self.conversations.get(stream)
        # Lines that Claude Code adds by itself stand between the blocks of one answer.
        if known is not None and (line.is_meta or _has_result(message)):
            known.asked_at = at
            return
        prompt = turn.uuid or f"{line.session()}:{at}"
        given = known.given if known else None
        self.conversations[stream] = Conversation(prompt, at, at, given)

    def asked_at(self, stream: str) -> int | None:
        """The moment of the prompt or tool result that an answer answers."""
        known = self.conversations.get(stream)
        return known.asked_at if known else None

    def turn(self, said: Said) -> str | None:
        """What stands for ids that an answer lacks or shares; null where its ids are its own.

        Within one prompt what goes in grows with every answer. Results of tools do not tell: they
        are written between the blocks of one answer too. What a subagent says stands in two files,
        of which one may lack the prompt.
        """
        line, turn, message, at, _, side, stream = said
        into = tokens(message.usage).into if message.usage else 0
        known = self.conversations.get(stream)
        if message.id and turn.request_id:
            ids = message.id, turn.request_id
            if not self._is_given_again(stream, known, Given(ids, into, at), side):
                return None
        if side:
            return f"{line.session()}:{stream}/{into or (known.asked_at if known else 0)}"
        prompt = known.prompt if known else line.session()
        return f"{prompt}/{into or (known.asked_at if known else 0)}"

    def _is_given_again(
        self, stream: str, known: Conversation | None, answer: Given, side: bool
    ) -> bool:
        """Whether these ids were those of an earlier answer: this one was asked for after it.

        A tool result asks for another answer only when more goes in. The prompts of a subagent are
        not in all of its files.
        """
        first = self._given.get((stream, answer.ids))
        if first is None or known is None:
            self._given[stream, answer.ids] = answer
            if known is not None:
                known.given = answer
            return False
        more = first.into and answer.into and first.into != answer.into
        asked_at = known.asked_at if more else first.at if side else known.prompted_at
        if first.at < asked_at <= answer.at:
            return True
        if first.into == answer.into:
            first.at = max(first.at, answer.at)
        return False


def _has_result(message: Message) -> bool:
    """Whether a user's line is only the answer of a tool."""
    content = message.content
    return type(content) is list and any(
        type(block) is ContentBlock and block.type == "tool_result" for block in content
    )
