"""Text of a small CSV file -> checked rows; every problem of the file in one error.

Rosters and calendars are written by hand, so the reader accepts what spreadsheets write (a byte
order mark, UTF-16, semicolons, tabs, blank lines), and an error lists every bad line with its
number and value.
"""

import codecs
import contextlib
import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from ccanalytics.errors import SettingsError
from ccanalytics.words import counted

Parsed = TypeVar("Parsed")
Listener = Callable[[list[str]], None]

_SIGNS = "\u00a2-\u00a8\u00ac\u00ad\u00af\u00b1-\u00b6\u00b8\u00b9\u00bc-\u00bf\u00d7\u00f7\u0192"
_OTHER_ALPHABET = re.compile(f"[\u00c0-\u00ff]{{3}}|[^\\W\\d_][{_SIGNS}]|[{_SIGNS}][^\\W\\d_]")
"""No Western word has three such letters in a row, or such a sign next to a letter; Greek, Polish
or Chinese read as Windows-1252 has."""

SHOWN_PROBLEMS = 20


def read_text(path: Path, what: str) -> str:
    """The text of a file as spreadsheets write it; `SettingsError` when it is not text.

    UTF-8 and UTF-16 with a byte order mark, UTF-8 without, else Windows-1252.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"The {what} file {path} cannot be read: {error.strerror}.") from None
    text = _decoded(raw)
    if text is None:
        lines = enumerate(raw.splitlines(), 1)
        line = next((number for number, line in lines if _decoded(line) is None), 1)
        raise SettingsError(
            f"The {what} file {path} is not UTF-8 text, first in line {line}: save it as CSV UTF-8."
        )
    return text


def _decoded(raw: bytes) -> str | None:
    """The decoded text; None when it is in another encoding, or not text."""
    try:
        if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return raw.decode("utf-16")
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
        if "\ufffd" in text or _OTHER_ALPHABET.search(text):
            return None
    return None if "\0" in text else text


@dataclass(frozen=True)
class CsvColumns:
    """The columns of a file, and how it is read."""

    required: Sequence[str]
    optional: Sequence[str] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Alternative names, in lower case."""
    further: bool = False
    """Whether unknown columns are ignored, unless a name looks like a typo of one that is not."""

    def rows(
        self,
        text: str,
        name: str,
        parse: Callable[[Mapping[str, str]], Parsed],
        conflicts: Callable[[Mapping[int, Parsed]], Mapping[int, str]] = lambda rows: {},
        ignored: Listener | None = None,
    ) -> dict[int, Parsed]:
        """The parsed row of each line; `parse` raises `ValueError` for a bad one.

        `conflicts` has the lines that other lines contradict; `ignored` is called with columns that
        are not read. `SettingsError` lists every bad line of the file.
        """
        header, further, reader = self._opened(text)
        known = [*self.required, *self.optional]
        wrong = [
            *(f"there is no column {c!r}" for c in self.required if c not in header),
            *(f"the column {c!r} is not known" for c in header if c not in {*known, *further}),
            *(f"the column {c!r} is there twice" for c in known if header.count(c) > 1),
        ]
        rows, problems = dict[int, Parsed](), [(1, text) for text in wrong]
        if further and ignored and not problems:
            ignored(further)
        line = reader.line_num + 1
        try:
            for cells in () if problems else reader:
                try:
                    if any(cell.strip() for cell in cells):
                        rows[line] = parse(_named(header, cells))
                except ValueError as error:
                    problems.append((line, str(error)))
                line = reader.line_num + 1
        except csv.Error as error:  # a quote that is never closed would swallow the rows after it
            problems.append((reader.line_num, f"{error}; is a quotation mark above left open?"))
        problems += conflicts(rows).items()
        if problems:
            first = [f"  line {at}: {text}" for at, text in sorted(problems)[:SHOWN_PROBLEMS]]
            title = f"{name} has {counted(len(problems), 'problem')}:"
            raise SettingsError("\n".join([title, *first]))
        return rows

    def _opened(self, text: str) -> tuple[list[str], list[str], Any]:
        """The columns without trailing empty ones, those not to read, and the rows below."""
        # The header decides: names in the rows below may have commas in them.
        delimiter = max(",;\t", key=text.partition("\n")[0].count)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        names: list[str] = []
        with contextlib.suppress(csv.Error, StopIteration):  # no CSV at all: no column is there
            names = [cell.strip().lower() for cell in next(reader)]
        while names and not names[-1]:
            names.pop()
        header = [self.aliases.get(name, name) for name in names]
        known = [*self.required, *self.optional, *self.aliases]
        unknown = sorted({c for c in header if not get_close_matches(c, known, 1, 0.8)})
        return header, unknown if self.further else [], reader


def parse_date(text: str, column: str) -> date:
    """A date such as 2026-11-22; else `ValueError` with the column and the value."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{column} is {text!r}, not a date like 2026-11-22") from None


def _named(header: Sequence[str], cells: Sequence[str]) -> Mapping[str, str]:
    beyond = cells[len(header) :]
    if len(cells) < len(header) or any(cell.strip() for cell in beyond):
        raise ValueError(f"has {len(cells)} cells, the header has {len(header)}")
    return {column: cell.strip() for column, cell in zip(header, cells, strict=False)}
