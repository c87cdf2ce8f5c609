"""An executed notebook -> a section of the page.

Markdown headings cut a notebook into blocks, one question each; outputs are taken by MIME type and
code comes along to be shown on demand. Raw HTML of a notebook never enters the page: charts,
cards, tables and notes are made from data, everything else is shown as text.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from nbformat import NotebookNode

from ccanalytics.report.figures import Charts, Figure, Table

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
LEFT_OUT = frozenset(("parameters", "injected-parameters", "widgets", "lab-only"))
"""Tags of cells of which a page shows nothing."""

_LEFT_OUT_TOO = "papermill-error-cell-tag"
_HOISTED = ("headlines", "trust")
_OWN_ANCHORS = [
    "main",
    "headlines",
    "definitions",
    "made",
    "code",
    "theme",
    "tip",
    "runtime",
    "charts",
    "ccanalytics-issue",
]
_TERMINAL_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

MIME = "application/vnd.ccanalytics.{}+json"


@dataclass(frozen=True)
class Prose:
    """Paragraphs, lists and tables written in Markdown."""

    html: Markup
    kind: str = "prose"


@dataclass(frozen=True)
class PageNote:
    """A remark set apart; `tone` is info or warn."""

    text: str
    tone: str = "info"
    kind: str = "note"


@dataclass(frozen=True)
class PlainText:
    """Characters as they are: `kind` is code, text, error or picture (its address)."""

    text: str
    kind: str


@dataclass(frozen=True)
class Cards:
    """Headline figures."""

    cards: list[dict[str, Any]]
    kind: str = "cards"


Item = Prose | PageNote | PlainText | Cards | Figure | Table


@dataclass
class Block:
    """One question: a heading and what follows up to the next one."""

    id: str = ""
    heading: Markup = field(default_factory=Markup)
    level: int = 3
    items: list[Item] = field(default_factory=list)

    @property
    def plots(self) -> list[Item]:
        """The figures and tables, in order."""
        return [item for item in self.items if item.kind in ("figure", "table")]

    @property
    def beside(self) -> bool:
        """True when the words fit next to the figures: some words, one or two narrow figures."""
        words = any(item.kind == "prose" for item in self.items)
        wide = any(getattr(plot, "wide", False) for plot in self.plots)
        return words and not wide and 1 <= len(self.plots) <= 2

    def around(self) -> tuple[list[Item], list[Item], list[Item]]:
        """What stands before the figures, from the first to the last of them, and after."""
        places = [at for at, item in enumerate(self.items) if item in self.plots]
        first, end = places[0], places[-1] + 1
        return self.items[:first], self.items[first:end], self.items[end:]


@dataclass
class Section:
    """One notebook."""

    id: str
    title: str
    blocks: list[Block]
    parameters: dict[str, Any]


@dataclass
class Contents:
    """All notebooks of a page: sections, and what was tagged to stand above them."""

    charts: Charts
    sections: list[Section] = field(default_factory=list)
    cards: list[dict[str, Any]] = field(default_factory=list)
    trust: list[Item] = field(default_factory=list)
    anchors: set[str] = field(default_factory=lambda: set(_OWN_ANCHORS))

    def add(self, notebook: NotebookNode) -> None:
        """Append a notebook's section; cards and trust notes seen before are not repeated."""
        reader = _Reader(self)
        for cell in notebook.cells:
            reader.read(cell)
        blocks = [block for block in reader.blocks if block.heading or block.items]
        title = reader.title or _file_stem(notebook)
        anchor = reader.anchor or self.anchor(title)
        self.sections.append(Section(anchor, title, blocks, parameters(notebook)))

    def anchor(self, *words: str) -> str:
        """An id for a heading that no other part of the page has."""
        wanted = "-".join(filter(None, map(_slug, words))) or "part"
        tries = (wanted if n == 1 else f"{wanted}-{n}" for n in count(1))
        found = next(name for name in tries if name not in self.anchors)
        self.anchors.add(found)
        return found

    def hoist(self, items: Iterable[Item]) -> None:
        """Keep cards and remarks for the top of the page."""
        for item in items:
            if isinstance(item, Cards):
                self.cards += [card for card in item.cards if card not in self.cards]
            elif item not in self.trust and item.kind != "code":
                self.trust.append(item)


class _Reader:
    """Walks the cells of one notebook and fills its blocks."""

    def __init__(self, contents: Contents) -> None:
        self.contents = contents
        self.title = self.anchor = ""
        self.blocks = [Block()]

    def read(self, cell: NotebookNode) -> None:
        tags = set(cell.metadata.get("tags", ()))
        if tags & LEFT_OUT or _LEFT_OUT_TOO in tags:
            return
        if cell.cell_type == "markdown":
            self._markdown(cell.source)
        elif cell.cell_type == "code":
            items = list(self._outputs(cell))
            if tags & set(_HOISTED):
                self.contents.hoist(items)
                items = []
            code = [PlainText(cell.source, "code")] if cell.source.strip() else []
            self.blocks[-1].items += [*code, *items]

    def _markdown(self, source: str) -> None:
        """Headings start blocks; the first of level one is the section's title."""
        tokens = _MARKDOWN.parse(source)
        start = 0
        for at, token in enumerate(tokens):
            if token.type == "heading_open" and token.level == 0:
                self._prose(tokens[start:at])
                self._heading(token, tokens[at + 1])
                start = at + 3
        self._prose(tokens[start:])

    def _prose(self, tokens: Sequence[Token]) -> None:
        if tokens:
            self.blocks[-1].items.append(Prose(_rendered(tokens)))

    def _heading(self, opening: Token, content: Token) -> None:
        words = "".join(t.content for t in content.children or () if t.type != "softbreak")
        if opening.tag == "h1" and not self.title:
            self.title, self.anchor = words, self.contents.anchor(words)
            return
        level = 3 if opening.tag in ("h1", "h2") else 4
        anchor = self.contents.anchor(self.title, words)
        self.blocks.append(Block(anchor, _rendered([content]), level))

    def _outputs(self, cell: NotebookNode) -> Iterator[Item]:
        for output in cell.outputs:
            if output.output_type == "error":
                yield PlainText(f"{output.ename}: {plain(output.evalue)}", "error")
            elif output.output_type == "stream":
                kind = "text" if output.name == "stdout" else "code"
                yield PlainText(plain(output.text), kind)
            else:
                yield from self._shown(output.data)

    def _shown(self, data: dict[str, Any]) -> Iterator[Item]:
        for mime, content in data.items():
            if mime.startswith("application/vnd.vegalite."):
                yield self.contents.charts.add(content)
                return
        if MIME.format("dataset") in data:
            return  # how the page was made says the same
        if MIME.format("cards") in data:
            yield Cards(data[MIME.format("cards")]["cards"])
        elif MIME.format("table") in data:
            yield Table(**data[MIME.format("table")])
        elif MIME.format("note") in data:
            note = data[MIME.format("note")]
            yield PageNote(note["text"], note["kind"])
        elif "text/markdown" in data:
            yield Prose(_rendered(_MARKDOWN.parse(_joined(data["text/markdown"]))))
        elif "image/png" in data:
            yield PlainText(
                f"data:image/png;base64,{_joined(data['image/png']).strip()}", "picture"
            )
        elif "text/plain" in data:
            yield PlainText(plain(_joined(data["text/plain"])), "text")


def parameters(notebook: NotebookNode) -> dict[str, Any]:
    """The values a notebook ran with: its defaults, and over them what papermill injected."""
    found: dict[str, Any] = {}
    for tag in ("parameters", "injected-parameters"):
        for cell in notebook.cells:
            if tag in cell.metadata.get("tags", ()):
                found |= _assignments(cell.source)
    return found


def plain(text: str) -> str:
    """`text` without terminal colours."""
    return _TERMINAL_COLOUR.sub("", text)


def _assignments(source: str) -> dict[str, Any]:
    found = {}
    for line in ast.parse(source).body:
        if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
            found[line.targets[0].id] = ast.unparse(line.value)
    return found


def _rendered(tokens: Sequence[Token]) -> Markup:
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = "h4"
    return Markup(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _file_stem(notebook: NotebookNode) -> str:
    path = notebook.metadata.get("papermill", {}).get("input_path") or "Notebook"
    return re.split(r"[\\/]", path)[-1].removesuffix(".ipynb").replace("_", " ").capitalize()
