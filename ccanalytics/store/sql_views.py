"""The Parquet files of the store -> a DuckDB connection in which each frame is a view.

The views hold what was recorded: real names, whatever the identity policy of notebooks, and
nothing withheld.
"""

import os
from pathlib import Path

import duckdb

from ccanalytics.errors import StoreError
from ccanalytics.settings import read_settings
from ccanalytics.store.day_store import Store
from ccanalytics.store.layout import frame_schemas


def connect(source: str, store: Store | Path | str | None = None) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection with a view per frame of `source`: activity, model_usage, tool_actions
    and what else is stored of it, such as sessions. Columns are those of the frame but for `team`.

    All views show one moment; a later sync shows in the next connection. The store is
    the one of ccanalytics.toml and the environment unless given. The connection is in memory:
    nothing made in it is kept, and the views are read-only.
    """
    if not isinstance(store, Store):
        store = Store(Path(store or read_settings(os.environ, Path.cwd()).store))
    if not store.dates(source):
        raise StoreError(
            f"No {source} day is in the store {store.root}: load the source first, or fill it with "
            "ccanalytics sync."
        )
    pinned = store.snapshot(source)
    for damaged in pinned.verify(source)[1]:
        raise damaged
    connection = duckdb.connect(config={"autoinstall_known_extensions": False})
    for name in (name for name in frame_schemas() if pinned.folder(source, name).exists()):
        files = f"{_taken_literally(pinned.folder(source, name))}/*.parquet".replace("'", "''")
        # Columns are only ever added, so older files lack the newest.
        rows = f"read_parquet('{files}', union_by_name = true)"
        connection.execute(f"create view {name} as select * from {rows}")
    return connection


def _taken_literally(folder: Path) -> str:
    """The path escaped for DuckDB's glob patterns."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in folder.as_posix())
