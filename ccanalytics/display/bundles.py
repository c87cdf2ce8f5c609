"""MIME bundles: our own type for the page, HTML for JupyterLab, plain text; those of text."""

import re
from collections.abc import Callable, Sequence
from html import escape
from typing import Any, Literal

import pandas as pd

from ccanalytics.words import day_words

MIME = "application/vnd.ccanalytics.{}+json"

Bundle = dict[str, Any]
Format = str | Callable[[Any], str]


_EDGE = {"info": "#2b5fb8", "warn": "#b87700", "missing": "#8a8f98"}
_NOTE = "padding:8px 14px;border-left:3px solid {};line-height:1.5;max-width:46em;"


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
    plain = str(text)
    html = without_math(f"<p>{escape(plain)}</p>")
    return {"text/markdown": markdown_text(plain), "text/html": html, "text/plain": plain}


def result_bundle(result: Any) -> Bundle:
    """A result shown as a sentence."""
    return sentence_bundle(result.sentence())


def note_bundle(text: str, kind: Literal["info", "warn", "missing"] = "info") -> Bundle:
    """A note; the page lists missing things in one line at its end."""
    text = str(text)
    html = f'<div style="{_NOTE.format(_EDGE[kind])}">{escape(text)}</div>'
    return bundle_of("note", {"kind": kind, "text": text}, html, text)


def warning_bundle(text: str) -> Bundle:
    """A remark that is a warning."""
    return note_bundle(text, "warn")


def findings_bundle(findings: Sequence[Any]) -> Bundle:
    """The title of each finding and its evidence as a list, the most important first."""
    names = ("kind", "title", "text", "metric", "by", "group", "since")
    content = [{name: getattr(one, name) for name in names} for one in findings]
    lines = [f"{number}. {one.sentence()}" for number, one in enumerate(findings, 1)]
    items = "".join(f"<li><b>{escape(one.title)}.</b> {escape(one.text)}</li>" for one in findings)
    html = f'<ol style="line-height:1.55;max-width:60em">{items}</ol>'
    return bundle_of("findings", {"findings": content}, html, "\n".join(lines))


def markdown_text(text: str) -> str:
    """`text` in Markdown, with every special character escaped.

    >>> markdown_text("*a* $1")
    '\\\\*a\\\\* \\\\$1'
    """
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(text.split()))
