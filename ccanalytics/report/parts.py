"""The content of a page: what is at its top, and sections of questions.

An item is one thing on the page; its kind is the macro of `parts.html.j2` that shows it:

    prose                        html; `answer` is its text, if code wrote it as an answer
    folded                       html behind `summary`, its first words
    note                         text; `tone` is info or warn
    code, text, picture          text, of a picture its address
    cards, findings, table       the data of the output of that name (`ccanalytics.display`)
    figure                       a chart (`figures.Charts`)
    left-out                     nothing: `what` has nothing to show, and `why`
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ccanalytics.report.figures import Charts
from ccanalytics.words import counted

Item = dict[str, Any]

ASSETS = Path(__file__).parent / "assets"

_PLOTS = ("figure", "table", "cards", "picture")
_WORDS = ("prose", "folded", "code", "note", "left-out")


def left_out(what: str, why: str) -> Item:
    """Something with nothing to show, and why."""
    return {"kind": "left-out", "what": what, "why": why}


@dataclass
class Block:
    """One question: a heading and its content."""

    id: str = ""
    heading: Markup = field(default_factory=Markup)
    level: int = 3
    items: list[Item] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether it needs the full width: for several charts, a table, or a wide chart."""
        plots = [item for item in self.items if item["kind"] in _PLOTS]
        return [item["kind"] for item in plots] != ["figure"] or plots[0]["wide"]

    @property
    def shows(self) -> bool:
        """Whether it has anything but text."""
        return any(item["kind"] not in _WORDS for item in self.items)

    @property
    def said(self) -> str:
        """The first sentence of an answer in it, without the full stop."""
        notes = (item["text"] for item in self.items if item["kind"] == "note")
        answers = (item["answer"] for item in self.items if item.get("answer"))
        return next((text.rstrip(".") for text in (*notes, *answers)), "")

    def around(self) -> tuple[list[Item], list[Item], list[Item]]:
        """Its content before the first plot, up to the last plot, and after it."""
        places = [at for at, item in enumerate(self.items) if item["kind"] in _PLOTS]
        first, end = (places[0], places[-1] + 1) if places else (len(self.items),) * 2
        return self.items[:first], self.items[first:end], self.items[end:]

    def take_missing(self, section: str) -> list[Item]:
        """What has nothing to show, removed: a question that shows nothing else, or single charts.

        Without a heading and content, nothing is left of the block.
        """
        missing = [item for item in self.items if item["kind"] == "left-out"]
        if missing and not self.shows and self.heading:
            question = left_out(self.heading.striptags(), self.said or missing[0]["why"])
            self.items, self.heading = [], Markup()
            return [question]
        self.items = [item for item in self.items if item not in missing]
        return [left_out(item["what"] or section, item["why"]) for item in missing]


@dataclass
class Section:
    """One notebook: its visible questions, and those behind "more"."""

    id: str = ""
    title: str = ""
    blocks: list[Block] = field(default_factory=list)
    more: list[Block] = field(default_factory=list)
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def items(self) -> list[Item]:
        """All its content."""
        return [item for block in (*self.blocks, *self.more) for item in block.items]

    @property
    def lead(self) -> list[Item]:
        """Its first visible chart with a picture, as a list of one or none."""
        items = (item for block in self.blocks for item in block.items)
        return [item for item in items if item["kind"] == "figure" and item["svg"]][:1]

    @property
    def more_words(self) -> str:
        """The label of "more": "2 more charts · 1 more table"."""
        kinds = Counter(item["kind"] for block in self.more for item in block.items)
        numbers = [(kinds["figure"], "more chart"), (kinds["table"], "more table")]
        said = [counted(number, name) for number, name in numbers if number]
        asked = [b.heading.striptags() for b in self.more if b.heading and not b.shows]
        return " · ".join([*said, *asked])


@dataclass
class Contents:
    """All notebooks of a page: sections, and what is tagged to be above them."""

    charts: Charts
    sections: list[Section] = field(default_factory=list)
    cards: list[dict[str, Any]] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    lead: list[Item] = field(default_factory=list)
    trust: list[Item] = field(default_factory=list)
    left_out: list[Item] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for template in ASSETS.glob("*.html.j2"):  # ids of the page itself
            self.anchors |= {*re.findall(r'\bid="([\w-]+)"', template.read_text("utf-8"))}

    def add(self, section: Section) -> None:
        """Add a section without what has nothing to show, which is listed instead."""
        blocks = [*section.blocks, *section.more]
        shows = any(block.shows for block in blocks)
        why = next((block.said for block in blocks if block.said), "")
        missing = [item for block in blocks for item in block.take_missing(section.title)]
        if missing and not shows:
            self.left_out.append(left_out(section.title, why or missing[0]["why"]))
            return
        for of_section in (section.blocks, section.more):
            of_section[:] = [block for block in of_section if block.heading or block.items]
        self.left_out += missing
        self.sections.append(section)

    def hoist(self, items: Iterable[Item]) -> None:
        """Add items to the top of the page, each card, finding and note once."""
        for item in items:
            match item["kind"]:
                case "cards":
                    self.cards += [one for one in item["cards"] if one not in self.cards]
                case "findings":
                    self.findings += [one for one in item["findings"] if one not in self.findings]
                case "figure":
                    self.lead.append(item)
                case "left-out":
                    self.left_out.append(item)
                case kind if kind != "code" and item not in self.trust:
                    self.trust.append(item)

    def figures(self) -> list[Item]:
        """All charts, in the order of the page."""
        inside = (item for section in self.sections for item in section.items)
        return [*self.lead, *(item for item in inside if item["kind"] == "figure")]

    def chart_about(self, finding: Item) -> str:
        """The id of the chart to look at for a finding: of its split if there is one; or none."""
        charts = [item for item in self.figures() if item["metric"] == finding["metric"]]
        split = [item for item in charts if item["by"] == finding["by"]]
        return next((item["id"] for item in split or charts), "")

    def metrics(self) -> set[str]:
        """The ids of the metrics of all cards and charts."""
        inside = [item for section in self.sections for item in section.items]
        cards = [card for item in inside if item["kind"] == "cards" for card in item["cards"]]
        return {one["metric"] for one in [*self.cards, *cards, *self.figures()]}

    def anchor(self, *words: str) -> str:
        """A unique id for a heading."""
        slugs = (re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") for text in words)
        wanted = "-".join(filter(None, slugs)) or "part"
        tries = (wanted if n == 1 else f"{wanted}-{n}" for n in count(1))
        found = next(name for name in tries if name not in self.anchors)
        self.anchors.add(found)
        return found

    def not_shown(self) -> list[str]:
        """What is left out, with the reason: "Retention (nothing to show in these weeks)"."""
        by_reason: dict[str, list[str]] = defaultdict(list)
        for one in self.left_out:
            by_reason[one["why"].rstrip(".")] += filter(None, [one["what"]])
        return [f"{' · '.join(them)} ({why})" if them else why for why, them in by_reason.items()]

    def parameters(self) -> list[str]:
        """Every parameter once, with its sections where not all have it."""
        used: dict[str, list[str]] = defaultdict(list)
        for section in self.sections:
            for name, value in section.parameters.items():
                used[f"{name} = {value}"].append(section.title)
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

    def notes(self, tone: str) -> list[str]:
        """The trust notes of one tone."""
        return [one["text"] for one in self.trust if one["kind"] == "note" and one["tone"] == tone]

    def trust_line(self) -> str:
        """The trust notes in one line, or only the warnings among them."""
        if warnings := self.notes("warn"):
            return f"Read this first: {' '.join(warnings)}"
        return " ".join(self.notes("info")) or "What can be trusted"
