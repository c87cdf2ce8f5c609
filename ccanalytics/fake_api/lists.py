"""The organization and its lists, in the dialect of lists: `after_id` or `before_id`, no cursor.

`offset` is no parameter: the service passes it over and answers with the first page again.
"""

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from ccanalytics.fake_api.messages import bad_request
from ccanalytics.fake_api.routes import Asked, Route, RouteParameter, World, limit
from ccanalytics.wire.organization import (
    ApiKeyPage,
    InvitePage,
    MemberPage,
    Organization,
    WorkspacePage,
)

ME = "/v1/organizations/me"
MEMBERS = "/v1/organizations/users"

Row = dict[str, Any]


def organization(world: World, asked: Asked) -> bytes:
    """Whose key it is."""
    me = {"id": world.organization, "name": "Corvid", "type": "organization"}
    return json.dumps(me).encode()


def page_of(name: str, world: World, asked: Asked) -> bytes:
    """A page of the rows of one list that fit the filters."""
    rows = [row for row in world.lists.get(name, list)() if _fits(row, asked)]
    first, size, more = _place(rows, asked)
    page = rows[first : first + size]
    ends = {"first_id": None, "last_id": None}
    if page:
        ends = {"first_id": page[0]["id"], "last_id": page[-1]["id"]}
    return json.dumps({"data": page, "has_more": more, **ends}).encode()


def _place(rows: Sequence[Row], asked: Asked) -> tuple[int, int, bool]:
    """Where the page begins, how long it is, and whether there is more in its direction."""
    after, before, size = asked["after_id"], asked["before_id"], asked["limit"]
    if after is not None and before is not None:
        raise bad_request("Only one of after_id and before_id can be given.")
    if before is not None:
        end = _index(rows, "before_id", before)
        first = max(0, end - size)
        return first, end - first, first > 0
    first = 0 if after is None or asked.repeat else _index(rows, "after_id", after) + 1
    return first, size, first + size < len(rows)


def _index(rows: Sequence[Row], name: str, wanted: str) -> int:
    ids = [row["id"] for row in rows]
    if wanted not in ids:
        raise bad_request(f"{name}: no such id")
    return ids.index(wanted)


def _fits(row: Row, asked: Asked) -> bool:
    """Whether a row is one of those asked for; a filter left out fits all."""
    values = asked.values
    email, roles = values.get("email"), values.get("roles[]")
    if email is not None and _address(row["email"]) != _address(email):
        return False
    if roles and row["role"] not in roles:
        return False
    if values.get("include_archived") is False and row["archived_at"] is not None:
        return False
    return all(values.get(name) in (None, row.get(name)) for name in ("status", "workspace_id"))


def _address(email: str) -> str:
    """An address without case and without what stands after a plus, as the service compares."""
    name, at, domain = email.strip().lower().partition("@")
    return name.partition("+")[0] + at + domain


_PAGING = (
    limit("Rows per page."),
    RouteParameter(name="after_id", about="The `last_id` of the answer before: the page after it."),
    RouteParameter(name="before_id", about="The `first_id` of an answer: the page before it."),
)

_ROLES = (
    "user",
    "claude_code_user",
    "developer",
    "billing",
    "admin",
    "managed",
    "membership_admin",
    "owner",
    "primary_owner",
)


def _list(name: str, summary: str, about: str, gives: type, *filters: RouteParameter) -> Route:
    return Route(
        path=f"/v1/organizations/{name}",
        name=f"list_{name}",
        summary=summary,
        about=about,
        group="Organization",
        parameters=(*_PAGING, *filters),
        gives=gives,
        answer=partial(page_of, name),
        errors=(400,),
        example={"limit": "2"},
    )


ROUTES = (
    Route(
        path=ME,
        name="retrieve_organization",
        summary="The organization of the key",
        about="The cheapest way to check a key, and to see whose it is.",
        group="Organization",
        gives=Organization,
        answer=organization,
    ),
    _list(
        "users",
        "Current members",
        "Most recently added first. Who left is no longer here but stays in old records.",
        MemberPage,
        RouteParameter(name="email", about="Only this address, whatever its case."),
        RouteParameter(
            name="roles[]", about="Only members of these roles.", choices=_ROLES, many=True
        ),
    ),
    _list(
        "invites",
        "Invitations",
        "An invitation holds for 21 days.",
        InvitePage,
        RouteParameter(
            name="status",
            about="Only those of this status.",
            choices=("accepted", "deleted", "expired", "pending"),
        ),
    ),
    _list(
        "workspaces",
        "Workspaces",
        "The default workspace is not listed; elsewhere it is a null `workspace_id`.",
        WorkspacePage,
        RouteParameter(
            name="include_archived",
            about="Whether archived ones are listed too.",
            kind="boolean",
            default=False,
        ),
    ),
    _list(
        "api_keys",
        "API keys",
        "An `api_actor` of a record is one of these, by its name; names are not unique.",
        ApiKeyPage,
        RouteParameter(
            name="status",
            about="Only those of this status.",
            choices=("active", "inactive", "archived", "expired"),
        ),
        RouteParameter(name="workspace_id", about="Only those of this workspace."),
    ),
)
