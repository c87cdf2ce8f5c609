"""One route of the service, told once: the fake checks questions by it, OpenAPI is written from it.

    Route ─ parameters ─▶ read(query) ─▶ Asked ─ answer(World, Asked) ─▶ bytes of a `gives`

A file of routes ends in a tuple `ROUTES`; `service.py` collects them.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Literal

import httpx
import msgspec

from ccanalytics.fake_api.messages import bad_request
from ccanalytics.fake_api.walks import Walks
from ccanalytics.wire.claude_code import Record
from ccanalytics.wire.cost_report import DayBill

Shape = Callable[[dict[str, Any]], dict[str, Any]]
Rows = Callable[[], Sequence[dict[str, Any]]]

Scope = Literal["admin", "read:analytics"]
"""What a key must be good for: the Admin API, or the Claude Enterprise Analytics API."""

DAY_PATTERN = r"^\d{4}-\d{2}-\d{2}$"

_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")


@dataclass(frozen=True)
class World:
    """What there is to tell, and the moment it is told at."""

    records: Callable[[date], Sequence[Record]]
    bill: Callable[[date], DayBill]
    now: Callable[[], datetime]
    organization: str
    walks: Walks
    shape: Shape = dict
    lists: Mapping[str, Rows] = field(default_factory=dict)
    """Rows by the last part of their path: users, invites, workspaces, api_keys."""


@dataclass(frozen=True)
class Asked:
    """A question that keeps the rules: every parameter by name, None or empty when left out.

    With `repeat` the answer leads back to itself, as a broken cursor does.
    """

    values: Mapping[str, Any]
    repeat: bool = False

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


@dataclass(frozen=True, kw_only=True)
class RouteParameter:
    """One query parameter: what may be given, and what is said of anything else."""

    name: str
    about: str
    kind: Literal["string", "integer", "boolean"] = "string"
    required: bool = False
    default: int | str | bool | None = None
    minimum: int | None = None
    maximum: int | None = None
    pattern: str | None = None
    """What the whole of it looks like, from ^ to $."""
    format: Literal["date", "date-time"] | None = None
    choices: tuple[str, ...] = ()
    many: bool = False
    """Whether it may be repeated; its value is then a list."""
    most: int | None = None
    """How often it may be repeated."""
    example: str | None = None

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its values."""
        rules = {
            "default": self.default,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "pattern": self.pattern,
            "format": self.format,
            "enum": list(self.choices) or None,
        }
        one = {"type": self.kind} | {k: v for k, v in rules.items() if v is not None}
        if not self.many:
            return one
        most = {} if self.most is None else {"maxItems": self.most}
        return {"type": "array", "items": one, **most}

    def read(self, query: httpx.QueryParams) -> Any:
        """Its value in `query`; `Refused` when that breaks the rules."""
        texts = query.get_list(self.name)
        if self.many:
            if self.most is not None and len(texts) > self.most:
                raise bad_request(f"Cannot specify more than {self.most} {self.name} dimensions.")
            return [self._value(text) for text in texts]
        if not texts:
            if self.required:
                raise bad_request(f"{self.name}: Field required")
            return self.default
        return self._value(texts[-1])

    def _value(self, text: str) -> Any:
        if self.kind == "integer":
            return self._number(text)
        if self.kind == "boolean":
            return self._truth(text)
        if self.pattern and not re.fullmatch(self.pattern.strip("^$"), text, re.ASCII):
            raise bad_request(f"{self.name}: String should match pattern '{self.pattern}'")
        if self.choices and text not in self.choices:
            raise bad_request(f"{self.name}: Input should be one of {', '.join(self.choices)}")
        if self.format:
            self._moment(text)
        return text

    def _number(self, text: str) -> int:
        if not _WHOLE_NUMBER.fullmatch(text):
            raise bad_request(f"{self.name}: Input should be a valid integer")
        number, least, most = int(text), self.minimum, self.maximum
        if (least is not None and number < least) or (most is not None and number > most):
            raise bad_request(
                f"The {self.name} parameter must be between {least} and {most}, inclusive. "
                f"Got {number}."
            )
        return number

    def _truth(self, text: str) -> bool:
        if text not in ("true", "false"):
            raise bad_request(f"{self.name}: Input should be a valid boolean")
        return text == "true"

    def _moment(self, text: str) -> None:
        try:
            if self.format == "date":
                date.fromisoformat(text)
            elif datetime.fromisoformat(text).tzinfo is None:
                raise ValueError
            else:  # a moment near the ends of time can be of no UTC day
                datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError):
            raise bad_request(f"{self.name}: Input should be a valid {self.format}") from None


@dataclass(frozen=True, kw_only=True)
class Route:
    """One GET of the service: what may be asked, what comes back, and how the fake makes it."""

    path: str
    name: str
    """Its operation id: one word for programs, unlike that of any other route."""
    summary: str
    about: str = ""
    group: str
    """The heading it stands under in an API tool."""
    parameters: tuple[RouteParameter, ...] = ()
    gives: type[msgspec.Struct]
    """The struct that a client decodes a good answer with."""
    answer: Callable[[World, Asked], bytes]
    scope: Scope = "admin"
    errors: Collection[int] = ()
    """Statuses of its own, besides those every route may answer with."""
    example: Mapping[str, str] = field(default_factory=dict)
    """The query of a real example."""

    def read(self, query: Mapping[str, str]) -> dict[str, Any]:
        """The value of every parameter; unknown ones are passed over, as the service does."""
        given = httpx.QueryParams(query)
        return {one.name: one.read(given) for one in self.parameters}


def limit(about: str, *, default: int = 20, most: int = 1000) -> RouteParameter:
    """The parameter `limit`: what it counts differs, its rules do not."""
    return RouteParameter(
        name="limit", about=about, kind="integer", default=default, minimum=1, maximum=most
    )


PAGE = RouteParameter(
    name="page",
    about="The `next_page` of the answer before, with all else asked as before.",
)
