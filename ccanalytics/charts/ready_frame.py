"""A metric frame -> the frame with the text a chart shows: nothing is computed.

said      the value in words          interval  its 90 % interval in words
end       that of the last week       name      the group, in its first row
event     what was noted of the week  moved, place   whether a group stands out, and where
"""

from collections.abc import Callable, Sequence

import pandas as pd

from ccanalytics.charts.theme import period_of, value_format
from ccanalytics.metrics.definitions import ActorKind, Metric, column_words

Events = Sequence[tuple[pd.Timestamp, str, str]]

NOT_SHOWN = "not shown"
"""The text for a week without a value: nobody, too few, or no price."""


def ready(
    frame: pd.DataFrame,
    metric: Metric,
    group: str | None,
    events: Events = (),
    order: Sequence[str] = (),
    moved: Sequence[str] = (),
) -> pd.DataFrame:
    """`frame` with the columns above; the last week of a group is its last with a value."""
    plain = pd.DataFrame(frame).reset_index(drop=True)
    has_value = plain["value"].notna()
    said = plain["value"].map(metric.format).where(has_value, NOT_SHOWN)
    known = plain[has_value].sort_values("week")
    last = (known.groupby(group, observed=True) if group else known).tail(1)
    plain = plain.assign(said=said, end=said.where(said.index.isin(last.index), None))
    if metric.is_ratio and "low" in plain:
        plain = with_interval(plain, metric.format)
    if events:
        plain["event"] = _noted(plain, group, events)
    plain = _placed(plain, group, order, moved) if group else plain
    plain.attrs = dict(frame.attrs)
    return plain


def with_interval(frame: pd.DataFrame, show: Callable[[float], str]) -> pd.DataFrame:
    """`frame` with its interval as a line of a tooltip."""
    words = [
        f"{show(low)} to {show(high)}" if pd.notna(low) else None
        for low, high in zip(frame["low"], frame["high"], strict=True)
    ]
    return frame.assign(interval=words)


def table_columns(
    frame: pd.DataFrame, metric: Metric, group: str | None, actor_kind: ActorKind
) -> list[list[str]]:
    """The columns of the table behind a chart: name, header and number format."""
    form = value_format(metric)
    sides = {"numerator": metric.numerator, "denominator": metric.denominator}
    money = {side: str(column).startswith("cost_") for side, column in sides.items()}
    heads = {
        "week": [f"{period_of(frame)} of", ""],
        **({group: [group.replace("_", " "), ""]} if group else {}),
        "value": [metric.name, form],
        **({"share": ["share", ".0%"]} if "share" in frame else {}),
        **({"low": ["90 % interval from", form], "high": ["to", form]} if metric.is_ratio else {}),
        **{
            side: [column_words(column, actor_kind), "$,.2f" if money[side] else ",.0f"]
            for side, column in sides.items()
            if column and metric.is_ratio
        },
        "joined": ["joined the roster", ",.0f"],
        "left": ["left it", ",.0f"],
        "n_actors": [column_words("active", actor_kind), ",.0f"],
        "event": ["noted", ""],
    }
    return [[name, *head] for name, head in heads.items() if name in frame]


def _noted(frame: pd.DataFrame, group: str | None, events: Events) -> list[str]:
    """The events of each week; a team's row has only that team's events."""
    teams = frame["team"].astype("str") if group == "team" else [None] * len(frame)
    return [
        "; ".join(
            what for week, what, of in events if week == at and (team is None or of in ("", team))
        )
        for at, team in zip(frame["week"], teams, strict=True)
    ]


def _placed(
    frame: pd.DataFrame, group: str, order: Sequence[str], moved: Sequence[str]
) -> pd.DataFrame:
    """`frame` with each group's name in its first row, its place, and whether it moved."""
    groups = frame[group].astype("str")
    places = {name: at for at, name in enumerate([*order, *sorted({*groups} - {*order})])}
    return frame.assign(
        name=groups.mask(groups.duplicated(), None),
        place=groups.map(places),
        moved=groups.isin(moved),
    )
