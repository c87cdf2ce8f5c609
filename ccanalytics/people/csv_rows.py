"""Text of a small CSV file -> checked rows; every problem of the file in one error.

Rosters and calendars are written by hand, so the reader accepts what spreadsheets write (a byte
order mark, semicolons, blank lines), and an error lists every bad line with its number and value.
"""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TypeVar

from ccanalytics.errors import SettingsError
from ccanalytics.words import counted

Parsed = TypeVar("Parsed")

SHOWN_PROBLEMS = 20


def read_text(path: Path, what: str) -> str:
    """The text of a file; `SettingsError` when it is not there or is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SettingsError(f"There is no {what} file {path}.") from None
    except IsADirectoryError:
        raise SettingsError(f"The {what} file {path} is a folder.") from None
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"The {what} file {path} is not UTF-8 text ({error.reason} at byte {error.start}): "
            "save it as CSV UTF-8."
        ) from error


def parse_rows(
    text: str,
    name: str,
    required: Sequence[str],
    optional: Sequence[str],
    parse: Callable[[Mapping[str, str]], Parsed],
    *,
    aliases: Mapping[str, str] | None = None,
) -> list[tuple[int, Parsed]]:
    """Line number and parsed row of each line; `parse` raises `ValueError` for a bad row."""
    lines = text.removeprefix("\ufeff").splitlines()
    delimiter = ";" if lines and lines[0].count(";") > lines[0].count(",") else ","
    reader = csv.reader(lines, delimiter=delimiter)
    header = [_column(cell, aliases or {}) for cell in next(reader, [])]
    _check_header(header, name, required, optional)
    rows: list[tuple[int, Parsed]] = []
    problems: list[str] = []
    for number, cells in _filled(reader):
        try:
            rows.append((number, parse(_named(header, cells))))
        except ValueError as error:
            problems.append(f"line {number}: {error}")
    raise_problems(name, problems)
    return rows


def raise_problems(name: str, problems: Sequence[str]) -> None:
    """`SettingsError` with every problem of the file; nothing when there is none."""
    if problems:
        shown = [f"  {problem}" for problem in problems[:SHOWN_PROBLEMS]]
        if len(problems) > SHOWN_PROBLEMS:
            shown.append(f"  and {len(problems) - SHOWN_PROBLEMS} more")
        raise SettingsError("\n".join([f"{name} has {counted(len(problems), 'problem')}:", *shown]))


def parse_date(text: str, column: str) -> date:
    """A day written like 2026-11-22; `ValueError` with the column and the value otherwise."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{column} is {text!r}, not a date like 2026-11-22") from None


def _column(cell: str, aliases: Mapping[str, str]) -> str:
    name = cell.strip().lower()
    return aliases.get(name, name)


def _check_header(
    header: Sequence[str], name: str, required: Sequence[str], optional: Sequence[str]
) -> None:
    wanted = ",".join([*required, *(f"[{column}]" for column in optional)])
    missing = [column for column in required if column not in header]
    unknown = [column for column in header if column not in (*required, *optional)]
    repeated = sorted({column for column in header if header.count(column) > 1})
    problems = [
        *(f"line 1: there is no column {column!r}" for column in missing),
        *(f"line 1: the column {column!r} is not known" for column in unknown),
        *(f"line 1: the column {column!r} is there twice" for column in repeated),
    ]
    raise_problems(f"{name} (columns {wanted})", problems)


def _filled(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    for number, cells in enumerate(reader, start=2):
        if any(cell.strip() for cell in cells):
            yield number, cells


def _named(header: Sequence[str], cells: Sequence[str]) -> Mapping[str, str]:
    if len(cells) != len(header):
        raise ValueError(f"has {len(cells)} cells, the header has {len(header)}")
    return {column: cell.strip() for column, cell in zip(header, cells, strict=True)}
