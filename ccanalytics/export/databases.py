"""Tables -> a DuckDB or SQLite file, or a PostgreSQL server: whole tables, in one transaction."""

from collections.abc import Callable, Iterator
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
    description_of,
    policy_table,
    table_names,
)


@dataclass(frozen=True)
class Database:
    """A database; `name` is its address in messages, without a password."""

    name: str
    address: str
    their_tables: str
    """The query for the names of existing tables."""
    driver: str = ""
    """The package of its ADBC driver; DuckDB needs none."""
    first_command: str = "begin"
    has_comments: bool = True
    plain: Callable[[pa.ChunkedArray], pa.ChunkedArray] = lambda column: column
    """A column in a type of this database."""

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
            for statement in _comments(tables) if self.has_comments else ():
                cursor.execute(statement)

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        """A cursor; its changes are committed when the block ends without an error."""
        connect, errors = duckdb.connect, duckdb.Error
        if self.driver:
            errors = _imported("adbc_driver_manager").Error
            connect = _imported(f"{self.driver}.dbapi").connect
        try:
            with closing(connect(self.address)) as connection:
                own = closing(connection.cursor()) if self.driver else nullcontext(connection)
                with own as cursor:
                    _rows(cursor, self.first_command)
                    yield cursor
                connection.commit()
        except errors as error:  # from None: the driver's error may repeat the address
            raise ExportError(f"{self.name} cannot be written to: {error}") from None

    def _insert(self, cursor: Any, name: str, table: pa.Table, *, append: bool) -> None:
        plain = pa.table([self.plain(column) for column in table.columns], table.column_names)
        if self.driver:
            cursor.adbc_ingest(name, plain, mode="append" if append else "create")
            return
        cursor.register("incoming", plain)
        command = f"insert into {name} by name" if append else f"create table {name} as"
        cursor.execute(f"{command} select * from incoming")
        cursor.unregister("incoming")


def database_of(target: str) -> Database | None:
    """The database of a target; None for a folder, `ValueError` for another kind."""
    scheme, of_server, rest = target.partition("://")
    if of_server and scheme in ("postgresql", "postgres"):
        user, at, host = rest.rpartition("@")
        return Database(
            f"{scheme}://{user.split(':')[0]}{at}{host}".split("?")[0],
            target,
            "select tablename from pg_tables where schemaname = current_schema()",
            driver="adbc_driver_postgresql",
            first_command="select 1",
            plain=_without_nul,
        )
    if of_server:
        raise ValueError(f"{scheme} is not a supported database; postgresql:// is.")
    suffix = Path(target).suffix.lower()
    if suffix in (".sqlite", ".sqlite3", ".db"):
        return Database(
            target,
            target,
            "select name from sqlite_master where type = 'table'",
            driver="adbc_driver_sqlite",
            # Deleted data is overwritten: a file may be shared after names were replaced.
            first_command="pragma secure_delete = on",
            has_comments=False,
            plain=_of_sqlite,
        )
    duck = Database(target, target, "select table_name from duckdb_tables()")
    return duck if suffix == ".duckdb" else None


def _of_sqlite(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Dates and times are text there, and money is a float."""
    kind = column.type
    if pa.types.is_date(kind):
        return pc.strftime(column, "%Y-%m-%d")
    if pa.types.is_timestamp(kind):
        return pc.strftime(column, "%Y-%m-%d %H:%M:%S")
    if pa.types.is_decimal(kind):
        return column.cast(pa.float64())
    return column.cast(pa.int64()) if pa.types.is_boolean(kind) else column


def _without_nul(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """PostgreSQL text cannot contain NUL."""
    text = pa.types.is_string(column.type)
    return pc.replace_substring(column, "\0", "") if text else column


def _imported(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        package = name.split(".")[0]
        raise ExportError(
            f"The driver {package} is not installed: pip install 'ccanalytics[sql]'."
        ) from None


def _rows(cursor: Any, query: str) -> list[Any]:
    cursor.execute(query)
    return list(cursor.fetchall())


def _comments(tables: Tables) -> Iterator[str]:
    """The data dictionary as comments, where the database has them."""
    for name, table in tables.items():
        if name in DESCRIPTIONS:
            yield f"comment on table {name} is {_literal(DESCRIPTIONS[name])}"
        for column in table.column_names:
            if text := description_of(name, column):
                yield f'comment on column {name}."{column}" is {_literal(text)}'


def _literal(text: str) -> str:
    quoted = text.replace("'", "''")
    return f"'{quoted}'"
