"""The routes as an OpenAPI 3.1 document: what Postman, Apidog or a generator of clients imports.

Schemas are those of the structs the client decodes with, parameters those of the questions the fake
checks, descriptions the docstrings, examples the fake's own answers. Nothing is written twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version

import httpx
import msgspec

from ccanalytics.fake_api.cursors import Cursors
from ccanalytics.fake_api.faults import ERRORS, Refused
from ccanalytics.fake_api.json_schemas import Json, schemas_of
from ccanalytics.fake_api.routes import Route, Scope, World
from ccanalytics.wire.claude_code import ErrorBody

EXAMPLE_NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
"""The moment the examples are of, so that the document is the same every time."""

REAL = "https://api.anthropic.com"

COMMON = (400, 401, 402, 403, 404, 429, 500, 504, 529)
"""Statuses that every route may answer with."""

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

_HEADERS = {
    "request-id": "The id of the request, for questions to the service.",
    "anthropic-organization-id": "The organization of the key.",
}
"""What every answer of the service has."""

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
    statuses = sorted({*COMMON, *(status for route in routes for status in route.errors)})
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
            "securitySchemes": {
                name: scheme for route in routes for name, scheme in _KEYS[route.scope].items()
            },
            "headers": {
                name: {"description": about, "required": True, "schema": {"type": "string"}}
                for name, about in _HEADERS.items()
            },
            "parameters": {"anthropic-version": _VERSION},
            "responses": {
                _name(status): _refusal(status, references[ErrorBody]) for status in statuses
            },
        },
    }


def _operation(route: Route, schema: Json, world: World) -> Json:
    summary, description = route.words
    content = {"schema": schema, "example": _example(route, world)}
    good = {
        "description": summary,
        "headers": _headers(),
        "content": {"application/json": content},
    }
    refused = {
        str(status): _ref("responses", _name(status)) for status in sorted({*COMMON, *route.errors})
    }
    return {
        "operationId": route.name,
        "tags": [route.group],
        "summary": summary,
        "description": description,
        "security": [{key: []} for key in _KEYS[route.scope]],
        "parameters": [_ref("parameters", "anthropic-version"), *_parameters(route)],
        "responses": {"200": good, **refused},
    }


def _example(route: Route, world: World) -> Json:
    """What the fake answers to the example of a route, the same every time."""
    still = replace(world, cursors=Cursors(), now=lambda: EXAMPLE_NOW, repeat=False)
    answer = route.answer(still, route.read(httpx.QueryParams(route.example)))
    return msgspec.to_builtins(answer)


def _parameters(route: Route) -> list[Json]:
    """The fields of its question as query parameters, those that must be given first."""
    _, schemas = schemas_of([route.takes])
    (question,) = schemas.values()
    found = []
    for name, schema in question.get("properties", {}).items():
        parameter: Json = {
            "name": name,
            "in": "query",
            "required": name in question["required"],
            "description": schema.pop("description"),
            "schema": schema,
        }
        if name in route.example:
            text = route.example[name]
            parameter["example"] = int(text) if schema.get("type") == "integer" else text
        found.append(parameter)
    return sorted(found, key=lambda parameter: not parameter["required"])


def _refusal(status: int, schema: Json) -> Json:
    _, about = ERRORS[status]
    content = {"schema": schema, "example": Refused(status, about).body("req_000001")}
    return {"description": about, "headers": _headers(), "content": {"application/json": content}}


def _name(status: int) -> str:
    """The name of a refusal among the components, such as Error429RateLimit."""
    kind, _ = ERRORS[status]
    return f"Error{status}{kind.title().replace('_', '').removesuffix('Error')}"


def _headers() -> Json:
    return {name: _ref("headers", name) for name in _HEADERS}


def _ref(place: str, name: str) -> Json:
    return {"$ref": f"#/components/{place}/{name}"}
