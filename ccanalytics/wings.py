"""What each wing adds to the spine, as references that are imported on first use.

A wing is a folder of this package with a file `wing.py`, which holds one `WING`. Nothing else names
a wing: delete its folder, and what it added is gone without breaking anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

Reference = str
"""A reference: "package.module:name", below `ccanalytics`."""


@dataclass(frozen=True)
class Wing:
    """What one wing adds, as references such as "logs.log_source:SPEC"."""

    commands: Mapping[str, Reference] = field(default_factory=dict)
    """Commands of the command line, by name."""
    names: Mapping[str, Reference] = field(default_factory=dict)
    """Public names of the package."""
    sources: tuple[Reference, ...] = ()
    """A `SourceSpec` each."""
    frames: tuple[Reference, ...] = ()
    """A mapping of frame names to Arrow schemas each, for frames the spine does not have."""
    companions: Mapping[str, Reference] = field(default_factory=dict)
    """A `Companion` by its flag of `ccanalytics sync`: more days of an organisation, kept next to
    those of its source."""
    flags: Mapping[str, str] = field(default_factory=dict)
    """The help of these flags."""
    files: Mapping[str, Reference] = field(default_factory=dict)
    """A function that syncs a file into the store, by its flag of `ccanalytics sync`."""
    checks: Mapping[str, Reference] = field(default_factory=dict)
    """A table of checks of `ccanalytics check` by the source they are about."""
    definitions: tuple[str, ...] = ()
    """Files of metric definitions, as paths below the package."""
    findings: tuple[Reference, ...] = ()
    """Functions that return findings of a dataset; they are ranked with all others."""
    notebooks: Mapping[str, Reference] = field(default_factory=dict)
    """Notebooks of the weekly report, with the function that gives None for a dataset they have
    nothing for; without one they are always part of it."""


@cache
def wings() -> tuple[Wing, ...]:
    """The installed wings, by name."""
    root = Path(__file__).parent
    folders = sorted(file.parent.name for file in root.glob("*/wing.py"))
    return tuple(import_module(f"ccanalytics.{name}.wing").WING for name in folders)


def resolve(reference: Reference) -> Any:
    """The object a reference points to."""
    module, _, name = reference.partition(":")
    return getattr(import_module(f"ccanalytics.{module}"), name)
