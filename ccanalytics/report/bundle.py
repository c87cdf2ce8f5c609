"""The chart runtime of a page, and packed text in it.

A report carries one copy of the parts of Vega its charts need, with Vega's own expression
interpreter, so that nothing is evaluated and nothing is fetched. Charts are compiled to Vega when
the page is built, so Vega-Lite itself stays out: 449 KB of script instead of 898, 156 gzipped.
"""

import base64
import gzip
import hashlib
from contextlib import suppress
from functools import cache
from importlib.metadata import version

import vl_convert
from platformdirs import user_cache_path

from ccanalytics.atomic import make_private, write_text
from ccanalytics.errors import ReportError

# These addresses are found inside vl-convert 1.9; it resolves no other versions.
_SNIPPET = """
import { View } from "https://cdn.jsdelivr.net/npm/vega-view@6.1.0/+esm";
import { parse } from "https://cdn.jsdelivr.net/npm/vega-parser@7.1.0/+esm";
import { expressionInterpreter } from "https://cdn.jsdelivr.net/npm/vega-interpreter@2.0.0/+esm";
import { transforms } from "https://cdn.jsdelivr.net/npm/vega-dataflow@6.1.0/+esm";
import * as basic from "https://cdn.jsdelivr.net/npm/vega-transforms@5.1.0/+esm";
import * as views from "https://cdn.jsdelivr.net/npm/vega-view-transforms@5.1.0/+esm";
import * as encode from "https://cdn.jsdelivr.net/npm/vega-encode@5.1.0/+esm";
Object.assign(transforms, basic, views, encode);
window.ccVega = { View, parse, expressionInterpreter };
"""

LICENCE = (
    "Vega (vega.github.io), Copyright (c) 2015-2025 University of Washington Interactive Data Lab,"
    " BSD 3-Clause License; D3 (d3js.org), Copyright 2010-2025 Mike Bostock, ISC License"
)


@cache
def runtime() -> str:
    """The script that draws compiled Vega charts; it sets `window.ccVega` and nothing else.

    Building it takes a second, so it is kept in the user's cache folder.
    """
    release = version("vl-convert-python")
    made_from = hashlib.sha256(f"{release} {LICENCE} {_SNIPPET}".encode()).hexdigest()
    cached = user_cache_path("ccanalytics", appauthor=False) / f"vega-{made_from}.js"
    with suppress(OSError, ValueError):
        return cached.read_text(encoding="utf-8")
    try:
        script = f"/*! {LICENCE} */(()=>{{{vl_convert.javascript_bundle(_SNIPPET)}}})();"
    except ValueError as error:
        raise ReportError(
            f"vl-convert {release} does not carry the Vega modules a report needs: install "
            "vl-convert-python 1.9."
        ) from error
    with suppress(OSError):
        make_private(cached.parent)
        write_text(cached, script)
    return script


def pack(text: str) -> str:
    """`text` as base64 of gzip: safe inside any HTML element, equal for equal text."""
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=9, mtime=0)).decode()


def content_security_policy(styles: str, *scripts: str, live: bool = False) -> str:
    """The policy under which a page loads nothing and runs only these scripts, known by hash.

    A live page may also ask its own server for news.
    """
    allowed = " ".join(_hash(script) for script in scripts) or "'none'"
    own_server = "connect-src 'self'; " if live else ""
    return (
        f"default-src 'none'; img-src data:; style-src {_hash(styles)}; "
        "style-src-attr 'unsafe-inline'; "  # Vega sets cursor and font styles on its marks
        f"script-src {allowed}; {own_server}base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
