"""One route of the service, written once: questions are checked by it, OpenAPI is made from it.

    ?limit=2 ─ Route.read ─▶ Query ─ answer(World, Query) ─▶ what is sent as JSON

The fields of a `Query` are the parameters of a route: their types are its rules, the text below
each says what it is for. The docstring of the answering function is the summary and description.
"""

import inspect
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Annotated, Any, Literal, TypeVar, get_type_hints

import httpx
import msgspec
from msgspec import UNSET, Meta, UnsetType
from msgspec import inspect as types

from ccanalytics.fake_api.cursors import Cursors
from ccanalytics.fake_api.faults import Refused
from ccanalytics.wire.claude_code import Record
from ccanalytics.wire.cost_report import DayBill

Scope = Literal["admin", "read:analytics"]
"""What a key must be good for: the Admin API, or the Claude Enterprise Analytics API."""

Json = dict[str, Any]
Item = TypeVar("Item")

Limit = Annotated[int, Meta(ge=1, le=1000)]

_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")
_TRUTHS = {"true": True, "false": False}


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters of a route; those left out are their default, or UNSET."""


class PagedQuery(Query, frozen=True, kw_only=True):
    """A question that is answered in pages."""

    limit: Limit = 20
    """Rows per page."""
    page: str | UnsetType = UNSET
    """The `next_page` of the answer before; ask for all else as before."""


@dataclass(frozen=True)
class World:
    """What the service knows, and the moment it is asked at."""

    records: Callable[[date], Sequence[Record]]
    bill: Callable[[date], DayBill]
    now: Callable[[], datetime]
    organization: str
    cursors: Cursors
    shape: Callable[[Json], Json] = dict
    lists: Mapping[str, Callable[[], Sequence[Json]]] = field(default_factory=dict)
    """Rows by the last part of their path: users, invites, workspaces, api_keys."""
    repeat: bool = False
    """Each page leads back to itself, as a broken cursor does."""

    def rows(self, name: str) -> Sequence[Json]:
        """The rows of a list."""
        return self.lists.get(name, list)()


@dataclass(frozen=True)
class Route:
    """One GET of the service: what may be asked, what comes back, and how the fake makes it."""

    path: str
    group: str
    """The heading it stands under in an API tool."""
    gives: type[msgspec.Struct]
    """The struct that a client decodes a good answer with."""
    takes: type[Query]
    answer: Callable[[World, Any], Json]
    example: Mapping[str, str]
    """The query of a real example."""
    scope: Scope
    errors: Collection[int]
    """Statuses of its own, besides those every route may answer with."""

    @property
    def name(self) -> str:
        """Its operation id: one word for programs, unlike that of any other route."""
        return self.answer.__name__

    @property
    def words(self) -> tuple[str, str]:
        """A summary in one line, and a description."""
        summary, _, about = inspect.cleandoc(self.answer.__doc__ or "").partition("\n\n")
        return summary.rstrip("."), about or summary

    @cached_property
    def _parameters(self) -> Mapping[str, types.Type]:
        info = types.type_info(self.takes)
        assert isinstance(info, types.StructType)
        return {one.encode_name: one.type for one in info.fields}

    def read(self, query: httpx.QueryParams) -> Query:
        """The question; `Refused` when it breaks a rule. Unknown parameters do not count."""
        given = {
            name: query.get_list(name)
            if isinstance(kind, types.ListType)
            else _value(query.get_list(name)[-1], kind)
            for name, kind in self._parameters.items()
            if name in query
        }
        try:
            return msgspec.convert(given, self.takes)
        except (msgspec.ValidationError, OverflowError) as error:
            raise Refused(400, str(error)) from None


def _value(text: str, kind: types.Type) -> str | int | bool:
    """A number or a truth as what it is; any other text for msgspec to judge.

    Its own lax mode would take a `limit` of "5.0" and a moment of "123", which the service refuses.
    """
    if isinstance(kind, types.IntType) and _WHOLE_NUMBER.fullmatch(text):
        return int(text)
    return _TRUTHS.get(text, text) if isinstance(kind, types.BoolType) else text


def route(
    path: str,
    *,
    group: str,
    gives: type[msgspec.Struct],
    example: Mapping[str, str] | None = None,
    scope: Scope = "admin",
    errors: Collection[int] = (),
) -> Callable[[Callable[[World, Any], Json]], Route]:
    """Makes a route of the function that answers it; the type of its `query` is what it takes."""

    def made(answer: Callable[[World, Any], Json]) -> Route:
        takes = get_type_hints(answer)["query"]
        return Route(path, group, gives, takes, answer, example or {}, scope, errors)

    return made


def page_of(
    world: World,
    query: PagedQuery,
    items: Callable[[], Sequence[Item]],
    *,
    expired: int = 400,
) -> tuple[Sequence[Item], str | None]:
    """The items of one page, and the cursor of the next; all pages show the moment of the first."""
    question = repr(msgspec.structs.replace(query, page=UNSET))
    if isinstance(query.page, str):
        place = world.cursors.find(query.page, question, expired)
    else:
        place = world.cursors.begin(question, items())
    end = place.start + query.limit
    further = place.start if world.repeat else end
    cursor = world.cursors.give(place, further) if end < len(place.items) else None
    return place.items[place.start : end], cursor


def page_json(rows: Sequence[Json], cursor: str | None) -> Json:
    """A page in the envelope of reports."""
    return {"data": rows, "has_more": cursor is not None, "next_page": cursor}
