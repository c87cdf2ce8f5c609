"""A Vega-Lite chart of a notebook -> a figure of the page.

figure   title, text alternative, a static SVG, the tables behind it
spec     the same chart compiled to Vega, without its rows
rows     stored once per page, by column, under a hash of their content
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from markupsafe import Markup

from ccanalytics.display.bundles import value_text
from ccanalytics.report.chart_drawing import (
    Spec,
    about,
    inline_svg,
    joined,
    parts_of,
    svg_of,
    title_of,
    vega_of,
)
from ccanalytics.words import day_words


@dataclass
class Charts:
    """The charts of one page so far: compiled, by figure id, and the rows they share.

    Without `pictures` there are no drawings, which are the slowest step.
    """

    colours: Mapping[str, str]
    pictures: bool = True
    specs: dict[str, Spec] = field(default_factory=dict)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, chart: Spec) -> dict[str, Any]:
        """The figure of a Vega-Lite chart; its compiled form and rows are added to the page's.

        `box` is the size of its picture, from its `viewBox`; its tables have the form of the
        tables of a notebook: a title, columns with label and align, rows of text.
        """
        name, text = f"chart-{len(self.specs) + 1}", json.dumps(chart)
        title, subtitle = title_of(chart)
        self.specs[name] = self._without_rows(vega_of(text))
        svg = inline_svg(svg_of(text), name, self.colours) if self.pictures else Markup()
        box = re.search(r'viewBox="([^"]+)"', svg)
        return {
            "kind": "figure",
            "id": name,
            "chart": chart,
            "title": title,
            "subtitle": subtitle,
            "description": chart.get("description") or f"{title} {subtitle}".strip() or "Chart",
            "metric": about(chart).get("metric", ""),
            "by": chart.get("facet", {}).get("field", ""),
            "wide": bool(about(chart).get("wide")),
            "svg": svg,
            "box": box[1] if box else "",
            "tables": list(_tables(chart)),
        }

    def as_json(self) -> str:
        """Everything the page's script needs to draw the charts."""
        return json.dumps({"charts": self.specs, "rows": self.rows}, separators=(",", ":"))

    def _without_rows(self, vega: Spec) -> Spec:
        bare = [{key: part[key] for key in part if key != "values"} for part in vega["data"]]
        text = json.dumps({**vega, "data": bare})
        for part, with_rows in zip(bare, vega["data"], strict=True):
            rows = with_rows.get("values")
            if rows is not None:
                part["values"] = self._keep(rows, text) if isinstance(rows, list) else rows
        return recoloured({**vega, "data": bare}, self.colours)

    def _keep(self, rows: list[dict[str, Any]], text: str) -> str:
        """The key of these rows, kept by column; what `text` does not name is not drawn."""
        columns = [name for name in dict.fromkeys(k for row in rows for k in row) if name in text]
        table = {"n": len(rows), "c": {name: [row.get(name) for row in rows] for name in columns}}
        key = hashlib.sha256(json.dumps(table).encode()).hexdigest()[:12]
        self.rows[key] = table
        return key


def recoloured(chart: Spec, colours: Mapping[str, str]) -> Spec:
    """A chart in other colours."""
    text = re.sub(
        '"(#[0-9a-f]{6})"', lambda hit: f'"{colours.get(hit[1], hit[1])}"', json.dumps(chart)
    )
    recoloured: Spec = json.loads(text)
    return recoloured


# The table behind a chart: its rows with the columns, titles and formats of its tooltips.


def _tables(chart: Spec) -> Iterator[dict[str, Any]]:
    listed = about(chart).get("columns") or _encoded_fields(chart)
    for rows in chart.get("datasets", {}).values():
        shown = [one for one in listed if any(one[0] in row for row in rows)]
        columns, texts = [], []
        for name, head, form in shown:
            values = [row.get(name) for row in rows]
            numeric = all(value is None or isinstance(value, int | float) for value in values)
            columns.append({"label": head, "align": "right" if numeric else "left"})
            texts.append([_cell(value, form) for value in values])
        if shown:
            yield {
                "title": "",
                "columns": columns,
                "rows": [list(row) for row in zip(*texts, strict=True)],
            }


def _encoded_fields(chart: Spec) -> list[tuple[str, str, str]]:
    """Each field of the tooltips with title and number format, after the place of a mark where they
    do not say it; without tooltips the fields of all channels."""
    encodings = [part.get("encoding", {}) for part in parts_of(chart)]
    listed = [one.get("tooltip") for one in encodings]
    tooltips = [one for tips in listed for one in (tips if isinstance(tips, list) else [tips])]
    drawn = [one for encoding in encodings for one in encoding.values()]
    axes = [one.get(axis) or {} for one in encodings for axis in ("x", "y")]
    places = [axis for axis in axes if axis.get("type") in ("nominal", "ordinal", "temporal")]
    said = _fields(tooltips if any(tooltips) else drawn)
    unsaid = [one for name, one in _fields(places).items() if name not in said]
    return [*unsaid, *said.values()]


def _fields(channels: Iterable[Any]) -> dict[str, tuple[str, str, str]]:
    found: dict[str, tuple[str, str, str]] = {}
    for one in channels:
        if isinstance(one, dict) and isinstance(one.get("field"), str):
            axis = one.get("axis") or one.get("legend") or {}
            name = one["field"].replace("\\", "")
            title = joined(one.get("title") or axis.get("title")) or name.replace("_", " ")
            found.setdefault(name, (name, title, one.get("format") or axis.get("format") or ""))
    return found


def _cell(value: Any, form: str) -> str:
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d", value):
        return value_text(value, form)
    moment = datetime.fromisoformat(value)
    day = day_words(moment, "%b %Y")
    return day if moment.time() == moment.min.time() else f"{day} {moment:%H:%M}"
