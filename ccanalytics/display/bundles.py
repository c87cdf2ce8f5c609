"""MIME bundles: our own type for the page, HTML for JupyterLab, plain text; those of text."""

import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from jinja2 import Environment, FileSystemLoader

from ccanalytics.words import day_words

ASSETS = Path(__file__).parent / "assets"

MIME = "application/vnd.ccanalytics.{}+json"

Bundle = dict[str, Any]
Format = str | Callable[[Any], str]


@cache
def _lab() -> Any:
    """The HTML of each kind of output; every value is escaped."""
    loader = FileSystemLoader(ASSETS)
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("lab.html.j2").module


def bundle_of(kind: str, content: Bundle, text: str) -> Bundle:
    """One output in all its forms; the page is made from `content`, and so is the HTML."""
    html = without_math(getattr(_lab(), kind)(**content))
    return {MIME.format(kind): content, "text/html": html, "text/plain": text}


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
    if isinstance(value, list | dict):
        return str(value)
    if pd.isna(value):
        return "n/a"
    if callable(form):
        return form(value)
    if isinstance(value, pd.Timestamp):
        return day_words(value, "%b %Y")
    if isinstance(value, str | bool):
        return str(value)
    usual = ",.0f" if float(value).is_integer() else ",.4g"
    form = form or usual
    try:
        text = format(value, form.replace("$", "").replace("~", ""))
    except ValueError:  # a format that only Vega knows
        text = format(value, usual)
    text = text.replace("%", " %")
    return re.sub("^[+-]?", r"\g<0>$", text) if "$" in form else text


def sentence_bundle(text: str) -> Bundle:
    """A sentence as plain text, whatever characters it contains."""
    return bundle_of("sentence", {"text": str(text)}, str(text))


def result_bundle(result: Any) -> Bundle:
    """A result shown as a sentence."""
    return sentence_bundle(result.sentence())


def note_bundle(text: str, kind: Literal["info", "warn", "missing"] | None = None) -> Bundle:
    """A note; the page lists missing things in one line at its end."""
    content = {"kind": kind or getattr(text, "kind", "info"), "text": str(text)}
    return bundle_of("note", content, str(text))


def findings_bundle(findings: Sequence[Any]) -> Bundle:
    """The title of each finding and its evidence as a list, the most important first."""
    names = ("kind", "title", "text", "metric", "by", "group", "since")
    content = [{name: getattr(one, name) for name in names} for one in findings]
    lines = [f"{number}. {one.sentence()}" for number, one in enumerate(findings, 1)]
    return bundle_of("findings", {"findings": content}, "\n".join(lines))
