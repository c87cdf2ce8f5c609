"""The organization and its lists, paged by `after_id` or `before_id` instead of a cursor.

`offset` is no parameter: the service ignores it and answers with the first page again. Of the
filters of lists only the one that the client uses is here.
"""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import UNSET, UnsetType

from ccanalytics.fake_api.faults import Refused
from ccanalytics.fake_api.routes import Json, Limit, Query, Route, World, route
from ccanalytics.wire.organization import (
    ApiKeyPage,
    InvitePage,
    MemberPage,
    Organization,
    WorkspacePage,
)


class NoParameters(Query, frozen=True, kw_only=True):
    """Nothing can be chosen."""


class ListQuery(Query, frozen=True, kw_only=True):
    """Which page of a list."""

    limit: Limit = 20
    """Rows per page."""
    after_id: str | UnsetType = UNSET
    """The `last_id` of the answer before: the page after it."""
    before_id: str | UnsetType = UNSET
    """The `first_id` of an answer: the page before it."""

    def __post_init__(self) -> None:
        if self.after_id is not UNSET and self.before_id is not UNSET:
            raise ValueError("Only one of after_id and before_id can be given.")


class WorkspacesQuery(ListQuery, frozen=True, kw_only=True):
    """Which workspaces."""

    include_archived: bool = False
    """Whether archived ones are listed too."""


@route("/v1/organizations/me", group="Organization", gives=Organization)
def retrieve_organization(world: World, query: NoParameters) -> Json:
    """The organization of the key.

    The cheapest way to check a key, and to see whose it is.
    """
    return {"id": world.organization, "name": "Corvid", "type": "organization"}


def list_route(name: str, gives: type) -> Callable[[Callable[[World, Any], Json]], Route]:
    """Makes the route of a list."""
    path = f"/v1/organizations/{name}"
    return route(path, group="Organization", gives=gives, example={"limit": "2"})


@list_route("users", MemberPage)
def list_users(world: World, query: ListQuery) -> Json:
    """Current members.

    Most recently added first. Who left is no longer here but stays in old records.
    """
    return _page(world, query, world.rows("users"))


@list_route("invites", InvitePage)
def list_invites(world: World, query: ListQuery) -> Json:
    """Invitations.

    An invitation holds for 21 days.
    """
    return _page(world, query, world.rows("invites"))


@list_route("workspaces", WorkspacePage)
def list_workspaces(world: World, query: WorkspacesQuery) -> Json:
    """Workspaces.

    The default workspace is not listed; elsewhere it is a null `workspace_id`.
    """
    rows = world.rows("workspaces")
    shown = [row for row in rows if query.include_archived or row["archived_at"] is None]
    return _page(world, query, shown)


@list_route("api_keys", ApiKeyPage)
def list_api_keys(world: World, query: ListQuery) -> Json:
    """API keys.

    An `api_actor` of a record is one of these, by its name; names are not unique.
    """
    return _page(world, query, world.rows("api_keys"))


def _page(world: World, query: ListQuery, rows: Sequence[Json]) -> Json:
    ids = [row["id"] for row in rows]
    if isinstance(query.before_id, str):
        end = _index(ids, query.before_id)
        start = max(0, end - query.limit)
        more = start > 0
    else:
        repeated = query.after_id is UNSET or world.repeat
        start = 0 if repeated else _index(ids, str(query.after_id)) + 1
        end = start + query.limit
        more = end < len(rows)
    page = rows[start:end]
    first, last = (page[0]["id"], page[-1]["id"]) if page else (None, None)
    return {"data": page, "has_more": more, "first_id": first, "last_id": last}


def _index(ids: list[str], wanted: str) -> int:
    if wanted not in ids:
        raise Refused(400, f"There is no row {wanted!r}.")
    return ids.index(wanted)
