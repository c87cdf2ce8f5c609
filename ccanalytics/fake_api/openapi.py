"""The routes as an OpenAPI 3.1 document: what Postman, Apidog or a generator of clients imports.

Schemas are those of the structs the client decodes with, descriptions their docstrings, parameters
the table the fake checks questions by, examples its own answers. Nothing is written a second time.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from ccanalytics.fake_api.json_schemas import Json, schemas_of
from ccanalytics.fake_api.messages import Refused, error_body
from ccanalytics.fake_api.routes import Asked, Route, RouteParameter, Scope, World
from ccanalytics.fake_api.walks import Walks
from ccanalytics.wire.claude_code import ErrorBody

EXAMPLE_NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
"""The moment the examples are of, so that the document is the same every time."""

REAL = "https://api.anthropic.com"

_ABOUT = """Claude Code usage records and what is needed next to them, as read by ccanalytics.

A model of the public documentation, not published by Anthropic. `ccanalytics fake-api` serves it
with invented records, so every request can be tried without a key of an organization.

All days are UTC days. Fields, kinds of tools, models and terminals may be added at any time."""

_KEYS: Mapping[Scope, Mapping[str, Json]] = {
    "admin": {
        "adminKey": {
            "type": "apiKey",
            "in": "header",
            "name": "x-api-key",
            "description": "An Admin key, sk-ant-admin01-..., made by an admin in the Console.",
        },
        "adminToken": {
            "type": "http",
            "scheme": "bearer",
            "description": "The OAuth token of a signed-in admin, sk-ant-oat01-....",
        },
    },
    "read:analytics": {
        "analyticsKey": {
            "type": "apiKey",
            "in": "header",
            "name": "x-api-key",
            "description": (
                "A key with the scope read:analytics, sk-ant-api01-..., made by the primary owner "
                "in claude.ai. An Admin key does not open these paths, nor this key the others."
            ),
        },
    },
}

_REFUSALS = {
    400: ("The question breaks a rule.", "invalid_request_error", "starting_at: Field required"),
    401: ("No key, or not a good one.", "authentication_error", "invalid x-api-key"),
    402: ("A bill is open.", "billing_error", "The organization has no credit left."),
    403: (
        "The key is of another kind, or lacks a scope.",
        "permission_error",
        "Missing required scopes. Got: ['read:analytics'] Needed: ['api:admin']",
    ),
    404: ("Nothing is at this address; never an empty day.", "not_found_error", "Not found"),
    410: (
        "The cursor has expired: begin the walk again.",
        "invalid_request_error",
        "page: this cursor has expired",
    ),
    429: (
        "Too many requests of the whole organization. `retry-after` is mostly absent and "
        "`anthropic-ratelimit-requests-reset` can be long past: wait longer each time.",
        "rate_limit_error",
        "Too many requests.",
    ),
    500: ("The service failed: try again.", "api_error", "Internal server error"),
    504: ("It took too long: try again.", "timeout_error", "The request timed out."),
    529: ("The service is overloaded: try again later.", "overloaded_error", "Overloaded"),
}
"""By status: what it means, the kind of the error, and words as they may be."""

COMMON = (401, 402, 403, 404, 429, 500, 504, 529)
"""Statuses that every route may answer with."""

_HEADERS = {
    "request-id": "The id of the request, for questions to the service.",
    "anthropic-organization-id": "The organization of the key.",
    "retry-after": "Seconds to wait; mostly absent.",
    "anthropic-ratelimit-requests-limit": "How many requests there are at most.",
    "anthropic-ratelimit-requests-remaining": "How many of them are left.",
    "anthropic-ratelimit-requests-reset": "The moment from which there are more; often past.",
}
_ALWAYS = ("request-id", "anthropic-organization-id")

_VERSION = {
    "name": "anthropic-version",
    "in": "header",
    "required": False,
    "description": "The version of the API; send it always.",
    "schema": {"type": "string", "default": "2023-06-01"},
}


def document(world: World, routes: Sequence[Route], url: str | None = None) -> Json:
    """The document of `routes` with examples of `world`; `url` is where the fake answers."""
    references, schemas = schemas_of([*(route.gives for route in routes), ErrorBody])
    fake = [{"url": url, "description": "The fake service; any key of the right kind"}]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Claude Code usage",
            "version": version("ccanalytics"),
            "description": _ABOUT,
        },
        "servers": [*(fake if url else []), {"url": REAL, "description": "The real service"}],
        "tags": [{"name": group} for group in dict.fromkeys(route.group for route in routes)],
        "paths": {
            route.path: {"get": _operation(route, references[route.gives], world)}
            for route in routes
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": _security_schemes(routes),
            "headers": {
                name: {
                    "description": told,
                    "required": name in _ALWAYS,
                    "schema": {"type": "string"},
                }
                for name, told in _HEADERS.items()
            },
            "parameters": {"anthropic-version": _VERSION},
            "responses": {
                _name(status): _refusal(status, references[ErrorBody])
                for status in _statuses(routes)
            },
        },
    }


def example_of(route: Route, world: World) -> Any:
    """What the fake answers to the example of a route, the same every time."""
    still = replace(world, walks=Walks(b"examples"), now=lambda: EXAMPLE_NOW)
    return json.loads(route.answer(still, Asked(route.read(route.example))))


def _operation(route: Route, schema: Json, world: World) -> Json:
    good = {
        "description": route.summary,
        "headers": _headers(*_ALWAYS),
        "content": {
            "application/json": {
                "schema": schema,
                "example": example_of(route, world),
            }
        },
    }
    refused = {str(status): _ref("responses", _name(status)) for status in _statuses([route])}
    return {
        "operationId": route.name,
        "tags": [route.group],
        "summary": route.summary,
        "description": route.about or route.summary,
        "security": [{key: []} for key in _KEYS[route.scope]],
        "parameters": [
            _ref("parameters", "anthropic-version"),
            *(_parameter(one, route.example) for one in route.parameters),
        ],
        "responses": {"200": good, **refused},
    }


def _parameter(one: RouteParameter, example: Mapping[str, str]) -> Json:
    told: Json = {
        "name": one.name,
        "in": "query",
        "required": one.required,
        "description": one.about,
        "schema": one.schema(),
    }
    if one.many:
        told |= {"style": "form", "explode": True}
    shown = example.get(one.name, one.example)
    if shown is not None:
        told["example"] = int(shown) if one.kind == "integer" else shown
    return told


def _refusal(status: int, schema: Json) -> Json:
    about, kind, words = _REFUSALS[status]
    headers = _headers(*(_HEADERS if status == 429 else _ALWAYS))
    content = {
        "schema": schema,
        "example": error_body(Refused(status, kind, words), "req_000001"),
    }
    return {"description": about, "headers": headers, "content": {"application/json": content}}


def _statuses(routes: Sequence[Route]) -> list[int]:
    return sorted({*COMMON, *(status for route in routes for status in route.errors)})


def _security_schemes(routes: Sequence[Route]) -> Json:
    return {name: told for route in routes for name, told in _KEYS[route.scope].items()}


def _name(status: int) -> str:
    """The name of a refusal among the components, such as RateLimitError."""
    _, kind, _ = _REFUSALS[status]
    return f"Error{status}{kind.title().replace('_', '').removesuffix('Error')}"


def _headers(*names: str) -> Json:
    return {name: _ref("headers", name) for name in names}


def _ref(place: str, name: str) -> Json:
    return {"$ref": f"#/components/{place}/{name}"}
