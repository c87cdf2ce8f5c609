"""Structs -> JSON Schema, with their docstrings as descriptions and as the service writes them."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import msgspec
from msgspec import inspect as types

from ccanalytics.wire.claude_code import Record

Json = dict[str, Any]

_AMOUNT = {"type": ["number", "string"]}
"""An exact amount: the service writes a number, clients also take one written as text."""


def schemas_of(structs: Sequence[type[msgspec.Struct]]) -> tuple[dict[type, Json], Json]:
    """A reference to each struct, and the JSON Schema of all of them and of what is in them."""
    references, found = msgspec.json.schema_components(
        structs, ref_template="#/components/schemas/{name}"
    )
    named = {name: kind for kind in _all(structs) for name in _names(kind)}
    for name, schema in found.items():
        for field, text in field_docs(named[name]).items():
            schema["properties"][field]["description"] = text
        if named[name] is Record:
            del schema["properties"]["project"]  # ours, never sent
    written = {name: _as_written(schema) for name, schema in found.items()}
    return dict(zip(structs, references, strict=True)), written


def field_docs(struct: type) -> dict[str, str]:
    """The docstring below each field of a struct, inherited ones too."""
    told: dict[str, str] = {}
    for kind in struct.__mro__[::-1]:
        if issubclass(kind, msgspec.Struct) and kind is not msgspec.Struct:
            told |= _own_docs(kind)
    return told


def _own_docs(struct: type) -> dict[str, str]:
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(struct))).body
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def _all(structs: Iterable[type]) -> set[type]:
    """The structs and those in them, at any depth."""
    found: set[type] = set()

    def visit(kind: types.Type) -> None:
        if isinstance(kind, types.StructType) and kind.cls not in found:
            found.add(kind.cls)
            for field in kind.fields:
                visit(field.type)
        for inner in _inside(kind):
            visit(inner)

    for struct in structs:
        visit(types.type_info(struct))
    return found


def _inside(kind: types.Type) -> Iterator[types.Type]:
    if isinstance(kind, types.ListType):
        yield kind.item_type
    elif isinstance(kind, types.DictType):
        yield kind.value_type
    elif isinstance(kind, types.UnionType):
        yield from kind.types


def _names(struct: type) -> tuple[str, str]:
    """What msgspec may call a struct: by its name, or with its module when two have that name."""
    whole = f"{struct.__module__}.{struct.__qualname__}"
    return struct.__name__, re.sub(r"[^a-zA-Z0-9.\-_]", "_", whole)


def _as_written(schema: Any) -> Any:
    """`schema` with amounts as numbers, and what may be null in one line where that is enough."""
    if isinstance(schema, list):
        return [_as_written(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "decimal":
        return {k: v for k, v in schema.items() if k != "format"} | _AMOUNT
    told = {name: _as_written(value) for name, value in schema.items()}
    kinds = told.get("anyOf", [])
    if kinds and all(set(kind) == {"type"} for kind in kinds):
        del told["anyOf"]
        told = {"type": [name for kind in kinds for name in _listed(kind["type"])], **told}
    return told


def _listed(kind: str | list[str]) -> list[str]:
    return [kind] if isinstance(kind, str) else kind
