"""What the records cover: who is missing and why, which days are complete, what changed.

The coverage grade of a number is about the records of its week, not about its meaning:

    complete   all days final, everybody on the roster if there is one, all tokens priced
    moving     a day was fetched so soon after its end that it may still change
    partial    people are missing on the roster, or tokens have no price
"""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pandas as pd

from ccanalytics.dataset.dataset import Dataset, days_of, kept
from ccanalytics.dataset.titled_frame import Column, TitledFrame, titled
from ccanalytics.frames.schemas import TOKENS
from ccanalytics.people.roster import never_seen, not_on_roster
from ccanalytics.wings import resolve
from ccanalytics.words import counted, day_words

NEARLY_ALL = 0.99  # from this share on, coverage counts as complete


@dataclass(frozen=True)
class Coverage:
    """The coverage of the last closed week, and what is missing."""

    grade: Literal["complete", "moving", "partial", "none"]
    why: str


NO_COVERAGE = Coverage("none", "no week is closed")
NO_USAGE = Coverage("none", "this source has neither tokens nor cost")


@kept
def coverage_of(data: Dataset, *, money: bool) -> Coverage:
    """The coverage of a number of the last closed week; money needs priced tokens."""
    if not len(data.weeks):
        return NO_COVERAGE
    week = data.weeks[-1].date()
    usage, rows, days = (
        days_of(frame, week, week + timedelta(days=6))
        for frame in (data.model_usage, data.activity, data.days)
    )
    if money and (priced := _priced(usage)) < NEARLY_ALL:
        return Coverage("partial", f"{100 * priced:.0f} % of tokens have a known price")
    people = _people(rows)
    if people and len(data.roster):
        known = 1 - len(not_on_roster(rows, data.roster)) / people
        if known < NEARLY_ALL:
            return Coverage("partial", f"{100 * known:.0f} % of active people are on the roster")
    if not days["final"].all():
        return Coverage("moving", f"{(~days['final']).sum()} of 7 days may still change")
    return Coverage("complete", "all seven days are final")


def trust_facts(data: Dataset) -> TitledFrame:
    """One row per fact about the records: what, state. Only counts, no names."""
    stored, weeks = data.days[data.days["stored"]], counted(len(data.weeks), "closed week")
    moving, restated = int((~stored["final"]).sum()), int(stored["restated"].sum())
    last = f", the last from {day_words(data.weeks[-1], '%B %Y')}" if len(data.weeks) else ""
    users = counted(_people(data.activity), "person", "people")
    strangers = "without a roster it is unknown who could have used it"
    if len(data.roster):
        known = _count(data, not_on_roster(data.activity, data.roster))
        strangers = f"not on the roster of their days: {known}"
    facts = {
        "Days": f"{len(stored)} of {len(data.days)} stored, "
        + (f"{moving} of them may still change" if moving else "all of them final"),
        "Weeks": f"{weeks}{last}",
        "People": f"{users} with records; {strangers}",
        "Prices": _price_fact(data),
        "Late data": f"{counted(restated, 'day')} changed when they were fetched again",
    }
    frame = pd.DataFrame(facts.items(), columns=["what", "state"])
    columns = {"what": Column("about"), "state": Column("what is known")}
    return titled(frame, "Read this first", columns)


def _price_fact(data: Dataset) -> str:
    if not data.has_cost:
        return "neither tokens nor cost are known from this source"
    if not data.has_tokens:
        return "every amount is the service's own, at list prices and beyond seats, not an invoice"
    usage = data.model_usage
    seats = usage.loc[usage["customer_type"] == "subscription", "cost_usd"].sum()
    part = 100 * seats / usage["cost_usd"].sum() if seats else 0.0
    share = f"; {part:.0f} % of it is from seats, which have a flat price" if seats else ""
    return (
        f"{100 * _priced(usage):.1f} % of tokens have a known price; every amount is an "
        f"estimate at list prices, not an invoice{share}"
    )


def coverage_ledger(data: Dataset) -> TitledFrame:
    """One row per group that is, or may be, missing in these records: who, state, why."""
    rows = resolve(data.spec.coverage)(data)
    return titled(pd.DataFrame(rows, columns=["who", "state", "why"]), "Coverage")


def organisation_rows(data: Dataset) -> list[tuple[str, str, str]]:
    """Who and what is missing in the records of an organisation."""
    groups, actors = ["service", "any"], _actor_rows(data)
    if not data.spec.has_usage:
        groups, actors = ["cost" if data.has_cost else "no cost", "enterprise", "any"], []
    rows = pd.read_csv(Path(__file__).with_name("coverage_rows.csv"), index_col="of").loc[groups]
    return [*rows.itertuples(index=False, name=None), *actors, *_roster_rows(data)]


def _actor_rows(data: Dataset) -> list[tuple[str, str, str]]:
    """The actors that are no people."""
    kinds = data.activity.groupby(data.activity["actor_kind"].astype("str"))["actor"].nunique()
    keys = counted(kinds.get("api_key", 0), "key")
    key = "A key can be a pipeline or several people. It is counted separately, never as a person."
    text = "They are counted separately, in no figure of people, teams or keys. Update ccanalytics."
    others = kinds.drop(["user", "api_key"], errors="ignore").items()
    rows = [(f"Actors of the kind {kind}", f"{n} in the data", text) for kind, n in others]
    return [("People behind API keys", keys, key), *rows]


def data_inventory(data: Dataset) -> TitledFrame:
    """One row per kind of data about people that was read: what, grain, shown."""
    grain = "person, day, terminal" if data.spec.has_usage else "person, day"
    rows = [("Sessions, changed lines, commits, pull requests", grain)]
    if data.has_cost:
        what = "Tokens and estimated cost" if data.has_tokens else "Cost at list prices"
        rows.append((f"{what} by model", grain))
    rows.append(("Decisions on proposed edits", "person, day, tool"))
    for name, frame in data.extras.items():
        if "actor_kind" in frame:
            rows.append((f"{name.capitalize()} by model", "person, day"))
    if len(data.roster):
        rows.append(("Team, first and last day on the roster", "person"))
    groups = f"only in groups of {data.minimum_group} or more"
    shown = {"named": "by name", "pseudonym": "under a keyed pseudonym"}.get(data.identity, groups)
    frame = pd.DataFrame(rows, columns=["what", "grain"]).assign(shown=shown)
    return titled(frame, "Data about people")


def _roster_rows(data: Dataset) -> list[tuple[str, str, str]]:
    """People on the roster but not in the data, and the reverse."""
    if data.roster.empty:
        text = "Without a roster it is unknown who is missing, and rates have no denominator."
        return [("People who never used it", "not known", text)]
    unseen = _count(data, never_seen(data.activity, data.roster, data.since, data.until))
    why = "They did not use it, or their use is not recorded here; the data cannot say which."
    strangers = _count(data, not_on_roster(data.activity, data.roster))
    text = "They are in the totals and in no team."
    return [
        ("People on the roster without any record in this range", unseen, why),
        ("People in the data but not on the roster of that day", strangers, text),
    ]


def _count(data: Dataset, people: list[str]) -> str:
    """How many people these are, unless so few that it may reveal one of them."""
    if 0 < len(people) < data.minimum_group:
        return f"fewer than {data.minimum_group} people"
    return counted(len(people), "person", "people")


def _people(rows: pd.DataFrame) -> int:
    return rows.loc[rows["actor_kind"] == "user", "actor"].nunique()


def _priced(usage: pd.DataFrame) -> float:
    tokens = usage[TOKENS].sum(axis=1)
    total = tokens.sum()
    return float(tokens[usage["cost_usd"].notna()].sum() / total) if total else 1.0
