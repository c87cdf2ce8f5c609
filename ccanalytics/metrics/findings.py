"""What moved in the newest weeks, ranked: the answer to "what should I look at?".

    findings ─ issue_changes ─ comparisons    each headline, in all, by team and by family: the last
                                              week and the last four, by the weeks before them

Many looks find something in noise, so the false discovery rate is held at 10 % over all that is
looked at (Benjamini and Hochberg, 1995). The newest week and the last four weeks of the same group
are one finding.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.dataset.kept import kept
from ccanalytics.metrics.availability import is_known
from ccanalytics.metrics.change import (
    RECENT_WEEKS,
    SUSTAINED_WEEKS,
    Comparison,
    comparisons,
    percent,
)
from ccanalytics.metrics.definitions import METRICS, SECTION_TESTS, Metric
from ccanalytics.metrics.headline import described
from ccanalytics.metrics.own_history import change_point, is_step, typical
from ccanalytics.metrics.ratios import (
    NO_TEAM,
    Matrix,
    by_group,
    matrix,
    rows_of,
    splits_of,
    week_sums,
)
from ccanalytics.showing import Results, ShowsItself
from ccanalytics.wings import resolve, wings

MOST = 5
"""As many findings are shown."""

SPLITS = ("team", "family")
"""What a headline is parted by to see where a change is."""

FALSE_DISCOVERIES = 0.10

NOTICED = ("metrics.noticed:model_findings", "metrics.noticed:hole_findings")
"""Findings other than changes: functions from a dataset to those of a kind. Wings add theirs."""


@dataclass(frozen=True)
class Change:
    """One figure, of everybody or one group, by its own weeks; `adjusted` is its p value among
    all that were looked at."""

    metric: Metric
    by: str
    group: str
    comparison: Comparison
    adjusted: float = math.nan
    since: pd.Timestamp = pd.NaT
    is_step: bool = True
    weekly_cost: float = 0.0

    @property
    def is_found(self) -> bool:
        """Whether it is shown as a change."""
        return self.comparison.is_change and self.adjusted <= FALSE_DISCOVERIES

    @property
    def held(self) -> Comparison:
        """The comparison, without a verdict that does not hold among all that was looked at."""
        if self.comparison.is_change and not self.is_found:
            return replace(self.comparison, verdict="no detectable change")
        return self.comparison

    @property
    def weight(self) -> float:
        """How far it moved, by the money at stake and by how strong the evidence is.

        Of the money the square root counts: a part that doubled says more than a whole that grew
        by a quarter because of it.
        """
        stake = math.sqrt(max(self.weekly_cost, 1.0)) * min(abs(self.comparison.change), 2.0)
        return stake * -math.log10(max(self.adjusted, 1e-4))


@dataclass(frozen=True)
class Finding(ShowsItself):
    """One thing to know of the newest weeks: `title` says it, `text` what it rests on.

    `kind` is change, model (came or went), hole (days without records), a kind of a wing (budget,
    stopped), withheld (too few people for all), nothing (nothing else moved) or unknown (too little
    to judge). `weight` ranks it.
    """

    shown_by = "display.sentences:told_bundle"

    kind: str
    title: str
    text: str
    metric: str = ""
    by: str = ""
    group: str = ""
    since: str = ""
    change: Change | None = None
    weight: float = 0.0

    def sentence(self) -> str:
        """Title and text."""
        return f"{self.title}. {self.text}".rstrip()


class Findings(Results):
    """What moved, the most important first; never empty."""

    shown_by = "display.sentences:findings_bundle"
    changes: tuple[Change, ...] = ()
    """All that was looked at, also what did not move."""


@kept
def findings(data: Dataset) -> Findings:
    """What to know of the newest weeks, ranked by money at stake and evidence; at most five.

    Changes of the headlines, in all and by team and model family, that hold after control of the
    false discovery rate at 10 %; models that came or went, days without records, and what wings
    add. Where nothing moved, one finding says so, and how large a change would have been seen.
    """
    if not len(data.weeks):
        return Findings(
            [Finding("unknown", "No week is closed yet", "There is nothing to compare.")]
        )
    people = data.activity.loc[data.activity["actor_kind"] == "user", "actor"].nunique()
    if people < data.minimum_group:
        return Findings([_too_few(people, data.minimum_group)])
    looked_at = issue_changes(data)
    found = _without_echoes([one for one in looked_at if one.is_found])
    news = [_finding(data, one, looked_at) for one in found]
    for kind in (*NOTICED, *(kind for wing in wings() for kind in wing.findings)):
        news += resolve(kind)(data)
    ranked = sorted(news, key=lambda one: -one.weight)[:MOST]
    nobody = week_sums(data, METRICS["active_actors"])["n_actors"].iloc[-1] == 0
    shown = Findings([*ranked, _NOBODY if nobody else _rest(looked_at, found)])
    shown.changes = tuple(looked_at)
    return shown


class Headlines(Results):
    """Headlines side by side; more than a few of them are a table of changes."""

    shown_by = "display.cards:headlines_bundle"


def headlines(data: Dataset, metric_ids: Iterable[str]) -> Headlines:
    """The headline of each metric, in the order asked for.

    Side by side they are many looks: a verdict holds only where it does among all findings, and
    what no finding is looked for in is described only.
    """
    judged = {(one.metric.id, one.comparison.weeks): one.held for one in _looks(data) if not one.by}
    found = [described(data, metric_id) for metric_id in metric_ids]
    return Headlines(
        replace(
            one,
            recent=judged.get((one.metric.id, 1), one.recent),
            sustained=judged.get((one.metric.id, SUSTAINED_WEEKS), one.sustained),
        )
        for one in found
    )


def issue_changes(data: Dataset) -> list[Change]:
    """Every comparison that could be judged, with its p value adjusted for all of them."""
    return [one for one in _looks(data) if not math.isnan(one.adjusted)]


@kept
def _looks(data: Dataset) -> list[Change]:
    """Every comparison, also those that could not be judged."""
    return _adjusted([one for name in SECTION_TESTS for one in _of_metric(data, METRICS[name])])


def _adjusted(changes: list[Change]) -> list[Change]:
    """`changes` with p values adjusted for all that are judged, NaN for the others.

    The headlines weigh as much as all groups together, so that many teams do not hide what moved
    for everybody (weighted procedure: Genovese, Roeder and Wasserman, Biometrika 93, 2006).
    """
    p_values = np.array([one.comparison.p_value for one in changes], dtype="float64")
    judged = ~np.isnan(p_values)
    is_group = np.array([bool(one.by) for one in changes])
    weights = np.ones(len(changes))
    sides = [judged & is_group, judged & ~is_group]
    if all(side.any() for side in sides):
        for side in sides:
            weights[side] = judged.sum() / (2 * side.sum())
    if judged.any():
        weighed = np.minimum(p_values[judged] / weights[judged], 1.0)
        p_values[judged] = false_discovery_control(weighed)
    return [replace(one, adjusted=float(p)) for one, p in zip(changes, p_values, strict=True)]


def _of_metric(data: Dataset, metric: Metric) -> Iterator[Change]:
    """The changes of a metric, in all and by each split that it knows."""
    if not is_known(data, metric):
        return
    for by in ("", *(split for split in SPLITS if split in splits_of(metric.id))):
        rows = rows_of(data, metric, by or None)
        sums = week_sums(data, metric, by or None)
        for group, part, members in by_group(sums, rows, by or None):
            if group != NO_TEAM:
                yield from _of_group(data, metric, by, group, part, members)


def _of_group(
    data: Dataset, metric: Metric, by: str, group: str, sums: pd.DataFrame, rows: pd.DataFrame
) -> Iterator[Change]:
    weeks = data.weeks[-RECENT_WEEKS:]
    cost = 0.0
    if "cost_usd" in rows:
        cost = float(rows.loc[rows["week"].isin(weeks[-SUSTAINED_WEEKS:]), "cost_usd"].sum())
    actors = matrix(rows, weeks, metric)
    for found in comparisons(data, metric, sums, actors):
        change = Change(metric, by, group, found, weekly_cost=cost / SUSTAINED_WEEKS)
        yield _dated(change, actors, weeks) if found.is_change else change


def _dated(change: Change, actors: Matrix, weeks: pd.DatetimeIndex) -> Change:
    """`change` with the week it begins in, and whether it is a step."""
    top, bottom = actors.top, actors.bottom
    if change.metric.is_ratio:
        top, bottom = typical(top, bottom)
    if change.comparison.weeks == 1:
        return replace(change, since=weeks[-1])
    late = np.arange(len(weeks)) >= len(weeks) - SUSTAINED_WEEKS
    since = weeks[change_point(top, bottom)]
    return replace(change, since=since, is_step=is_step(top, bottom, late))


def _without_echoes(found: list[Change]) -> list[Change]:
    """The most important first, each group of a metric once, in the horizon that says more."""
    ordered = sorted(found, key=lambda one: -one.weight)
    kept = dict[tuple[str, str, str], Change]()
    for one in ordered:
        kept.setdefault((one.metric.id, one.by, one.group), one)
    return list(kept.values())


def _finding(data: Dataset, one: Change, looked_at: list[Change]) -> Finding:
    metric, compared = one.metric, one.comparison
    values = f"{metric.format(compared.value)} instead of {metric.format(compared.previous)}"
    who = " for the typical person" if metric.is_ratio else ""
    ends = f"{percent(compared.low)} to {percent(compared.high)}"
    size = f"{percent(compared.change)}{who}, 90 % interval {ends}"
    text = f"{values} ({compared.horizon}; {size})."
    text += _where(one, looked_at) + _event(data, one)
    return Finding(
        "change",
        _title(one),
        text,
        metric.id,
        one.by,
        one.group,
        f"{one.since:%Y-%m-%d}",
        one,
        one.weight,
    )


def _title(one: Change) -> str:
    """What moved, in a few words: "Payments: cost per commit up 84 % since 2 November"."""
    name = one.metric.name
    subject = f"{one.group}: {name[0].lower()}{name[1:]}" if one.group else name
    compared = one.comparison
    size = compared.value / compared.previous - 1
    moved = f"{compared.verdict} {abs(100 * size):.0f} %"
    if compared.weeks == 1:
        return f"{subject} {moved} this week"
    if not one.is_step:
        return f"{subject} {'rising' if size > 0 else 'falling'}: {moved} over four weeks"
    return f"{subject} {moved} since {one.since:%-d %B}"


def _where(one: Change, looked_at: list[Change]) -> str:
    """The team that carries most of the change of everybody, where one does."""
    if one.group:
        return ""
    weeks, total = one.comparison.weeks, one.comparison.difference
    if one.metric.is_ratio or not total:
        return ""
    parts = {
        other.group: other.comparison.difference / total
        for other in looked_at
        if other.metric is one.metric and other.by == "team" and other.comparison.weeks == weeks
    }
    if not parts:
        return ""
    team = max(parts, key=lambda name: parts[name])
    share = parts[team]
    return f" {team} is {100 * share:.0f} % of it." if 0.3 <= share <= 1 else ""


def _event(data: Dataset, one: Change) -> str:
    """What was noted in the week a step begins in."""
    if not one.is_step or pd.isna(one.since):
        return ""
    events = data.calendars.events
    known = events[events["date"].between(one.since, one.since + pd.Timedelta(days=6))]
    known = known[(known["team"] == "") | (known["team"] == one.group) | (one.by != "team")]
    if known.empty:
        return ""
    return f' It begins in the week of the event "{known["what"].iloc[0]}".'


def _too_few(people: int, minimum: int) -> Finding:
    """Why there is nothing to say of an organisation that hardly uses it."""
    if not people:
        why = (
            "Nobody used Claude Code, or the key is of another organisation: see ccanalytics check."
        )
        return Finding("hole", "No records in these weeks", why)
    why = f"Figures of fewer than {minimum} people are withheld. Your own: --source local."
    return Finding("withheld", "Too few people for a report", why)


_NOBODY = Finding("unknown", "Nobody was active in the last week", "So changes cannot be judged.")


def _rest(looked_at: list[Change], found: list[Change]) -> Finding:
    """What did not move, and how large a change would have been seen."""
    if not looked_at:
        text = "It takes eight closed weeks with use, and enough people and events."
        return Finding("unknown", "Too little to judge a change", text)
    moved = {one.metric.id for one in found}
    still = [one for one in looked_at if not one.by and one.metric.id not in moved]
    still = [one for one in still if one.comparison.weeks == SUSTAINED_WEEKS]
    title = "Nothing else moved" if found else "No change found in any headline"
    if not still:
        return Finding("nothing", title, "Every headline is listed above." if found else "")
    seen = [
        f"{100 * one.comparison.detectable:.0f} % in {one.metric.name.lower()}" for one in still
    ]
    text = f"Over four weeks, a rise of {' or '.join(seen)} would have been found."
    return Finding("nothing", title, text)
