"""Parts -> a folder of Parquet or CSV files, one per table, source and month.

    <folder>/activity/api-2026-11.parquet     all days of the month that were exported
    <folder>/columns.csv                      what each column means
    <folder>/export.json                      the digest of every day or week that is in

A month is written aside and moved to its place in one step together with its digests: a file is
never half written, and a run that was killed goes on with the month it was at.
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import IO, Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from ccanalytics.atomic import AtomicFolder, write_text
from ccanalytics.errors import ExportError
from ccanalytics.export.csv_files import BYTE_ORDER_MARK, write_csv
from ccanalytics.export.database import mixture
from ccanalytics.export.parts import Part, Plan, Progress, Result

CONTENTS = "export.json"

SUFFIXES = {"parquet": "parquet", "csv": "csv", "excel": "csv"}
"""The ending of the files of each format; `excel` is CSV that Excel knows to be UTF-8."""


class Contents(msgspec.Struct, frozen=True):
    """What a folder holds: for each source the digest of each part, by its first day."""

    contents: str
    policy: str
    format: str
    tables: tuple[str, ...] = ()
    parts: dict[str, dict[date, str]] = {}


class Folder:
    """A folder that parts are written to."""

    def __init__(self, path: Path, form: str) -> None:
        self.path = path
        self._form = form
        self._files = AtomicFolder(path)

    @property
    def name(self) -> str:
        """Where it is."""
        return str(self.path)

    def write(self, plan: Plan, result: Result, *, replace: bool, progress: Progress) -> None:
        """Every month of which a part is new or has changed."""
        self._check(plan, replace)
        if replace:
            self._empty()
        held = self._held(plan)
        lost = sorted(set(held) - set(plan.known))
        if lost:
            raise ExportError(
                f"{self.name} has {lost[0]} of {plan.source}, which the store has not: it was "
                "exported from another store. Name another folder, or --replace."
            )
        done = 0
        for month in _months(plan.parts):
            wanted = {first: plan.parts[first] for first in month}
            if all(held.get(first) == digest for first, digest in wanted.items()):
                result.same += month
            else:
                self._write_month(plan, month, held, result)
            done += len(month)
            progress(month[-1], done, len(plan.parts))

    def _write_month(
        self, plan: Plan, month: list[date], held: Mapping[date, str], result: Result
    ) -> None:
        kept = {first for first in held if _same_month(first, month[0])}
        digests = {}
        with self._files.aside() as aside:
            with ExitStack() as stack:
                files = {
                    name: stack.enter_context(_File(aside / self._place(plan, name, month[0]),
                                                    schema, self._form))
                    for name, schema in plan.schemas.items()
                }  # fmt: skip
                for part in plan.build(sorted({*kept, *month})):
                    digests[part.first] = part.digest
                    for name, rows in part.tables.items():
                        files[name].add(rows)
                    self._count(part, held.get(part.first), result)
            self._commit(aside, plan, digests)

    def _count(self, part: Part, before: str | None, result: Result) -> None:
        if before == part.digest:
            result.same.append(part.first)
        else:
            result.wrote(part, before)

    def _commit(self, aside: Path, plan: Plan, digests: Mapping[date, str]) -> None:
        with self._files.writing():
            # Somebody else may have written another month meanwhile.
            self._check(plan, replace=False)
            contents = self._contents() or Contents(plan.contents, plan.policy, self._form)
            parts = {**contents.parts.get(plan.source, {}), **digests}
            contents = msgspec.structs.replace(
                contents,
                tables=tuple(sorted({*contents.tables, *plan.schemas})),
                parts={**contents.parts, plan.source: dict(sorted(parts.items()))},
            )
            (aside / CONTENTS).write_text(_told(contents), encoding="utf-8")
            with open(aside / "columns.csv", "wb") as out:
                write_csv(_dictionary(plan), out, header=True)
            self._files.commit(aside)

    def _contents(self) -> Contents | None:
        path = self.path / CONTENTS
        try:
            return msgspec.json.decode(path.read_bytes(), type=Contents)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise ExportError(f"{path} is damaged ({error}): remove the folder.") from error

    def _held(self, plan: Plan) -> dict[date, str]:
        with self._files.reading():
            contents = self._contents()
        return contents.parts.get(plan.source, {}) if contents else {}

    def _check(self, plan: Plan, replace: bool) -> None:
        held = self._contents()
        if held is None:
            if self.path.is_dir() and any(path.name != ".tmp" for path in self.path.iterdir()):
                raise ExportError(
                    f"{self.name} is a folder with other files in it: name a new or empty one."
                )
        elif (held.contents, held.policy) != (plan.contents, plan.policy) and not replace:
            raise mixture(self.name, held.contents, held.policy, plan)
        elif held.format != self._form and not replace:
            raise ExportError(
                f"{self.name} holds {held.format} files, not {self._form}: name another folder, "
                "or --replace to empty this one first."
            )

    def _empty(self) -> None:
        """Take out what an export put there."""
        contents = self._contents()
        if contents is None:
            return
        with self._files.writing():
            # First the promise, then the files: what a crash leaves is written again.
            empty = msgspec.structs.replace(contents, parts={})
            write_text(self.path / CONTENTS, _told(empty), mode=0o644)
            for table in contents.tables:
                shutil.rmtree(self.path / table, ignore_errors=True)
            (self.path / "columns.csv").unlink(missing_ok=True)
            (self.path / CONTENTS).unlink()

    def _place(self, plan: Plan, table: str, first: date) -> Path:
        suffix = SUFFIXES[self._form]
        return Path(table) / f"{plan.source}-{first:%Y-%m}.{suffix}"


class _File:
    """A file that is written day by day."""

    def __init__(self, path: Path, schema: pa.Schema, form: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._schema = schema
        self._out: IO[bytes] = open(path, "wb")  # noqa: SIM115 - closed by __exit__
        self._parquet: Any = None
        if form == "parquet":
            self._parquet = pq.ParquetWriter(self._out, schema, compression="zstd")
            return
        if form == "excel":
            self._out.write(BYTE_ORDER_MARK)
        write_csv(schema.empty_table(), self._out, header=True)

    def add(self, rows: pa.Table) -> None:
        if self._parquet is None:
            write_csv(rows, self._out, header=False)
        elif len(rows):
            self._parquet.write_table(rows)

    def __enter__(self) -> "_File":
        return self

    def __exit__(self, *error: object) -> None:
        if self._parquet is not None:
            self._parquet.close()
        self._out.close()


def _told(contents: Contents) -> str:
    return msgspec.json.format(msgspec.json.encode(contents)).decode()


def _dictionary(plan: Plan) -> pa.Table:
    """One row per column of each table: what it means."""
    rows = [
        {
            "table": name,
            "column": field.name,
            "type": str(field.type),
            "description": (field.metadata or {}).get(b"description", b"").decode(),
        }
        for name, schema in plan.schemas.items()
        for field in schema
    ]
    return pa.Table.from_pylist(rows)


def _months(parts: Mapping[date, str]) -> Iterator[list[date]]:
    by_month: dict[tuple[int, int], list[date]] = {}
    for first in parts:
        by_month.setdefault((first.year, first.month), []).append(first)
    yield from by_month.values()


def _same_month(one: date, other: date) -> bool:
    return (one.year, one.month) == (other.year, other.month)
