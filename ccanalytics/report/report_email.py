"""Executed notebooks -> an unsent e-mail (.eml): plain text, HTML and a few pictures.

Mail programs know tables and inline styles, and no script, so the HTML is a page of its own, made
from the same cards. Words and bars (coloured table cells) say everything, also where pictures are
blocked: their alternative text has the numbers. Pictures are parts of the message, because Gmail
and Outlook remove those that lie inside the HTML.
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
from ccanalytics.report.cells import Contents
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
from ccanalytics.report.parts import PageNote

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

    @property
    def cid(self) -> str:
        """The address by which the HTML names this part of the message."""
        return f"{self.name}@ccanalytics"


@dataclass(frozen=True)
class ReportEmail:
    """What an e-mail about one issue says; `file` is the name of the page it is about."""

    title: str
    subtitle: str
    banner: str
    file: str
    findings: list[dict[str, Any]]
    cards: list[dict[str, Any]]
    trust: list[Any]
    restated: Sequence[str]
    pictures: list[Picture]

    def message(self) -> str:
        """The message: plain text, and the HTML with its pictures as parts."""
        message = EmailMessage()
        message["Subject"] = " ".join(self.title.split())
        message["X-Unsent"] = "1"  # Outlook opens it as a draft
        message.set_content(self.text(), cte="quoted-printable")
        html = render_plain("email.html.j2", email=self)
        message.add_alternative(html, subtype="html", cte="quoted-printable")
        body = message.get_payload(1)
        assert isinstance(body, EmailMessage)
        for one in self.pictures:
            name = f"{one.name}.png"
            body.add_related(
                one.png, "image", "png", cid=f"<{one.cid}>", filename=name, disposition="inline"
            )
        for number, part in enumerate(message.walk()):
            if part.is_multipart():  # random by default, but equal issues are to be equal files
                part.set_boundary(f"=_ccanalytics_{number}")
        return message.as_bytes().decode("ascii")

    def text(self) -> str:
        """The same in plain text."""
        return render_plain("email.txt.j2", email=self)


def email_about(
    notebooks: Sequence[NotebookNode],
    *,
    title: str,
    file: str,
    subtitle: str = "",
    banner: str = "",
    restated: Sequence[str] = (),
) -> ReportEmail:
    """The e-mail about these notebooks; `file` is the page it is about."""
    charts = _UndrawnCharts({})
    contents = Contents(charts)
    for notebook in notebooks:
        contents.add(notebook)
    trust = [item for item in contents.trust if isinstance(item, PageNote | Table)]
    pictures = list(_pictures(contents.cards, charts.kept))
    title, subtitle = contents.heading(title, subtitle)
    return ReportEmail(
        title, subtitle, banner, file, contents.findings, contents.cards, trust, restated, pictures
    )


@dataclass
class _UndrawnCharts(Charts):
    """Charts as the notebook has them: an e-mail shows few, and drawing takes the most time."""

    kept: list[Spec] = field(default_factory=list)

    def add(self, chart: Spec) -> Figure:
        self.kept.append(chart)
        return Figure("", [], [], "", "", False, Markup(), [])


def _pictures(cards: Sequence[Mapping[str, Any]], charts: Sequence[Spec]) -> Iterator[Picture]:
    """The first chart of each headline whose change is tested, up to `PICTURES`."""
    by_metric: dict[str, Spec] = {}
    for chart in charts:
        about = chart.get("usermeta", {}).get("ccanalytics", {})
        by_metric.setdefault(str(about.get("metric", "")), chart)
    tested = [card for card in cards if card.get("tested") and card["metric"] in by_metric]
    for card in tested[:PICTURES]:
        yield _picture(card, by_metric[card["metric"]])


def _picture(card: Mapping[str, Any], chart: Spec) -> Picture:
    title, subtitle = (" ".join(lines) for lines in title_of(chart))
    png, width, height = _png(recoloured(sized(chart, WIDTH), LIGHT) | {"background": "#ffffff"})
    alt = f"Chart: {title}. {subtitle}. {_sentence(card)}".replace("..", ".")
    return Picture(card["metric"].replace("_", "-"), title, subtitle, alt, png, width, height)


def _sentence(card: Mapping[str, Any]) -> str:
    """A card in one sentence."""
    parts = [card["interval"], card["n"], f"{card['verdict']}: {card['change']}".rstrip(": ")]
    return f"{card['label']} {card['value']}; {'; '.join(filter(None, parts))}."


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
