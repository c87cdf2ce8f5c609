"""A damaged line or value -> the part that still counts.

Claude Code cuts texts in the middle of an emoji, leaves zero bytes where it crashed, and gateways
write numbers as text. What can be read is read; what was dropped or changed is named.
"""

import contextlib
import json
import math
import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import reduce
from operator import getitem
from typing import Any

import msgspec

_DECODER = json.JSONDecoder(strict=False)
_SOLID = re.compile(r"[^\s\0,\[\]]")
"""Anything but separators between two records."""

_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
"""A step of the path in an error of msgspec: a field, or a place in a list."""

MOST_FAULTS = 1000
"""A line with more values that do not fit is none of Claude Code."""


def records(line: bytes) -> Iterator[tuple[int, bytes]]:
    """The records on one line and the text between them, each with its position.

    Two processes writing at once can omit a line break, and a killed process leaves
    half a record before the next one.
    """
    # In Latin-1 each byte is a character, so text positions are byte positions.
    text = line.decode("latin-1")
    start = lost = _solid(text, 0)
    while start < len(text):
        try:
            value, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            value, end = None, start + 1
        # After half a record, only an object that names its session is a record, not a part of one.
        if isinstance(value, dict) and (lost == start or "sessionId" in value):
            if lost < start:
                yield lost, line[lost:start]
            yield start, line[start:end]
            start = lost = _solid(text, end)
        else:
            start = text.find('{"', end) % (len(text) + 1)
    if lost < len(text):
        yield lost, line[lost:]


def _solid(text: str, start: int) -> int:
    found = _SOLID.search(text, start)
    return found.start() if found else len(text)


def repaired(data: bytes, kind: Any) -> tuple[Any, str] | None:
    """`data` as `kind`, and its faults; None when it is not JSON of that shape."""
    text = data.replace(b"\0", b"").removeprefix(BOM_UTF8).decode("utf-8", "replace")
    try:
        value = json.loads(text, strict=False)
        fitted = _fitted(_whole(value), kind)
    except (ValueError, RecursionError, msgspec.MsgspecError, TypeError, LookupError):
        return None
    return None if fitted is None else (fitted, _reason(data, text, value))


def _reason(data: bytes, text: str, value: Any) -> str:
    if b"\0" in data:
        return "zero bytes"
    if data.startswith(BOM_UTF8):
        return "a byte order mark"
    try:
        json.dumps(value, ensure_ascii=False).encode()
        json.loads(text)
    except UnicodeEncodeError:
        return "half a character"
    except ValueError:
        return "a control character"
    return "half a character" if "\ufffd" in text else "a value of another kind"


def _whole(value: Any) -> Any:
    """The value without half characters and infinite numbers."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_whole(key): _whole(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_whole(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return None
    return value


def _fitted(value: Any, kind: Any) -> Any:
    """What of `value` can be read as `kind`: one after the other, what does not fit is put right or
    taken out."""
    for _ in range(MOST_FAULTS):
        try:
            return msgspec.json.decode(msgspec.json.encode(value), type=kind)
        except msgspec.ValidationError as error:
            expected, _, place = str(error).partition(" - at `$")
            *around, last = [int(n) if n else name for name, n in _STEP.findall(place)] or [None]
            if last is None:
                raise
            part = reduce(getitem, around, value)
            part[last] = _meant(part[last], expected.partition(", got")[0])
            if part[last] is None:
                del part[last]
    return None


def _meant(value: Any, expected: str) -> Any:
    """The value as what is expected in its place; null when it cannot be."""
    with contextlib.suppress(TypeError, ValueError, OverflowError, OSError):
        if "datetime" in expected or "RFC3339" in expected:
            return _moment(value)
        if "`int" in expected and isinstance(value, float | str):
            return round(float(value))
        if "`str" in expected and isinstance(value, int | float):
            return str(value)
        if "`bool" in expected:
            return {"true": True, "false": False}.get(str(value))
    return None


def _moment(value: Any) -> str:
    """A timestamp as text; numbers are seconds or milliseconds since 1970."""
    with contextlib.suppress(TypeError, ValueError):
        return datetime.fromisoformat(value).isoformat()
    number = float(value)
    return datetime.fromtimestamp(number / 1000 if number > 1e11 else number, UTC).isoformat()
