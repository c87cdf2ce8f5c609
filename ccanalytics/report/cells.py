"""An executed notebook -> a section of the page.

Markdown headings split a notebook into blocks, one question each; outputs go by MIME type, and
code is shown on demand. Raw HTML of a notebook never enters the page: charts,
cards, tables and notes are built from data, everything else is shown as text.

Tags of a cell say where it stands:

    headlines, trust    at the top of the page: cards, findings and the chart of the first one
    more                behind the "more" of its section; of a heading, all that follows it
    fold                words behind their first, emphasised ones
    lab-only, widgets   nowhere

A chart that says it has nothing to show is left out, and with it a question that has nothing else.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from nbformat import NotebookNode

from ccanalytics.report.chart_drawing import about, title_of
from ccanalytics.report.figures import Charts, Figure, Table
from ccanalytics.report.parameters import assignments, tagged_cells
from ccanalytics.report.parts import (
    Block,
    Cards,
    FindingList,
    Folded,
    Item,
    LeftOut,
    PageNote,
    PlainText,
    Prose,
    Section,
)

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
LEFT_OUT = frozenset(
    ("parameters", "injected-parameters", "widgets", "lab-only", "papermill-error-cell-tag")
)
"""Tags of cells that a page does not show."""

_HOISTED = {"headlines", "trust"}
_OWN_ANCHORS = (
    "main", "menu", "headlines", "appendix", "definitions", "definition", "made", "code", "theme",
    "tip", "runtime", "charts", "ccanalytics-issue",
)  # fmt: skip
_TERMINAL_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

_OWN = "application/vnd.ccanalytics."
MIME = _OWN + "{}+json"


@dataclass
class Contents:
    """All notebooks of a page: sections, and what is tagged to be above them."""

    charts: Charts
    sections: list[Section] = field(default_factory=list)
    cards: list[dict[str, Any]] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    lead: list[Figure] = field(default_factory=list)
    trust: list[Item] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    anchors: set[str] = field(default_factory=lambda: set(_OWN_ANCHORS))

    def add(self, notebook: NotebookNode) -> None:
        """Add a notebook's section; repeated cards and trust notes are dropped."""
        reader = _Reader(self)
        for cell in notebook.cells:
            reader.read(cell)
        title = reader.title or _file_stem(notebook)
        anchor = reader.anchor or self.anchor(title)
        everything = [*reader.blocks, *reader.more]
        why = next((block.said for block in everything if block.said), "")
        blocks, out = _answered(reader.blocks, title)
        more, more_out = _answered(reader.more, title)
        left_out = [*out, *more_out]
        if left_out and not any(block.shows for block in everything):
            self.left_out.append(LeftOut(title, why or left_out[0].why))
        else:
            self.left_out += left_out
            self.sections.append(Section(anchor, title, blocks, more, parameters(notebook)))

    def items(self) -> Iterator[Item]:
        """All that is on the page, in its order, but cards and findings of its top."""
        yield from self.lead
        for section in self.sections:
            for block in [*section.blocks, *section.more]:
                yield from block.items

    def anchor(self, *words: str) -> str:
        """A unique id for a heading."""
        wanted = "-".join(filter(None, map(_slug, words))) or "part"
        tries = (wanted if n == 1 else f"{wanted}-{n}" for n in count(1))
        found = next(name for name in tries if name not in self.anchors)
        self.anchors.add(found)
        return found

    def not_shown(self) -> list[str]:
        """What is left out, with the reason: "Retention (nothing to show in these weeks)"."""
        by_reason: dict[str, list[str]] = {}
        for one in self.left_out:
            by_reason.setdefault(one.why.rstrip("."), []).append(one.what)
        named = {why: " · ".join(filter(None, whats)) for why, whats in by_reason.items()}
        return [f"{whats} ({why})" if whats else why for why, whats in named.items()]

    def parameters(self) -> list[str]:
        """Every parameter once, with its sections where not all have it."""
        used: dict[str, list[str]] = {}
        for section in self.sections:
            for name, value in section.parameters.items():
                used.setdefault(f"{name} = {value}", []).append(section.title)
        everywhere = len(self.sections)
        return [
            said if len(titles) == everywhere else f"{said}  # {', '.join(titles)}"
            for said, titles in used.items()
        ]

    def heading(self, title: str, subtitle: str) -> tuple[str, str]:
        """The title and subtitle of the page: its first finding, if any."""
        if not self.findings or self.findings[0]["kind"] == "unknown":
            return title, subtitle
        return self.findings[0]["title"], " · ".join(filter(None, (title, subtitle)))

    @property
    def has_warning(self) -> bool:
        """Whether a trust note is a warning."""
        return any(isinstance(item, PageNote) and item.tone == "warn" for item in self.trust)

    def trust_line(self) -> str:
        """The trust notes in one line, with their evidence folded."""
        notes = [item for item in self.trust if isinstance(item, PageNote)]
        warnings = [note.text for note in notes if note.tone == "warn"]
        if warnings:
            return f"Read this first: {' '.join(warnings)}"
        return " ".join(note.text for note in notes) or "What can be trusted"

    def hoist(self, items: Iterable[Item]) -> None:
        """Move cards and notes to the top of the page."""
        for item in items:
            if isinstance(item, Cards):
                self._keep_cards(item.cards)
            elif isinstance(item, FindingList):
                self.findings += [one for one in item.findings if one not in self.findings]
            elif isinstance(item, Figure):
                self.lead.append(item)
            elif isinstance(item, LeftOut):
                self.left_out.append(item)
            elif item not in self.trust and item.kind != "code":
                self.trust.append(item)

    def _keep_cards(self, cards: Iterable[dict[str, Any]]) -> None:
        """Keep each card once; what the source cannot answer is only listed."""
        for card in cards:
            if card.get("missing"):
                self.left_out.append(LeftOut(card["label"], card["missing"]))
            elif card not in self.cards:
                self.cards.append(card)


def _answered(blocks: Sequence[Block], title: str) -> tuple[list[Block], list[LeftOut]]:
    """The blocks with something to show, and what has nothing: questions or single charts."""
    kept, out = [], []
    for block in blocks:
        missing = [item for item in block.items if isinstance(item, LeftOut)]
        if missing and not block.shows and block.heading:
            out.append(LeftOut(block.heading.striptags(), block.said or missing[0].why))
            continue
        out += [replace(item, what=item.what or title) for item in missing]
        block.items = [item for item in block.items if item not in missing]
        if block.heading or block.items:
            kept.append(block)
    return kept, out


class _Reader:
    """Reads the cells of one notebook into blocks."""

    def __init__(self, contents: Contents) -> None:
        self.contents = contents
        self.title = self.anchor = ""
        self.block = Block()
        self.aside: Block | None = None
        self.blocks, self.more = [self.block], list[Block]()

    def read(self, cell: NotebookNode) -> None:
        tags = set(cell.metadata.get("tags", ()))
        if tags & LEFT_OUT:
            return
        if cell.cell_type == "markdown":
            self._markdown(cell.source, tags)
        elif cell.cell_type == "code":
            items = list(self._outputs(cell))
            if tags & _HOISTED:
                self.contents.hoist(items)
                items = []
            code = [PlainText(cell.source, "code")] if cell.source.strip() else []
            self._place(tags).items += [*code, *items]

    def _place(self, tags: set[str]) -> Block:
        """The block of a cell: its question's, or the part behind "more"."""
        if "more" not in tags or self.block in self.more:
            return self.block
        if self.aside is None:
            self.aside = Block()
            self.more.append(self.aside)
        return self.aside

    def _markdown(self, source: str, tags: set[str]) -> None:
        """Headings start blocks; the first of level one is the section's title."""
        tokens = _MARKDOWN.parse(source)
        if "fold" in tags:
            self._place(tags).items.append(_folded(tokens))
            return
        start = 0
        for at, token in enumerate(tokens):
            if token.type == "heading_open" and token.level == 0:
                self._prose(tokens[start:at])
                self._heading(token, tokens[at + 1], self.more if "more" in tags else self.blocks)
                start = at + 3
        self._prose(tokens[start:])

    def _prose(self, tokens: Sequence[Token]) -> None:
        if tokens:
            self.block.items.append(Prose(_rendered(tokens)))

    def _heading(self, opening: Token, content: Token, blocks: list[Block]) -> None:
        words = "".join(t.content for t in content.children or () if t.type != "softbreak")
        if opening.tag == "h1" and not self.title:
            self.title, self.anchor = words, self.contents.anchor(words)
            return
        level = 3 if opening.tag in ("h1", "h2") else 4
        anchor = self.contents.anchor(self.title, words)
        self.block = Block(anchor, _rendered([content]), level)
        self.aside = None
        blocks.append(self.block)

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
        """An output in the form that says most; what a dataset says stands in how it was made."""
        kinds = {mime[len(_OWN) :].removesuffix("+json"): mime for mime in data if _OWN in mime}
        kind, mime = next(iter(kinds.items()), ("", ""))
        if chart := next((data[mime] for mime in data if "vnd.vegalite." in mime), None):
            why = about(chart).get("missing")
            title = " ".join(title_of(chart)[0])
            yield LeftOut(title, why) if why else self.contents.charts.add(chart)
        elif kind == "cards":
            yield Cards(data[mime]["cards"])
        elif kind == "findings":
            yield FindingList(data[mime]["findings"])
        elif kind == "table":
            table = Table(**data[mime])
            yield table if table.rows else LeftOut(table.title, "nothing to show in these weeks")
        elif kind == "note":
            text, tone = data[mime]["text"], data[mime]["kind"]
            yield LeftOut("", text) if tone == "missing" else PageNote(text, tone)
        elif kind != "dataset":
            yield from _words(data)


def _words(data: dict[str, Any]) -> Iterator[Item]:
    """An output that is not of this package."""
    if "text/markdown" in data:
        markdown = _joined(data["text/markdown"])
        said = _joined(data.get("text/plain", markdown))
        yield Prose(_rendered(_MARKDOWN.parse(markdown)), said)
    elif "image/png" in data:
        png = _joined(data["image/png"]).strip()
        yield PlainText(f"data:image/png;base64,{png}", "picture")
    elif "text/plain" in data:
        yield PlainText(plain(_joined(data["text/plain"])), "text")


def parameters(notebook: NotebookNode) -> dict[str, str]:
    """The values a notebook ran with: its defaults, overridden by papermill's."""
    cells = [*tagged_cells(notebook, "parameters"), *tagged_cells(notebook, "injected-parameters")]
    found = [assignments(cell.source) for cell in cells]
    return {name: ast.unparse(value) for one in found for name, value in one.items()}


def plain(text: str) -> str:
    """`text` without terminal colours."""
    return _TERMINAL_COLOUR.sub("", text)


def _rendered(tokens: Sequence[Token]) -> Markup:
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = "h4"
    return Markup(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))


def _folded(tokens: Sequence[Token]) -> Folded:
    """Text folded behind its emphasised start, such as *How to read it:*"""
    inline = next((token for token in tokens if token.type == "inline"), None)
    children = (inline and inline.children) or []
    if inline and len(children) > 2 and children[0].type == "em_open":
        end = next(at for at, child in enumerate(children) if child.type == "em_close")
        summary = "".join(child.content for child in children[:end]).rstrip(":. ")
        inline.children = children[end + 1 :]
        return Folded(summary, _rendered(tokens))
    return Folded("Note", _rendered(tokens))


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _file_stem(notebook: NotebookNode) -> str:
    path = notebook.metadata.get("papermill", {}).get("input_path") or "Notebook"
    return re.split(r"[\\/]", path)[-1].removesuffix(".ipynb").replace("_", " ").capitalize()
