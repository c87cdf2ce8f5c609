"""Parameters of a request -> a checked query -> its answer; and one page of results.

A `Query` is an endpoint: its docstring says what it answers, the fields are the parameters, their
types are the rules, the text below each says what it is for, `examples` make the example of the
OpenAPI document.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Self
from zlib import crc32

import httpx
import msgspec
from msgspec import UNSET, Meta, UnsetType

from ccanalytics.fake_api.faults import Refused
from ccanalytics.wire.analytics_cost import CostItem
from ccanalytics.wire.claude_code import Record

Json = dict[str, Any]
Day = Annotated[date, Meta(examples=["2026-11-20"])]
Limit = Annotated[int, Meta(ge=1, le=1000, examples=[2])]


@dataclass(kw_only=True)
class World:
    """What the service knows, and its clock."""

    records: Callable[[date], Sequence[Record]] = field(kw_only=False)
    charges: Callable[[date], Sequence[CostItem]] = lambda day: []
    members: Callable[[], Sequence[Json]] = list
    api_keys: Callable[[], Sequence[Json]] = list
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    shape: Callable[[Json], Json] = dict  # changes each record on its way out
    organization: str = "5a3c1e00-0000-4000-8000-000000000001"
    refresh_delay: timedelta = timedelta(hours=4)  # the age of the last cost refresh

    def share_of(self, day: date, delay: timedelta) -> float:
        """How much of a UTC day is over and at least `delay` old, from 0 to 1."""
        begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return min(1.0, max(0.0, (self.now() - delay - begin) / timedelta(days=1)))


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters of an endpoint; those left out are their default, or UNSET."""

    @classmethod
    def read(cls, given: httpx.QueryParams) -> Self:
        """The query; `Refused` when it breaks a rule. Unknown parameters are ignored."""
        names = [name for name in cls.__struct_encode_fields__ if name in given]
        values = {
            name: given.get_list(name) if name.endswith("[]") else given[name] for name in names
        }
        try:
            return msgspec.convert(values, cls, strict=False)
        except (msgspec.ValidationError, OverflowError) as error:
            raise Refused(400, str(error)) from None

    def answer(self, world: World) -> Json:
        """What the service answers; `Refused` when it does not."""
        raise NotImplementedError


class Paged(Query, frozen=True, kw_only=True):
    """A query that is answered in pages."""

    limit: Limit = 20
    """Rows per page."""
    page: str | UnsetType = UNSET
    """The `next_page` of the answer before; everything else unchanged."""

    def page_of(self, rows: Sequence[Any]) -> Json:
        """The rows of this page in the envelope of reports.

        All pages show the state at the first: a cursor holds the number of rows.
        """
        start, count = 0, len(rows)
        if self.page is not UNSET:
            try:
                place = urlsafe_b64decode(self.page.removeprefix("page_"))
                start, count, _ = map(int, place.split())
            except ValueError:
                start, count = -1, -1
            if self._cursor(start, count) != self.page:
                raise Refused(400, "page: invalid cursor for this query")
        end = min(start + self.limit, count)
        more = end < count
        cursor = self._cursor(end, count) if more else None
        return {"data": rows[start:end], "has_more": more, "next_page": cursor}

    def _cursor(self, start: int, count: int) -> str:
        """Opaque and valid for this query only; ends in `=`, like the service's cursors."""
        query = msgspec.structs.replace(self, page=UNSET)
        seal = crc32(f"{start} {count} {query}".encode())
        return f"page_{urlsafe_b64encode(f'{start:9} {count:9} {seal:11}'.encode()).decode()}"
