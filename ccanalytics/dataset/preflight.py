"""Checks of a dataset before its numbers are read.

passed    nothing to note
warning   the numbers are usable, with a caveat
stop      the numbers would mislead: no report without --force
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.frames.schemas import KEYS, SCHEMAS
from ccanalytics.people.calendars import week_of
from ccanalytics.prices import UNITS, PriceList, Tariff, Tokens, price_list
from ccanalytics.showing import Note, Results, WarningNote
from ccanalytics.wire.claude_code import EDIT_TOOLS
from ccanalytics.words import counted

Level = Literal["passed", "warning", "stop"]

LEVELS: tuple[Level, ...] = ("passed", "warning", "stop")
"""From good to bad."""

PLAUSIBLE = (0.4, 2.5)
"""Recorded cost / list price of the same tokens: discounts, long contexts and one-hour cache
writes stay within."""

IMPOSSIBLE = (0.1, 10.0)
"""Outside this range an amount is in another unit, such as dollars instead of cents."""

MINIMUM_USD = 1.0
"""Below this there is too little money to judge."""

_KEY = [key.name for key in KEYS]


@dataclass(frozen=True)
class Check:
    """The result of one check: name, level, and what was found."""

    name: str
    level: Level
    found: str


Found = tuple[Level, str]


class Checks(Results):
    """The results of all checks; shown as a table, `summary()` as one note."""

    shown_by = "display.tables:checks_bundle"

    def summary(self) -> Note:
        """The warnings, or a note that all checks passed."""
        found = [check for check in self if check.level != "passed"]
        if not found:
            return Note(f"All {len(self)} checks of the records passed.")
        texts = " ".join(check.found for check in found)
        stopped = any(check.level == "stop" for check in found)
        forced = "Made with --force: a check would have stopped it. " if stopped else ""
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
    """No day is missing between the first and last stored day."""
    stored = data.days.loc[data.days["stored"], "date"]
    inside = data.days["date"].between(stored.min(), stored.max())
    missing = data.days.loc[inside & ~data.days["stored"], "date"]
    before = data.days.loc[data.days["date"] < stored.min(), "date"]
    if len(missing):
        are = "day between stored ones is" if len(missing) == 1 else "days between stored ones are"
        return "stop", f"{len(missing)} {are} missing: {_days(missing)}. Sync again."
    if len(before):
        late = counted(len(before), "day")
        return "warning", f"The records start on {stored.min():%Y-%m-%d}, {late} into the range."
    return "passed", f"Stored: {counted(len(stored), 'day')}."


def days_are_closed(data: Dataset) -> Found:
    """No day was fetched before it was complete; session logs are read whenever they are loaded."""
    early = data.days.loc[data.days["stored"] & ~data.days["closed"], "date"]
    if len(early) and data.spec.sync_all:
        return "passed", f"Not over when the logs were read: {_days(early)}. The rest is complete."
    if len(early):
        return "warning", (
            f"Fetched before the day was closed: {_days(early)}. Such a week is left out. Sync "
            "again."
        )
    return "passed", "Every day was complete when it was fetched."


def records_are_apart(data: Dataset) -> Found:
    """No two records are of one actor, day, terminal and customer type.

    What a page repeats of another one counts once where it is fetched, so those that are left are
    the service's: of two API keys of one name, or two addresses of a person.
    """
    twice = data.activity[data.activity.duplicated(_KEY, keep=False)]
    if twice.empty:
        return "passed", (
            "No two records share their day, actor, terminal and customer type. A day is stored "
            "only when its last page was reached."
        )
    days = _days(twice["date"].drop_duplicates())
    return (
        "warning",
        f"{len(twice)} records share day, actor, terminal and customer type ({days}): all count.",
    )


def counts_are_possible(data: Dataset) -> Found:
    """No count or amount is negative."""
    frames = {name: getattr(data, name) for name in SCHEMAS}
    below = [
        f"{name}.{column} ({counted(int((frame[column] < 0).sum()), 'row')})"
        for name, frame in frames.items()
        for column in frame.select_dtypes("number")
        if (frame[column] < 0).any()
    ]
    if below:
        return "stop", f"Below zero: {', '.join(below)}."
    return "passed", "Counts and amounts are zero or more."


def one_organization(data: Dataset) -> Found:
    """All records belong to one organization."""
    count = data.activity["organization"].nunique()
    if count > 1:
        return "stop", f"The records belong to {count} organizations, which must not be summed."
    return "passed", "All records belong to one organization."


def cost_is_plausible(data: Dataset) -> Found:
    """The recorded cost is close to the list price of its tokens."""
    if not data.has_tokens:
        return "passed", "This source has neither cost nor tokens."
    free = data.model_usage["cost_usd"] == 0
    recorded, listed = _recorded_and_listed(data.model_usage[~free])
    _, given = _recorded_and_listed(data.model_usage[free])
    own = data.minimum_group == 1
    level, text = _plausible(recorded, listed, own)
    if given < MINIMUM_USD:
        return level, text
    worth = f" of ${given:,.0f} at list price" if own else ""
    # Right where use is not charged.
    return max(level, "warning", key=LEVELS.index), (
        f"{text} Tokens{worth} have an amount of $0.00, as those of seats or of less than a cent "
        "at a time may have: no cost here has them in it."
    )


def _plausible(recorded: float, listed: float, own: bool) -> Found:
    """Amounts are given for one's own records only: minus the shown weeks, they would
    reveal those withheld."""
    if listed < MINIMUM_USD:
        return "passed", "Too little use of models with a known list price to compare."
    times = recorded / listed
    amounts = f" (${recorded:,.0f} to ${listed:,.0f})" if own else ""
    text = f"The recorded cost is {times:.2f} times the list price of its tokens{amounts}."
    if not IMPOSSIBLE[0] < times < IMPOSSIBLE[1]:
        return "stop", f"{text} An amount is in another unit than US cents, or tokens are missing."
    if not PLAUSIBLE[0] < times < PLAUSIBLE[1]:
        return "warning", f"{text} Check the models before you trust amounts of money."
    return "passed", text


def schema_is_known(data: Dataset) -> Found:
    """There are no unknown fields or tools, and no models without a price."""
    news = {
        "field": data.unknown_fields,
        "tool": set(data.tool_actions["tool"].unique()) - set(EDIT_TOOLS),
        "model without a price": unpriced_models(data.model_usage),
    }
    if found := [_named(kind, names) for kind, names in news.items() if names]:
        return "warning", f"Unknown to this version, kept unchanged: {'; '.join(found)}."
    return "passed", "No new field, tool or unpriced model."


def people_are_there(data: Dataset) -> Found:
    """The last week has about as many active people as the weeks before."""
    people = data.activity[data.activity["actor_kind"] == "user"]
    week = week_of(people["date"])
    counts = people.groupby(week)["actor"].nunique().reindex(data.weeks, fill_value=0)
    if len(counts) < 5:
        return "passed", "Too few weeks before the last one to compare."
    last, usual = int(counts.iloc[-1]), float(counts.iloc[-5:-1].median())
    if usual >= data.minimum_group and last < usual / 2:
        return "warning", (
            f"People with records in the last week: {_people(data, last)}; usually {usual:.0f}. "
            "Records may be missing."
        )
    return "passed", "The last week has at least half as many people as usual."


CHECKS: dict[str, Callable[[Dataset], Found]] = {
    "Days without a gap": days_are_whole,
    "Days closed when fetched": days_are_closed,
    "No record twice": records_are_apart,
    "No count below zero": counts_are_possible,
    "One organization": one_organization,
    "Cost plausible against tokens": cost_is_plausible,
    "Schema as expected": schema_is_known,
    "People still there": people_are_there,
}


def _recorded_and_listed(usage: pd.DataFrame) -> tuple[float, float]:
    """US dollars recorded and at list price, for models with both prices."""
    recorded, listed = 0.0, 0.0
    priced = usage[usage["cost_usd"].notna()]
    tokens = ["input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens"]
    sums = priced.groupby(["model", "date"], observed=True)[[*tokens, "cost_usd"]].sum()
    for (model, day), row in sums.iterrows():
        if price := price_list(Tariff(str(model)), day.date()):
            # A day's sum is not a long context, however large.
            counts = Tokens._make([*map(int, row[tokens]), 0, 0])
            cost, _ = PriceList((), price.tiers[:1]).costs(counts)
            recorded, listed = recorded + row["cost_usd"], listed + cost / UNITS
    return recorded, listed


def unpriced_models(usage: pd.DataFrame) -> set[str]:
    tokens = usage[["input_tokens", "output_tokens"]].sum(axis=1)
    return set(usage.loc[usage["cost_usd"].isna() & (tokens > 0), "model"].unique())


def _named(kind: str, names: Iterable[object]) -> str:
    found = sorted(map(str, names))
    return f"{kind} {', '.join(found[:6])}{' and more' if len(found) > 6 else ''}"


def _days(dates: pd.Series) -> str:
    shown = ", ".join(f"{day:%Y-%m-%d}" for day in dates.iloc[:3])
    return f"{shown} and {len(dates) - 3} more" if len(dates) > 3 else shown


def _people(data: Dataset, count: int) -> str:
    few = 0 < count < data.minimum_group
    return f"fewer than {data.minimum_group}" if few else str(count)
