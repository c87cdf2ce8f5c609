"""Structs -> JSON Schema, with the text below each field as its description."""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import msgspec

from ccanalytics.wire.claude_code import EstimatedCost, Record, UserActor

Json = dict[str, Any]


def schemas_of(structs: Sequence[type[msgspec.Struct]]) -> tuple[dict[type, Json], Json]:
    """A reference to each struct, and the JSON Schema of all of them and of what is in them."""
    references, found = msgspec.json.schema_components(
        structs, ref_template="#/components/schemas/{name}"
    )
    named = {struct.__name__: struct for struct in _below(msgspec.Struct)}
    for name, schema in found.items():
        texts = field_docs(named[name])
        for one in msgspec.structs.fields(named[name]):
            if one.name in texts:
                schema["properties"][one.encode_name]["description"] = texts[one.name]
        _as_sent(named[name], schema["properties"])
    return dict(zip(structs, references, strict=True)), found


def _as_sent(struct: type, properties: Json) -> None:
    """Where the service writes something else than the struct says."""
    if struct is Record:
        del properties["project"]  # ours, never sent
        actor = properties["actor"]
        actor["anyOf"] = [one for one in actor["anyOf"] if not _is_ours(one)]
        del actor["discriminator"]["mapping"]["other_actor"]
    if struct is UserActor:
        del properties["id"]  # ours, never sent
    if struct is EstimatedCost:  # a number; text is read too, to the last decimal
        amount = properties["amount"]
        amount["anyOf"] = [{"type": kind} for kind in ("number", "string", "null")]


def _is_ours(schema: Json) -> bool:
    return str(schema.get("$ref", "")).endswith("/OtherActor")


def field_docs(struct: type) -> dict[str, str]:
    """The text below each field of a struct, inherited ones too."""
    texts: dict[str, str] = {}
    for kind in reversed(struct.__mro__):
        if issubclass(kind, msgspec.Struct) and kind is not msgspec.Struct:
            texts |= dict(_own_docs(kind))
    return texts


def _own_docs(struct: type) -> Iterator[tuple[str, str]]:
    # Python keeps no text below a field: only the source has it.
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(struct))).body
    assert isinstance(definition, ast.ClassDef)
    for field, text in pairwise(definition.body):
        match field, text:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(words))),
            ):
                yield name, inspect.cleandoc(words)


def _below(struct: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for kind in struct.__subclasses__():
        yield kind
        yield from _below(kind)
