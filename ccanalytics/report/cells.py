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
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from nbformat import NotebookNode

from ccanalytics.report.chart_drawing import about, title_of
from ccanalytics.report.figures import Charts
from ccanalytics.report.parameters import assignments, tagged_cells
from ccanalytics.report.parts import Block, Contents, Item, Section, left_out
from ccanalytics.words import unbroken

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
_LEFT_OUT = {"parameters", "injected-parameters", "widgets", "lab-only", "papermill-error-cell-tag"}
_HOISTED = {"headlines", "trust"}
_TERMINAL_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_OWN = "application/vnd.ccanalytics."


def contents_of(notebooks: Iterable[NotebookNode], charts: Charts) -> Contents:
    """The content of a page of these notebooks; their charts are added to `charts`."""
    contents = Contents(charts)
    for notebook in notebooks:
        contents.add(_Reader(contents).read(notebook))
    return contents


class _Reader:
    """Reads the cells of one notebook into blocks."""

    def __init__(self, contents: Contents) -> None:
        self.contents = contents
        self.block = Block()
        self.aside: Block | None = None
        self.section = Section(blocks=[self.block])

    def read(self, notebook: NotebookNode) -> Section:
        for cell in notebook.cells:
            tags = set(cell.metadata.get("tags", ()))
            if tags & _LEFT_OUT:
                continue
            if cell.cell_type == "markdown":
                self._markdown(cell.source, tags)
            elif cell.cell_type == "code":
                items = [item for output in cell.outputs for item in self._shown(output)]
                if tags & _HOISTED:
                    self.contents.hoist(items)
                    items = []
                code = [{"kind": "code", "text": cell.source}] if cell.source.strip() else []
                self._place(tags).items += [*code, *items]
        if not self.section.title:
            path = notebook.metadata.get("papermill", {}).get("input_path") or "Notebook"
            self._name(Path(path).stem.replace("_", " ").capitalize())
        self.section.parameters = parameters(notebook)
        return self.section

    def _name(self, title: str) -> None:
        self.section.title, self.section.id = title, self.contents.anchor(title)

    def _place(self, tags: set[str]) -> Block:
        """The block of a cell: its question's, or the part behind "more"."""
        if "more" not in tags or self.block in self.section.more:
            return self.block
        if self.aside is None:
            self.aside = Block()
            self.section.more.append(self.aside)
        return self.aside

    def _markdown(self, source: str, tags: set[str]) -> None:
        """Headings start blocks; the first of level one is the section's title."""
        if "fold" in tags:
            self._place(tags).items.append(_folded(source))
            return
        tokens = _MARKDOWN.parse(source)
        heads = [n for n, one in enumerate(tokens) if (one.type, one.level) == ("heading_open", 0)]
        ends = [*heads, len(tokens)]
        self._prose(tokens[: ends[0]])
        for at, end in pairwise(ends):
            self._heading(tokens[at], tokens[at + 1], "more" in tags)
            self._prose(tokens[at + 3 : end])

    def _prose(self, tokens: Sequence[Token]) -> None:
        if tokens:
            self.block.items.append({"kind": "prose", "html": _rendered(tokens)})

    def _heading(self, opening: Token, content: Token, more: bool) -> None:
        words = "".join(t.content for t in content.children or () if t.type != "softbreak")
        if opening.tag == "h1" and not self.section.title:
            self._name(words)
            return
        level = 3 if opening.tag in ("h1", "h2") else 4
        anchor = self.contents.anchor(self.section.title, words)
        self.block, self.aside = Block(anchor, _rendered([content]), level), None
        (self.section.more if more else self.section.blocks).append(self.block)

    def _shown(self, output: NotebookNode) -> Iterator[Item]:
        """An output in the form that says most; what a dataset says stands in how it was made."""
        if output.output_type == "stream":
            kind = "text" if output.name == "stdout" else "code"
            yield {"kind": kind, "text": _TERMINAL_COLOUR.sub("", output.text)}
            return
        data = output.data
        if chart := next((data[mime] for mime in data if "vnd.vegalite." in mime), None):
            why = about(chart).get("missing")
            yield left_out(title_of(chart)[0], why) if why else self.contents.charts.add(chart)
            return
        mime = next((mime for mime in data if mime.startswith(_OWN)), "")
        match mime.removeprefix(_OWN).removesuffix("+json"), data.get(mime, {}):
            case "table", {"rows": [], "title": title}:
                yield left_out(title, "nothing to show in these weeks")
            case "sentence", {"text": text}:
                html = Markup("<p>{}</p>\n").format(unbroken(text))
                yield {"kind": "prose", "html": html, "answer": text}
            case "note", {"kind": "missing", "text": text}:
                yield left_out("", text)
            case "note", {"kind": tone, "text": text}:
                yield {"kind": "note", "text": text, "tone": tone}
            case "cards", {"cards": cards}:
                known = [one for one in cards if not one.get("missing")]
                yield from (left_out(x["label"], x["missing"]) for x in cards if x not in known)
                yield {"kind": "cards", "cards": known}
            case ("findings" | "table") as kind, own:
                yield {**own, "kind": kind}
            case "", _ if "text/markdown" in data:  # from here on not of this package
                html = _rendered(_MARKDOWN.parse(data["text/markdown"]))
                answer = data.get("text/plain", data["text/markdown"])
                yield {"kind": "prose", "html": html, "answer": answer}
            case "", _ if "image/png" in data:
                picture = f"data:image/png;base64,{data['image/png'].strip()}"
                yield {"kind": "picture", "text": picture}
            case "", _ if "text/plain" in data:
                yield {"kind": "text", "text": _TERMINAL_COLOUR.sub("", data["text/plain"])}


def parameters(notebook: NotebookNode) -> dict[str, str]:
    """The values a notebook ran with: its defaults, overridden by papermill's."""
    cells = [*tagged_cells(notebook, "parameters"), *tagged_cells(notebook, "injected-parameters")]
    found = [assignments(cell.source) for cell in cells]
    return {name: ast.unparse(value) for one in found for name, value in one.items()}


def _rendered(tokens: Sequence[Token]) -> Markup:
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = "h4"
    return Markup(unbroken(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})))


def _folded(source: str) -> Item:
    """Text folded behind its emphasised start, such as *How to read it:*"""
    start = re.match(r"\*([^*]+)\*\s*", source)
    summary = start[1].rstrip(":. ") if start else "Note"
    html = _rendered(_MARKDOWN.parse(source[start.end() :] if start else source))
    return {"kind": "folded", "summary": summary, "html": html}
