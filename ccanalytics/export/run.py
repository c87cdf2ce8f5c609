"""One export: what is to be written, and where to."""

import contextlib
import dataclasses
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import pandas as pd

from ccanalytics.dataset.loading import roster_of
from ccanalytics.errors import ExportError, StoreError
from ccanalytics.export.database import Database
from ccanalytics.export.engines import is_database_file, open_database
from ccanalytics.export.focus import Focus
from ccanalytics.export.folder import Folder
from ccanalytics.export.parts import Plan, Progress, Result
from ccanalytics.export.records import Records
from ccanalytics.export.weekly import Weekly
from ccanalytics.people.identity import load_secret
from ccanalytics.sources.registry import Access, source_spec
from ccanalytics.store.day_store import Store
from ccanalytics.store.layout import companions
from ccanalytics.store.sync import sync_available

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
) -> list[Result]:
    """Write the stored days from `since` to `until` to a folder, a database file or a server.

    Sample and local days are brought into the store first; what was billed comes along as a source
    of its own. Parts that are in the target as they are in the store are left alone. `replace`
    empties the target first.
    """
    _check_target(target, form)
    spec = source_spec(source)
    if not spec.network:
        sync_available(spec.open(Access(folders=logs)), store, now=now)
    known = roster_of(spec, roster, None)
    secret = b"" if identity == "named" else load_secret(store.root / "identity.secret")
    records = Records(store, source, since, until, known, identity, secret)
    plans = _plans(records, form)
    if not plans[0].parts:
        what = "closed week" if plans[0].contents == "weekly" else "day"
        raise StoreError(f"There is no {source} {what} to export in the store {store.root}.")
    return _write(plans, target, identity, form, replace, progress)


def _plans(records: Records, form: str) -> list[Plan]:
    if form.startswith("focus"):
        return [Focus(records)]
    if records.identity == "aggregate":
        # The names stay in memory, where the same person must be the same on seven days.
        return [Weekly(dataclasses.replace(records, identity="named"))]
    beside = [
        dataclasses.replace(records, source=companion.stored_as(records.source))
        for companion in companions()
    ]
    return [records, *(one for one in beside if one.parts)]


def _write(
    plans: list[Plan], target: str, identity: str, form: str, replace: bool, progress: Progress
) -> list[Result]:
    forms = {"": "parquet", "focus": "csv", "focus-parquet": "parquet"}
    with contextlib.ExitStack() as stack:
        if _is_database(target):
            place: Folder | Database = stack.enter_context(open_database(target))
        else:
            path = Path(target).expanduser().absolute()
            place = Folder(path, forms.get(form, form))
        results = [Result(place.name, plan.source, plan.contents, identity) for plan in plans]
        for plan, result in zip(plans, results, strict=True):
            try:
                place.write(plan, result, replace=replace, progress=progress)
            except OSError as error:
                raise ExportError(f"{place.name} cannot be written to: {error}.") from error
            replace = False  # the billing beside what was just written
        return results


def _is_database(target: str) -> bool:
    return "://" in target or is_database_file(target)


def _check_target(target: str, form: str) -> None:
    if form and form not in FORMATS:
        raise ValueError(f"format is {form!r}; it is one of {', '.join(FORMATS)}.")
    if form and _is_database(target):
        raise ValueError(f"--format {form} is for a folder; a database has tables.")
    if not _is_database(target) and Path(target).suffix.lower() in (".csv", ".parquet", ".xlsx"):
        raise ValueError(f"{target} is one file, and an export is several: name a folder.")
