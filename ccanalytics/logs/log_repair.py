"""A damaged line or value -> the part that still counts.

Claude Code cuts texts in the middle of an emoji, leaves zero bytes where it crashed, and gateways
write numbers as text. What can be read is read; what was dropped or changed is counted.
"""

import json
import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from functools import reduce
from operator import getitem
from typing import Any

import msgspec

_DECODER = json.JSONDecoder(strict=False)

_BETWEEN = " \t\r\n\0,[]"
"""Separators between two records."""

_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
"""A step of the path in an error of msgspec: a field, or a place in a list."""

MOST_FAULTS = 1000
"""A line with more values that do not fit is none of Claude Code."""

LATEST = 10**11
"""A moment of more seconds since 1970 is in milliseconds."""


def records(line: bytes) -> Iterator[tuple[int, bytes]]:
    """The records on one line and the text between them, each with its position.

    Two processes writing at once can omit a line break, and a killed process leaves
    half a record before the next one.
    """
    # In Latin-1 each byte is a character, so text positions are byte positions.
    text = line.decode("latin-1")
    start = done = 0
    while (start := text.find("{", start)) >= 0:
        try:
            value, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            start += 1
            continue
        lost = text[done:start].strip(_BETWEEN)
        # After half a record, only an object that names its session is a record, not a part of one.
        if not lost or "sessionId" in value:
            if lost:
                yield done, line[done:start]
            yield start, line[start:end]
            done = end
        start = end
    if text[done:].strip(_BETWEEN):
        yield done, line[done:]


def repaired(data: bytes, kind: Any) -> Any:
    """`data` as `kind`, without the values that do not fit; None when it is no JSON of that shape.

    Half characters are replaced, and numbers are rounded: nothing in a log counts parts.
    """
    text = data.replace(b"\0", b"").removeprefix(BOM_UTF8).decode("utf-8", "replace")
    try:
        value = _whole(json.loads(text, strict=False))
        for _ in range(MOST_FAULTS):
            try:
                return msgspec.json.decode(msgspec.json.encode(value), type=kind, strict=False)
            except msgspec.ValidationError as error:
                place = str(error).partition(" - at `$")[2]
                *around, last = [int(n) if n else name for name, n in _STEP.findall(place)]
                part = reduce(getitem, around, value)
                if last == "timestamp" and isinstance(part[last], int) and part[last] > LATEST:
                    part[last] //= 1000
                else:
                    del part[last]
    except (ValueError, RecursionError, msgspec.MsgspecError, TypeError, LookupError):
        pass  # of another shape as a whole, or not readable at all
    return None


def _whole(value: Any) -> Any:
    """The value with whole characters and numbers that JSON has, as integers."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_whole(key): _whole(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_whole(part) for part in value]
    if isinstance(value, int | float) and not abs(value) < 2**63:  # NaN and infinity are not
        return None
    return round(value) if isinstance(value, float) else value
