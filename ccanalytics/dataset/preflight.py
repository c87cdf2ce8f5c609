"""Checks of a dataset before its numbers are read.

passed    nothing to note
warning   the numbers are usable, with a caveat
stop      the numbers would mislead: no report without --force
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median
from typing import Literal

import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.frames.schemas import KEYS, SCHEMAS, TOKENS
from ccanalytics.people.calendars import week_of
from ccanalytics.prices import UNITS, PriceList, Tariff, Tokens, price_list
from ccanalytics.showing import Note, Results, WarningNote
from ccanalytics.wire.claude_code import EDIT_TOOLS
from ccanalytics.words import counted, listed

Level = Literal["passed", "warning", "stop"]

Found = tuple[Level, str]

PLAUSIBLE = (0.4, 2.5)
"""Recorded cost / list price of the same tokens: discounts, long contexts and one-hour cache
writes stay within."""

IMPOSSIBLE = (0.1, 10.0)
"""Outside this range an amount is in another unit, such as dollars instead of cents."""

MINIMUM_USD = 1.0  # below this there is too little money to judge


@dataclass(frozen=True)
class Check:
    """The result of one check: name, level, and what was found."""

    name: str
    level: Level
    found: str


class Checks(Results):
    """The results of all checks; shown as a table, `summary()` as one note."""

    shown_by = "display.tables:checks_bundle"

    def summary(self) -> Note:
        """The warnings, or a note that all checks passed."""
        found = [check for check in self if check.level != "passed"]
        if not found:
            return Note(f"All {len(self)} checks of the records passed.")
        texts = " ".join(check.found for check in found)
        forced = "Made with --force: a check would have stopped it. " if stops(self) else ""
        return WarningNote(f"{forced}{texts}")


def preflight(data: Dataset) -> Checks:
    """One result per check, in a fixed order: name, level (passed, warning, stop), what was found.

    A stop keeps a report from being made; nothing is raised here.
    """
    return Checks(Check(name, *check(data)) for name, check in CHECKS.items())


def stops(checks: Iterable[Check]) -> list[Check]:
    """The checks that stop a report."""
    return [check for check in checks if check.level == "stop"]


def days_are_whole(data: Dataset) -> Found:
    stored = data.days.loc[data.days["stored"], "date"]
    missing = data.days.loc[~data.days["stored"], "date"]
    inside = missing[missing.between(stored.min(), stored.max())]
    if len(inside):
        gaps = counted(len(inside), "missing day")
        return "stop", f"{gaps} between stored ones: {_days(inside)}. Sync again."
    if late := int((missing < stored.min()).sum()):
        first = f"{stored.min():%Y-%m-%d}"
        return "warning", f"The records start on {first}, {counted(late, 'day')} into the range."
    return "passed", "No day is missing between stored ones."


def days_are_closed(data: Dataset) -> Found:
    early = data.days.loc[data.days["stored"] & ~data.days["closed"], "date"]
    # Session logs are read whenever they are loaded.
    if early.empty or data.spec.sync_all:
        return "passed", "Every closed week was complete when it was fetched."
    text = (
        f"Fetched before the day was closed: {_days(early)}. Such a week is left out. Sync again."
    )
    return "warning", text


def records_are_apart(data: Dataset) -> Found:
    # What a page repeats of another one counts once where it is fetched, so those that are left
    # are the service's: of two API keys of one name, or two addresses of a person.
    keys = [key.name for key in KEYS]
    twice = data.activity[data.activity.duplicated(keys, keep=False)]
    if twice.empty:
        return "passed", "No two records share their day, actor, terminal and customer type."
    text = f"{len(twice)} records share day, actor, terminal and customer type"
    return "warning", f"{text} ({_days(twice['date'].drop_duplicates())}): all count."


def counts_are_possible(data: Dataset) -> Found:
    below = [
        f"{name}.{column}"
        for name in SCHEMAS
        for column, values in getattr(data, name).select_dtypes("number").items()
        if (values < 0).any()
    ]
    if below:
        return "stop", f"Below zero: {', '.join(below)}."
    return "passed", "Counts and amounts are zero or more."


def cost_is_plausible(data: Dataset) -> Found:
    """The recorded cost is close to the list price of its tokens."""
    if not data.has_tokens:
        return "passed", "This source has neither cost nor tokens."
    free = data.model_usage["cost_usd"] == 0
    recorded, at_list = _recorded_and_listed(data.model_usage[~free])
    _, given = _recorded_and_listed(data.model_usage[free])
    # Amounts only of one's own records: minus the shown weeks, they would reveal those withheld.
    own, text = data.minimum_group == 1, "Too little use with a known list price."
    level: Level = "passed"
    if at_list >= MINIMUM_USD:
        times = recorded / at_list
        amounts = f" (${recorded:,.0f} to ${at_list:,.0f})" if own else ""
        text = f"The recorded cost is {times:.2f} times the list price of its tokens{amounts}."
        if not IMPOSSIBLE[0] < times < IMPOSSIBLE[1]:
            text += " An amount is in another unit than US cents, or tokens are missing."
            return "stop", text
        if not PLAUSIBLE[0] < times < PLAUSIBLE[1]:
            level, text = "warning", f"{text} Check the models before you trust amounts of money."
    if given >= MINIMUM_USD:  # right where use is not charged
        worth = f" of ${given:,.0f} at list price" if own else ""
        level = "warning"
        text += (
            f" Tokens{worth} have an amount of $0.00, as those of seats or of less than a cent at "
            "a time may have: no cost here has them in it."
        )
    return level, text


def schema_is_known(data: Dataset) -> Found:
    news = {
        "field": data.unknown_fields,
        "tool": set(data.tool_actions["tool"].unique()) - set(EDIT_TOOLS),
        "model without a price": unpriced_models(data.model_usage),
    }
    found = [f"{kind} {listed(sorted(map(str, some)), 6)}" for kind, some in news.items() if some]
    if found:
        return "warning", f"Unknown to this version, kept unchanged: {'; '.join(found)}."
    return "passed", "No new field, tool or unpriced model."


def people_are_there(data: Dataset) -> Found:
    people = data.activity[data.activity["actor_kind"] == "user"]
    by_week = people.groupby(week_of(people["date"]))["actor"].nunique()
    counts = by_week.reindex(data.weeks[-5:], fill_value=0).tolist()
    then = median(counts[:-1]) if len(counts) == 5 else 0
    if then < data.minimum_group or counts[-1] >= then / 2:
        text = "The last week has at least half as many people as the four before it"
        return "passed", f"{text}, or is too early."
    few = 0 < counts[-1] < data.minimum_group
    shown = f"fewer than {data.minimum_group}" if few else counts[-1]
    text = f"People with records in the last week: {shown}; {then:.0f} in the four weeks before"
    return "warning", f"{text} (median). Records may be missing."


CHECKS: dict[str, Callable[[Dataset], Found]] = {
    "Days without a gap": days_are_whole,
    "Days closed when fetched": days_are_closed,
    "No record twice": records_are_apart,
    "No count below zero": counts_are_possible,
    "Cost plausible against tokens": cost_is_plausible,
    "Schema as expected": schema_is_known,
    "People still there": people_are_there,
}


def _recorded_and_listed(usage: pd.DataFrame) -> tuple[float, float]:
    """US dollars recorded and at list price, for models with both prices."""
    recorded, listed = 0.0, 0.0
    priced = usage[usage["cost_usd"].notna()]
    sums = priced.groupby(["model", "date"], observed=True)[[*TOKENS, "cost_usd"]].sum()
    for (model, day), row in sums.iterrows():
        if price := price_list(Tariff(str(model)), day.date()):
            # A day's sum is not a long context, however large.
            counts = Tokens._make([*map(int, row[TOKENS]), 0, 0])
            cost, _ = PriceList((), price.tiers[:1]).costs(counts)
            recorded, listed = recorded + row["cost_usd"], listed + cost / UNITS
    return recorded, listed


def unpriced_models(usage: pd.DataFrame) -> set[str]:
    tokens = usage[["input_tokens", "output_tokens"]].sum(axis=1)
    return set(usage.loc[usage["cost_usd"].isna() & (tokens > 0), "model"].unique())


def _days(dates: pd.Series) -> str:
    return listed([f"{day:%Y-%m-%d}" for day in dates], 3)
