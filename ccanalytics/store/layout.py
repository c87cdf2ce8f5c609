"""How the days of each source, and what is kept next to them, lie in the store.

Next to the days of a source a wing may keep more of the same organisation, such as what it was
billed: a `Companion`, whose days are stored under a name of their own, `api-billing`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from ccanalytics.errors import StoreError
from ccanalytics.frames.address_frames import ADDRESSES
from ccanalytics.frames.schemas import SCHEMAS
from ccanalytics.frames.seat_frames import SEATS
from ccanalytics.sources.registry import Access, SourceSpec, source_names, source_spec
from ccanalytics.sources.source import Source
from ccanalytics.weeks import Settling
from ccanalytics.wings import resolve, wings

if TYPE_CHECKING:
    from datetime import date, datetime

    import pandas as pd

    from ccanalytics.store.day_store import Store


_SCHEMAS: dict[str, pa.Schema] = {**SCHEMAS, "seats": SEATS, "addresses": ADDRESSES}


@dataclass(frozen=True)
class Companion:
    """Days that go with those of a source: how they are stored, read and synced."""

    name: str
    settling: Settling
    frames: tuple[str, ...]
    open: "Callable[[SourceSpec, Access], Source]"
    """Opens what knows these days; `ValueError` for a source they do not go with."""
    load: "Callable[[Store, str, date, date], Mapping[str, pd.DataFrame]]"
    """The frames of a range for `Dataset.extras`; none when nothing is stored."""
    sync: "Callable[[Source, Store, str, date, date, datetime, bool], Any]"
    """Syncs a range from a source that has it; nothing happens with one that has not."""

    def stored_as(self, source: str) -> str:
        """The name under which the days that go with `source` are stored."""
        return f"{source}-{self.name}"


class Layout(NamedTuple):
    """The frames of one stored source, first the one whose rows are its records; its settling."""

    frames: tuple[str, ...]
    settling: Settling


def companions() -> tuple[Companion, ...]:
    """What wings keep next to the days of a source."""
    return tuple(resolve(place) for wing in wings() for place in wing.companions.values())


def companion_of(flag: str) -> Companion:
    """The companion that `ccanalytics sync --FLAG` also syncs."""
    places = {name: place for wing in wings() for name, place in wing.companions.items()}
    companion: Companion = resolve(places[flag])
    return companion


@cache
def layout_of(source: str) -> Layout:
    """How a source, or a companion of one, is stored; `StoreError` when there is no such thing."""
    if source in source_names():
        spec = source_spec(source)
        return Layout((*SCHEMAS, *spec.frames), spec.settling)
    for companion in companions():
        if source.endswith(f"-{companion.name}"):
            return Layout(companion.frames, companion.settling)
    raise StoreError(f"There is no source {source!r}; there is: {', '.join(source_names())}.")


@cache
def schema_of(frame: str) -> pa.Schema:
    """The schema of one frame; of the wings only those up to the one that adds it are loaded."""
    if frame in _SCHEMAS:
        return _SCHEMAS[frame]
    places = (place for wing in wings() for place in wing.frames)
    return next(found[frame] for found in map(resolve, places) if frame in found)


@cache
def frame_schemas() -> dict[str, pa.Schema]:
    """The schema of every frame there is, also of those that wings add."""
    found = dict(_SCHEMAS)
    for wing in wings():
        for place in wing.frames:
            found |= resolve(place)
    return found
