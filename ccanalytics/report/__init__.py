"""Notebooks -> one offline page per week; no figure is computed here."""

import sys

# jsonschema builds 35 parsers it does not need when it finds this; without it, every import of
# nbformat and papermill is a second shorter.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
