"""Stored days -> other tools: a folder of files, a database file, a database server.

    store ─▶ Records | Weekly | Focus ─▶ parts ─▶ Folder | DuckDB | SQLite | PostgreSQL, ...

`export_days` writes what is new or has changed. The identity policy is in the rows: `named` and
`pseudonym` export records, `aggregate` exports the weekly metrics alone.
"""

from ccanalytics.export.csv_files import safe_csv
from ccanalytics.export.parts import Result
from ccanalytics.export.run import FORMATS, export_days

__all__ = ["FORMATS", "Result", "export_days", "safe_csv"]
