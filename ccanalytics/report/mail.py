"""Executed notebooks -> the body of an e-mail: cards, what can be trusted, a few pictures.

Mail programs know tables and inline styles, and no script, so this is a page of its own, made of
the same cards. Words and bars (coloured table cells) say everything, also where pictures are not
shown: their alternative text has the numbers. They are parts of the message, because Gmail and
Outlook take out pictures that lie inside the HTML.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

import vl_convert
from markupsafe import Markup
from nbformat import NotebookNode
from PIL import Image

from ccanalytics.errors import ReportError
from ccanalytics.report.cells import Contents, PageNote
from ccanalytics.report.colours import LIGHT
from ccanalytics.report.figures import (
    VEGA_LITE,
    Charts,
    Figure,
    Spec,
    Table,
    recoloured,
    sized,
    title_of,
)
from ccanalytics.report.page import render_plain

PICTURES = 3
WIDTH = 560  # CSS pixels; the file has twice as many
_COLOURS = 32


@dataclass(frozen=True)
class Picture:
    """One chart as a PNG, and what it shows in words."""

    name: str
    title: str
    subtitle: str
    alt: str
    png: bytes
    width: int
    height: int


@dataclass(frozen=True)
class Letter:
    """The body of an e-mail about one issue."""

    title: str
    subtitle: str
    banner: str
    file: str
    """The name of the whole issue."""
    cards: list[dict[str, Any]]
    trust: list[Any]
    restated: Sequence[str]
    pictures: list[Picture]

    def message(self) -> str:
        """An unsent message (.eml): plain text, and the HTML with its pictures as parts."""
        message = EmailMessage()
        message["Subject"] = " ".join(self.title.split())
        message["X-Unsent"] = "1"  # Outlook opens it to be sent on
        message.set_content(self.text(), cte="quoted-printable")
        address = "{}@ccanalytics".format
        page = self._html({one.name: f"cid:{address(one.name)}" for one in self.pictures})
        message.add_alternative(page, subtype="html", cte="quoted-printable")
        body = message.get_payload(1)
        assert isinstance(body, EmailMessage)
        for one in self.pictures:
            body.add_related(
                one.png,
                "image",
                "png",
                cid=f"<{address(one.name)}>",
                filename=f"{one.name}.png",
                disposition="inline",
            )
        for number, part in enumerate(message.walk()):
            if part.is_multipart():
                part.set_boundary(f"=_ccanalytics_{number}")  # not by chance: the same bytes again
        return message.as_bytes().decode("ascii")

    def text(self) -> str:
        """The same in plain text."""
        return render_plain("email.txt.j2", letter=self)

    def _html(self, sources: Mapping[str, str]) -> str:
        shown = [(one, sources[one.name]) for one in self.pictures if one.name in sources]
        return str(render_plain("email.html.j2", letter=self, pictures=shown))


def letter(
    notebooks: Sequence[NotebookNode],
    *,
    title: str,
    file: str,
    subtitle: str = "",
    banner: str = "",
    restated: Sequence[str] = (),
) -> Letter:
    """The e-mail about these notebooks; `file` is the page it is about."""
    charts = _Undrawn({})
    contents = Contents(charts)
    for notebook in notebooks:
        contents.add(notebook)
    trust = [item for item in contents.trust if isinstance(item, PageNote | Table)]
    pictures = list(_pictures(contents.cards, charts.kept))
    return Letter(title, subtitle, banner, file, contents.cards, trust, restated, pictures)


def said(card: Mapping[str, Any]) -> str:
    """A card in one sentence."""
    parts = [card["interval"], card["n"], f"{card['verdict']}: {card['change']}".rstrip(": ")]
    return f"{card['label']} {card['value']}; {'; '.join(filter(None, parts))}."


@dataclass
class _Undrawn(Charts):
    """Charts that are kept as they are; of most of them an e-mail shows nothing."""

    kept: list[Spec] = field(default_factory=list)

    def add(self, chart: Spec) -> Figure:
        self.kept.append(chart)
        return Figure("", [], [], "", "", False, Markup(), [])


def _pictures(cards: Sequence[Mapping[str, Any]], charts: Sequence[Spec]) -> Iterator[Picture]:
    """The first chart of each headline whose change is tested, up to `PICTURES`."""
    by_metric: dict[str, Spec] = {}
    for chart in charts:
        by_metric.setdefault(_metric(chart), chart)
    tested = [card for card in cards if card.get("tested") and card["metric"] in by_metric]
    for card in tested[:PICTURES]:
        yield _picture(card, by_metric[card["metric"]])


def _metric(chart: Spec) -> str:
    return str(chart.get("usermeta", {}).get("ccanalytics", {}).get("metric", ""))


def _picture(card: Mapping[str, Any], chart: Spec) -> Picture:
    title, subtitle = (" ".join(lines) for lines in title_of(chart))
    png, width, height = _png(recoloured(sized(chart, WIDTH), LIGHT) | {"background": "#ffffff"})
    shows = f"Chart: {title}. {subtitle}. {said(card)}".replace("..", ".")
    return Picture(card["metric"].replace("_", "-"), title, subtitle, shows, png, width, height)


def _png(chart: Spec) -> tuple[bytes, int, int]:
    """A PNG at twice its size in CSS pixels; a chart needs few colours, so it is small."""
    try:
        drawn = vl_convert.vegalite_to_png(chart, vl_version=VEGA_LITE, scale=2)
    except ValueError as error:
        raise ReportError(f"A chart could not be drawn: {str(error).splitlines()[0]}") from error
    picture = Image.open(io.BytesIO(drawn)).convert("RGB")
    file = io.BytesIO()
    picture.quantize(_COLOURS, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return file.getvalue(), picture.width // 2, picture.height // 2
