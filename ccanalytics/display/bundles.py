"""MIME bundles: our own type for the page, HTML for JupyterLab, plain text."""

import re
from collections.abc import Callable
from typing import Any

import pandas as pd

from ccanalytics.words import day_words

MIME = "application/vnd.ccanalytics.{}+json"

Bundle = dict[str, Any]
Format = str | Callable[[Any], str]


def bundle_of(kind: str, content: Bundle, html: str, text: str) -> Bundle:
    """One output in all its forms; the page is made from `content`."""
    return {MIME.format(kind): content, "text/html": without_math(html), "text/plain": text}


def without_math(html: str) -> str:
    """`html` in which JupyterLab does not read text between two dollar signs as a formula."""
    return f'<div class="mathjax_ignore">{html}</div>'


def value_text(value: Any, form: Format | None) -> str:
    """A formatted value; the format is a format spec such as "$,.2f" or a function.

    >>> value_text(1234.5, None), value_text(None, None), value_text(0.5, ".0%")
    ('1,234', 'n/a', '50 %')
    >>> value_text(-1.5, "$,.2f")
    '-$1.50'
    """
    if pd.isna(value):
        return "n/a"
    if callable(form):
        return form(value)
    if isinstance(value, pd.Timestamp):
        return day_words(value, "%b %Y")
    if isinstance(value, str | bool):
        return str(value)
    form = form or (",.0f" if float(value).is_integer() else ",.4g")
    text = format(value, form.replace("$", "").replace("~", "")).replace("%", " %")
    return re.sub("^[+-]?", r"\g<0>$", text) if "$" in form else text
