"""The wire format of the Claude Code Analytics API: bytes of one page -> typed records.

    Page ── data ─▶ Record ┬─ actor            UserActor | ApiActor | OtherActor
                           ├─ core_metrics     CoreMetrics ─ LinesOfCode
                           ├─ tool_actions     {tool: ToolAction}
                           └─ model_breakdown  [ModelUsage ─ TokenCounts, EstimatedCost]

Every source speaks this format. The structs are the documentation of it: a missing or ill-typed
field is a `SchemaError` naming its path, an unknown field is passed over, and tools, models and
terminals are open sets. `project` is ours: the service never sends it, session logs fill it. What
another source does not have, such as the customer type, is null.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Generic, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ccanalytics.errors import SchemaError

EDIT_TOOLS = ("edit_tool", "multi_edit_tool", "write_tool", "notebook_edit_tool")
"""The tools whose proposals change files, by the names of `tool_actions`; others may come."""

MOST_CENTS = 10**12  # no amount has so many

T = TypeVar("T")
Row = TypeVar("Row", bound="Wire")
Name = Annotated[str, Meta(min_length=1)]


class Wire(msgspec.Struct, gc=False):
    """Base of all structs: not tracked by the garbage collector (no cycles)."""


class UserActor(Wire, tag_field="type", tag="user_actor", omit_defaults=True):
    """A person who signed in."""

    email_address: Name
    """Their address, in whatever case it was written."""
    id: str | None = None
    """Ours, of a source that has one: the same when the address changes."""


class ApiActor(Wire, tag_field="type", tag="api_actor"):
    """An API key, by its name; the service never sends its id."""

    api_key_name: Name
    """The name of the key; it can be changed, and two keys can share it."""


class OtherActor(Wire, tag_field="type", tag="other_actor"):
    """Ours, for an actor of an unknown kind or without a name: counted apart, never a person."""

    kind: str
    """What the service calls this kind, such as `service_account_actor`, or `unnamed_` and that."""
    name: str
    """Its name or id; the kind where it has none."""


class LinesOfCode(Wire):
    """Lines Claude Code wrote and removed."""

    added: int
    """Lines written."""
    removed: int
    """Lines removed."""


class CoreMetrics(Wire):
    """The counters of one record."""

    num_sessions: int | None
    """Distinct sessions; null where a source does not say."""
    lines_of_code: LinesOfCode
    """Lines written and removed through Claude Code."""
    commits_by_claude_code: int
    """Commits made through Claude Code, not all commits."""
    pull_requests_by_claude_code: int
    """Pull requests made through Claude Code, not all of them."""


class ToolAction(Wire):
    """Decisions on one tool's proposals."""

    accepted: int
    """Proposals that were taken."""
    rejected: int
    """Proposals that were refused."""


class TokenCounts(Wire):
    """Tokens of one model; the four kinds do not overlap."""

    input: int
    """Tokens read that were in no cache."""
    output: int
    """Tokens written."""
    cache_read: int
    """Tokens read from the cache."""
    cache_creation: int
    """Tokens put into the cache."""


class EstimatedCost(Wire):
    """An estimate at list price, not an invoice."""

    amount: Decimal | None
    """In hundredths of `currency`, so cents; null is a price nobody knows."""
    currency: str = "USD"
    """So far always USD."""


class ModelUsage(Wire):
    """What one record used of one model."""

    model: str
    """The model's id; any text, as models come and go."""
    tokens: TokenCounts
    """Its tokens by kind."""
    estimated_cost: EstimatedCost
    """What they cost at list price."""


class Record(Wire):
    """One actor on one UTC day, by terminal, customer type and remote or not."""

    date: str
    """The midnight, UTC, at which the day begins."""
    actor: UserActor | ApiActor | OtherActor
    """Who did it: a person, or an API key."""
    organization_id: str
    """The organization, by its id."""
    customer_type: str | None
    """`api` pays by use, `subscription` is a seat of a plan; null where a source does not say."""
    terminal_type: str | None
    """The terminal or editor; any text, such as vscode, iTerm.app, tmux."""
    core_metrics: CoreMetrics
    """Sessions, lines, commits, pull requests."""
    tool_actions: dict[str, ToolAction]
    """Decisions by tool; any tool may come, the known ones may be missing."""
    model_breakdown: list[ModelUsage]
    """Tokens and cost by model."""
    subscription_type: str | None = None
    """The plan of a subscription, such as `team` or `enterprise`; else null or absent."""
    is_remote: bool | None = None
    """Whether it was a remote session, as on the web; absent in older answers."""
    project: str | None = None
    """Ours, of session logs: the service never sends it."""


class CursorPage(Wire, Generic[Row]):
    """One answer of a list that goes on by cursor."""

    data: list[Row]
    """The rows of this page."""
    has_more: bool | None = None
    """Whether another page follows; where it is left out, the cursor says so."""
    next_page: str | UnsetType | None = UNSET
    """The cursor to send as `page`; null on the last page."""

    continued_by: ClassVar[str] = "page"

    @property
    def goes_on(self) -> bool:
        """Whether another page follows."""
        return bool(self.next_page) if self.has_more is None else self.has_more


class Page(CursorPage[Record]):
    """One answer: the records of a day, none when nothing happened."""

    def __post_init__(self) -> None:
        # With neither, whether it is the whole day would be a guess.
        if self.has_more is None and self.next_page is UNSET:
            raise ValueError("there is no `has_more` and no `next_page`")


class ErrorDetail(Wire):
    """What went wrong, in the service's words."""

    type: str
    """The kind of error, such as `rate_limit_error`: what a program decides by."""
    message: str
    """What a person reads; its wording may change."""


class ErrorBody(Wire):
    """What is read of the body of every error answer."""

    error: ErrorDetail
    """What went wrong."""


def decoder(kind: type[T], what: str) -> Callable[[bytes], T]:
    """A function from bytes to `kind`: `SchemaError` with the path of the first field at fault."""
    # Not strict, as some services and proxies write numbers as text.
    decode = msgspec.json.Decoder(kind, strict=False).decode

    def decoded(body: bytes) -> T:
        try:
            return decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            why = f"{error}, in {len(body)} bytes"
            if body.lstrip()[:1] == b"<":
                why = "HTML of a proxy, or of a wrong ANTHROPIC_BASE_URL, which begins "
                why += repr(body[:80])
            raise SchemaError(f"The answer is not {what}: {why}.") from error

    return decoded


_decode_known = decoder(Page, "a page of Claude Code Analytics records")


def decode_page(body: bytes) -> Page:
    """One page of records; an actor of an unknown kind, or without a name, is an `OtherActor`."""
    try:
        return _decode_known(body)
    except SchemaError:
        # One odd row must not cost a day, and with it a week.
        with suppress(msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
            page = msgspec.json.decode(body)
            for row in page["data"]:
                _complete(row)
            return _decode_known(msgspec.json.encode(page))
        raise


def _complete(row: dict[str, Any]) -> None:
    """Puts what stands for nothing where a row has null or leaves out a part."""
    actor = row["actor"] or {}
    kind = str(actor.get("type") or "actor")
    name = {"user_actor": "email_address", "api_actor": "api_key_name"}.get(kind)
    if not name or not actor.get(name):
        kind = f"unnamed_{kind}" if name else kind
        named = {k: v for k, v in actor.items() if k != "type" and v and isinstance(v, str)}
        # Its name, else its address, else its id.
        best = sorted(named, key=lambda k: (not k.endswith("name"), not k.endswith("address")))
        called = named[best[0]] if best else kind
        row["actor"] = {"type": "other_actor", "kind": kind, "name": called}
    # Services written in Go send null for an empty map or list.
    row.setdefault("terminal_type", None)
    row["tool_actions"] = row.get("tool_actions") or {}
    row["model_breakdown"] = row.get("model_breakdown") or []
    for usage in row["model_breakdown"]:
        usage["estimated_cost"] = usage.get("estimated_cost") or {"amount": None}


def unknown_fields(body: bytes, rows: Sequence[Wire], inside: str = "") -> set[str]:
    """The fields of a page's rows that this version does not know, by their path.

    `rows` are those of the page, decoded. An unknown kind of actor is named by its type. Of rows
    that are mostly of no interest only the fields `inside` one of their own.
    """
    sent, known = msgspec.json.decode(body)["data"], msgspec.to_builtins(rows)
    if inside:
        sent, known = ([{inside: row[inside]} for row in rows] for rows in (sent, known))
    return set(_extra(sent, known))


def _extra(sent: object, known: object, path: str = "") -> Iterator[str]:
    if isinstance(known, dict) and known.get("type") == "other_actor":
        yield f"{path}type {known['kind']}"
    elif isinstance(sent, dict) and isinstance(known, dict):
        for name, value in sent.items():
            if name not in known:
                yield f"{path}{name}"
            elif value is None or isinstance(value, dict | list):
                yield from _extra(value, known[name], f"{path}{name}.")
    elif isinstance(sent, list) and isinstance(known, list):
        for one, other in zip(sent, known, strict=False):
            yield from _extra(one, other, path)
