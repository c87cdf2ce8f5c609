"""Executed notebooks -> an unsent e-mail (.eml): the findings, three numbers and one chart.

Mail programs support tables and inline styles but no script, so the HTML is separate, made
from the same findings and cards. Where pictures are blocked, the text alternative has the numbers.
The picture is a message part, because Gmail and Outlook remove pictures inside the HTML.
"""

import io
from collections.abc import Sequence
from email.message import EmailMessage
from typing import Any
from urllib.parse import quote

import vl_convert
from nbformat import NotebookNode
from PIL import Image

from ccanalytics.report.cells import contents_of
from ccanalytics.report.chart_drawing import LIGHT, VEGA_LITE, about, named_errors, sized
from ccanalytics.report.figures import Charts, recoloured
from ccanalytics.report.page import render
from ccanalytics.report.parts import Item

NUMBERS = 3
"""Headlines in an e-mail."""
WIDTH = 560  # CSS pixels; the file has twice as many
_COLOURS = 32  # of a picture: enough for flat colours, and a small file


def email_about(
    notebooks: Sequence[NotebookNode],
    *,
    title: str,
    file: str,
    served_at: str = "",
    subtitle: str = "",
    banner: str = "",
    restated: Sequence[str] = (),
) -> str:
    """The e-mail about these notebooks; `file` is the page it is about, in a folder `served_at`."""
    contents = contents_of(notebooks, Charts({}, pictures=False))
    title, subtitle = contents.heading(title, subtitle)
    # Figures that moved come first, then tested ones: False sorts first.
    numbers = sorted(
        contents.cards,
        key=lambda card: (card.get("tone", "neutral") == "neutral", not card.get("tested")),
    )[:NUMBERS]
    # The chart of the first finding, else of the first of these numbers with a chart.
    figures = contents.figures()
    of_numbers = (one for card in numbers for one in figures if one["metric"] == card["metric"])
    elsewhere = f"The full report is the file {file}, not part of this e-mail."
    return _message(
        title=title,
        subtitle=subtitle,
        banner=banner,
        findings=contents.findings,
        numbers=numbers,
        warnings=contents.notes("warn"),
        small_print=[*contents.notes("info"), *restated, *([] if served_at else [elsewhere])],
        address=f"{served_at.rstrip('/')}/{quote(file)}" if served_at else "",
        pictures=[_picture(figure) for figure in [*contents.lead, *of_numbers][:1]],
    )


def _message(**said: Any) -> str:
    message = EmailMessage()
    message["Subject"] = " ".join(said["title"].split())
    message["X-Unsent"] = "1"  # Outlook opens it as a draft
    message.set_content(render("email.txt.j2", email=said), cte="quoted-printable")
    html = render("email.html.j2", email=said)
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    body = message.get_payload(1)
    assert isinstance(body, EmailMessage)
    for one in said["pictures"]:
        named: Any = {"cid": f"<{one['cid']}>", "filename": f"{one['name']}.png"}
        body.add_related(one["png"], "image", "png", disposition="inline", **named)
    for number, part in enumerate(message.walk()):
        if part.is_multipart():  # random by default, but equal issues are to be equal files
            part.set_boundary(f"=_ccanalytics_{number}")
    return message.as_bytes().decode("ascii")


def _picture(figure: Item) -> dict[str, Any]:
    """A chart as a PNG at twice its CSS size; it needs few colours, so it is small."""
    chart = figure["chart"]
    drawn = recoloured(sized(chart, WIDTH), LIGHT) | {"background": "#ffffff"}
    with named_errors():
        png = vl_convert.vegalite_to_png(drawn, vl_version=VEGA_LITE, scale=2)
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    file = io.BytesIO()
    picture.quantize(_COLOURS, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    name = str(about(chart).get("metric", "")).replace("_", "-")
    return {
        "name": name,
        "cid": f"{name}@ccanalytics",
        "title": figure["title"],
        "subtitle": figure["subtitle"],
        "alt": f"Chart: {chart.get('description') or figure['title']}",
        "png": file.getvalue(),
        "width": picture.width // 2,
        "height": picture.height // 2,
    }
