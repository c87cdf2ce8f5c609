"""How the results of the further analyses are shown."""

from collections.abc import Sequence

import pandas as pd

from ccanalytics.analyses.interventions import Effect
from ccanalytics.analyses.team_shift import TeamShift
from ccanalytics.dataset.titled_frame import TitledFrame
from ccanalytics.display.bundles import Bundle
from ccanalytics.display.sentences import note_bundle
from ccanalytics.display.tables import frame_bundle, table_bundle
from ccanalytics.metrics.availability import UNAVAILABLE, is_available
from ccanalytics.metrics.definitions import METRICS

NO_INTERVENTIONS = (
    "No intervention is known: name a CSV file (team,date,what) as `interventions` in "
    "ccanalytics.toml."
)


def team_shift_bundle(shift: TeamShift) -> Bundle:
    """One row per team: its cost per commit before and after, and the two parts of the change."""
    money, frame = METRICS["cost_per_commit"], shift.frame
    if shift.period is None:
        return note_bundle(shift.sentence(), "missing")
    shown = frame[["team", "before", "value"]].assign(
        **{name: [_with_ends(frame, name, at) for at in frame.index] for name in ("rate", "mix")}
    )
    labels = {
        "before": "before",
        "value": "after",
        "rate": "change within (90 % interval)",
        "mix": "change of share (90 % interval)",
    }
    formats = dict.fromkeys(["before", "value"], money.format)
    title = f"Cost per commit by team, {shift.period.change.horizon}"
    return table_bundle(shown, title, labels=labels, formats=formats)


def _with_ends(frame: pd.DataFrame, name: str, at: int) -> str:
    """A part with its interval, such as "+$0.11 (-$0.02 to +$0.24)"."""
    value, low, high = (
        METRICS["cost_per_commit"].format_change(frame.loc[at, column])
        for column in (name, f"{name}_low", f"{name}_high")
    )
    return f"{value} ({low} to {high})"


def unusual_days_bundle(days: TitledFrame) -> Bundle:
    """One row per unusual day: its cost, the usual one, who had most of it, what was noted."""
    if not is_available(days):
        return note_bundle(f"Which days stood out is {UNAVAILABLE}: it has no cost.", "missing")
    if "detectable" in days.attrs:
        power = f"A working day of {days.attrs['detectable']:.1f} times the usual would be found."
        days.title, days.empty_text = f"{days.title}. {power}", f"{days.empty_text} {power}"
    money = METRICS["unusual_days"]
    days.formats = {"value": money.format, "expected": money.format, "excess": money.format_change}
    return frame_bundle(days)


def effects_bundle(effects: Sequence[Effect]) -> Bundle:
    """The result of each intervention, or that there is none."""
    if not effects:
        return note_bundle(NO_INTERVENTIONS, "missing")
    return note_bundle(" ".join(effect.sentence() for effect in effects))
