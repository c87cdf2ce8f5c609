"""A pandas frame with a title, shown as a table."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

import pandas as pd

from ccanalytics.showing import ShowsItself


class TitledFrame(ShowsItself, pd.DataFrame):  # type: ignore[misc]
    """A pandas frame shown as a formatted table with its title, in a notebook and on a page.

    `labels` are the headers of columns, `formats` are format specs or functions
    by column. Filtering and sorting keep the title.
    """

    _metadata: ClassVar = ["title", "labels", "formats", "empty_text", "shown_columns", "shown_by"]

    title, empty_text = "", ""
    labels: Mapping[str, str] = {}
    formats: Mapping[str, Any] = {}
    shown_columns: tuple[str, ...] = ()
    """The shown columns in order; none means all."""
    shown_by = "display.tables:frame_bundle"

    @property
    def _constructor(self) -> Callable[..., "TitledFrame"]:
        return TitledFrame


class Column(NamedTuple):
    """A column of a table: its header, empty where it is not shown, its format and its dtype."""

    label: str = ""
    format: Any = None
    kind: str = "float64"


def typed(rows: Any, columns: Mapping[str, str | Column]) -> pd.DataFrame:
    """`rows` with these columns and dtypes, in this order, also when there are none."""
    kinds = {name: one if isinstance(one, str) else one.kind for name, one in columns.items()}
    return pd.DataFrame(rows, columns=list(kinds)).astype(kinds)


def titled(
    frame: pd.DataFrame,
    title: str,
    columns: Mapping[str, Column] | None = None,
    empty_text: str = "",
) -> TitledFrame:
    """`frame` with a title, shown with these columns; `empty_text` when it has no rows."""
    made = TitledFrame(frame)
    made.attrs, made.title, made.empty_text = dict(frame.attrs), title, empty_text
    return with_columns(made, columns) if columns else made


def with_columns(frame: TitledFrame, columns: Mapping[str, Column]) -> TitledFrame:
    """`frame` with the headers and formats of `columns`, of which only those with one are shown."""
    frame.labels = {name: column.label for name, column in columns.items() if column.label}
    frame.shown_columns = tuple(frame.labels)
    known = {name: column.format for name, column in columns.items() if column.format}
    frame.formats = {**frame.formats, **known}
    return frame
