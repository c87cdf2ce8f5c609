"""The frames of each source and of its companions in the store.

A wing may keep more data of the same organisation next to a source's days, such as its
bill: a `Companion`, stored under a name of its own such as `api-charges`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any

import pyarrow as pa

from ccanalytics.errors import StoreError
from ccanalytics.frames.schemas import ADDRESSES, SCHEMAS, SEATS
from ccanalytics.sources.registry import Source, source_names, source_spec
from ccanalytics.weeks import Settling
from ccanalytics.wings import resolve, wings


def _nothing(*asked: Any) -> Any:
    return {}


@dataclass(frozen=True)
class Companion:
    """Days that accompany those of a source: how they are stored, read and synced.

    Those that come from a file are only stored.
    """

    name: str
    settling: Settling
    frames: tuple[str, ...]  # records first
    open: Callable[..., Source] = _nothing
    """Opens the service of a `SourceSpec` with an `Access`; `ValueError` where there is none."""
    load: Callable[..., Mapping[str, Any]] = _nothing
    """The frames of store, source and range for `Dataset.extras`; none when nothing is stored."""
    sync: Callable[..., Any] = _nothing
    """Syncs a range of a store and source; does nothing for a source without these days."""

    def stored_as(self, source: str) -> str:
        """The name under which the companion of `source` is stored."""
        return f"{source}-{self.name}"


def companions(flag: str = "") -> tuple[Companion, ...]:
    """The companions that wings add, or only that of `ccanalytics sync --FLAG`."""
    places = chain.from_iterable(wing.companions.items() for wing in wings())
    return tuple(resolve(place) for name, place in places if flag in ("", name))


@cache
def layout_of(source: str) -> Companion:
    """How a source or companion is stored; `StoreError` when it is unknown."""
    if source in source_names():
        spec = source_spec(source)
        return Companion(source, spec.settling, (*SCHEMAS, *spec.frames))
    for companion in companions():
        if source.endswith(f"-{companion.name}"):
            return companion
    raise StoreError(f"There is no source {source!r}. Sources: {', '.join(source_names())}.")


@cache
def schema_of(frame: str) -> pa.Schema:
    """The schema of one frame; loads wings only until one adds it."""
    return next(schema for name, schema in _schemas() if name == frame)


def frame_schemas() -> dict[str, pa.Schema]:
    """The schema of every frame, including those of wings."""
    return dict(_schemas())


def _schemas() -> Iterator[tuple[str, pa.Schema]]:
    yield from {**SCHEMAS, "seats": SEATS, "addresses": ADDRESSES}.items()
    for place in (place for wing in wings() for place in wing.frames):
        yield from resolve(place).items()
