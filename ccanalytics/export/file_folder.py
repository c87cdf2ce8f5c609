"""Tables -> a folder with a folder per table, in which every source has one file."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ccanalytics.atomic import AtomicFolder
from ccanalytics.display.csv_text import write_csv
from ccanalytics.errors import ExportError
from ccanalytics.export.export_tables import (
    POLICY,
    Tables,
    check_policy,
    columns_of,
    policy_table,
    table_names,
)

SUFFIXES = {"parquet": "parquet", "csv": "csv", "excel": "xlsx", "focus": "csv",
            "focus-parquet": "parquet"}  # fmt: skip
"""The file extension of each format."""

MOST_ROWS = 1_048_576
"""The most rows of a sheet, including the header."""

LONGEST_TEXT = 32_767
"""The most characters of a cell."""

# Excel would run text that starts with "=", and turn 0042 and 3E5 into other numbers.
_AS_TEXT = {"strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}


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
    columns = [_cells(column) for column in table.columns]
    longest = [pc.max(pc.utf8_length(one)).as_py() or 0
               for one in columns if pa.types.is_string(one.type)]  # fmt: skip
    if len(table) >= MOST_ROWS or max(longest, default=0) > LONGEST_TEXT:
        raise ExportError(
            f"{name} does not fit into a sheet of Excel: it has {len(table):,} rows, and text of "
            f"up to {max(longest, default=0):,} characters. Use --format parquet or csv."
        )
    frame = pa.table(columns, table.column_names).to_pandas(date_as_object=True)
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


def _cells(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Money as a number, and a time without its zone."""
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("s"))
    return column.cast(pa.float64()) if pa.types.is_decimal(column.type) else column
