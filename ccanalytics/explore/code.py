"""A question -> the lines of Python that answer it again."""

from collections.abc import Iterator

from ccanalytics.explore.question import SHAPES, Question


def code_of(question: Question) -> str:
    """The lines that give the same frame and chart in a notebook: `frame`, and `change`."""
    return "\n".join(_lines(question)) + "\n"


def _lines(question: Question) -> Iterator[str]:
    q, shape = question, question.metric_id in SHAPES
    before = q.before if q.compare and not shape else None
    given = {"source": q.source, **({"team": q.team} if q.team else {}), "identity": q.identity}
    yield "import ccanalytics as cca\n"
    if before:
        yield f"both = {_call('cca.load', str(before), str(q.until), **given)}"
        yield f"data = {_call('both.between', str(q.since), str(q.until))}"
    else:
        yield f"data = {_call('cca.load', str(q.since), str(q.until), **given)}"
    if shape:
        yield f"frame = cca.{q.metric_id}(data)"
        yield f"cca.charts.{q.metric_id}_chart(frame)"
        return
    how = {"by": q.by} if q.by else {}
    how |= {"actor_kind": q.actor_kind} if q.actor_kind != "user" else {}
    yield f"frame = {_call('cca.by_week', _Name('data'), q.metric_id, **how)}"
    if before:
        start = str(q.since)
        called = _call("cca.period_change", _Name("both"), q.metric_id, start, **how)
        yield f"change = {called}"
    yield _call("cca.charts.by_week_chart", _Name("frame"), q.metric_id, **how)


class _Name(str):
    """A name of the code, where other text is a string of it."""


def _call(function: str, *args: str, **named: str) -> str:
    parts = [*map(_literal, args), *(f"{name}={_literal(text)}" for name, text in named.items())]
    line = f"{function}({', '.join(parts)})"
    if len(line) <= 88:
        return line
    return f"{function}(\n" + "".join(f"    {part},\n" for part in parts) + ")"


def _literal(text: str) -> str:
    """`text` as Python source, whatever is in it; in double quotes where that is plain."""
    if isinstance(text, _Name):
        return str(text)
    plain = text.isprintable() and not set('"\\') & set(text)
    return f'"{text}"' if plain else ascii(text)
