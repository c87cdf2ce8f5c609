"""Executed notebooks -> an unsent e-mail (.eml): the findings, three numbers and one chart.

Mail programs support tables and inline styles but no script, so the HTML is separate, made
from the same findings and cards. Where pictures are blocked, the text alternative has the numbers.
The picture is a message part, because Gmail and Outlook remove pictures inside the HTML.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any
from urllib.parse import quote

import vl_convert
from nbformat import NotebookNode
from PIL import Image

from ccanalytics.errors import ReportError
from ccanalytics.report.cells import Contents
from ccanalytics.report.chart_drawing import VEGA_LITE, Spec, about, sized, title_of
from ccanalytics.report.colours import LIGHT
from ccanalytics.report.figures import Charts, Figure, recoloured
from ccanalytics.report.page import render_plain
from ccanalytics.report.parts import PageNote

NUMBERS = 3
WIDTH = 560  # CSS pixels; the file has twice as many
_COLOURS = 32


@dataclass(frozen=True)
class Picture:
    """One chart as a PNG, with its text alternative."""

    name: str
    title: str
    subtitle: str
    alt: str
    png: bytes
    width: int
    height: int

    @property
    def cid(self) -> str:
        """The address of this message part in the HTML."""
        return f"{self.name}@ccanalytics"


@dataclass(frozen=True)
class ReportEmail:
    """The content of an e-mail about one issue."""

    title: str
    subtitle: str
    banner: str
    findings: list[dict[str, Any]]
    numbers: list[dict[str, Any]]
    warnings: list[str]
    small_print: list[str]
    address: str
    """Of the page, where readers have one."""
    pictures: list[Picture]

    def message(self) -> str:
        """The message: plain text, and HTML with pictures as parts."""
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
        """The content as plain text."""
        return render_plain("email.txt.j2", email=self)


def email_about(
    notebooks: Sequence[NotebookNode],
    *,
    title: str,
    file: str,
    served_at: str = "",
    subtitle: str = "",
    banner: str = "",
    restated: Sequence[str] = (),
) -> ReportEmail:
    """The e-mail about these notebooks; `file` is the page it is about, in a folder `served_at`."""
    contents = Contents(Charts({}, pictures=False))
    for notebook in notebooks:
        contents.add(notebook)
    notes = [item for item in contents.trust if isinstance(item, PageNote)]
    title, subtitle = contents.heading(title, subtitle)
    numbers = sorted(contents.cards, key=_importance)[:NUMBERS]
    chosen = _first_figure(contents, [card["metric"] for card in numbers])
    return ReportEmail(
        title,
        subtitle,
        banner,
        contents.findings,
        numbers,
        warnings=[note.text for note in notes if note.tone == "warn"],
        small_print=[
            *(note.text for note in notes if note.tone != "warn"),
            *restated,
            *(
                []
                if served_at
                else [f"The full report is the file {file}, not part of this e-mail."]
            ),
        ],
        address=f"{served_at.rstrip('/')}/{quote(file)}" if served_at else "",
        pictures=[_picture(contents.charts.given[figure.id]) for figure in chosen],
    )


def _first_figure(contents: Contents, metrics: Sequence[str]) -> list[Figure]:
    """The chart of the first finding, else of the first of these metrics with a chart."""
    figures = [item for item in contents.items() if isinstance(item, Figure)]
    of_metrics = (figure for name in metrics for figure in figures if figure.metric == name)
    return [*contents.lead, *of_metrics][:1]


def _importance(card: Mapping[str, Any]) -> tuple[bool, bool]:
    """Sort key: figures that moved first, then tested ones (False sorts first)."""
    return card.get("tone", "neutral") == "neutral", not card.get("tested")


def _picture(chart: Spec) -> Picture:
    title, subtitle = (" ".join(lines) for lines in title_of(chart))
    png, width, height = _png(recoloured(sized(chart, WIDTH), LIGHT) | {"background": "#ffffff"})
    alt = f"Chart: {chart.get('description') or title}"
    name = str(about(chart).get("metric", "")).replace("_", "-")
    return Picture(name, title, subtitle, alt, png, width, height)


def _png(chart: Spec) -> tuple[bytes, int, int]:
    """A PNG at twice its CSS size; a chart needs few colours, so it is small."""
    try:
        drawn = vl_convert.vegalite_to_png(chart, vl_version=VEGA_LITE, scale=2)
    except ValueError as error:
        raise ReportError(f"A chart could not be drawn: {str(error).splitlines()[0]}") from error
    picture = Image.open(io.BytesIO(drawn)).convert("RGB")
    file = io.BytesIO()
    picture.quantize(_COLOURS, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return file.getvalue(), picture.width // 2, picture.height // 2
