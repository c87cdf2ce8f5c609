"""A Vega-Lite chart of a notebook -> a figure of the page.

figure   title, text alternative, a static SVG, the tables behind it
spec     the same chart compiled to Vega, without its rows
rows     stored once per page, by column, under a hash of their content
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from markupsafe import Markup

from ccanalytics.report.chart_drawing import (
    Spec,
    about,
    description_of,
    inline_svg,
    lines_of,
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
        name = f"chart-{len(self.specs) + 1}"
        title, subtitle = title_of(chart)
        self.specs[name] = self._without_rows(vega_of(chart))
        svg = inline_svg(svg_of(chart), name, self.colours) if self.pictures else Markup()
        box = re.search(r'viewBox="([^"]+)"', svg)
        return {
            "kind": "figure",
            "id": name,
            "chart": chart,
            "title": title,
            "subtitle": subtitle,
            "description": description_of(chart),
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
        data = [
            {**part, "values": self._keep(part["values"], text)}
            if isinstance(part.get("values"), list)
            else part
            for part in vega["data"]
        ]
        return recoloured({**vega, "data": data}, self.colours)

    def _keep(self, rows: list[dict[str, Any]], text: str) -> str:
        columns = [name for name in dict.fromkeys(k for row in rows for k in row) if name in text]
        table = {"n": len(rows), "c": {name: [row.get(name) for row in rows] for name in columns}}
        key = hashlib.sha256(json.dumps(table).encode()).hexdigest()[:12]
        self.rows[key] = table
        return key


def recoloured(value: Any, colours: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: recoloured(part, colours) for key, part in value.items()}
    if isinstance(value, list):
        return [recoloured(part, colours) for part in value]
    return colours.get(value.lower(), value) if isinstance(value, str) else value


# The table behind a chart: its rows with the columns, titles and formats of its tooltips.


def _tables(chart: Spec) -> Iterator[dict[str, Any]]:
    encoded = {name: (head, form) for name, head, form in about(chart).get("columns", [])}
    encoded = encoded or _encoded_fields(chart)
    for rows in _row_sets(chart):
        fields = [name for name in encoded if any(name in row for row in rows)]
        if fields:
            columns = [
                {"label": encoded[name][0], "align": _align([row.get(name) for row in rows])}
                for name in fields
            ]
            texts = [[_cell(row.get(name), encoded[name][1]) for name in fields] for row in rows]
            yield {"title": "", "columns": columns, "rows": texts}


def _row_sets(chart: Spec) -> list[list[dict[str, Any]]]:
    """The sets of rows a chart draws."""
    named = list(chart.get("datasets", {}).values())
    inline = [
        part["data"]["values"] for part in parts_of(chart) if "values" in part.get("data", {})
    ]
    return [rows for rows in [*named, *inline] if isinstance(rows, list)]


def _encoded_fields(chart: Spec) -> dict[str, tuple[str, str]]:
    """Title and number format of each drawn field in reading order, preferably from tooltips.

    Tooltips of this package's charts have all the fields.
    """
    encodings = [part.get("encoding", {}) for part in parts_of(chart)]
    own = "ccanalytics" in chart.get("usermeta", {}) and any("tooltip" in one for one in encodings)
    found: dict[str, tuple[str, str]] = {}
    for encoding in encodings:
        for channel in () if own else _DRAWN:
            for name, title, pattern in _channel(encoding.get(channel)):
                found.setdefault(name, (title, pattern))
        for name, title, pattern in _channel(encoding.get("tooltip")):
            known = found.get(name, ("", ""))
            found[name] = (title or known[0], pattern or known[1])
    return {name: (title or name.replace("_", " "), form) for name, (title, form) in found.items()}


_DRAWN = ("x", "column", "row", "facet", "color", "detail", "y", "x2", "y2", "size")


def _channel(definition: Any) -> Iterator[tuple[str, str, str]]:
    for part in definition if isinstance(definition, list) else [definition]:
        if isinstance(part, dict) and isinstance(part.get("field"), str):
            axis = part.get("axis") or part.get("legend") or {}
            title = part.get("title") or axis.get("title") or ""
            name = part["field"].replace("\\", "")
            yield name, " ".join(lines_of(title)), part.get("format") or axis.get("format") or ""


def _align(values: list[Any]) -> str:
    numeric = all(value is None or isinstance(value, int | float) for value in values)
    return "right" if numeric else "left"


_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
_D3_FORMAT = re.compile(r"(\+?)(\$?)(,?)(?:\.(\d+))?~?([f%d]?)")


def _cell(value: Any, pattern: str) -> str:
    if value is None:
        return "n/a"
    if isinstance(value, str):
        return _moment(value) if _MOMENT.match(value) else value
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _number(value, pattern) if isinstance(value, int | float) else str(value)


def _moment(value: str) -> str:
    moment = datetime.fromisoformat(value)
    day = day_words(moment, "%b %Y")
    return day if moment.time() == moment.min.time() else f"{day} {moment:%H:%M}"


def _number(value: float, pattern: str) -> str:
    match = _D3_FORMAT.fullmatch(pattern)
    if match is None or not pattern:
        return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
    plus, dollar, comma, digits, kind = match.groups()
    places = int(digits) if digits else 0
    kind = "f" if kind in ("", "d") else kind
    text = f"{'-' if value < 0 else plus}{dollar}{abs(value):{comma}.{places}{kind}}"
    return text.replace("%", " %")
