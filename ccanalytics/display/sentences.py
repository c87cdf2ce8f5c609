"""Text in a notebook: sentences, notes and findings."""

import re
from collections.abc import Sequence
from html import escape
from typing import Any, Literal

from ccanalytics.display.bundles import Bundle, bundle_of, without_math

_EDGE = {"info": "#2b5fb8", "warn": "#b87700", "missing": "#8a8f98"}
_NOTE = "padding:8px 14px;border-left:3px solid {};line-height:1.5;max-width:46em;"


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
