"""Tables -> a target: a folder of files, a DuckDB or SQLite file, or a PostgreSQL server.

Whole tables of one source are replaced, all or none; the rows of other sources stay.
"""

import csv
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ccanalytics.atomic import AtomicFolder
from ccanalytics.display.csv_text import write_csv
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
_SQLITE_FILES = (".sqlite", ".sqlite3", ".db")

SUFFIXES = {
    "parquet": "parquet",
    "csv": "csv",
    "excel": "xlsx",
    "focus": "csv",
    "focus-parquet": "parquet",
}
"""The file extension of each format."""

MOST_ROWS = 1_048_576  # the most rows of a sheet, including the header
LONGEST_TEXT = 32_767  # the most characters of a cell

# Excel would run text that starts with "=", and turn 0042 and 3E5 into other numbers.
_AS_TEXT = {"strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}


def target_of(target: str, form: str = "") -> "Database | FileFolder":
    """The target of an export; `ValueError` when it is of no known kind."""
    scheme, of_server, rest = target.partition("://")
    path = Path(target).expanduser().absolute()
    suffix = "" if of_server else path.suffix.lower()
    if of_server and scheme not in ("postgresql", "postgres"):
        raise ValueError(f"{scheme} is not a supported database; postgresql:// is.")
    if form and (of_server or suffix in (*_SQLITE_FILES, ".duckdb")):
        raise ValueError(f"--format {form} is for a folder; a database has tables.")
    if suffix[1:] in SUFFIXES.values():
        raise ValueError(f"{target} is a file, but this format writes several: give a folder.")
    if of_server:
        user, at, host = rest.rpartition("@")
        name = f"{scheme}://{user.split(':')[0]}{at}{host}".split("?")[0]
        tables = "select tablename from pg_tables where schemaname = current_schema()"
        return Database(name, target, tables, "adbc_driver_postgresql.dbapi", "select 1")
    if suffix in _SQLITE_FILES:
        tables = "select name from sqlite_master where type = 'table'"
        # Deleted data is overwritten: a file may be shared after names were replaced.
        return Database(target, target, tables, SQLITE, "pragma secure_delete = on")
    if suffix == ".duckdb":
        return Database(target, target, "select table_name from duckdb_tables()")
    return FileFolder(str(path), form or "parquet")


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
            table = _plain(table, lambda time: pc.strftime(time, "%Y-%m-%d %H:%M:%S"))
        if self.driver != "duckdb":
            cursor.adbc_ingest(name, table, mode="append" if append else "create")
            return
        cursor.register("incoming", table)
        command = f"insert into {name} by name" if append else f"create table {name} as"
        cursor.execute(f"{command} select * from incoming")
        cursor.unregister("incoming")


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


@dataclass(frozen=True)
class FileFolder:
    """A folder of exports in one format."""

    name: str
    """Its path."""
    form: str

    def write(self, source: str, tables: Tables, policy: str, *, replace: bool) -> None:
        """Write all files aside, then move all in place."""
        policies = {} if replace else self._policies()
        policy, file = f"{policy} {self.form}", f"{source}.{SUFFIXES[self.form]}"
        check_policy(self.name, policies, policy)
        files = AtomicFolder(Path(self.name))
        with files.writing() as aside:
            for name, table in tables.items():
                (aside / name).mkdir()
                _write_file(table, name, aside / name / file)
            whole = policy_table({**policies, source: policy})
            _write_file(whole, POLICY, aside / f"{POLICY}.csv")
            _write_file(columns_of(tables), "columns", aside / "columns.csv")
            if replace:
                # Before the commit: a crash between the two must not leave names in a folder
                # that calls itself aggregate.
                for suffix in SUFFIXES.values():
                    self._remove(f"*.{suffix}", table_names())
            files.commit(aside)
            self._remove(file, table_names() - set(tables))

    def _policies(self) -> dict[str, str]:
        folder = Path(self.name)
        file = folder / f"{POLICY}.csv"
        if file.exists():
            return dict(list(csv.reader(file.read_text(encoding="utf-8").splitlines()))[1:])
        others = [path.name for path in folder.glob("[!.]*")]
        if others:
            raise ExportError(
                f"{folder} has {others[0]!r} and is not an export folder: give another one."
            )
        return {}

    def _remove(self, pattern: str, tables: Iterable[str]) -> None:
        for path in [path for name in tables for path in Path(self.name, name).glob(pattern)]:
            path.unlink()


def _write_file(table: pa.Table, name: str, path: Path) -> None:
    if path.suffix == ".parquet":
        pq.write_table(table, path, compression="zstd")
    elif path.suffix == ".xlsx":
        write_workbook(table, path, name)
    else:
        with path.open("wb") as out:
            write_csv(table, out)


def write_workbook(table: pa.Table, path: Path, name: str) -> None:
    """Write `table` to a workbook of one sheet; times are UTC.

    `ExportError` for more rows than a sheet has, and for text that does not fit a cell.
    """
    table = _plain(table, lambda time: time.cast(pa.timestamp("s")))
    texts = [one for one in table.columns if pa.types.is_string(one.type)]
    longest = max((pc.max(pc.utf8_length(one)).as_py() or 0 for one in texts), default=0)
    if len(table) >= MOST_ROWS or longest > LONGEST_TEXT:
        raise ExportError(
            f"{name} does not fit into a sheet of Excel: it has {len(table):,} rows, and text of "
            f"up to {longest:,} characters. Use --format parquet or csv."
        )
    frame = table.to_pandas(date_as_object=True)
    forms = {"date_format": "yyyy-mm-dd", "datetime_format": "yyyy-mm-dd hh:mm:ss"}
    try:
        book = pd.ExcelWriter(
            path, engine="xlsxwriter", engine_kwargs={"options": _AS_TEXT}, **forms
        )
    except ImportError:
        raise ExportError(
            "Excel workbooks need one more package: pip install 'ccanalytics[excel]'."
        ) from None
    with book:
        frame.to_excel(book, sheet_name=name[:31], index=False, freeze_panes=(1, 0))


def _plain(table: pa.Table, of_time: Callable[[pa.ChunkedArray], pa.ChunkedArray]) -> pa.Table:
    """The table with money as a float, and times as they can be there."""
    for at, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            table = table.set_column(at, field.name, of_time(table.column(at)))
        elif pa.types.is_decimal(field.type):
            table = table.set_column(at, field.name, table.column(at).cast(pa.float64()))
    return table
