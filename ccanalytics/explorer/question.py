"""What can be asked of records, as controls put it together, and the code that asks it again."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from ccanalytics.metrics.definitions import METRICS, ActorKind

SHAPES = ("active_actors_by_day", "roster_use", "retention", "time_to_first_use", "cost_curve",
          "daily_cost")  # fmt: skip
"""Metrics without weeks: functions of their own, of people only, not to be split or compared."""

OWN_RATIO = "own_ratio"
"""The choice of a ratio of any two columns."""

CHOICES = tuple(
    name for name, metric in METRICS.items() if metric.numerator or metric.frame or name in SHAPES
)
"""What can be asked for, in the order of the report."""

COLUMNS = (
    *("active_days", "sessions", "commits", "pull_requests", "lines_added", "lines_removed"),
    *("cost_usd", "total_tokens", "input_tokens", "output_tokens", "cache_read_tokens"),
    *("accepted", "rejected", "proposals", "active"),
)
"""The columns a ratio of one's own can be made of."""


@dataclass(frozen=True)
class Question:
    """What is asked, as the controls say it; empty text asks for everybody, or for no split."""

    source: str
    since: date | None
    until: date | None
    team: str = ""
    actor_kind: ActorKind = "user"
    metric_id: str = "cost_per_commit"
    top: str = "lines_added"
    bottom: str = "sessions"
    by: str = ""
    compare: bool = False
    identity: str = "aggregate"

    @property
    def before(self) -> date | None:
        """The first day of the range of the same length before this one."""
        if self.since is None or self.until is None or self.until < self.since:
            return None
        ordinal = 2 * self.since.toordinal() - self.until.toordinal() - 1
        return date.fromordinal(ordinal) if ordinal > 0 else None

    @property
    def comparable(self) -> bool:
        """Whether two ranges can be compared: a ratio or total of the definitions."""
        return self.metric_id in METRICS and METRICS[self.metric_id].numerator is not None


def code_of(question: Question) -> str:
    """The lines that give the same frame and chart in a notebook: `frame`, and `change`."""
    return "\n".join(_lines(question)) + "\n"


def _lines(q: Question) -> Iterator[str]:
    before = q.before if q.compare and q.comparable else None
    given = {"source": q.source, **({"team": q.team} if q.team else {}), "identity": q.identity}
    yield "import ccanalytics as cca\n"
    if before:
        yield f"both = {_call('cca.load', str(before), str(q.until), **given)}"
        yield f"data = {_call('both.between', str(q.since), str(q.until))}"
    else:
        yield f"data = {_call('cca.load', str(q.since), str(q.until), **given)}"
    how = {"by": q.by} if q.by else {}
    how |= {"actor_kind": q.actor_kind} if q.actor_kind != "user" else {}
    if q.metric_id in SHAPES:
        yield f"frame = {_call('cca.metric_frame', _Name('data'), q.metric_id)}"
    elif q.metric_id == OWN_RATIO:
        yield f"frame = {_call('cca.ratio_by_week', _Name('data'), q.top, q.bottom, **how)}"
    else:
        yield f"frame = {_call('cca.by_week', _Name('data'), q.metric_id, **how)}"
    if before:
        called = _call("cca.period_change", _Name("both"), q.metric_id, str(q.since), **how)
        yield f"change = {called}"
    yield "cca.chart(frame)"


class _Name(str):
    """A name of the code, where other text is a string of it."""

    __slots__ = ()


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
