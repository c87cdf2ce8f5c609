"""What the records cover: who is missing and why, which days are complete, what changed.

The coverage grade of a number is about the records of its week, not about its meaning:

    complete   all days final, everybody on the roster if there is one, all tokens priced
    moving     a day was fetched so soon after its end that it may still change
    partial    people are missing on the roster, or tokens have no price
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import pandas as pd

from ccanalytics.dataset.dataset import Dataset, kept
from ccanalytics.dataset.titled_frame import TitledFrame, titled
from ccanalytics.people.roster import never_seen, not_on_roster
from ccanalytics.wings import resolve
from ccanalytics.words import counted, day_words

Grade = Literal["complete", "moving", "partial", "none"]

NEARLY_ALL = 0.99
"""From this share on, coverage counts as complete."""


@dataclass(frozen=True)
class Coverage:
    """The coverage of the last closed week, and what is missing."""

    grade: Grade
    why: str


NO_COVERAGE = Coverage("none", "no week is closed")
NO_USAGE = Coverage("none", "this source has neither tokens nor cost")


@kept
def coverage_of(data: Dataset, *, money: bool) -> Coverage:
    """The coverage of a number of the last closed week; money needs priced tokens."""
    if not len(data.weeks):
        return NO_COVERAGE
    first, last = data.weeks[-1], data.weeks[-1] + pd.Timedelta(days=6)
    priced = _priced(data.model_usage[data.model_usage["date"].between(first, last)])
    known = _on_roster(data, first, last)
    if money and priced < NEARLY_ALL:
        return Coverage("partial", f"{100 * priced:.0f} % of tokens have a known price")
    if known < NEARLY_ALL:
        return Coverage("partial", f"{100 * known:.0f} % of active people are on the roster")
    moving = int((~data.days.loc[data.days["date"].between(first, last), "final"]).sum())
    if moving:
        return Coverage("moving", f"{moving} of 7 days may still change")
    return Coverage("complete", "all seven days are final")


def trust_facts(data: Dataset) -> TitledFrame:
    """One row per fact about the records: what, state. Only counts, no names."""
    stored = data.days[data.days["stored"]]
    moving, restated = int((~stored["final"]).sum()), int(stored["restated"].sum())
    last = f", the last from {day_words(data.weeks[-1], '%B %Y')}" if len(data.weeks) else ""
    facts = {
        "Days": f"{len(stored)} of {len(data.days)} stored, "
        + (f"{moving} of them may still change" if moving else "all of them final"),
        "Weeks": f"{counted(len(data.weeks), 'closed week')}{last}",
        "People": _people_fact(data),
        "Prices": _price_fact(data),
        "Late data": f"{counted(restated, 'day')} changed when they were fetched again",
    }
    if "seats" in data.extras:
        facts["Seats"] = _seat_fact(data.extras["seats"])
    frame = pd.DataFrame(facts.items(), columns=["what", "state"])
    labels = {"what": "about", "state": "what is known"}
    return titled(frame, "Read this first", labels=labels)


def coverage_ledger(data: Dataset) -> TitledFrame:
    """One row per group that is, or may be, missing in these records: who, state, why."""
    rows = resolve(data.spec.coverage or "dataset.coverage:service_rows")(data)
    return titled(pd.DataFrame(rows, columns=["who", "state", "why"]), "Coverage")


def service_rows(data: Dataset) -> list[tuple[str, str, str]]:
    """Who is missing in the records of an organisation."""
    return [*_written("service", "any"), *_actor_rows(data), *_roster_rows(data)]


def enterprise_rows(data: Dataset) -> list[tuple[str, str, str]]:
    """Who and what is missing in the records of a Claude Enterprise organisation."""
    cost = "cost" if data.has_cost else "no cost"
    return [*_written(cost, "enterprise", "any"), *_roster_rows(data)]


def data_inventory(data: Dataset) -> TitledFrame:
    """One row per kind of data about people that was read: what, grain, shown."""
    people = {
        "named": "by name",
        "pseudonym": "under a keyed pseudonym",
        "aggregate": f"only in groups of {data.minimum_group} or more",
    }[data.identity]
    grain = "person, day, terminal" if data.spec.has_usage else "person, day"
    rows = [
        ("Sessions, changed lines, commits, pull requests", grain, people),
        ("Decisions on proposed edits", "person, day, tool", people),
    ]
    if data.has_cost:
        what = "Tokens and estimated cost" if data.has_tokens else "Cost at list prices"
        rows.insert(1, (f"{what} by model", grain, people))
    rows += [(f"{name.capitalize()} by model", "person, day", people)
             for name, frame in data.extras.items() if "actor_kind" in frame]  # fmt: skip
    if len(data.roster):
        rows.append(("Team, first and last day on the roster", "person", people))
    return titled(pd.DataFrame(rows, columns=["what", "grain", "shown"]), "Data about people")


@cache
def _written(*groups: str) -> list[tuple[str, str, str]]:
    """The rows of these groups, which say the same of everybody's data."""
    text = (files("ccanalytics.dataset") / "coverage_rows.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    found = [(row["of"], (row["who"], row["state"], row["why"])) for row in rows]
    return [row for group in groups for of, row in found if of == group]


def _actor_rows(data: Dataset) -> list[tuple[str, str, str]]:
    """The keys, and the actors of each unknown kind."""
    kinds = data.activity.groupby(data.activity["actor_kind"].astype("str"))["actor"].nunique()
    state = counted(kinds["api_key"], "key") if "api_key" in kinds else "no key in the data"
    key = "A key can be a pipeline or several people. It is counted separately, never as a person."
    text = "They are counted separately, in no figure of people, teams or keys. Update ccanalytics."
    others = kinds.drop(["user", "api_key"], errors="ignore")
    rows = [(f"Actors of the kind {kind}", f"{n} in the data", text) for kind, n in others.items()]
    return [("People behind API keys", state, key), *rows]


def _roster_rows(data: Dataset) -> list[tuple[str, str, str]]:
    """People on the roster but not in the data, and the reverse."""
    if data.roster.empty:
        text = "Without a roster it is unknown who is missing, and rates have no denominator."
        return [("People who never used it", "not known", text)]
    silent = never_seen(data.activity, data.roster, data.since, data.until)
    return [
        (
            "People on the roster without any record in this range",
            _count(data, silent),
            "They did not use it, or their use is not recorded here; the data cannot say which.",
        ),
        (
            "People in the data but not on the roster of that day",
            _count(data, not_on_roster(data.activity, data.roster)),
            "They are in the totals and in no team.",
        ),
    ]


def _count(data: Dataset, people: list[str]) -> str:
    """How many people these are, unless so few that it may reveal one of them."""
    few = 0 < len(people) < data.minimum_group
    words = counted(len(people), "person", "people")
    return f"fewer than {data.minimum_group} people" if few else words


def _people_fact(data: Dataset) -> str:
    users = data.activity[data.activity["actor_kind"] == "user"]
    people = f"{counted(users['actor'].nunique(), 'person', 'people')} with records"
    if data.roster.empty:
        return f"{people}; without a roster it is unknown who could have used it"
    strangers = not_on_roster(data.activity, data.roster)
    if not strangers:
        return f"{people}, all of them on the roster of their days"
    return f"{people}, {_count(data, strangers)} on days they were not on the roster"


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


def _seat_fact(seats: pd.DataFrame) -> str:
    """The assigned seats of the newest day with any; seats cover all products."""
    known = seats.dropna(subset="assigned_seats")
    if known.empty:
        return "the service gave none"
    last = known.iloc[-1]
    invites = last["pending_invites"]
    pending = "" if pd.isna(invites) else f", {invites:,.0f} invitations pending"
    day = day_words(last["date"], "%B %Y")
    return f"{last['assigned_seats']:,.0f} assigned on {day}, for any product{pending}"


def _priced(usage: pd.DataFrame) -> float:
    names = ["input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens"]
    tokens = usage[names].sum(axis=1)
    total = tokens.sum()
    return float(tokens[usage["cost_usd"].notna()].sum() / total) if total else 1.0


def _on_roster(data: Dataset, first: pd.Timestamp, last: pd.Timestamp) -> float:
    """The share of active people on the given days who are on the roster; 1 without a roster."""
    rows = data.activity[data.activity["date"].between(first, last)]
    people = rows.loc[rows["actor_kind"] == "user", "actor"].nunique()
    if data.roster.empty or not people:
        return 1.0
    return 1 - len(not_on_roster(rows, data.roster)) / people
