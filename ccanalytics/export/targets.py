"""Tables -> a target: a folder of files, a DuckDB or SQLite file, or a PostgreSQL server.

Whole tables of one source are replaced, all or none; the rows of other sources stay. Each target
remembers how people are shown in it, as names and pseudonyms never mix.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
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
from ccanalytics.export.export_tables import DESCRIPTIONS, Tables, columns_of, table_names

POLICY = "export_policy"
"""The table of the sources in a target, and how people are shown in each."""

SQLITE = "adbc_driver_sqlite.dbapi"
_SQLITE_FILES = (".sqlite", ".sqlite3", ".db")

MOST_ROWS = 1_048_576  # the most rows of a sheet, including the header
LONGEST_TEXT = 32_767  # the most characters of a cell

SUFFIXES = {"excel": "xlsx", "focus": "csv", "focus-parquet": "parquet"}
"""The file extensions of formats that are not called so."""

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
    if suffix in WRITERS:
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


def policy_table(policies: Mapping[str, str]) -> pa.Table:
    """One row per source."""
    return pa.table({"source": list(policies), "policy": list(policies.values())})


def check_policy(name: str, known: Mapping[str, str], policy: str) -> None:
    """Raise an error where names would mix with pseudonyms."""
    for other, held in known.items():
        if held != policy:
            raise ExportError(
                f"{name} holds {other} exported as {held}; these rows are {policy}, and the two do "
                "not mix. Name another target, or --replace."
            )


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
        where = f"where source = {_literal(source)}"
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
                cursor.execute(f"drop table {name}" if replace else f"delete from {name} {where}")
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
        if self.driver == "duckdb":
            cursor.register("incoming", table)
            command = f"insert into {name} by name" if append else f"create table {name} as"
            cursor.execute(f"{command} select * from incoming")
            cursor.unregister("incoming")
            return
        table = _plain(table, time=pa.string()) if self.driver == SQLITE else table
        cursor.adbc_ingest(name, table, mode="append" if append else "create")


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
    """A folder of exports in one format; `name` is its path."""

    name: str
    form: str

    def write(self, source: str, tables: Tables, policy: str, *, replace: bool) -> None:
        """Write all files aside, then move all in place."""
        policies = {} if replace else self._policies()
        policy, suffix = f"{policy} {self.form}", SUFFIXES.get(self.form, self.form)
        files, file = AtomicFolder(Path(self.name)), f"{source}.{suffix}"
        check_policy(self.name, policies, policy)
        with files.writing() as aside:
            for name, table in tables.items():
                (aside / name).mkdir()
                WRITERS[f".{suffix}"](table, aside / name / file)
            write_csv(policy_table({**policies, source: policy}), aside / f"{POLICY}.csv")
            write_csv(columns_of(tables), aside / "columns.csv")
            if replace:
                # Before the commit: a crash between the two must not leave names in a folder
                # that calls itself aggregate.
                for each in WRITERS:
                    self._remove(f"*{each}", table_names())
            files.commit(aside)
            self._remove(file, table_names() - set(tables))

    def _policies(self) -> dict[str, str]:
        folder = Path(self.name)
        file = folder / f"{POLICY}.csv"
        if file.exists():
            held = pd.read_csv(file, dtype="str", keep_default_na=False)
            return dict(zip(held["source"], held["policy"], strict=True))
        others = [path.name for path in folder.glob("[!.]*")]
        if others:
            raise ExportError(
                f"{folder} has {others[0]!r} and is not an export folder: give another one."
            )
        return {}

    def _remove(self, pattern: str, tables: Iterable[str]) -> None:
        for path in [path for name in tables for path in Path(self.name, name).glob(pattern)]:
            path.unlink()


def write_workbook(table: pa.Table, path: Path) -> None:
    """Write `table` to a workbook of one sheet, named as its folder; times are UTC.

    `ExportError` for more rows than a sheet has, and for text that does not fit a cell.
    """
    name = path.parent.name
    texts = [one for one in table.columns if pa.types.is_string(one.type)]
    longest = max((pc.max(pc.utf8_length(one)).as_py() or 0 for one in texts), default=0)
    if len(table) >= MOST_ROWS or longest > LONGEST_TEXT:
        raise ExportError(
            f"{name} does not fit into a sheet of Excel: it has {len(table):,} rows, and text of "
            f"up to {longest:,} characters. Use --format parquet or csv."
        )
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
        frame = _plain(table).to_pandas(date_as_object=True)
        frame.to_excel(book, sheet_name=name[:31], index=False, freeze_panes=(1, 0))


def _plain(table: pa.Table, time: pa.DataType | None = None) -> pa.Table:
    """The table with money as floats, and times of another type, for targets without these."""
    for at, one in enumerate(table.schema):
        if pa.types.is_decimal(one.type) or (time and pa.types.is_timestamp(one.type)):
            kind = pa.float64() if pa.types.is_decimal(one.type) else time
            table = table.set_column(at, one.name, table.column(at).cast(kind))
    return table


WRITERS: dict[str, Callable[[pa.Table, Path], None]] = {
    ".parquet": lambda table, path: pq.write_table(table, path, compression="zstd"),
    ".csv": write_csv,
    ".xlsx": write_workbook,
}
"""How a file is written, by its extension."""
