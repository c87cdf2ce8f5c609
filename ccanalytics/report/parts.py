"""The parts of a page: sections of questions with text, charts, tables and cards."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from ccanalytics.report.figures import Figure, Table
from ccanalytics.words import counted


@dataclass(frozen=True)
class Prose:
    """Markdown paragraphs, lists and tables; `said` if code wrote it as an answer."""

    html: Markup
    said: str = ""
    kind: str = "prose"


@dataclass(frozen=True)
class Folded:
    """Folded text behind its first words."""

    summary: str
    html: Markup
    kind: str = "folded"


@dataclass(frozen=True)
class LeftOut:
    """Something with nothing to show, and why."""

    what: str
    why: str
    kind: str = "left-out"


@dataclass(frozen=True)
class PageNote:
    """A note; `tone` is info or warn."""

    text: str
    tone: str = "info"
    kind: str = "note"


@dataclass(frozen=True)
class PlainText:
    """Plain text: `kind` is code, text, error or picture (its address)."""

    text: str
    kind: str


@dataclass(frozen=True)
class Cards:
    """Headline figures."""

    cards: list[dict[str, Any]]
    kind: str = "cards"


@dataclass(frozen=True)
class FindingList:
    """Findings, each with a title and its evidence."""

    findings: list[dict[str, Any]]
    kind: str = "findings"


Item = Prose | Folded | LeftOut | PageNote | PlainText | Cards | FindingList | Figure | Table


_WORDS = ("prose", "folded", "code", "note", "left-out")


@dataclass
class Block:
    """One question: a heading and its content."""

    id: str = ""
    heading: Markup = field(default_factory=Markup)
    level: int = 3
    items: list[Item] = field(default_factory=list)

    @property
    def plots(self) -> list[Item]:
        """Its charts, tables, cards and pictures."""
        return [one for one in self.items if one.kind in ("figure", "table", "cards", "picture")]

    @property
    def whole(self) -> bool:
        """Whether it needs the full width: for several charts, a table, or a wide chart."""
        wide = any(item.kind != "figure" or getattr(item, "wide", False) for item in self.plots)
        return len(self.plots) != 1 or wide

    @property
    def shows(self) -> bool:
        """Whether it has anything but text."""
        return any(item.kind not in _WORDS for item in self.items)

    @property
    def said(self) -> str:
        """The first sentence of an answer in it, without the full stop."""
        notes = (one.text for one in self.items if isinstance(one, PageNote))
        prose = (one.said for one in self.items if isinstance(one, Prose) and one.said)
        return next((text.rstrip(".") for text in (*notes, *prose)), "")

    def around(self) -> tuple[list[Item], list[Item], list[Item]]:
        """Its content before the first plot, up to the last plot, and after it."""
        places = [at for at, item in enumerate(self.items) if item in self.plots]
        first, end = (places[0], places[-1] + 1) if places else (len(self.items),) * 2
        return self.items[:first], self.items[first:end], self.items[end:]


@dataclass
class Section:
    """One notebook."""

    id: str
    title: str
    blocks: list[Block]
    more: list[Block]
    parameters: dict[str, Any]

    @property
    def lead(self) -> list[Figure]:
        """Its first visible chart with a picture, as a list of one or none."""
        figures = (item for block in self.blocks for item in block.items if item.kind == "figure")
        return [item for item in figures if isinstance(item, Figure) and item.svg][:1]

    @property
    def more_words(self) -> str:
        """The label of "more": "2 more charts · 1 more table"."""
        kinds = Counter(item.kind for block in self.more for item in block.items)
        said = [
            counted(kinds[kind], f"more {name}")
            for kind, name in (("figure", "chart"), ("table", "table"))
            if kinds[kind]
        ]
        asked = [b.heading.striptags() for b in self.more if b.heading and not b.shows]
        return " · ".join([*said, *asked])
