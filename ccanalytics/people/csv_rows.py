"""Text of a small CSV file -> checked rows; every problem of the file in one error.

Rosters and calendars are written by hand, so the reader accepts what spreadsheets write (a byte
order mark, UTF-16, semicolons, tabs, blank lines), and an error lists every bad line with its
number and value.
"""

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from ccanalytics.errors import SettingsError
from ccanalytics.words import counted

Parsed = TypeVar("Parsed")

_SIGNS = "\u00a2-\u00a8\u00ac\u00ad\u00af\u00b1-\u00b6\u00b8\u00b9\u00bc-\u00bf\u00d7\u00f7\u0192"
_OTHER_ALPHABET = re.compile(f"[\u00c0-\u00ff]{{3}}|[^\\W\\d_][{_SIGNS}]|[{_SIGNS}][^\\W\\d_]")
"""No Western word has three such letters in a row, or such a sign next to a letter; Greek, Polish
or Chinese read as Windows-1252 has."""

_NAMED_DELIMITER = re.compile(r"(?i)sep=(\t|\S)[ \r]*(?:\n|$)")

SHOWN_PROBLEMS = 20


def read_text(path: Path, what: str) -> str:
    """The text of a file as spreadsheets write it; `SettingsError` when it is not text.

    UTF-8 and UTF-16 with a byte order mark, UTF-8 without, else Windows-1252.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise SettingsError(f"There is no {what} file {path}.") from None
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
    ) -> dict[int, Parsed]:
        """The parsed row of each line; `parse` raises `ValueError` for a bad one.

        `conflicts` has the lines that other lines contradict. `SettingsError` lists every bad line
        of the file.
        """
        header, reader = self._opened(text)
        self._check(header, name)
        rows, problems, line = dict[int, Parsed](), dict[int, str](), reader.line_num + 1
        try:
            for cells in reader:
                try:
                    if any(cell.strip() for cell in cells):
                        rows[line] = parse(_named(header, cells))
                except ValueError as error:
                    problems[line] = f"line {line}: {error}"
                line = reader.line_num + 1
        except csv.Error as error:  # a quote that is never closed would swallow the rows after it
            end = reader.line_num
            problems[end] = f"up to line {end}: {error}; is a quotation mark left open?"
        problems |= {line: f"line {line}: {text}" for line, text in conflicts(rows).items()}
        _raise_problems(name, [problems[line] for line in sorted(problems)])
        return rows

    def ignored(self, text: str) -> list[str]:
        """The columns of a file that are ignored."""
        return sorted(self._ignored(self._opened(text)[0]))

    def _ignored(self, header: Sequence[str]) -> set[str]:
        known = [*self.required, *self.optional]
        names = [*known, *self.aliases]
        return {c for c in header if c not in known and not get_close_matches(c, names, 1, 0.8)}

    def _opened(self, text: str) -> tuple[list[str], Any]:
        """The columns without trailing empty ones, and a reader of the rows below."""
        text, delimiter = _delimiter(text.removeprefix("\ufeff"))
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        try:
            cells = next(reader, [])
        except csv.Error:  # no CSV at all: no column is there
            cells = []
        seen = ("".join(s for s in cell if unicodedata.category(s) != "Cf") for cell in cells)
        header = [self.aliases.get(name, name) for name in (cell.strip().lower() for cell in seen)]
        while header and not header[-1]:
            header.pop()
        return header, reader

    def _check(self, header: Sequence[str], name: str) -> None:
        passed_over = self._ignored(header) if self.further else set()
        known = {*self.required, *self.optional, *passed_over}
        repeated = sorted({c for c in header if header.count(c) > 1 and c not in passed_over})
        problems = [
            *(f"line 1: there is no column {c!r}" for c in self.required if c not in header),
            *(f"line 1: the column {c!r} is not known" for c in header if c not in known),
            *(f"line 1: the column {c!r} is there twice" for c in repeated),
        ]
        wanted = ",".join([*self.required, *(f"[{column}]" for column in self.optional)])
        _raise_problems(f"{name} (columns {wanted})", problems)


def _delimiter(text: str) -> tuple[str, str]:
    """The text without Excel's `sep=` line, and the delimiter."""
    if named := _NAMED_DELIMITER.match(text):
        return text[named.end() :], named[1]
    # The header decides: names in the rows below may have commas in them.
    return text, max(",;\t", key=text.partition("\n")[0].count)


def _raise_problems(name: str, problems: Sequence[str]) -> None:
    """Raise `SettingsError` with every problem of the file, if any."""
    if problems:
        shown = [f"  {problem}" for problem in problems[:SHOWN_PROBLEMS]]
        if len(problems) > SHOWN_PROBLEMS:
            shown.append(f"  and {len(problems) - SHOWN_PROBLEMS} more")
        raise SettingsError("\n".join([f"{name} has {counted(len(problems), 'problem')}:", *shown]))


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
