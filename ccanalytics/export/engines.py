"""The databases an export can be written to: DuckDB and SQLite files, and servers by SQLAlchemy.

SQLAlchemy and the driver are extras that only a server needs. A password is never part of a name,
so neither of an error nor of a log.
"""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from ccanalytics.errors import ExportError
from ccanalytics.export.database import Database, Row

if TYPE_CHECKING:
    import sqlalchemy

_VALUE = re.compile(r":(\w+)")

_INSTALL = "pip install 'ccanalytics[sql]'"

_LOCK = 0x63636578706F7274
"""The number of the lock that a PostgreSQL server keeps for the time of an export: "ccexport"."""

_ROWS_AT_ONCE = 10_000


class DuckDatabase(Database):
    """A DuckDB file; DuckDB lets one process in at a time."""

    has_comments = True

    def __init__(self, path: str) -> None:
        super().__init__(path)
        try:
            self._connection = duckdb.connect(path)
        except duckdb.IOException as error:
            if "lock" in str(error).lower():
                raise ExportError(
                    f"{path} is open in another program, which DuckDB allows one at a time: "
                    "close it, or wait for the other export."
                ) from error
            raise ExportError(f"{path} cannot be opened as a DuckDB file: {error}") from error

    def run(self, sql: str, values: Mapping[str, Any] | None = None) -> list[Row]:
        if values:  # DuckDB writes $source for :source
            return self._connection.execute(_VALUE.sub(r"$\1", sql), values).fetchall()
        return self._connection.execute(sql).fetchall()

    def arrow(self, sql: str) -> pa.Table:
        """The rows of a select, as an Arrow table."""
        return self._connection.sql(sql).to_arrow_table()

    def insert(self, table: str, rows: pa.Table) -> None:
        self._connection.register("new_rows", rows)
        columns = ", ".join(map(self.quoted, rows.column_names))
        self.run(f"insert into {self.quoted(table)} ({columns}) select {columns} from new_rows")
        self._connection.unregister("new_rows")

    def columns(self) -> dict[str, set[str]]:
        return _by_table(
            self.run(
                "select table_name, column_name from duckdb_columns() "
                "where database_name = current_database() and not internal"
            )
        )

    def kind(self, field: pa.Field) -> str:
        return _kind(field, "timestamp", "double")

    def close(self) -> None:
        self._connection.close()

    def _index(self, name: str, schema: pa.Schema) -> None:
        """Nothing: rows are stored in the order of their days, and DuckDB looks there."""


class SqliteDatabase(Database):
    """A SQLite file; a second export waits for each transaction of the first."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        try:
            self._connection = sqlite3.connect(path, timeout=30, isolation_level=None)
            self._connection.execute("select count(*) from sqlite_master")
        except sqlite3.DatabaseError as error:
            raise ExportError(f"{path} cannot be opened as a SQLite file: {error}.") from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        # Not a plain begin: what is read in the transaction must hold when it writes.
        try:
            self.run("begin immediate")
        except sqlite3.OperationalError as error:
            raise ExportError(f"{self.name} is being written to by another program.") from error
        try:
            yield
        except BaseException:
            self.run("rollback")
            raise
        self.run("commit")

    def run(self, sql: str, values: Mapping[str, Any] | None = None) -> list[Row]:
        plain = {name: _plain(value) for name, value in (values or {}).items()}
        return self._connection.execute(sql, plain).fetchall()

    def insert(self, table: str, rows: pa.Table) -> None:
        columns = ", ".join(map(self.quoted, rows.column_names))
        places = ", ".join("?" * rows.num_columns)
        for batch in rows.to_batches(_ROWS_AT_ONCE):
            values = zip(*(map(_plain, column.to_pylist()) for column in batch), strict=True)
            self._connection.executemany(
                f"insert into {self.quoted(table)} ({columns}) values ({places})", values
            )

    def columns(self) -> dict[str, set[str]]:
        return _by_table(
            self.run(
                "select m.name, c.name from sqlite_master m, pragma_table_info(m.name) c "
                "where m.type in ('table', 'view')"
            )
        )

    def kind(self, field: pa.Field) -> str:
        return "real" if pa.types.is_decimal(field.type) else _kind(field, "timestamp", "real")

    def close(self) -> None:
        self._connection.close()


class ServerDatabase(Database):
    """A database SQLAlchemy knows; rows reach PostgreSQL by COPY."""

    def __init__(self, url: str) -> None:
        self._alchemy = _import_alchemy()
        parsed = self._parsed(url)
        super().__init__(_without_password(parsed))
        options = [str(text) for name, text in parsed.query.items() if "pass" in name.lower()]
        self._secrets = [str(parsed.password or ""), *options]
        try:
            self._connection = self._alchemy.create_engine(parsed).connect()
        except (self._alchemy.exc.SQLAlchemyError, ImportError) as error:
            raise self._refused(parsed, error) from None
        self._dialect = self._connection.dialect
        self._is_postgres = self._dialect.name == "postgresql"
        self._has_decimals = self._dialect.name != "sqlite"
        self.has_comments = self._is_postgres
        self.by_code_point = ' collate "C"' if self._is_postgres else ""
        self._lock()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        # COPY is the driver's own, and so are its errors.
        refusals = (self._alchemy.exc.SQLAlchemyError, self._dialect.loaded_dbapi.Error)
        try:
            with self._connection.begin():
                yield
        except refusals as error:
            raise ExportError(f"{self.name}: {self._without_secrets(error)}") from None

    def run(self, sql: str, values: Mapping[str, Any] | None = None) -> list[Row]:
        # Without values a colon is only a colon, as in a comment.
        text = self._alchemy.text(sql if values else sql.replace(":", "\\:"))
        done = self._connection.execute(text, values or {})
        return [tuple(row) for row in done] if done.returns_rows else []

    def insert(self, table: str, rows: pa.Table) -> None:
        names = ", ".join(map(self.quoted, rows.column_names))
        rows = _without_nul(rows)
        if not self._has_decimals:
            rows = rows.cast(pa.schema([_inexact(field) for field in rows.schema]))
        if self._is_postgres and self._dialect.driver == "psycopg":
            cursor = self._connection.connection.cursor()
            with cursor.copy(f"copy {self.quoted(table)} ({names}) from stdin (format csv)") as out:
                for batch in rows.to_batches(_ROWS_AT_ONCE):
                    out.write(_csv(batch))
            return
        sql = self._alchemy
        columns = [sql.column(field.name, self._type(field)) for field in rows.schema]
        statement = sql.insert(sql.table(table, *columns))
        for batch in rows.to_batches(_ROWS_AT_ONCE):
            self._connection.execute(statement, batch.to_pylist())

    def columns(self) -> dict[str, set[str]]:
        look = self._alchemy.inspect(self._connection)
        names = [*look.get_table_names(), *look.get_view_names()]
        return {name: {column["name"] for column in look.get_columns(name)} for name in names}

    def kind(self, field: pa.Field) -> str:
        return str(self._type(field).compile(self._dialect))

    def _type(self, field: pa.Field) -> Any:
        sql = self._alchemy
        if field.name == "source":
            return sql.String(64)  # part of an index, which a text cannot be everywhere
        if pa.types.is_decimal(field.type):
            exact = sql.Numeric(field.type.precision, field.type.scale)
            return exact if self._has_decimals else sql.Double()
        known: dict[Any, Any] = {
            pa.string(): sql.Text(),
            pa.int64(): sql.BigInteger(),
            pa.float64(): sql.Double(),
            pa.bool_(): sql.Boolean(),
            pa.date32(): sql.Date(),
            pa.timestamp("ms"): sql.DateTime(),
        }
        return known[field.type]

    def quoted(self, name: str) -> str:
        return str(self._dialect.identifier_preparer.quote_identifier(name))

    def close(self) -> None:
        self._connection.close()
        self._connection.engine.dispose()

    def _lock(self) -> None:
        """For as long as this is open; it dies with the connection."""
        if not self._is_postgres:
            return
        with self.transaction():
            ((got,),) = self.run(f"select pg_try_advisory_lock({_LOCK})")
        if not got:
            self.close()
            raise ExportError(f"Another export is being written to {self.name}: wait for it.")

    def _parsed(self, url: str) -> "sqlalchemy.URL":
        try:
            parsed = self._alchemy.make_url(url)
        except (self._alchemy.exc.ArgumentError, ValueError):
            raise ValueError(
                "The database address is no SQLAlchemy URL like postgresql://user@host/database."
            ) from None
        if parsed.drivername in ("postgres", "postgresql"):
            return parsed.set(drivername="postgresql+psycopg")
        return parsed

    def _refused(self, parsed: "sqlalchemy.URL", error: Exception) -> ExportError:
        if isinstance(error, ImportError):
            install = _INSTALL if "psycopg" in parsed.drivername else f"pip install {error.name}"
            return ExportError(
                f"The driver of {parsed.drivername!r} is not installed: run {install}."
            )
        return ExportError(f"{self.name} cannot be opened: {self._without_secrets(error)}")

    def _without_secrets(self, error: Exception) -> str:
        text = str(getattr(error, "orig", None) or error).strip()
        for secret in filter(None, self._secrets):
            text = text.replace(secret, "***")
        return text


def _without_password(url: "sqlalchemy.URL") -> str:
    """The address of a database without its password, and without options, which may have one."""
    return url.create(
        url.drivername, url.username, None, url.host, url.port, url.database
    ).render_as_string()


def _import_alchemy() -> Any:
    try:
        import sqlalchemy
    except ImportError:
        raise ExportError(f"A database server needs SQLAlchemy: run {_INSTALL}.") from None
    return sqlalchemy


def _by_table(columns: list[Row]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for table, column in columns:
        found.setdefault(table, set()).add(column)
    return found


def _kind(field: pa.Field, timestamp: str, double: str) -> str:
    if pa.types.is_decimal(field.type):
        return f"decimal({field.type.precision}, {field.type.scale})"
    known = {
        pa.string(): "text",
        pa.int64(): "bigint",
        pa.float64(): double,
        pa.bool_(): "boolean",
        pa.date32(): "date",
        pa.timestamp("ms"): timestamp,
    }
    return known[field.type]


def _plain(value: Any) -> Any:
    """What SQLite can store: it has neither dates nor exact decimals."""
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


def _inexact(field: pa.Field) -> pa.Field:
    return field.with_type(pa.float64()) if pa.types.is_decimal(field.type) else field


def _csv(batch: pa.RecordBatch) -> bytes:
    """Rows as COPY reads them: text is quoted, so that an empty one is not null."""
    out = pa.BufferOutputStream()
    pa.csv.write_csv(batch, out, pa.csv.WriteOptions(include_header=False))
    return bytes(out.getvalue())


def _without_nul(rows: pa.Table) -> pa.Table:
    """`rows` with U+FFFD for the one character that databases cannot hold."""
    for at, field in enumerate(rows.schema):
        if field.type == pa.string():
            text = pc.replace_substring(rows.column(at), "\0", "\ufffd")
            rows = rows.set_column(at, field, text)
    return rows


def is_database_file(target: str) -> bool:
    """Whether the name of a target is one of a DuckDB or SQLite file."""
    return Path(target).suffix.lower() in (*DUCKDB_FILES, *SQLITE_FILES)


DUCKDB_FILES = (".duckdb", ".ddb")
SQLITE_FILES = (".sqlite", ".sqlite3", ".db")


def open_database(target: str) -> Database:
    """The database a file or a URL names, made when it is not there."""
    if "://" in target:
        return ServerDatabase(target)
    if Path(target).suffix.lower() in DUCKDB_FILES:
        return DuckDatabase(target)
    return SqliteDatabase(target)
