"""Chart titles: what a chart shows this week, consistent with the findings."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from ccanalytics.metrics.definitions import Metric
from ccanalytics.words import counted

if TYPE_CHECKING:
    from ccanalytics.metrics.findings import Change, Findings

MOST_NAMED = 5
"""The most groups named in a title with their values."""


@dataclass(frozen=True)
class Reading:
    """What findings say about a metric and its split: a title, the order of the groups, and those
    that moved."""

    title: str = ""
    order: Sequence[str] = ()
    moved: Sequence[str] = ()


def reading(
    frame: pd.DataFrame, metric: Metric, by: str | None, findings: "Findings | None"
) -> Reading:
    """What `findings` say about the frame; empty if they did not test it."""
    looked_at = findings.changes if findings is not None else ()
    about = [one for one in looked_at if (one.metric.id, one.by) == (metric.id, by or "")]
    if findings is None or not about:
        return Reading()
    if not by:
        newest = frame[frame["week"] == frame["week"].max()]
        nobody = "n_actors" in newest and (newest["n_actors"] == 0).all()
        if nobody:
            return Reading(f"{metric.name}: nobody was active in the last week")
        return Reading(f"{title_of(frame, metric)}, {_verdict(about)}")
    latest = {one.group: one for one in sorted(about, key=lambda one: one.comparison.weeks)}
    order = sorted(latest, key=lambda name: -abs(latest[name].comparison.change))
    found = {one.group for one in about if one.is_found}
    moved = [name for name in order if name in found]
    said = [one.title for one in findings if (one.metric, one.by) == (metric.id, by)]
    still = [name for name in order if name not in found]
    return Reading(_of_groups(metric, by, said, len(moved)), [*moved, *still], moved)


def title_of(frame: pd.DataFrame, metric: Metric) -> str:
    """The metric and its newest value, or values of a few groups: "Cost per commit: $3.16"."""
    words = newest_words(frame, metric, MOST_NAMED)
    return f"{metric.name}: {words}" if words else metric.name


def newest_words(frame: pd.DataFrame, metric: Metric, most: int) -> str:
    """The newest values of a few groups: "$3.16", or "heavy 46, light 11"."""
    newest = newest_rows(frame)
    is_share = "share" in newest and len(newest) > 1
    if is_share:  # of nobody there is no share
        newest = newest.dropna(subset="share").sort_values("share", ascending=False)
    texts = [
        f"{100 * one:.0f} %" if is_share else metric.format(one)
        for one in newest["share" if is_share else "value"]
    ]
    names = newest.select_dtypes(["object", "str", "category"])
    if len(texts) == 1 and "week" in newest:
        return texts[0]
    if not texts or len(texts) > most or names.empty or not names.iloc[:, 0].is_unique:
        return ""
    return ", ".join(f"{name} {text}" for name, text in zip(names.iloc[:, 0], texts, strict=True))


def newest_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of the newest week with a value."""
    known = frame.dropna(subset="value")
    return known[known["week"] == known["week"].max()] if "week" in known else known


def _verdict(about: "Sequence[Change]") -> str:
    """The overall verdict: of four weeks if they moved, else of the last week."""
    if moved := [one.comparison for one in about if one.is_found]:
        return moved[-1].words
    last = about[0].comparison
    return replace(last, verdict="no detectable change").words if last.is_change else last.words


def _of_groups(metric: Metric, by: str, said: Sequence[str], moved: int) -> str:
    """What moved: "Payments: cost up 84 % since 2 November, no other team"."""
    kind = by.replace("_", " ")
    if not said:
        return f"{metric.name} by {kind}: no change found"
    if moved > 1:
        return f"{said[0]}; {counted(moved - 1, f'more {kind}')} moved"
    return f"{said[0]}; no change found in any other {kind}"
