"""Findings as a numbered list, the most important first."""

from collections.abc import Sequence
from html import escape

from ccanalytics.display.bundles import Bundle, bundle_of
from ccanalytics.metrics.findings import Finding


def findings_bundle(findings: Sequence[Finding]) -> Bundle:
    """The title of each finding, and its evidence."""
    content = [
        {
            "kind": one.kind,
            "title": one.title,
            "text": one.text,
            "metric": one.metric,
            "by": one.by,
            "group": one.group,
            "since": one.since,
        }
        for one in findings
    ]
    lines = [f"{number}. {one.sentence()}" for number, one in enumerate(findings, 1)]
    items = "".join(f"<li><b>{escape(one.title)}.</b> {escape(one.text)}</li>" for one in findings)
    html = f'<ol style="line-height:1.55;max-width:60em">{items}</ol>'
    return bundle_of("findings", {"findings": content}, html, "\n".join(lines))
