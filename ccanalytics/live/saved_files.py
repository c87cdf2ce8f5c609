"""A page -> downloads: its data as CSV or Parquet, its notebooks.

Only what is shown is saved: the rows behind each chart, and the tables. The records
are not.
"""

import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from nbformat import NotebookNode

from ccanalytics.display.bundles import MIME
from ccanalytics.display.csv_text import safe_csv
from ccanalytics.report.cells import LEFT_OUT
from ccanalytics.report.chart_drawing import title_of
from ccanalytics.report.figures import row_sets

Rows = list[dict[str, Any]]


def frames_shown(notebooks: Sequence[NotebookNode]) -> dict[str, pa.Table]:
    """The rows behind each chart and table of these notebooks, with names, in order."""
    numbers = count(1)
    return {
        f"{next(numbers):02d}-{_slug(title)}": _table(rows)
        for notebook in notebooks
        for data in _outputs(notebook)
        for title, rows in _shown(data)
    }


def as_csv(table: pa.Table) -> bytes:
    """`table` as CSV without formulas."""
    return safe_csv(table.to_pandas()).encode()


def as_parquet(table: pa.Table) -> bytes:
    """`table` as a Parquet file."""
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A ZIP file of these files."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return sink.getvalue()


def _outputs(notebook: NotebookNode) -> Iterator[Mapping[str, Any]]:
    for cell in notebook.cells:
        if cell.cell_type == "code" and not LEFT_OUT & set(cell.metadata.get("tags", ())):
            yield from (output.data for output in cell.outputs if "data" in output)


def _shown(data: Mapping[str, Any]) -> Iterator[tuple[str, Rows]]:
    for mime, content in data.items():
        if mime.startswith("application/vnd.vegalite."):
            title = title_of(content)[0] or "chart"
            yield from ((title, rows) for rows in row_sets(content) if rows)
        elif mime == MIME.format("table"):
            labels = [column["label"] for column in content["columns"]]
            rows = [dict(zip(labels, row, strict=True)) for row in content["rows"]]
            yield content["title"], rows


def _table(rows: Rows) -> pa.Table:
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table({name: _column([row.get(name) for row in rows]) for name in names})


def _column(values: list[Any]) -> pa.Array:
    """`values` in a type that holds them all, else as text."""
    try:
        array = pa.array(values)
    except pa.ArrowInvalid:
        array = None
    if array is None or pa.types.is_nested(array.type):
        return pa.array([None if value is None else str(value) for value in values])
    return array


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "rows"
