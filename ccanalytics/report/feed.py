"""Issues -> an Atom feed (RFC 4287), whose links work wherever the folder is served.

An id is made of source, team and week alone, so it tells of no host and no organization, and an
issue that is made again is the same entry. Only what the index says is in it.
"""

import re
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from urllib.parse import quote

from ccanalytics.report.archive import INDEX, Issue, one_a_week

FEED = "feed.xml"
NEWEST = 60
"""How many issues are in the feed; the index has them all."""

_SPACE = uuid.UUID("6f1c3a8e-0d5b-4b7e-9b57-2d3a9c64f1e8")
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def feed(issues: Sequence[Issue], *, title: str) -> str:
    """The feed of the whole issues, newest week first; empty when there is none."""
    entries = newest(issues)
    if not entries:
        return ""
    root = ET.Element("feed", {"xmlns": "http://www.w3.org/2005/Atom", "xml:lang": "en"})
    _say(root, "title", title)
    _say(root, "id", _id("feed"))
    _say(root, "updated", _stamp(max(issue.updated for issue in entries)))
    _say(root, "generator", "ccanalytics")
    _say(ET.SubElement(root, "author"), "name", "ccanalytics")
    ET.SubElement(root, "link", rel="self", type="application/atom+xml", href=FEED)
    ET.SubElement(root, "link", rel="alternate", type="text/html", href=INDEX)
    for issue in entries:
        root.append(_entry(issue))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False).join(
        ['<?xml version="1.0" encoding="utf-8"?>\n', "\n"]
    )


def newest(issues: Sequence[Issue]) -> list[Issue]:
    """The whole issues with a week, one for each source, team and week, newest first."""

    def about(issue: Issue) -> tuple[str, str]:
        return issue.source, issue.team

    by_scope = groupby(sorted(issues, key=about), key=about)
    found = [issue for _, group in by_scope for issue in one_a_week(group)]
    return sorted(found, key=lambda one: (one.monday, one.file), reverse=True)[:NEWEST]


def _entry(issue: Issue) -> ET.Element:
    entry = ET.Element("entry")
    mark = " (sample data)" if issue.sample else ""
    _say(entry, "title", f"{issue.title or issue.week}{mark}")
    _say(entry, "id", _id("issue", issue.source, issue.team, str(issue.monday)))
    _say(entry, "updated", _stamp(issue.updated))
    ET.SubElement(entry, "link", rel="alternate", type="text/html", href=quote(issue.file))
    said = [f"{card['label']}: {card['value']} ({card['verdict']})" for card in issue.cards]
    _say(entry, "summary", ". ".join([issue.subtitle.rstrip("."), *said]) + ".")
    return entry


def _say(parent: ET.Element, name: str, text: str) -> None:
    """A child with `text`, without the control characters no XML may hold."""
    ET.SubElement(parent, name).text = _NO_XML.sub("", text)


def _id(*facts: str) -> str:
    return f"urn:uuid:{uuid.uuid5(_SPACE, chr(0).join(facts))}"


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
