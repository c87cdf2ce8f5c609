"""An invented organisation, the same every time: what the notebooks show before there is a key.

    CHANGED_TEAM  from CHANGED_FROM   much more context is written per day: a commit costs twice
    TRAINED_TEAM  from TRAINED_FROM   a quarter more commits per day, after a training
    MIGRATION                         the larger model is replaced, person by person

Every day is generated from a seed of the person and the day, so any day can be generated
alone. Costs are whole cents at list prices. The charges of a day are its use at list prices minus a
discount, and differ from these estimates like a real bill: decimals of a cent, people on seats who
only pay for what goes beyond their allowance, and a part that cannot be attributed to anybody.
"""

import math
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

import ccanalytics.wire.claude_code as wire
from ccanalytics.sources.registry import Organisation, Source
from ccanalytics.sources.sample.staff import ORGANIZATION, TEAMS, StaffMember, people
from ccanalytics.wire.analytics_cost import (
    ChargedDays,
    CostActor,
    CostAmounts,
    CostGroup,
    CostItem,
)

FIRST = date(2026, 5, 25)
UNTIL = date(2026, 11, 22)

CHANGED_TEAM, CHANGED_FROM = "Payments", date(2026, 11, 2)
TRAINED_TEAM, TRAINED_FROM = "Data", date(2026, 9, 14)
MIGRATION = date(2026, 8, 10), date(2026, 9, 21)

HOLIDAYS = {
    date(2026, 5, 25): "Memorial Day",
    date(2026, 6, 19): "Juneteenth",
    date(2026, 7, 3): "Independence Day",
    date(2026, 9, 7): "Labor Day",
    date(2026, 11, 26): "Thanksgiving",
    date(2026, 11, 27): "Day after Thanksgiving",
    date(2026, 12, 25): "Christmas Day",
}

KEYS = {"ci-review-bot": 1.6, "nightly-docs": 0.7, "release-notes": 0.3}  # and their volume
KEY_IDS = {name: f"apikey_{number:02d}" for number, name in enumerate(KEYS, 1)}

PRICES = {  # US dollars per million tokens in and out
    "claude-opus-4-8": (5, 25),
    "claude-opus-5": (5, 25),
    "claude-sonnet-5": (2, 10),
    "claude-haiku-4-5-20251001": (1, 5),
}
TOKENS = {  # by field of TokenCounts: the name in charges, in (0) or out (1), percent of that price
    "input": ("uncached_input_tokens", 0, 100),
    "cache_read": ("cache_read_input_tokens", 0, 10),
    "cache_creation": ("cache_creation.ephemeral_5m_input_tokens", 0, 125),
    "output": ("output_tokens", 1, 100),
}

CHARGED_SINCE = date(2026, 8, 31)  # charges are known from this day on
DISCOUNT = Decimal("0.06")
SEAT_ALLOWANCE = 1500  # cents a day at list prices that a seat includes


class SampleOrganisation(Source):
    """About 120 people in 8 teams over 26 weeks, and more of the same after them."""

    name = "sample"

    def __init__(self) -> None:
        self.people = people()
        addresses = {person.email: f"user_{n:04d}" for n, person in enumerate(self.people)}
        self.ids = addresses | KEY_IDS

    def span(self) -> tuple[date, date]:
        """The first and last day of the sample."""
        return FIRST, UNTIL

    def records(self, day: date) -> list[wire.Record]:
        """All records of one UTC day; none before the first day."""
        if day < FIRST:
            return []
        used = [record for person in self.people for record in _person_day(person, day)]
        return used + [record for key in KEYS for record in _key_day(key, day)]

    def day_charges(self, day: date) -> list[CostItem]:
        """The charges of one UTC day; none before the first day."""
        draw, listed = Random(f"{day} charges"), defaultdict[tuple[str, str, str], Decimal](Decimal)
        for record in self.records(day):
            for key, cents in _charged(record):
                listed[key] += cents
        items = []
        for (name, model, kind), cents in listed.items():
            person = CostActor("user_actor", user_id=self.ids[name], email_address=name)
            actor = person if "@" in name else CostActor("api_actor", api_key_id=self.ids[name])
            items.append(_charge(day, cents, actor, model, kind))
        if shared := sum(listed.values(), Decimal(0)) * draw.randrange(8, 20) / 1000:
            searches = Decimal(draw.randrange(4, 40))  # a cent each
            items.append(_charge(day, shared, None, "claude-sonnet-5", "output_tokens"))
            items.append(_charge(day, searches, None, None, None))
        return items

    def charges(self, since: date, until: date) -> ChargedDays:
        """The charges of each day from `since` to `until`; all days are complete."""
        first = max(since, CHARGED_SINCE).toordinal()
        days = (date.fromordinal(n) for n in range(first, until.toordinal() + 1))
        names = {id: name for name, id in KEY_IDS.items()}
        ever = datetime.max.replace(tzinfo=UTC)
        return ChargedDays({d: self.day_charges(d) for d in days}, ever, names, ORGANIZATION)

    def api_keys(self) -> list[dict[str, str]]:
        """The keys of the pipelines as the service lists them."""
        return [{"id": id, "name": name} for name, id in KEY_IDS.items()]

    def roster_csv(self) -> str:
        """One line per person and stay in a team, with its cost centre; some never use it."""
        stays = [
            (person.email, team, start, end, person.name, TEAMS[team][2])
            for person in self.people
            for team, start, end in person.teams
        ]
        return _csv("email,team,start,end,name,cost_centre", *stays)

    def members(self, day: date) -> list[dict[str, str]]:
        """The members of `day` as the service lists them, most recently added first."""
        rows = [
            {
                "id": self.ids[person.email],
                "email": person.email,
                "name": person.name,
                "role": "claude_code_user",
                "added_at": f"{person.teams[0][1] or date(2026, 1, 5)}T09:00:00Z",
                "type": "user",
            }
            for person in self.people
            if person.team_on(day) is not None
        ]
        return sorted(rows, key=lambda row: row["added_at"], reverse=True)

    def organisation(self) -> Organisation:
        """Its roster, calendars and prices."""
        context = (CHANGED_FROM, "Whole repository in the context", CHANGED_TEAM)
        moved = (MIGRATION[0], "The larger model is replaced", None)
        trained = (TRAINED_TEAM, TRAINED_FROM, "Training in pairs")
        centres = {"4100 Products": 4_500.0, "4200 Foundations": 3_500.0}
        return Organisation(
            roster_csv=self.roster_csv(),
            calendars_csv={
                "holidays": _csv("date,name", *HOLIDAYS.items()),
                "events": _csv("date,what,team", moved, context),
                "interventions": _csv("team,date,what", trained),
            },
            monthly_budget_usd=11_500.0,
            budgets={"team": {"Payments": 1_600.0}, "cost_centre": centres},
            seat_prices={date(2026, 1, 1): 150.0},
        )


def _csv(header: str, *lines: tuple[object, ...]) -> str:
    """A CSV file; None is an empty cell, and no cell has a comma in it."""
    cells = ([str(cell or "") for cell in line] for line in lines)
    return "\n".join([header, *map(",".join, cells), ""])


def _person_day(person: StaffMember, day: date) -> Iterator[wire.Record]:
    team = person.team_on(day)
    if team is None or day < person.first_use:
        return
    draw = Random(f"{person.email} {day} 5")
    if draw.random() >= _chance(person, day):
        return
    work = person.weight * draw.lognormvariate(-0.08, 0.4)
    # Where the day's work was done: share, terminal, remote or not.
    places = [(1.0, person.terminals[0], False)]
    if len(person.terminals) > 1 and draw.random() < 0.3:
        places = [(0.7, person.terminals[0], False), (0.3, person.terminals[1], False)]
    if person.goes_remote and draw.random() < 0.2:
        places.append((0.25, "remote", True))
    for share, terminal, is_remote in places:
        record = _record(person, team, day, work * share, draw)
        record.terminal_type, record.is_remote = terminal, is_remote
        yield record


def _chance(person: StaffMember, day: date) -> float:
    """The chance that a person is active: low on days off, lower in August, growing with habit."""
    if _is_off(day):
        return 0.05 * person.habit
    season = 0.82 if day.month == 8 else 1.0
    friday = 0.88 if day.weekday() == 4 else 1.0
    grown = min(1.0, 0.6 + 0.4 * (day - person.first_use).days / 42)
    return person.habit * season * friday * grown


def _is_off(day: date) -> bool:
    return day in HOLIDAYS or day.weekday() >= 5


def _record(person: StaffMember, team: str, day: date, work: float, draw: Random) -> wire.Record:
    trained = 1.25 if team == TRAINED_TEAM and day >= TRAINED_FROM else 1.0
    explores = Random(f"{person.email} {day:%G-W%V} 1").random() < 0.035
    rate = 0.05 if explores else 2.95 * person.commits * trained
    commits = _poisson(draw, rate * work**0.7)
    added = int(commits * draw.lognormvariate(3.9, 0.5) + work * draw.uniform(5, 60))
    spelling = person.email.title() if person.mixed_case and draw.random() < 0.3 else person.email
    core = wire.CoreMetrics(
        num_sessions=1 + _poisson(draw, 1.6 * work),
        lines_of_code=wire.LinesOfCode(added, int(added * draw.uniform(0.15, 0.5))),
        commits_by_claude_code=commits,
        pull_requests_by_claude_code=sum(draw.random() < 0.22 for _ in range(commits)),
    )
    return wire.Record(
        date=f"{day}T00:00:00Z",
        actor=wire.UserActor(spelling),
        organization_id=ORGANIZATION,
        customer_type="subscription" if person.subscription else "api",
        subscription_type=person.subscription,
        terminal_type=None,
        core_metrics=core,
        tool_actions=_tool_actions(person, team, day, work, draw),
        model_breakdown=_usage(person, team, day, work, draw),
    )


def _tool_actions(
    person: StaffMember, team: str, day: date, work: float, draw: Random
) -> dict[str, wire.ToolAction]:
    fading = max(0.0, 1 - (day - FIRST).days / 30 / 5)
    tools = {  # proposals on such a day, and how much easier they are accepted
        "edit_tool": (13 * work, 0.0),
        "multi_edit_tool": (3 * work * fading, -0.05),
        "write_tool": (3.5 * work, 0.04),
        "notebook_edit_tool": (3 * work if team == "Data" else 0.03, -0.08),
    }
    proposals = {tool: _poisson(draw, mean) for tool, (mean, _) in tools.items()}
    actions = {}
    for tool, count in proposals.items():
        chance = min(0.99, person.accepts + tools[tool][1])
        accepted = sum(draw.random() < chance for _ in range(count))
        if count:
            actions[tool] = wire.ToolAction(accepted, count - accepted)
    return actions


def _usage(
    person: StaffMember, team: str, day: date, work: float, draw: Random
) -> list[wire.ModelUsage]:
    changed = team == CHANGED_TEAM and day >= CHANGED_FROM
    begin, end = MIGRATION  # everybody moves within two weeks
    moved = (day - (begin + (end - begin) * person.lateness)).days / 14 + 0.5
    large = "claude-opus-5" if draw.random() < moved else "claude-opus-4-8"
    main = large if draw.random() < person.large_model else "claude-sonnet-5"
    size = work * draw.lognormvariate(0, 0.2)
    usages = [_model_usage(main, size, draw, changed)]
    if draw.random() < 0.6:
        small = "claude-haiku-4-5-20251001"
        usages.append(_model_usage(small, size * draw.uniform(0.05, 0.3), draw))
    return usages


def _model_usage(model: str, size: float, draw: Random, changed: bool = False) -> wire.ModelUsage:
    read, written = (9_000_000 * 1.7, 540_000 * 3.2) if changed else (9_000_000, 540_000)
    tokens = wire.TokenCounts(
        input=int(45_000 * size * draw.lognormvariate(0, 0.4)),
        output=int(70_000 * size * draw.lognormvariate(0, 0.25)),
        cache_read=int(read * size * draw.lognormvariate(0, 0.25)),
        cache_creation=int(written * size * draw.lognormvariate(0, 0.25)),
    )
    cents = Decimal((sum(_microcents(model, tokens).values()) + 500_000) // 1_000_000)
    return wire.ModelUsage(model, tokens, wire.EstimatedCost(cents))


def _microcents(model: str, tokens: wire.TokenCounts) -> dict[str, int]:
    """The cost at list prices of each kind of token; in integers, so the same everywhere."""
    return {
        kind: getattr(tokens, name) * PRICES[model][side] * percent
        for name, (kind, side, percent) in TOKENS.items()
    }


def _key_day(key: str, day: date) -> Iterator[wire.Record]:
    """What a pipeline did: no commits, less on days off."""
    draw = Random(f"{key} {day} 5")
    runs = _poisson(draw, 24 * KEYS[key] * (0.15 if _is_off(day) else 1.0))
    if runs:
        size = 0.22 * runs * draw.lognormvariate(0, 0.15)
        yield wire.Record(
            date=f"{day}T00:00:00Z",
            actor=wire.ApiActor(key),
            organization_id=ORGANIZATION,
            customer_type="api",
            terminal_type="non-interactive",
            is_remote=False,
            core_metrics=wire.CoreMetrics(runs, wire.LinesOfCode(0, 0), 0, 0),
            tool_actions={},
            model_breakdown=[_model_usage("claude-sonnet-5", size, draw)],
        )


def _poisson(draw: Random, mean: float) -> int:
    """A Poisson number by multiplication; the means are small."""
    limit, product, count = math.exp(-mean), draw.random(), 0
    while product > limit:
        product *= draw.random()
        count += 1
    return count


def _charged(record: wire.Record) -> Iterator[tuple[tuple[str, str, str], Decimal]]:
    """Cents by actor, model and kind of token; of a seat only what goes beyond what it includes."""
    name = getattr(record.actor, "api_key_name", "")
    name = name or getattr(record.actor, "email_address", "").lower()
    costs = {
        (name, usage.model, kind): Decimal(cost) / 1_000_000
        for usage in record.model_breakdown
        for kind, cost in _microcents(usage.model, usage.tokens).items()
        if cost
    }
    total = sum(costs.values(), Decimal(0))
    included = SEAT_ALLOWANCE if record.customer_type == "subscription" else 0
    for key, cents in costs.items() if total > included else ():
        yield key, cents * (total - included) / total


def _charge(
    day: date, cents: Decimal, actor: CostActor | None, model: str | None, token_type: str | None
) -> CostItem:
    start, place = datetime(day.year, day.month, day.day, tzinfo=UTC), Decimal("1e-6")
    amount, listed = (cents * (1 - DISCOUNT)).quantize(place), cents.quantize(place)
    group = CostGroup(actor, model, "tokens" if token_type else "web_search", token_type)
    return CostItem(start, start + timedelta(days=1), group, CostAmounts(amount, listed, "USD"))
