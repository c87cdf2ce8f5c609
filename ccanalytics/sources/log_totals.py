"""Requests, sessions and work -> records of a day and rows of `sessions`.

Requests of one place and one price are added up first and priced as a sum, because a price costs
more to work out than thousands of tokens cost to add.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from operator import add
from typing import NamedTuple

import msgspec

from ccanalytics.records import (
    CoreMetrics,
    EstimatedCost,
    LinesOfCode,
    ModelUsage,
    Record,
    ToolAction,
    UserActor,
)
from ccanalytics.records import Tokens as RecordTokens
from ccanalytics.sources.edits import EDIT_TOOLS
from ccanalytics.sources.log_lines import Tokens
from ccanalytics.sources.log_reader import Place, Request, Session, Work
from ccanalytics.sources.prices import Prices, Tariff

ACTOR = "local"
"""Whose logs they are: no line says."""

Sums = dict[tuple[Place, Tariff, int], tuple[int, ...]]

NO_TOKENS = Tokens(0, 0, 0, 0, 0, 0)


class Key(NamedTuple):
    """What one record is about."""

    day: str
    terminal: str | None
    project: str | None


class Spent(msgspec.Struct, gc=False):
    """Tokens and their price in cents; a single unknown price makes the sum unknown."""

    tokens: Tokens = NO_TOKENS
    cents: Decimal | None = Decimal(0)

    def add(self, tokens: Tokens, cents: Decimal | None) -> None:
        """Adds calls and their price."""
        self.tokens = Tokens._make(map(add, self.tokens, tokens))
        self.cents = None if self.cents is None or cents is None else self.cents + cents


class LogTotals:
    """The sums of all logs; `unpriced` counts requests per model without a known price."""

    def __init__(
        self,
        requests: Iterable[Request],
        sessions: Mapping[str, Session],
        work: Mapping[Place, Work],
    ) -> None:
        self.unpriced: Counter[str] = Counter()
        self._sessions = sessions
        self._usage: dict[Key, dict[str, Spent]] = defaultdict(dict)
        self._session_usage: dict[str | None, dict[str, Spent]] = defaultdict(dict)
        self._work: dict[Key, list[Work]] = defaultdict(list)
        self._session_work: dict[str | None, list[Work]] = defaultdict(list)
        self._requests: Counter[str | None] = Counter()
        self._final: Counter[str | None] = Counter()
        self._started: Counter[Key] = Counter(map(_key_of_session, sessions.values()))
        self._add_requests(requests)
        self._add_work(work)

    def span(self) -> tuple[date, date] | None:
        """The first and last day with anything in it."""
        days = {key.day for key in self._keys()}
        return (date.fromisoformat(min(days)), date.fromisoformat(max(days))) if days else None

    def records(self, day: date, organization_id: str) -> list[Record]:
        """One record per terminal and project of a UTC day."""
        keys = [key for key in self._keys() if key.day == day.isoformat()]
        keys.sort(key=lambda key: (key.terminal or "", key.project or ""))
        return [self._record(key, organization_id) for key in keys]

    def sessions(self, day: date) -> list[dict[str, object]]:
        """One row per session that started on a UTC day, by start."""
        found = [
            (session.started_at, name, session)
            for name, session in self._sessions.items()
            if session.started_at.date() == day
        ]
        return [self._session_row(name, session) for _, name, session in sorted(found)]

    def _keys(self) -> set[Key]:
        return {*self._usage, *self._work, *self._started}

    def _add_requests(self, requests: Iterable[Request]) -> None:
        prices = Prices()
        sums: Sums = {}
        for request in requests:
            place = request.place
            self._requests[place.session] += 1
            self._final[place.session] += request.final
            self._count(request.tariff, request.tokens, place, prices, sums)
            for model, used in request.advisors:
                self._count(Tariff(model), used, place, prices, sums)
        for (place, tariff, tier), counts in sums.items():
            used = Tokens._make(counts)
            cents = prices.cents(tariff, place.day, tier, used)
            for spent in (self._usage[_key(place)], self._session_usage[place.session]):
                spent.setdefault(tariff.model, Spent()).add(used, cents)

    def _count(
        self, tariff: Tariff, used: Tokens, place: Place, prices: Prices, sums: Sums
    ) -> None:
        """Adds one call to the sum of its place, tariff and tier."""
        price_list = prices.price_list(tariff, place.day)
        if price_list is None:
            self.unpriced[tariff.model] += 1
        tier = price_list.tier(used.input_side) if price_list and price_list.thresholds else 0
        known = sums.get((place, tariff, tier))
        sums[place, tariff, tier] = tuple(map(add, known, used)) if known else used

    def _add_work(self, work: Mapping[Place, Work]) -> None:
        for place, done in work.items():
            if done != Work():
                self._work[_key(place)].append(done)
                self._session_work[place.session].append(done)

    def _record(self, key: Key, organization_id: str) -> Record:
        work = self._work.get(key, [])
        return Record(
            date=f"{key.day}T00:00:00Z",
            actor=UserActor(ACTOR),
            organization_id=organization_id,
            customer_type="local",
            terminal_type=key.terminal,
            core_metrics=CoreMetrics(
                self._started[key],
                LinesOfCode(sum(w.lines_added for w in work), sum(w.lines_removed for w in work)),
                sum(w.commits for w in work),
                sum(w.pull_requests for w in work),
            ),
            tool_actions=_tool_actions(work),
            model_breakdown=[
                _model_usage(model, spent)
                for model, spent in sorted(self._usage.get(key, {}).items())
            ],
            project=key.project,
        )

    def _session_row(self, name: str, session: Session) -> dict[str, object]:
        models = self._session_usage.get(name, {})
        total = Spent()
        for spent in models.values():
            total.add(spent.tokens, spent.cents)
        work = self._session_work.get(name, [])
        used = total.tokens
        return {
            "date": datetime.combine(session.started_at.date(), datetime.min.time()),
            "session": name,
            "project": session.project,
            "branch": session.branch,
            "terminal": session.terminal,
            "started_at": session.started_at.replace(tzinfo=None),
            "ended_at": session.ended_at.replace(tzinfo=None),
            "models": sorted(models),
            "requests": self._requests[name],
            "final_requests": self._final[name],
            "input_tokens": used.input,
            "output_tokens": used.output,
            "cache_read_tokens": used.cache_read,
            "cache_creation_tokens": used.cache_write_5m + used.cache_write_1h,
            "cost_usd": None if total.cents is None else total.cents / 100,
            "lines_added": sum(w.lines_added for w in work),
            "lines_removed": sum(w.lines_removed for w in work),
            "commits": sum(w.commits for w in work),
            "pull_requests": sum(w.pull_requests for w in work),
        }


def _key(place: Place) -> Key:
    return Key(place.day, place.terminal, place.project)


def _key_of_session(session: Session) -> Key:
    return Key(session.started_at.date().isoformat(), session.terminal, session.project)


def _tool_actions(work: Iterable[Work]) -> dict[str, ToolAction]:
    actions = {
        tool: ToolAction(
            sum(w.accepted.get(tool, 0) for w in work), sum(w.rejected.get(tool, 0) for w in work)
        )
        for tool in EDIT_TOOLS.values()
    }
    return {tool: a for tool, a in actions.items() if a.accepted or a.rejected}


def _model_usage(model: str, spent: Spent) -> ModelUsage:
    used = spent.tokens
    written = used.cache_write_5m + used.cache_write_1h
    return ModelUsage(
        model,
        RecordTokens(used.input, used.output, used.cache_read, written),
        EstimatedCost(spent.cents),
    )
