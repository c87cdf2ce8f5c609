"""Tables -> a DuckDB or SQLite file, or a PostgreSQL server: whole tables, in one transaction."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ccanalytics.errors import ExportError
from ccanalytics.export.export_tables import (
    DESCRIPTIONS,
    POLICY,
    Tables,
    check_policy,
    columns_of,
    policy_table,
    table_names,
)

SQLITE = "adbc_driver_sqlite.dbapi"


@dataclass(frozen=True)
class Database:
    """A database; `name` is its address in messages, without a password."""

    name: str
    address: str
    their_tables: str
    """The query for the names of existing tables."""
    driver: str = "duckdb"
    """The module of the driver; those of ADBC have a common interface."""
    first_command: str = "begin"

    def write(self, source: str, tables: Tables, policy: str, *, replace: bool) -> None:
        """All tables in one transaction; other tables with our names are an `ExportError`."""
        with self._transaction() as cursor:
            there = {name for (name,) in _rows(cursor, self.their_tables)}
            ours = sorted({*table_names(), POLICY} & there)
            if ours and POLICY not in there:
                raise ExportError(
                    f"{self.name} has a table {ours[0]} not from an export: use a database, or a "
                    "schema of it, of its own."
                )
            if ours and not replace:
                held = dict(_rows(cursor, f"select source, policy from {POLICY}"))
                check_policy(self.name, held, policy)
            for name in ours:  # also those this export does not write: an earlier one had more
                where = f" where source = {_literal(source)}"
                cursor.execute(f"drop table {name}" if replace else f"delete from {name}{where}")
            for name, table in {**tables, POLICY: policy_table({source: policy})}.items():
                self._insert(cursor, name, table, append=name in there and not replace)
            for comment in _comments(tables) if self.driver != SQLITE else ():
                cursor.execute(comment)

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        """A cursor; its changes are committed when the block ends without an error."""
        try:
            driver = import_module(self.driver)
        except ImportError:
            raise ExportError(
                f"The driver {self.driver} is not installed: pip install 'ccanalytics[sql]'."
            ) from None
        try:
            with closing(driver.connect(self.address)) as connection:
                # A cursor of DuckDB would have a transaction of its own.
                own = nullcontext(connection) if driver is duckdb else closing(connection.cursor())
                with own as cursor:
                    _rows(cursor, self.first_command)
                    yield cursor
                connection.commit()
        except driver.Error as error:  # from None: the driver's error may repeat the address
            raise ExportError(f"{self.name} cannot be written to: {error}") from None

    def _insert(self, cursor: Any, name: str, table: pa.Table, *, append: bool) -> None:
        if self.driver == SQLITE:
            plain = [_of_sqlite(column) for column in table.columns]
            table = pa.table(plain, table.column_names)
        if self.driver != "duckdb":
            cursor.adbc_ingest(name, table, mode="append" if append else "create")
            return
        cursor.register("incoming", table)
        command = f"insert into {name} by name" if append else f"create table {name} as"
        cursor.execute(f"{command} select * from incoming")
        cursor.unregister("incoming")


def database_of(target: str) -> Database | None:
    """The database of a target; None for a folder, `ValueError` for another kind."""
    scheme, of_server, rest = target.partition("://")
    if of_server and scheme not in ("postgresql", "postgres"):
        raise ValueError(f"{scheme} is not a supported database; postgresql:// is.")
    if of_server:
        user, at, host = rest.rpartition("@")
        name = f"{scheme}://{user.split(':')[0]}{at}{host}".split("?")[0]
        tables = "select tablename from pg_tables where schemaname = current_schema()"
        return Database(name, target, tables, "adbc_driver_postgresql.dbapi", "select 1")
    suffix = Path(target).suffix.lower()
    if suffix in (".sqlite", ".sqlite3", ".db"):
        tables = "select name from sqlite_master where type = 'table'"
        # Deleted data is overwritten: a file may be shared after names were replaced.
        return Database(target, target, tables, SQLITE, "pragma secure_delete = on")
    duck = Database(target, target, "select table_name from duckdb_tables()")
    return duck if suffix == ".duckdb" else None


def _of_sqlite(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Times are text there, and money is a float."""
    if pa.types.is_timestamp(column.type):
        return pc.strftime(column, "%Y-%m-%d %H:%M:%S")
    return column.cast(pa.float64()) if pa.types.is_decimal(column.type) else column


def _rows(cursor: Any, query: str) -> list[Any]:
    cursor.execute(query)
    return list(cursor.fetchall())


def _comments(tables: Tables) -> Iterator[str]:
    """The data dictionary as comments, where the database has them."""
    for name in DESCRIPTIONS.keys() & tables:
        yield f"comment on table {name} is {_literal(DESCRIPTIONS[name])}"
    for one in columns_of(tables).to_pylist():
        if text := one["description"]:
            yield f'comment on column {one["table"]}."{one["column"]}" is {_literal(text)}'


def _literal(text: str) -> str:
    quoted = text.replace("'", "''")
    return f"'{quoted}'"
