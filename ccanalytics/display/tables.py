"""Frames -> tables: a title, headers in words, formatted values; a dataset at a glance."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd
from pandas.api.types import is_bool_dtype, is_integer_dtype, is_numeric_dtype

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.dataset.preflight import Check, unpriced_models
from ccanalytics.dataset.titled_frame import TitledFrame
from ccanalytics.display.bundles import (
    Bundle,
    Format,
    bundle_of,
    note_bundle,
    value_text,
    without_math,
)
from ccanalytics.words import counted

MOST_ROWS = 60
"""The most rows shown; the frame has them all."""


def frame_bundle(frame: TitledFrame) -> Bundle:
    """A titled frame as a table, or its text for no rows.

    With a meaningful index or several levels of columns, as after a group-by, it is shown as pandas
    shows it.
    """
    if frame.empty and frame.empty_text:
        return note_bundle(frame.empty_text)
    plain = pd.DataFrame(frame)
    numbered = plain.index.names == [None] and is_integer_dtype(plain.index)
    if not numbered or not all(isinstance(name, str) for name in plain):
        return {"text/html": without_math(plain.to_html()), "text/plain": plain.to_string()}
    names = frame.shown_columns or tuple(plain.columns)
    labels = {
        name: frame.labels.get(name, name.replace("_", " ")) for name in names if name in plain
    }
    return table_bundle(plain, frame.title, formats=frame.formats, labels=labels)


def table_bundle(
    frame: pd.DataFrame,
    title: str,
    *,
    formats: Mapping[str, Format] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Bundle:
    """The columns of `labels` in order, formatted; without labels all columns."""
    formats, labels = formats or {}, labels or {name: name for name in frame.columns}
    more = len(frame) - MOST_ROWS
    title = f"{title} (the last {MOST_ROWS} of {len(frame):,} rows)" if more > 0 else title
    frame = frame.tail(MOST_ROWS)
    columns, texts = [], []
    for name, label in labels.items():
        of_numbers = is_numeric_dtype(frame[name]) and not is_bool_dtype(frame[name])
        columns.append({"label": label, "align": "right" if of_numbers else "left"})
        texts.append([value_text(value, formats.get(name)) for value in frame[name]])
    rows = [list(row) for row in zip(*texts, strict=True)]
    content = {"title": title, "columns": columns, "rows": rows}
    text = pd.DataFrame(rows, columns=[*labels.values()]).to_string(index=False)
    return bundle_of("table", content, f"{title}\n{text}")


def dataset_bundle(data: Dataset) -> Bundle:
    """The range, weeks, people and records of a dataset, and its caveats."""
    facts = list(_facts(data))
    text = "\n".join([repr(data), *(f"  {name}: {what}" for name, what in facts)])
    return bundle_of("dataset", {"facts": [list(fact) for fact in facts]}, text)


def checks_bundle(checks: Sequence[Check]) -> Bundle:
    """The checks as a table, one row each."""
    frame = pd.DataFrame([(check.name, check.level, check.found) for check in checks])
    return table_bundle(frame.set_axis(["check", "result", "found"], axis=1), "Checks")


def _facts(data: Dataset) -> Iterator[tuple[str, str]]:
    yield "Source", data.spec.title + (f", team {data.team}" if data.team else "")
    yield "Days", f"{data.since} to {data.until}"
    yield "Weeks", f"{counted(len(data.weeks), 'closed week')}"
    whose = ", read from the store when needed"
    if data.is_read:
        of_kind = data.activity.groupby("actor_kind", observed=True)["actor"].nunique()
        people, keys = (int(of_kind.get(kind, 0)) for kind in ("user", "api_key"))
        whose = f" of {counted(people, 'person', 'people')} and {counted(keys, 'API key')}"
    yield "Records", f"{data.record_count:,}{whose}"
    if data.extras:
        yield "More frames", ", ".join(data.extras)
    for caveat in _caveats(data):
        yield "Watch out", caveat


def _caveats(data: Dataset) -> Iterator[str]:
    stored = data.days["stored"]
    moving = int((stored & ~data.days["final"]).sum())
    if not stored.all():
        yield f"{counted(int((~stored).sum()), 'day')} missing: weeks with them are left out"
    if moving:
        yield f"{counted(moving, 'day')} may still change"
    if data.roster.empty and data.minimum_group > 1:
        yield "no roster: no teams and no adoption rate"
    if data.is_read and (unpriced := sorted(unpriced_models(data.model_usage))):
        yield f"models without a known price: {', '.join(unpriced)}"
    if data.unknown_fields:
        yield f"fields this version does not know: {', '.join(data.unknown_fields)}"
    if data.spec.banner:
        yield data.spec.banner
