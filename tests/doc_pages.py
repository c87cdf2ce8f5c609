"""The files generated from code: `uv run python tests/doc_pages.py` writes them."""

from pathlib import Path

import pyarrow as pa
from openapi_document import openapi_page

from ccanalytics.export.export_tables import DESCRIPTIONS
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.store.layout import frame_schemas

DOCS = Path(__file__).parents[1] / "ccanalytics" / "docs"

ROWS = {
    "addresses": "One row per UTC day and person, of the Enterprise API; only in the store.",
    "seats": "One row per UTC day: seats of Claude Enterprise.",
    "charges": "One row per UTC day, actor, model, kind of cost and of token: what was billed.",
    "charged_days": "One row per UTC day whose bill was fetched, if only to be empty; not stored.",
    "spend": "One row per person, product and model of a claude.ai spend report, for its range.",
    "sessions": "One row per session of the session logs, on the day it started.",
    "requests": "One row per call of a model in the session logs.",
    "tool_calls": "One row per tool call with a result in the session logs.",
    "log_events": "One row per compaction, title, recap or failed call in the session logs.",
}
"""What one row of the frames is that not every source has."""

DICTIONARY = """# Data dictionary

Every column of every frame, as it is in the store and in `cca.connect`. In Python dates are pandas
timestamps and dollars floats. `data.activity`, `data.model_usage` and `data.tool_actions` also have
`team`, from the roster. An open set may have values that nobody has seen yet.

This page is made from the schemas: `uv run python tests/doc_pages.py`.
"""

ALL_METRICS = """# All metrics

`ccanalytics metrics` prints the same. A ratio is a ratio of sums, with a 90 % interval; there is no
value when its denominator is below the minimum. Reliability says how well the records hold what the
name says.

This page is made from the definitions: `uv run python tests/doc_pages.py`.
"""


def data_dictionary():
    """A table of columns for each frame."""
    descriptions = DESCRIPTIONS | ROWS
    parts = [DICTIONARY]
    for name, schema in frame_schemas().items():
        rows = [(f"`{one.name}`", type_name(one.type), description(one)) for one in schema]
        table = markdown(["column", "type", "meaning"], rows)
        parts.append(f"## {name}\n\n{descriptions[name]}\n\n{table}")
    return "\n".join(parts)


def metrics_page():
    """A table of all metrics, and the definition of each."""
    rows = [(f"`{m.id}`", m.name, m.unit, m.grade) for m in METRICS.values()]
    parts = [ALL_METRICS, markdown(["id", "name", "unit", "reliability"], rows)]
    return "\n".join([*parts, *map(definition, METRICS.values())])


def definition(metric):
    """One metric in full."""
    lines = [f"## {metric.name}", "", f"`{metric.id}`, {metric.unit}. {metric.formula}"]
    if metric.is_ratio and metric.minimum_denominator > 1:
        lines.append(f"The denominator is at least {metric.minimum_denominator}.")
    lines += ["", *(f"- {caveat}" for caveat in metric.caveats)]
    return "\n".join(lines).rstrip() + "\n"


def markdown(names, rows):
    """A table in Markdown."""
    cells = [names, ["---"] * len(names), *rows]
    lines = ["| " + " | ".join(str(c).replace("|", "\\|") for c in row) + " |" for row in cells]
    return "\n".join(lines) + "\n"


def description(column):
    """The description of a column in the schema."""
    return (column.metadata or {}).get(b"description", b"").decode()


def type_name(kind):
    """The name of an Arrow type for readers."""
    if pa.types.is_list(kind):
        return f"list of {type_name(kind.value_type)}"
    if pa.types.is_decimal(kind):
        return "exact decimal"
    names = {"string": "text", "int64": "whole number", "bool": "true or false"}
    return "date and time" if pa.types.is_timestamp(kind) else names[str(kind)]


PAGES = {
    "data-dictionary.md": data_dictionary,
    "metrics.md": metrics_page,
    "../fake_api/openapi.json": openapi_page,
}

if __name__ == "__main__":
    for file, page in PAGES.items():
        (DOCS / file).write_text(page(), encoding="utf-8")
