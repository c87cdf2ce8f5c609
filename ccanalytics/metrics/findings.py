"""What moved in the newest weeks, ranked: the answer to "what should I look at?".

    findings ─ issue_changes ─ changes    each headline, in all, by team and by family: the last
                                          week and the last four, by the weeks before them

Many looks find something in noise, so the false discovery rate is held at 10 % over all that is
looked at (Benjamini and Hochberg, 1995). The newest week and the last four weeks of the same group
are one finding.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from ccanalytics.dataset.dataset import Dataset, kept
from ccanalytics.metrics.change import SUSTAINED_WEEKS, Change, changes, described
from ccanalytics.metrics.definitions import METRICS, SECTION_TESTS
from ccanalytics.metrics.own_history import MINIMUM_ACTORS
from ccanalytics.metrics.ratios import by_group, noted_events, rows_of, splits_of, week_frame
from ccanalytics.metrics.withholding import is_known
from ccanalytics.people.roster import NO_TEAM
from ccanalytics.showing import Results, ShowsItself
from ccanalytics.wings import resolve, wings
from ccanalytics.words import counted, day_words, either

MOST = 5  # as many findings are shown
SPLITS = ("team", "family")  # what a headline is split by to see where a change is
FALSE_DISCOVERIES = 0.10  # the share of reported changes that may be none
MODEL_SHARE = 0.05  # a model with less of the cost than this is no finding
QUIET_WEEKS = 2  # weeks without any use after which a model is gone


@dataclass(frozen=True)
class Finding(ShowsItself):
    """One thing to know of the newest weeks: `title` says it, `text` what it rests on.

    `kind` is change, model (came or went), hole (days without records), a kind of a wing (budget,
    stopped), withheld (too few people for all), nothing (nothing else moved) or unknown (too little
    to judge). `weight` ranks it.
    """

    shown_by = "display.bundles:result_bundle"

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

    shown_by = "display.bundles:findings_bundle"
    changes: tuple[Change, ...] = ()
    """All that was looked at, also what did not move."""


@kept
def findings(data: Dataset) -> Findings:
    """What to know of the newest weeks, ranked by money at stake and evidence; at most five.

    Changes of the headlines, in all and by team and model family, that hold after control of the
    false discovery rate at 10 %; models that came or went, days without records, and what wings
    add. Where nothing moved, one finding says so, and how large a change would have been seen.
    """
    if nothing := _nothing_to_look_at(data):
        return Findings([Finding(*nothing)])
    looked_at = [one for one in issue_changes(data) if math.isfinite(one.adjusted)]
    # Each group of a metric once, in the horizon that says more.
    once = dict[tuple[str, str, str], Change]()
    for one in sorted(looked_at, key=lambda one: -one.weight):
        if one.is_change:
            once.setdefault((one.metric.id, one.by, one.group), one)
    found = list(once.values())
    news = [_finding(data, one, looked_at) for one in found]
    others = (resolve(kind) for wing in wings() for kind in wing.findings)
    for kind in (model_findings, hole_findings, *others):
        news += kind(data)
    ranked = sorted(news, key=lambda one: -one.weight)[:MOST]
    shown = Findings([*ranked, _rest(data, looked_at, found)])
    shown.changes = tuple(looked_at)
    return shown


def _nothing_to_look_at(data: Dataset) -> tuple[str, str, str] | None:
    """Kind, title and text of the only finding where no week has enough people."""
    if not len(data.weeks):
        return "unknown", "No week is closed yet", "There is nothing to compare."
    people = data.activity.loc[data.activity["actor_kind"] == "user", "actor"].nunique()
    if not people and len(data.activity):
        why = "No person has a record. What people do with an API key is recorded for the key."
        return "hole", "Only API keys have records", why
    if not people:
        why = "Nobody used Claude Code, or the key is of another organisation"
        return "hole", "No records in these weeks", f"{why}: see ccanalytics check."
    if people < data.minimum_group:
        why = f"Figures of fewer than {data.minimum_group} people are withheld. For your own use: "
        why += "ccanalytics report --source local."
        return "withheld", "Too few people for a report", why
    return None


class Headlines(Results):
    """Headlines side by side; more than a few of them are a table of changes."""

    shown_by = "display.cards:headlines_bundle"


def headlines(data: Dataset, metric_ids: Iterable[str]) -> Headlines:
    """The headline of each metric, in the order asked for.

    Many looks find something in noise, so a verdict holds only where it does among all findings;
    a metric that findings do not look at is only described.
    """
    judged = {(one.metric.id, one.weeks): one for one in issue_changes(data) if not one.by}
    return Headlines(
        replace(
            one,
            recent=judged.get((one.metric.id, 1), one.recent),
            sustained=judged.get((one.metric.id, SUSTAINED_WEEKS), one.sustained),
        )
        for one in (described(data, metric_id) for metric_id in metric_ids)
    )


@kept
def issue_changes(data: Dataset) -> list[Change]:
    """Every comparison of an issue: those that could be judged with their p value adjusted for all
    of them, and the verdict that holds then; the others are not `adjusted`.

    The headlines weigh as much as all groups together, so that many teams do not hide what moved
    for everybody (weighted procedure: Genovese, Roeder and Wasserman, Biometrika 93, 2006).
    """
    found = [
        one
        for metric in map(METRICS.__getitem__, SECTION_TESTS)
        if is_known(data, metric)
        for by in ("", *(split for split in SPLITS if split in splits_of(metric)))
        for one in changes(data, metric, by)
        if one.group != NO_TEAM
    ]
    judged = [at for at, one in enumerate(found) if math.isfinite(one.p_value)]
    kinds = Counter(bool(found[at].by) for at in judged)
    weights = [len(kinds) * kinds[bool(found[at].by)] / len(judged) for at in judged]
    weighed = [found[at].p_value * weight for at, weight in zip(judged, weights, strict=True)]
    adjusted = false_discovery_control(np.minimum(weighed, 1.0)) if judged else []
    for at, p_value in zip(judged, adjusted, strict=True):
        one = replace(found[at], adjusted=float(p_value))
        is_lost = one.is_change and one.adjusted > FALSE_DISCOVERIES
        found[at] = replace(one, verdict="no detectable change") if is_lost else one
    return found


def _finding(data: Dataset, one: Change, looked_at: list[Change]) -> Finding:
    """A change with what it rests on: "Payments: cost per commit up 84 % since 2 November"."""
    metric, size = one.metric, one.value / one.previous - 1
    title = f"{one.verdict} {abs(100 * size):.0f} %"
    if one.weeks == 1:
        title += " this week"
    elif one.is_step:
        title += f" since {day_words(one.since)}"
    else:
        title = f"{'rising' if size > 0 else 'falling'}: {title} over four weeks"
    name = f"{one.group}: {metric.name[0].lower()}{metric.name[1:]}" if one.group else metric.name
    each = "" if metric.is_ratio or not metric.is_money else " a week"
    values = f"{metric.format(one.value)}{each} instead of {metric.format(one.previous)}"
    text = f"{values} ({one.horizon}; {one.size(metric)})."
    if not one.group and not metric.is_ratio and one.difference:
        # The team that carries most of the change of everybody, where one does.
        parts = {
            other.difference / one.difference: other.group
            for other in looked_at
            if (other.metric.id, other.by, other.weeks) == (metric.id, "team", one.weeks)
        }
        share = max(parts, default=0.0)
        if 0.3 <= share <= 1:
            text += f" {parts[share]} is {100 * share:.0f} % of the difference."
    events = noted_events(data)
    events = events[events["date"].between(one.since, one.since + pd.Timedelta(days=6))]
    events = events[events["team"].isin(["", one.group]) | (one.by != "team")]
    if one.is_step and len(events):
        text += f' It begins in the week of the event "{events["what"].iloc[0]}".'
    place = metric.id, one.by, one.group, f"{one.since:%Y-%m-%d}"
    return Finding("change", f"{name} {title}", text, *place, one, one.weight)


def _rest(data: Dataset, looked_at: list[Change], found: list[Change]) -> Finding:
    """What did not move, and how large a change would have been seen."""
    if week_frame(data, "active_actors")["n_actors"].iloc[-1] == 0:
        title, text = "Nobody was active in the last week", "So changes cannot be judged."
        return Finding("unknown", title, text)
    if not looked_at:
        text = "It takes eight closed weeks with use, and enough people and events."
        return Finding("unknown", "Too little to judge a change", text)
    moved = {one.metric.id for one in found}
    seen = [
        f"{100 * one.detectable:.0f} % in {one.metric.name.lower()}"
        for one in looked_at
        if not one.by and one.metric.id not in moved and one.weeks == SUSTAINED_WEEKS
    ]
    title = "Nothing else moved" if found else "No change found in any headline"
    text = f"Over four weeks, a rise of {either(seen)} would have been found."
    if not seen:
        text = "Every headline is listed above." if found else ""
    return Finding("nothing", title, text)


def model_findings(data: Dataset) -> Iterator[Finding]:
    """A family of models first used within the last four weeks, or no longer used since then."""
    metric, weeks = METRICS["cost"], data.weeks
    if len(weeks) < 2 * SUSTAINED_WEEKS or not is_known(data, metric):
        return
    sums = week_frame(data, metric, "family")
    total = sums.groupby("week")["value"].sum()
    for family, part, used in by_group(sums, rows_of(data, metric, "family"), "family"):
        at = weeks.get_indexer(used["week"])
        first, last = at.min(), at.max()
        new = first >= len(weeks) - SUSTAINED_WEEKS and last == len(weeks) - 1
        gone = len(weeks) - SUSTAINED_WEEKS <= last + 1 <= len(weeks) - QUIET_WEEKS
        steady = slice(last + 1 - SUSTAINED_WEEKS, last + 1) if gone else slice(last, last + 1)
        then = part.iloc[steady]
        users, usd = then["n_actors"].mean(skipna=False), then["value"].mean()
        whole = total.iloc[steady].mean()
        share = usd / whole if whole > 0 else math.nan
        if not (new or gone) or math.isnan(users) or not share >= MODEL_SHARE:
            continue
        since = weeks[first if new else last + 1]
        title = f"{family} is {'new' if new else 'no longer used'} since {day_words(since)}"
        text = (
            f"{counted(round(users), 'person', 'people')} used it, for {100 * share:.0f} % of the "
            f"cost, in {'the last week' if new else 'a week of the four before'}."
        )
        place = "cost", "family", family, f"{since:%Y-%m-%d}"
        yield Finding("model", title, text, *place, weight=math.sqrt(usd) * share)


def hole_findings(data: Dataset) -> Iterator[Finding]:
    """Days that are missing between others, and working days on which nothing was recorded."""
    days = data.days[data.days["date"] <= data.days.loc[data.days["stored"], "date"].max()]
    people = data.activity[data.activity["actor_kind"] == "user"]
    active = people.groupby("date")["actor"].nunique().reindex(days["date"], fill_value=0)
    working = data.calendars.is_working_day(days["date"])
    usual = float(active[working.to_numpy()].median()) if working.any() else 0.0
    empty = working & (active.to_numpy() == 0) & (usual >= max(data.minimum_group, MINIMUM_ACTORS))
    lost = days.loc[empty | ~days["stored"], "date"]
    if lost.empty:
        return
    first, last = lost.iloc[0], lost.iloc[-1]
    when = f"from {day_words(first)} to {day_words(last)}"
    when = f"on {day_words(first)}" if first == last else when
    missing, silent = int((~days["stored"]).sum()), int(empty.sum())
    said = [f"{counted(missing, 'day')} not stored"] if missing else []
    said += [f"{counted(silent, 'working day')} stored without a record"] if silent else []
    text = (
        f"{' and '.join(said)}; about {usual:.0f} people are usually active on a day. Figures of "
        "these weeks are too low, or left out."
    )
    title = f"{counted(len(lost), 'day')} without records {when}"
    usd = data.model_usage["cost_usd"].sum() / max(len(days) / 7, 1)
    weight = math.sqrt(max(usd, usual)) * min(len(lost) / 5, 1.0)
    yield Finding("hole", title, text, since=f"{first:%Y-%m-%d}", weight=weight)
