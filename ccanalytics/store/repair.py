"""Damaged files of a source -> set aside, and the days to write again.

Nothing is deleted: damaged files are kept below `<root>/damaged`, under their old path. A
damaged `days.parquet` is rebuilt from the existing files, whose pages have checksums.
"""

import contextlib
import logging
import shutil
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from ccanalytics.atomic import make_private
from ccanalytics.frames.schemas import KEYS
from ccanalytics.store.day_store import RESTATEMENTS, VERSION, Store, month_of, restatements_in
from ccanalytics.store.layout import layout_of, schema_of
from ccanalytics.store.published import PUBLISHED, ROSTER, stays_in, weeks_in
from ccanalytics.store.source_files import (
    EPOCH,
    INDEX,
    DamagedFileError,
    DayIndex,
    StoredDay,
    checked_table,
    digest_of_bytes,
    read_bytes,
    read_index,
    write_index,
)

log = logging.getLogger(__name__)


def repair(
    store: Store, source: str, since: date = date.min, until: date = date.max
) -> dict[date, set[str]]:
    """Set damaged files of these days aside; returns the days to write again, with the frames they
    lack. A month with a damaged file needs all its days.
    """
    folder = store.folder(source)
    with contextlib.suppress(DamagedFileError), store.indexed(source) as index:
        if not _damaged_files(folder, index, since, until):
            return _without_digest(index)
    with store.atomic.writing() as aside:
        try:
            index = read_index(folder).copy()
        except DamagedFileError:
            _set_aside(store.root, folder / INDEX, keep=True)
            index = _rebuilt_index(folder)
        lost = _without_digest(index)
        for name in _damaged_files(folder, index, since, until):
            _set_aside(store.root, folder / name)
            frame, _, file = name.rpartition("/")
            if not frame:  # what is kept next to the days begins anew
                del index.files[name]
            for day in (day for day in index.days if f"{month_of(day)}.parquet" == file):
                lost.setdefault(day, set()).add(frame)
        write_index(aside / VERSION / source, index)
        store.atomic.commit(aside)
    return lost


def _without_digest(index: DayIndex) -> dict[date, set[str]]:
    return {day: set() for day, one in index.days.items() if not one.digest}


def _damaged_files(folder: Path, index: DayIndex, since: date, until: date) -> list[str]:
    """The damaged files of these days."""
    found = []
    for name, digest in index.files.items():
        month = Path(name).stem if "/" in name else month_of(since)
        if month_of(since) <= month <= month_of(until):
            try:
                read_bytes(folder / name, digest)
            except DamagedFileError:
                found.append(name)
    return found


def _set_aside(root: Path, path: Path, *, keep: bool = False) -> None:
    """Move a file below `damaged`, or copy it there with `keep`."""
    place = root / "damaged" / path.relative_to(root)
    make_private(place.parent)
    taken = len(list(place.parent.glob(f"{place.name}*")))
    target = place.with_name(f"{place.name}.{taken}") if taken else place
    if path.exists():
        (shutil.copy2 if keep else shutil.move)(path, target)
        log.warning("%s is damaged; it is kept as %s.", path, target)


def _rebuilt_index(folder: Path) -> DayIndex:
    """An index of the existing files.

    The fetch time of a day is lost, so each counts as fetched too early.
    """
    index, rows = DayIndex(), Counter[date]()
    for path in sorted(folder.glob("*/*.parquet")):
        name = path.relative_to(folder).as_posix()
        index.files[name] = "unknown"  # so it is found damaged, unless it can be read
        with contextlib.suppress(pa.ArrowException, OSError, KeyError, TypeError, ValueError):
            table = checked_table(content := path.read_bytes())
            counts = _days_in(table, path)
            index.files[name] = digest_of_bytes(content)
            is_record = path.parent.name == layout_of(folder.name).frames[0]
            rows.update(counts if is_record else dict.fromkeys(counts, 0))
            index.organization = _organization(table) or index.organization
    known = {RESTATEMENTS: restatements_in, PUBLISHED: weeks_in, ROSTER: stays_in}
    for name, decode in known.items():
        if (folder / name).exists():
            index.files[name] = "unknown"
            with contextlib.suppress(msgspec.DecodeError):
                decode(content := (folder / name).read_bytes())
                index.files[name] = digest_of_bytes(content)
    for day, count in sorted(rows.items()):
        moment = datetime.combine(day, time(), UTC)
        index.days[day] = StoredDay(day, moment, "", count, False, (), folder.name)
    return index


def _days_in(table: pa.Table, path: Path) -> dict[date, int]:
    """The rows of each day; `ValueError` for a file that is not of the frame and month it says."""
    pairs = pc.value_counts(table["date"].cast(pa.int64())).to_pylist()
    counts = {(EPOCH + timedelta(milliseconds=one["values"])).date(): one["counts"]
              for one in pairs}  # fmt: skip
    own = set(schema_of(path.parent.name).names) - {key.name for key in KEYS}
    if {*map(month_of, counts)} - {path.stem} or not own & set(table.column_names):
        raise ValueError(f"{path} has rows of another frame or month")
    return counts


def _organization(table: pa.Table) -> str | None:
    if "organization" not in table.column_names:
        return None
    names = table["organization"].unique().drop_null().to_pylist()
    return str(names[0]) if names else None
