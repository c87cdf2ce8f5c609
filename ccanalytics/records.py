"""The wire format of the Claude Code Analytics API: bytes of one page -> typed records.

    Page ── data ─▶ Record ┬─ actor            UserActor | ApiActor
                           ├─ core_metrics     CoreMetrics ─ LinesOfCode
                           ├─ tool_actions     {tool: ToolAction}
                           └─ model_breakdown  [ModelUsage ─ Tokens, EstimatedCost]

Every source speaks this format. The structs are the documentation of it: a missing or ill-typed
field is a `SchemaError` naming its path, an unknown field is passed over, and tools, models and
terminals are open sets. `project` is ours: the service never sends it, local logs fill it. What
another source cannot tell, such as the customer type, is null.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Literal, TypeVar

import msgspec

from ccanalytics.errors import SchemaError

EDIT_TOOLS = ("edit_tool", "multi_edit_tool", "write_tool", "notebook_edit_tool")
"""The tools whose proposals change files, by the names of `tool_actions`; others may come."""


T = TypeVar("T")


class Wire(msgspec.Struct, gc=False):
    """Base of all structs: not tracked by the garbage collector (no cycles)."""


class UserActor(Wire, tag_field="type", tag="user_actor"):
    """A person who signed in."""

    email_address: str


class ApiActor(Wire, tag_field="type", tag="api_actor"):
    """An API key, by its name; the service never sends its id."""

    api_key_name: str


class LinesOfCode(Wire):
    """Lines Claude Code wrote and removed."""

    added: int
    removed: int


class CoreMetrics(Wire):
    """The counters of one record."""

    num_sessions: int | None
    lines_of_code: LinesOfCode
    commits_by_claude_code: int
    pull_requests_by_claude_code: int


class ToolAction(Wire):
    """Decisions on one tool's proposals."""

    accepted: int
    rejected: int


class Tokens(Wire):
    """Tokens of one model; the four kinds do not overlap."""

    input: int
    output: int
    cache_read: int
    cache_creation: int


class EstimatedCost(Wire):
    """An estimate at list price, in cents of `currency`; a null amount is a price nobody knows."""

    amount: Decimal | None
    currency: str = "USD"


class ModelUsage(Wire):
    """What one record used of one model."""

    model: str
    tokens: Tokens
    estimated_cost: EstimatedCost


class Record(Wire):
    """One actor on one UTC day, by terminal, customer type and remote or not."""

    date: str
    actor: UserActor | ApiActor
    organization_id: str
    customer_type: str | None
    terminal_type: str | None
    core_metrics: CoreMetrics
    tool_actions: dict[str, ToolAction]
    model_breakdown: list[ModelUsage]
    subscription_type: str | None = None
    is_remote: bool | None = None
    project: str | None = None


class Page(Wire):
    """One answer: records, and the cursor of the next page while there is more."""

    data: list[Record]
    has_more: bool
    next_page: str | None


class _RawPage(Wire):
    data: list[msgspec.Raw]


class ErrorDetail(Wire):
    """What went wrong, in the service's words."""

    type: str
    message: str


class ErrorBody(Wire):
    """The body of every error answer."""

    error: ErrorDetail
    type: Literal["error"] = "error"
    request_id: str | None = None


def decoder(kind: type[T], what: str) -> Callable[[bytes], T]:
    """A function from bytes to `kind`: `SchemaError` with the path of the first field at fault."""
    decode = msgspec.json.Decoder(kind).decode

    def decoded(body: bytes) -> T:
        try:
            return decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise SchemaError(_explain(body, error, what)) from error

    return decoded


decode_page = decoder(Page, "a page of Claude Code Analytics records")


def unknown_fields(body: bytes, kind: type[Wire] = Record, inside: str = "") -> set[str]:
    """The fields of a page's first row that this version does not know, by their path.

    Of a row that is mostly of no interest only those `inside` one of its fields.
    """
    for row in msgspec.json.decode(body, type=_RawPage).data[:1]:
        known = msgspec.to_builtins(msgspec.json.decode(row, type=kind))
        sent = msgspec.json.decode(row)
        return set(_extra(sent[inside], known[inside], f"{inside}.") if inside
                   else _extra(sent, known))  # fmt: skip
    return set()


def _extra(sent: object, known: object, path: str = "") -> Iterator[str]:
    if isinstance(sent, dict) and isinstance(known, dict):
        for name, value in sent.items():
            if name in known:
                yield from _extra(value, known[name], f"{path}{name}.")
            else:
                yield f"{path}{name}"
    elif isinstance(sent, list) and isinstance(known, list):
        for one, other in zip(sent, known, strict=False):
            yield from _extra(one, other, path)


def encode_page(page: Page) -> bytes:
    """The bytes the service would send for `page`; what `decode_page` reads back."""
    return msgspec.json.encode(
        {
            "data": [to_wire(record) for record in page.data],
            "has_more": page.has_more,
            "next_page": page.next_page,
        }
    )


def to_wire(record: Record) -> dict[str, object]:
    """`record` as the service writes it: amounts as numbers, no `project`."""
    wire: dict[str, object] = msgspec.to_builtins(record, builtin_types=(Decimal,))
    del wire["project"]
    for usage in wire["model_breakdown"]:  # type: ignore[attr-defined]
        amount = usage["estimated_cost"]["amount"]
        if amount is not None:
            whole = amount == amount.to_integral_value()
            usage["estimated_cost"]["amount"] = int(amount) if whole else float(amount)
    return wire


def _explain(body: bytes, error: Exception, what: str) -> str:
    """Why `body` is not `what`, in words that say where to look."""
    start = body.lstrip()[:1]
    if start == b"<":
        return (
            "The answer is HTML, not JSON: a proxy or a wrong ANTHROPIC_BASE_URL answered, "
            f"not the service. It begins {body[:80]!r}."
        )
    try:
        keys = sorted(msgspec.json.decode(body, type=dict[str, msgspec.Raw]))
    except msgspec.DecodeError:
        return f"The answer is not a JSON object ({error}); it has {len(body)} bytes."
    if isinstance(error, msgspec.ValidationError) and "data" not in keys:
        return (
            f"The answer has no `data` list but {', '.join(keys) or 'nothing'}: this is not "
            f"{what}, or its format changed."
        )
    return f"The answer is not {what}: {error}."
