"""Tables -> a folder, a DuckDB or SQLite file, a PostgreSQL server: whole tables, in one step.

The rows of a source replace those it had before, and rows of other sources stay. A table
`export_policy` says how people appear in each source, so that names and pseudonyms never mix.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ccanalytics.atomic import AtomicFolder
from ccanalytics.display.csv_text import write_csv
from ccanalytics.errors import ExportError
from ccanalytics.export.export_tables import (
    DESCRIPTIONS,
    Tables,
    columns_of,
    description_of,
    table_names,
)
from ccanalytics.export.workbook import write_workbook

POLICY = "export_policy"
"""The table that says which sources are there, and how people appear in each."""

SUFFIXES = {".duckdb": "duckdb", ".sqlite": "sqlite", ".sqlite3": "sqlite", ".db": "sqlite"}


class Target(Protocol):
    """A place that tables are written to."""

    name: str

    def write(self, source: str, tables: Tables, policy: str, *, replace: bool) -> None:
        """Put the rows of a source in place of those it had; `replace` empties the target."""
        ...


def target_of(target: str, form: str) -> Target:
    """The place a person named; `ValueError` when it is none that can be written to."""
    kind = SUFFIXES.get(Path(target).suffix.lower())
    if target.startswith(("postgresql://", "postgres://")):
        return PostgresServer(target)
    if "://" in target:
        scheme = target.split("://")[0]
        raise ValueError(f"{scheme} is no database that can be written to; postgresql:// is.")
    if kind:
        return DuckDBFile(Path(target)) if kind == "duckdb" else SQLiteFile(Path(target))
    if Path(target).suffix.lower() in (".csv", ".parquet", ".xlsx"):
        raise ValueError(f"{target} is one file, and an export is several: name a folder.")
    return FileFolder(Path(target).expanduser().absolute(), form or "parquet")


class FileFolder:
    """A folder with a folder per table, in which every source has one file."""

    def __init__(self, path: Path, form: str) -> None:
        self.path, self.name, self._form = path, str(path), form
        kind = form.rpartition("-")[2]
        self._suffix = {"parquet": "parquet", "excel": "xlsx"}.get(kind, "csv")

    def write(self, source: str, tables: Tables, policy: str, *, replace: bool) -> None:
        """All files aside, then all in place."""
        policies = {} if replace else self._policies()
        _check_policy(self.name, policies, f"{policy} {self._form}")
        files = AtomicFolder(self.path)
        policies[source] = f"{policy} {self._form}"
        dictionary = pa.Table.from_pandas(columns_of(tables), preserve_index=False)
        with files.aside() as aside:
            for name, table in tables.items():
                (aside / name).mkdir()
                self._write_file(table, name, aside / name / f"{source}.{self._suffix}")
            write_table(_policy_table(policies), aside / f"{POLICY}.csv")
            write_table(dictionary, aside / "columns.csv")
            with files.writing():
                if replace:
                    # Before the commit: a crash between the two must not leave names in a folder
                    # that calls itself aggregate.
                    self._remove(f"*.{ending}" for ending in ("csv", "parquet", "xlsx"))
                files.commit(aside)
                self._remove([f"{source}.{self._suffix}"], kept=tables)

    def _write_file(self, table: pa.Table, name: str, path: Path) -> None:
        if self._suffix == "parquet":
            pq.write_table(table, path, compression="zstd")
        elif self._suffix == "xlsx":
            write_workbook(table, path, name)
        else:
            write_table(table, path)

    def _policies(self) -> dict[str, str]:
        file = self.path / f"{POLICY}.csv"
        if not file.exists():
            others = [path.name for path in self.path.glob("[!.]*")] if self.path.is_dir() else []
            if others:
                raise ExportError(
                    f"{self.path} has {others[0]!r} and is no folder of exports: name another one."
                )
            return {}
        lines = file.read_text(encoding="utf-8").splitlines()[1:]
        return dict(line.replace('"', "").split(",", 1) for line in lines if line)

    def _remove(self, patterns: Iterable[str], kept: Collection[str] = ()) -> None:
        """Take the files of these names out of the folders of all tables but those `kept`."""
        folders = [self.path / name for name in table_names() - set(kept)]
        for pattern in patterns:
            for path in [path for folder in folders for path in folder.glob(pattern)]:
                path.unlink()


def write_table(table: pa.Table, path: Path) -> None:
    """One CSV file."""
    with path.open("wb") as out:
        write_csv(table, out, header=True)


class DuckDBFile:
    """A DuckDB file."""

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, str(path)

    def write(self, source: str, tables: Tables, policy: str, *, replace: bool) -> None:
        """All tables in one transaction."""
        try:
            with duckdb.connect(self.name) as connection:
                connection.begin()
                self._write(connection, source, tables, policy, replace)
                connection.commit()
        except duckdb.Error as error:
            raise ExportError(f"{self.name} cannot be written to: {error}") from error

    def _write(
        self,
        connection: duckdb.DuckDBPyConnection,
        source: str,
        tables: Tables,
        policy: str,
        replace: bool,
    ) -> None:
        found = connection.execute("select table_name from duckdb_tables()").fetchall()
        there = {name for (name,) in found}
        _check_own(self.name, there)
        if POLICY in there and not replace:
            held = connection.execute(f"select source, policy from {POLICY}").fetchall()
            _check_policy(self.name, dict(held), policy)
        rows = {**tables, POLICY: _policy_table({source: policy})}
        for statement in _clearing(there, source, replace):
            connection.execute(statement)
        for name, table in rows.items():
            connection.register("incoming", table)
            kept = name in there and not replace
            command = f"insert into {name} by name" if kept else f"create table {name} as"
            connection.execute(f"{command} select * from incoming")
            connection.unregister("incoming")
        for statement in _comments(tables):
            connection.execute(statement)


class _Adbc:
    """A database that is reached through an ADBC driver."""

    name: str

    def _connect(self) -> Any:
        raise NotImplementedError

    def _tables(self, cursor: Any) -> set[str]:
        raise NotImplementedError

    def _plain(self, table: pa.Table) -> pa.Table:
        return table

    def write(self, source: str, tables: Tables, policy: str, *, replace: bool) -> None:
        """All tables in one transaction."""
        with self._cursor() as cursor:
            there = self._tables(cursor)
            _check_own(self.name, there)
            if POLICY in there and not replace:
                cursor.execute(f"select source, policy from {POLICY}")
                _check_policy(self.name, dict(cursor.fetchall()), policy)
            rows = {**tables, POLICY: _policy_table({source: policy})}
            for statement in _clearing(there, source, replace):
                cursor.execute(statement)
            for name, table in rows.items():
                mode = "append" if name in there and not replace else "create"
                cursor.adbc_ingest(name, self._plain(table), mode=mode)
            self._describe(cursor, tables)

    def _describe(self, cursor: Any, tables: Tables) -> None:
        """Nothing, where a database has no comments."""

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        """One transaction; an error of the driver as one of ours, without any password."""
        manager = _driver("adbc_driver_manager")
        try:
            with closing(self._connect()) as connection, connection.cursor() as cursor:
                yield cursor
                connection.commit()
        except manager.Error as error:
            raise ExportError(f"{self.name} cannot be written to: {error}") from None


class SQLiteFile(_Adbc):
    """A SQLite file: dates and moments are text, money is a float."""

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, str(path)

    def _connect(self) -> Any:
        connection = _driver("adbc_driver_sqlite.dbapi").connect(self.name)
        with connection.cursor() as cursor:
            # What is deleted is overwritten: a file may be handed on after names were replaced.
            cursor.execute("pragma secure_delete = on")
            cursor.fetchall()
        return connection

    def _tables(self, cursor: Any) -> set[str]:
        cursor.execute("select name from sqlite_master where type = 'table'")
        return {name for (name,) in cursor.fetchall()}

    def _plain(self, table: pa.Table) -> pa.Table:
        return pa.table([_sqlite_column(column) for column in table.columns], table.column_names)


class PostgresServer(_Adbc):
    """A PostgreSQL server, with the data dictionary as comments."""

    def __init__(self, url: str) -> None:
        self._url, self.name = url, _without_password(url)

    def _connect(self) -> Any:
        return _driver("adbc_driver_postgresql.dbapi").connect(self._url)

    def _tables(self, cursor: Any) -> set[str]:
        cursor.execute("select tablename from pg_tables where schemaname = current_schema()")
        return {name for (name,) in cursor.fetchall()}

    def _plain(self, table: pa.Table) -> pa.Table:
        # PostgreSQL has no text with a NUL in it.
        columns = [
            pc.replace_substring(column, "\0", "") if pa.types.is_string(column.type) else column
            for column in table.columns
        ]
        return pa.table(columns, table.column_names)

    def _describe(self, cursor: Any, tables: Tables) -> None:
        for statement in _comments(tables):
            cursor.execute(statement)


def _driver(name: str) -> Any:
    try:
        module = __import__(name, fromlist=["connect"])
    except ImportError:
        raise ExportError(
            f"The driver {name.split('.')[0]} is not installed: pip install 'ccanalytics[sql]'."
        ) from None
    return module.dbapi if name == "adbc_driver_manager" and hasattr(module, "dbapi") else module


def _sqlite_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_date(kind):
        return pc.strftime(column, "%Y-%m-%d")
    if pa.types.is_timestamp(kind):
        return pc.strftime(column, "%Y-%m-%d %H:%M:%S")
    if pa.types.is_decimal(kind):
        return column.cast(pa.float64())
    return column.cast(pa.int64()) if pa.types.is_boolean(kind) else column


def _check_own(name: str, there: set[str]) -> None:
    """An error where tables of our names are in a database that no export has written to."""
    foreign = sorted(table_names() & there)
    if foreign and POLICY not in there:
        raise ExportError(
            f"{name} has a table {foreign[0]} that no export made: name a database, or a schema "
            "of it, of its own."
        )


def _check_policy(name: str, known: Mapping[str, str], policy: str) -> None:
    """An error where names would come to stand with pseudonyms."""
    for other, held in known.items():
        if held != policy:
            raise ExportError(
                f"{name} holds {other} exported as {held}; these rows are {policy}, and the two do "
                "not mix. Name another target, or --replace."
            )


def _policy_table(policies: Mapping[str, str]) -> pa.Table:
    return pa.table(
        {"source": pa.array(policies), "policy": pa.array(list(policies.values()), pa.string())}
    )


def _clearing(there: set[str], source: str, replace: bool) -> Iterator[str]:
    """Also of tables that this export does not write: the last one may have had more."""
    for name in sorted({*table_names(), POLICY} & there):
        where = f" where source = {_literal(source)}"
        yield f"drop table {name}" if replace else f"delete from {name}{where}"


def _comments(tables: Tables) -> Iterator[str]:
    for name, table in tables.items():
        if name in DESCRIPTIONS:
            yield f"comment on table {name} is {_literal(DESCRIPTIONS[name])}"
        for column in table.column_names:
            if text := description_of(name, column):
                yield f'comment on column {name}."{column}" is {_literal(text)}'


def _literal(text: str) -> str:
    quoted = text.replace("'", "''")
    return f"'{quoted}'"


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    user, at, host = rest.rpartition("@")
    return f"{scheme}://{user.split(':')[0]}{at}{host}".split("?")[0]
