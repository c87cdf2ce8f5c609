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
"""A reference: "package.module:name" or "package", below `ccanalytics`."""


@dataclass(frozen=True)
class Wing:
    """What one wing adds, as references such as "logs.log_source:SPEC".

    commands      by name: a command of the command line
    names         by name: a public name of the package
    sources       a `SourceSpec` each
    frames        a mapping of frame names to Arrow schemas each, for those the spine does not have
    companions    by flag of `ccanalytics sync`: a `Companion`, more days of an organisation
    files         by flag of `ccanalytics sync`: a function that syncs a file into the store
    flags         the help of these flags
    checks        by source: a table of checks of `ccanalytics check`
    definitions   files of metric definitions, as paths below the package
    findings      functions that return findings of a dataset; they are ranked with all others
    notebooks     those of the weekly report, each with the function that gives None for a dataset
                  it has nothing for; without one it is always part of it
    """

    commands: Mapping[str, Reference] = field(default_factory=dict)
    names: Mapping[str, Reference] = field(default_factory=dict)
    sources: tuple[Reference, ...] = ()
    frames: tuple[Reference, ...] = ()
    companions: Mapping[str, Reference] = field(default_factory=dict)
    files: Mapping[str, Reference] = field(default_factory=dict)
    flags: Mapping[str, str] = field(default_factory=dict)
    checks: Mapping[str, Reference] = field(default_factory=dict)
    definitions: tuple[str, ...] = ()
    findings: tuple[Reference, ...] = ()
    notebooks: Mapping[str, Reference] = field(default_factory=dict)


@cache
def wings() -> tuple[Wing, ...]:
    """The installed wings, by name."""
    root = Path(__file__).parent
    folders = sorted(file.parent.name for file in root.glob("*/wing.py"))
    return tuple(import_module(f"ccanalytics.{name}.wing").WING for name in folders)


def resolve(reference: Reference) -> Any:
    """The object a reference points to, a module where it has no name."""
    module, _, name = reference.partition(":")
    imported = import_module(f"ccanalytics.{module}")
    return getattr(imported, name) if name else imported
