"""One export: what is to be written, and where to."""

import dataclasses
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import pandas as pd

from ccanalytics.dataset import bring_days
from ccanalytics.errors import ExportError, StoreError
from ccanalytics.export.engines import is_database_file, open_database
from ccanalytics.export.focus import Focus
from ccanalytics.export.folder import Folder
from ccanalytics.export.parts import Plan, Progress, Result
from ccanalytics.export.records import Records
from ccanalytics.export.weekly import Weekly
from ccanalytics.identity import load_secret
from ccanalytics.store import Store

FORMATS = ("parquet", "csv", "excel", "focus", "focus-parquet")
"""The formats of a folder."""


def export_days(
    target: str,
    *,
    source: str,
    store: Store,
    now: datetime,
    since: date = date.min,
    until: date = date.max,
    identity: str = "named",
    roster: pd.DataFrame | Path | None = None,
    logs: Sequence[Path] = (),
    form: str = "",
    replace: bool = False,
    progress: Progress = lambda day, done, total: None,
) -> Result:
    """Write the stored days from `since` to `until` to a folder, a database file or a server.

    Sample and local days are brought into the store first. Parts that are in the target as they
    are in the store are left alone. `replace` empties the target first.
    """
    _check_target(target, form)
    known = bring_days(source, store, roster=roster, logs=logs, now=now)
    secret = b"" if identity == "named" else load_secret(store.root / "identity.secret")
    records = Records(store, source, since, until, known, identity, secret)
    plan = _plan(records, form)
    if not plan.parts:
        what = "closed week" if plan.contents == "weekly" else "day"
        raise StoreError(f"There is no {source} {what} to export in the store {store.root}.")
    return _write(plan, target, identity, form, replace, progress)


def _plan(records: Records, form: str) -> Plan:
    if form.startswith("focus"):
        return Focus(records)
    if records.identity == "aggregate":
        # The names stay in memory, where the same person must be the same on seven days.
        return Weekly(dataclasses.replace(records, identity="named"))
    return records


def _write(
    plan: Plan, target: str, identity: str, form: str, replace: bool, progress: Progress
) -> Result:
    if _is_database(target):
        with open_database(target) as database:
            result = Result(database.name, plan.source, plan.contents, identity)
            database.write(plan, result, replace=replace, progress=progress)
        return result
    path = Path(target).expanduser().absolute()
    forms = {"": "parquet", "focus": "csv", "focus-parquet": "parquet"}
    result = Result(str(path), plan.source, plan.contents, identity)
    try:
        Folder(path, forms.get(form, form)).write(plan, result, replace=replace, progress=progress)
    except OSError as error:
        raise ExportError(f"{path} cannot be written to: {error}.") from error
    return result


def _is_database(target: str) -> bool:
    return "://" in target or is_database_file(target)


def _check_target(target: str, form: str) -> None:
    if form and form not in FORMATS:
        raise ValueError(f"format is {form!r}; it is one of {', '.join(FORMATS)}.")
    if form and _is_database(target):
        raise ValueError(f"--format {form} is for a folder; a database has tables.")
    if not _is_database(target) and Path(target).suffix.lower() in (".csv", ".parquet", ".xlsx"):
        raise ValueError(f"{target} is one file, and an export is several: name a folder.")
