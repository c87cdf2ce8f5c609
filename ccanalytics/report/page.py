"""Executed notebooks -> one self-contained HTML file that opens anywhere, offline.

It is complete without script: text, cards, a drawing and a table for each chart. With script the
drawings become interactive. Every value is escaped by the template or the SVG writer;
rows and chart specs are packed, never markup.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from nbformat import NotebookNode

from ccanalytics.display import bundles
from ccanalytics.report import bundle
from ccanalytics.report.cells import contents_of
from ccanalytics.report.chart_drawing import variables
from ccanalytics.report.figures import Charts
from ccanalytics.report.parts import ASSETS
from ccanalytics.words import unbroken


def build_page(
    notebooks: Sequence[NotebookNode],
    *,
    title: str,
    subtitle: str = "",
    banner: str = "",
    meta: Sequence[tuple[str, str]] = (),
    definitions: Mapping[str, Any] | None = None,
    restated: Sequence[str] = (),
    issue: Mapping[str, Any] | None = None,
    live: bool = False,
) -> str:
    """The page of these notebooks, one section each, in order.

    `banner` is a line that stays above everything, `meta` the facts of "How this was made",
    `definitions` those of metrics by id. `restated` says which numbers of earlier reports
    changed. `issue` is kept in the page for the index and for later reports to read, with the
    headline cards added. A `live` page keeps itself up to date with the server it came from.
    """
    contents = contents_of(notebooks, Charts(variables(), pictures=not live))
    title, subtitle = contents.heading(title, subtitle)
    words = {"title": title, "subtitle": subtitle, "banner": banner}
    used = contents.metrics()
    own = [_asset("page.js"), *([_asset("live.js")] if live else [])]
    packed = [bundle.runtime(), contents.charts.as_json()] if contents.charts.specs else []
    about = {"restated": list(restated), "findings": contents.findings, **(issue or {})}
    parameters = [("Parameter", said) for said in contents.parameters()]
    return _page(
        "page.html.j2",
        scripts=[*own, *packed[:1]],
        live=live,
        **words,
        contents=contents,
        made=[*meta, *parameters, ("Chart library", bundle.LICENCE)],
        restated=restated,
        glossary={key: one for key, one in (definitions or {}).items() if key in used},
        packed=dict(zip(("runtime", "charts"), map(bundle.pack, packed), strict=False)),
        own_scripts=map(Markup, own),
        issue=_summary("complete", contents.cards, **words, **about),
    )


def failure_page(
    *,
    title: str,
    reason: str,
    failed: Sequence[tuple[str, object]] = (),
    subtitle: str = "",
    banner: str = "",
    code: str = "",
    error: str = "",
    meta: Sequence[tuple[str, str]] = (),
    issue: Mapping[str, Any] | None = None,
) -> str:
    """The page in place of a report: what failed, a cell with `code` and `error`, or checks."""
    words: Any = {"title": title, "subtitle": subtitle, "banner": banner}
    shown: Any = {"reason": reason, "failed": failed, "code": code, "error": error, "meta": meta}
    summary = _summary("failed", [], **words, **(issue or {}))
    return _page("failure.html.j2", scripts=[], **words, **shown, issue=summary)


def index_page(groups: Sequence[Any]) -> str:
    """The page that lists issues by scope; each group has the fields of `site.Group`."""
    count = sum(len(group.issues) for group in groups)
    title = "Weekly reports"
    return _page("index.html.j2", scripts=[], title=title, groups=groups, count=count, issue="")


def render(template: str, **values: Any) -> str:
    """A template other than a page, such as an e-mail; values are escaped in .html only."""
    return _environment().get_template(template).render(**values)


def embedded_json(value: Any) -> Markup:
    """`value` as JSON that is safe inside HTML."""
    text = json.dumps(value, separators=(",", ":"), sort_keys=True)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def _summary(status: str, cards: Sequence[Mapping[str, Any]], **said: Any) -> Markup:
    headlines = [{key: card[key] for key in _CARD_FACTS if key in card} for card in cards]
    return embedded_json({"format": 1, "status": status, "headlines": headlines, **said})


_CARD_FACTS = (
    *("metric", "label", "unit", "value", "interval"),
    *("change", "verdict", "n", "figures"),
)


def _page(template: str, *, scripts: Sequence[str], live: bool = False, **values: Any) -> str:
    styles = _asset("page.css") + (_asset("live.css") if live else "")
    policy = bundle.content_security_policy(styles, *scripts, live=live)
    return render(template, policy=policy, styles=Markup(styles), live=live, **values)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader([ASSETS, bundles.ASSETS]),
        autoescape=select_autoescape(["html.j2"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda said: unbroken(said) if type(said) is str else said,
    )


@cache
def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")
