"""What each answer in a log answers: the last prompt of its conversation, and the last line.

Ids do not always identify an answer: gateways leave them out, or give every answer the
same. Then the prompt before it and its input tokens do.
"""

from bisect import bisect_right
from operator import attrgetter

import msgspec

from ccanalytics.logs.log_facts import OF_A_GATEWAY, Place
from ccanalytics.logs.log_lines import Line, Message, tokens


class Conversation(msgspec.Struct, gc=False):
    """What the next answer of a conversation answers."""

    prompt: str
    prompted_at: int
    asked_at: int
    """The time of the last prompt or tool result."""


class Answer(msgspec.Struct, gc=False):
    """An answer whose ids another one may have."""

    at: int
    conversation: Conversation | None
    asked_at: int | None
    into: int
    turn: str | None


class Said(msgspec.Struct, gc=False):
    """A message, with where and who wrote it."""

    line: Line
    message: Message
    at: int
    place: Place
    side: bool
    asked_at: int | None = None
    """Of an answer, the moment of the prompt or tool result before it."""
    answers: str | None = None
    """What stands for the ids of an answer that lacks or shares them; else null."""


class Turns:
    """The conversations of a file by name: the session's own and its subagents'."""

    def __init__(self) -> None:
        self._conversations: dict[str, list[Conversation]] = {}
        self._answers: dict[tuple[str | None, ...], Answer] = {}

    def ask(self, said: Said, *, is_result: bool) -> None:
        """Remembers what the next answer answers: a prompt, or the result of a tool."""
        known, at = self._conversation(said), said.at
        # Claude Code adds lines of its own between the blocks of one answer.
        if known is not None and (is_result or said.line.is_meta):
            known.asked_at = at
            return
        prompt = said.line.uuid or f"{said.line.session()}:{at}"
        prompts = self._conversations.setdefault(said.line.stream(), [])
        prompts.insert(bisect_right(prompts, at, key=_prompted_at), Conversation(prompt, at, at))

    def hear(self, said: Said) -> None:
        """Note what an answer answers, and what stands for ids that are missing or shared.

        Within one prompt what goes in grows with every answer. Results of tools do not tell: they
        are written between the blocks of one answer too. What a subagent says stands in two files,
        of which one may lack the prompt.
        """
        line, ids = said.line, (said.message.id, said.line.request_id)
        known = self._conversation(said)
        said.asked_at = known.asked_at if known else None
        # While an answer of the API is being written a person may type a command.
        if all(ids) and len(ids[1] or "") > OF_A_GATEWAY:
            return
        usage, stream = said.message.usage, line.stream()
        into = tokens(usage).into if usage else 0
        whose = f"{line.session()}:{stream}" if said.side else known and known.prompt
        turn = f"{whose or line.session()}/{into or said.asked_at or 0}"
        answer = Answer(said.at, known, said.asked_at, into, None if all(ids) else turn)
        last = self._answers.get((stream, *ids))
        if last and all(ids):
            said.answers = turn if _is_another(answer, last, said.side) else None
            return
        # Some gateways count what goes in only at the end of an answer.
        if last and last.conversation is known and last.asked_at == said.asked_at:
            if last.into in (0, into) or not into:
                answer.turn = last.turn
            answer.into = into or last.into
        self._answers[stream, *ids] = answer
        said.answers = answer.turn

    def _conversation(self, said: Said) -> Conversation | None:
        """The last prompt before a line, by time: a compaction copies lines behind later ones."""
        prompts = self._conversations.get(said.line.stream())
        if not prompts:
            return None
        if prompts[-1].prompted_at <= said.at:
            return prompts[-1]
        place = bisect_right(prompts, said.at, key=_prompted_at)
        return prompts[place - 1] if place else None


def _is_another(answer: Answer, first: Answer, side: bool) -> bool:
    """Whether an answer with the ids of the `first` was requested after it.

    A tool result asks for another answer only when more goes in. Not every file of a subagent
    has its prompts.
    """
    known = answer.conversation
    has_more = first.into and answer.into and first.into != answer.into
    if known is None or (side and not has_more):
        return False
    asked_at = known.asked_at if has_more else known.prompted_at
    return first.at < asked_at <= answer.at


_prompted_at = attrgetter("prompted_at")
