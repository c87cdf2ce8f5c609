"""How results of the further analyses show themselves."""

from collections.abc import Sequence

from ccanalytics.analyses.drivers import TeamShift
from ccanalytics.analyses.interventions import Effect
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
    """One row per team: its cost per commit in both weeks, and the two parts of the change."""
    money = METRICS["cost_per_commit"]
    labels = {
        "team": "team",
        "before": "week before",
        "value": "this week",
        "rate": "change within",
        "mix": "change of share",
    }
    formats = {
        **dict.fromkeys(["before", "value"], money.format),
        **dict.fromkeys(["rate", "mix"], money.format_change),
    }
    return table_bundle(shift.frame, "Cost per commit by team", labels=labels, formats=formats)


def unusual_days_bundle(days: TitledFrame) -> Bundle:
    """One row per unusual day: its cost, the usual one, who had most of it, what was noted."""
    if not is_available(days):
        return note_bundle(f"Which days stood out is {UNAVAILABLE}: it has no cost.", "missing")
    if "detectable" in days.attrs:
        power = f"A working day of {days.attrs['detectable']:.1f} times the usual would show."
        days.title, days.empty_text = f"{days.title}. {power}", f"{days.empty_text} {power}"
    money = METRICS["unusual_days"]
    days.formats = {"value": money.format, "expected": money.format, "excess": money.format_change}
    return frame_bundle(days)


def effects_bundle(effects: Sequence[Effect]) -> Bundle:
    """What can be said of each intervention, or that none is known."""
    if not effects:
        return note_bundle(NO_INTERVENTIONS, "missing")
    return note_bundle(" ".join(effect.sentence() for effect in effects))
