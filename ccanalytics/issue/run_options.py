"""The options of a command, with the source resolved once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ccanalytics.errors import AuthError
from ccanalytics.settings import Settings, as_variables
from ccanalytics.sources.registry import (
    Access,
    SourceSpec,
    no_source,
    source_spec,
    source_with_key,
)

if TYPE_CHECKING:
    from ccanalytics.report.engine import NotebookWorkers
    from ccanalytics.store.day_store import Store


@dataclass(frozen=True)
class RunOptions:
    """The flags of a command, its settings, environment, folder and time."""

    environ: Mapping[str, str]
    settings: Settings
    now: datetime
    source: str = ""
    """Empty only where a command needs no source."""
    week: str = ""
    weeks: int = 12
    team: str = ""
    logs: Sequence[Path] = ()
    key_file: Path | None = None
    out: Path = Path("reports")
    notebooks: Path | None = None
    extra: Mapping[str, str] = field(default_factory=dict)
    force: bool = False
    email: bool = False
    pdf: bool = False

    @property
    def store(self) -> "Store":
        # Imported late: a wrong flag is reported before pandas is imported.
        from ccanalytics.store.day_store import Store

        return Store(self.settings.store)

    @property
    def spec(self) -> SourceSpec:
        return source_spec(self.source)

    @property
    def access(self) -> Access:
        """What is needed to open the source."""
        return Access(self.environ, self.key_file, self.settings.base_url, self.logs)

    @property
    def notebook_environment(self) -> dict[str, str]:
        """The environment of the notebooks: these settings."""
        return {**self.environ, **as_variables(self.settings, self.logs)}

    def notebook_workers(self, *, sync: bool = False) -> "NotebookWorkers":
        """Processes for notebooks, which begin to import at once; they only read the store, unless
        they may `sync` as the settings say."""
        from ccanalytics.report.engine import NotebookWorkers

        only_read = {} if sync else {"CCANALYTICS_SYNC_ON_LOAD": "0"}
        return NotebookWorkers({**self.notebook_environment, **only_read})


def with_source(options: RunOptions) -> RunOptions:
    """The options with the named source, or the one with a key; `AuthError` when there is none."""
    source = options.source or source_with_key(options.access)
    if not source:
        raise AuthError(str(no_source("There is no key, and no --source was given.")))
    settings = options.settings
    if source_spec(source).organisation and not options.environ.get("CCANALYTICS_ROSTER"):
        # The roster in the settings belongs to the user's organisation, not to the sample.
        settings = msgspec.structs.replace(settings, roster=None)
    return replace(options, source=source, settings=settings)
