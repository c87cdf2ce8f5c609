"""A line or value that is not what it should be -> the rest of it, which still counts.

Claude Code cuts texts in the middle of an emoji, leaves zero bytes where it crashed, and gateways
write numbers as texts. What can be read is read; what had to be left out or changed is named.
"""

import json
import math
import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Raw

T = TypeVar("T", bound=msgspec.Struct)

_DECODER = json.JSONDecoder(strict=False)
_SOLID = re.compile(r"[^\s\0,\[\]]")
"""What does not merely stand between two records."""

MOST = 10**12
"""More tokens than that are of no log of Claude Code."""


def records(line: bytes) -> Iterator[tuple[int, bytes]]:
    """The records on one line and what is left between them, each with where it begins.

    Two processes that write at once leave out a line's end, and a process that was killed leaves
    half a record before the next one.
    """
    # In Latin-1 each byte is a character, so places in the text are places in the line.
    text = line.decode("latin-1")
    start = lost = _solid(text, 0)
    while start < len(text):
        try:
            value, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            value, end = None, start + 1
        # Within half a record only what says its session is a record, and no part of one.
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
    """`data` as `kind`, and what was wrong with it; None when it is no JSON of that shape."""
    text = data.replace(b"\0", b"").removeprefix(BOM_UTF8).decode("utf-8", "replace")
    try:
        value = json.loads(text, strict=False)
        whole = msgspec.json.encode(_fitted(_whole(value), kind))
        return msgspec.json.decode(whole, type=kind), _reason(data, text, value)
    except (ValueError, RecursionError, msgspec.MsgspecError, TypeError):
        return None


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
    """The value without halves of characters and numbers without an end."""
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
    """What of `value` can be read as `kind`; None when nothing can."""
    options = [kind] if _plain(kind) else list(get_args(kind))
    for option in options:
        fit = _fitted_to(value, option)
        if fit is not None:
            return fit
    return None


def _plain(kind: Any) -> bool:
    """Whether a type is no choice of several."""
    return isinstance(kind, type) or get_origin(kind) in (list, tuple) or kind is _count_type(kind)


def _count_type(kind: Any) -> Any:
    """The type itself when it is an annotated number."""
    return kind if hasattr(kind, "__metadata__") else None


def _fitted_to(value: Any, kind: Any) -> Any:
    if kind is Raw:
        return value
    if _count_type(kind) is not None:
        return _number(value)
    if get_origin(kind) in (list, tuple):
        parts = value if isinstance(value, list) else ()
        fits = [_fitted(part, get_args(kind)[0]) for part in parts]
        return [fit for fit in fits if fit is not None] if isinstance(value, list) else None
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _fitted_struct(value, kind) if isinstance(value, dict) else None
    if kind is datetime:
        return _moment(value)
    if kind is str and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if kind is bool and value in ("true", "false"):
        return value == "true"
    return value if kind is object or isinstance(value, kind) else None


def _fitted_struct(value: dict[str, Any], kind: type[T]) -> dict[str, Any]:
    fits = {
        name: _fitted(value[name], type_) for name, type_ in _fields(kind).items() if name in value
    }
    return {name: fit for name, fit in fits.items() if fit is not None}


@cache
def _fields(kind: type[T]) -> dict[str, Any]:
    """The type of each field by its name in the log."""
    hints = get_type_hints(kind, include_extras=True)
    return {field.encode_name: hints[field.name] for field in msgspec.structs.fields(kind)}


def _number(value: Any) -> int | None:
    """A number of tokens, which may be a text or have a point; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return round(number) if math.isfinite(number) and 0 <= number <= MOST else None


def _moment(value: Any) -> str | None:
    """A moment as the text it should be; numbers are seconds or milliseconds since 1970."""
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value).isoformat()
        except ValueError:
            pass
    try:
        number = float(value)
        seconds = number / 1000 if number > 1e11 else number
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    except (TypeError, ValueError, OverflowError, OSError):
        return None
