"""One range of stored days, ready to ask: the type `Dataset`.

Dataset ┬─ activity, model_usage, tool_actions   tidy frames, each with the actor's `team`
        ├─ extras                                frames that only some sources have, by name
        ├─ roster                                people with dates and teams
        └─ days ─▶ weeks, coverage               what is stored, and its coverage
"""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from datetime import date
from functools import cached_property, partial, wraps
from inspect import signature
from typing import Any, ClassVar, Concatenate, ParamSpec, TypeVar

import pandas as pd

from ccanalytics.dataset.titled_frame import Column, TitledFrame, titled
from ccanalytics.frames.schemas import SCHEMAS
from ccanalytics.people.calendars import Calendars, week_of
from ccanalytics.people.roster import with_teams
from ccanalytics.people.small_groups import withheld_teams
from ccanalytics.settings import BudgetScope
from ccanalytics.showing import ShowsItself
from ccanalytics.sources.registry import MINIMUM_GROUP, SourceSpec, source_spec
from ccanalytics.weeks import days_between, week_days

P = ParamSpec("P")
R = TypeVar("R")

Reader = Callable[[str, date, date], pd.DataFrame]  # reads one frame of some days

PART = 100_000
"""Records (rows of `activity`) that are summed together: with two models and tools each 25 MB."""


@dataclass(frozen=True, eq=False, repr=False)
class Dataset(ShowsItself):
    """The three tidy frames of `since` to `until`, both inclusive, and what they rest on.

    `days` has one row per UTC day: date, stored, closed (an hour after its end), final (two days
    after its end), fetched_at, records (of everybody), and restated (it had changed since).
    Closed and final are as it was fetched, not as it is now. `unknown_fields` are those that this
    version does not know. In `hidden_weeks` nothing of the dataset's team is shown: it, or
    everybody without it, has too few people, or few people changed it since it was published.
    `withheld_before` are the weeks and teams that earlier outputs of the store withheld, and
    whether only their money. `rest` are the records of everybody else, whom the figures of a team
    must not reveal. `cost_days` are the days of known cost, if it is not in the records. `reader`
    reads records on demand, where they are too many to read at once.
    """

    shown_by = "display.tables:dataset_bundle"

    source: str
    since: date
    until: date
    activity: pd.DataFrame
    model_usage: pd.DataFrame
    tool_actions: pd.DataFrame
    roster: pd.DataFrame
    days: pd.DataFrame
    minimum_group: int = MINIMUM_GROUP
    identity: str = "named"
    team: str = ""
    calendars: Calendars = field(default_factory=Calendars)
    monthly_budget_usd: float | None = None
    budgets: Mapping[BudgetScope, Mapping[str, float]] = field(default_factory=dict)
    seat_prices: Mapping[date, float] = field(default_factory=dict)
    unknown_fields: tuple[str, ...] = ()
    extras: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    hidden_weeks: frozenset[pd.Timestamp] = frozenset()
    withheld_before: frozenset[tuple[pd.Timestamp, str, bool]] = frozenset()
    rest: "Dataset | None" = None
    cost_days: frozenset[pd.Timestamp] | None = None
    reader: Reader | None = None

    def __post_init__(self) -> None:
        for name in SCHEMAS:
            if vars(self)[name] is None:  # so that it is read when it is asked for
                del vars(self)[name]

    def __getattr__(self, name: str) -> pd.DataFrame:
        """A frame of `extras`, such as `data.requests` of session logs, or one not read yet."""
        if name in SCHEMAS and self.reader is not None:
            if self.whole is None:
                frame = self.reader(name, self.since, self.until)
            else:
                frame = days_of(getattr(self.whole, name), self.since, self.until).copy(deep=False)
            vars(self)[name] = frame
            return frame
        if name.startswith("_") or name not in self.extras:
            known = ", ".join(self.extras) or "none"
            raise AttributeError(
                f"Records of source {self.source!r} have no {name!r}; available: {known}."
            )
        return self.extras[name]

    @property
    def spec(self) -> SourceSpec:
        """The specification of the source."""
        return source_spec(self.source)

    @property
    def has_cost(self) -> bool:
        """Whether the cost of any day is known."""
        return self.spec.has_usage if self.cost_days is None else bool(self.cost_days)

    @property
    def has_tokens(self) -> bool:
        """Whether tokens are known."""
        return self.spec.has_usage and self.cost_days is None

    @property
    def is_read(self) -> bool:
        """Whether the records are in memory; else they are read from the store when asked for."""
        return SCHEMAS.keys() <= vars(self).keys()

    @property
    def record_count(self) -> int:
        """How many records there are: rows of `activity`."""
        return len(self.activity) if self.is_read else int(self.days["records"].sum())

    whole: ClassVar["Dataset | None"] = None
    """The dataset this one is a part of: what it knows about a week holds here too."""

    @cached_property
    def weeks(self) -> pd.DatetimeIndex:
        """The Mondays of the ISO weeks of which all seven days are in range, stored and closed."""
        whole = self.coverage["days_closed"] == 7
        return pd.DatetimeIndex(self.coverage["week"][whole], name="week")

    @property
    def coverage(self) -> TitledFrame:
        """One row per ISO week in range: days_in_range, days_stored, days_closed, days_final,
        and fetched_at of the day fetched longest ago."""
        monday = week_of(self.days["date"]).astype("datetime64[ms]").rename("week")
        flags = {f"days_{name}": (name, "sum") for name in ("stored", "closed", "final")}
        weeks = self.days.groupby(monday).agg(
            days_in_range=("date", "size"), **flags, fetched_at=("fetched_at", "min")
        )
        labels = {"week": "week of", "days_stored": "days stored", "days_final": "days final"}
        shown = {name: Column(label) for name, label in labels.items()}
        return titled(weeks.reset_index(), "Days by week", shown)

    def between(self, since: date | str, until: date | str) -> "Dataset":
        """The days from `since` to `until`, both inclusive, without reading again.

        Its metrics equal those of `load(since, until)`; days outside this dataset are missing.
        """
        wanted = days_between(since, until)
        first, last = max(wanted[0], self.since), min(wanted[-1], self.until)
        if last < first:
            raise ValueError(
                f"There is no day of {wanted[0]} to {wanted[-1]}: these are {self.since} to "
                f"{self.until}."
            )
        rest = self.rest and self.rest.between(since, until)
        return self._of_days(first, last, rest=rest, whole=self.whole or self)

    def parts(self) -> "Iterator[Dataset]":
        """Some closed weeks at a time, whose sums need little memory; few records are one part."""
        size = PART * len(self.weeks) // max(self.record_count, 1) or 1
        if size >= len(self.weeks):
            yield self
            return
        for start in range(0, len(self.weeks), size):
            some = self.weeks[start : start + size]
            yield self._of_days(some[0].date(), week_days(some[-1].date())[-1])

    def copy(self) -> "Dataset":
        """A copy of this dataset, independent of it."""
        # What was worked out for this one holds there too.
        return self._each(lambda part: part.copy(deep=False), whole=self.whole or self)

    def of_team(self, team: str) -> "Dataset":
        """Only the people of one roster team, as with `load(team=team)`."""
        check_team(team, self.roster)
        hidden = {week for week, name in self.withheld_teams() if name == team}
        # Of the extra frames those that only list days hold for everybody.
        extras = {
            name: part
            for name, part in self.extras.items()
            if "team" in part or list(part) == ["date"]
        }
        read = self._with(extras=extras)  # the records are read: what is withheld needed them

        def people(inside: bool, part: pd.DataFrame) -> pd.DataFrame:
            return part[(part["team"] == team) == inside].reset_index(drop=True)

        rest = read._each(partial(people, False), "team")
        weeks = self.hidden_weeks | hidden
        return read._each(partial(people, True), "team", team=team, hidden_weeks=weeks, rest=rest)

    def by_cost_centre(self) -> "Dataset":
        """This dataset with cost centres of the roster in place of teams."""
        column = self.roster.get("cost_centre", pd.Series(None, self.roster.index, dtype="str"))
        roster = self.roster.assign(team=column)
        self._records()
        return self._each(lambda part: with_teams(part, roster), "actor_kind", roster=roster)

    def _records(self) -> list[pd.DataFrame]:
        """The three frames, read now if they were not yet."""
        return [getattr(self, name) for name in SCHEMAS]

    def _of_days(self, first: date, last: date, **fields: Any) -> "Dataset":
        """These days of what is read; what is not is read of these days when it is asked for."""
        fields = {"since": first, "until": last, **fields}
        return self._each(lambda part: days_of(part, first, last), "date", **fields)

    def _each(
        self, change: Callable[[pd.DataFrame], pd.DataFrame], having: str = "", **fields: Any
    ) -> "Dataset":
        """This dataset with each frame changed that is read and has a column, and with `fields`."""

        def changed(parts: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
            return {
                name: change(part) if not having or having in part else part
                for name, part in parts.items()
                if isinstance(part, pd.DataFrame)
            }

        return self._with(**{**changed(vars(self)), "extras": changed(self.extras), **fields})

    def _with(self, **fields: Any) -> "Dataset":
        """`replace`, which would read what is in the store; what is not a field is not copied."""
        # Not `__dataclass_fields__`, which has class variables: a team is no part of `whole`.
        made, names = object.__new__(Dataset), {field.name for field in dataclass_fields(Dataset)}
        vars(made).update({n: part for n, part in vars(self).items() if n in names} | fields)
        return made

    def withheld_teams(self) -> pd.MultiIndex:
        """The weeks and teams of which nothing may be shown, now or as once it was withheld."""
        now = withheld_teams(self._records(), self.minimum_group)
        before = [(week, team) for week, team, _ in self.withheld_before]
        return now.union(pd.MultiIndex.from_tuples(before, names=now.names)) if before else now

    def __repr__(self) -> str:
        who = f" of team {self.team}" if self.team else ""
        actors = f" of {self.activity['actor'].nunique()} actors" if self.is_read else ""
        return (
            f"<Dataset {self.source}{who}: {self.since} to {self.until}, {len(self.weeks)} closed "
            f"weeks, {self.record_count} records{actors}>"
        )


def kept(function: Callable[Concatenate[Dataset, P], R]) -> Callable[Concatenate[Dataset, P], R]:
    """Caches a function of a dataset and hashable arguments.

    Findings, cards and charts of one report use the same sums. Frames are returned as copies, so
    that the cached one cannot be changed.
    """
    parameters = signature(function)

    @wraps(function)
    def answer(data: Dataset, /, *args: P.args, **kwargs: P.kwargs) -> R:
        whole = data.whole
        if whole is not None and (whole.since, whole.until) == (data.since, data.until):
            data = whole  # of which it is a copy
        known: dict[Hashable, Any] = vars(data).setdefault("_answers", {})
        asked = parameters.bind(data, *args, **kwargs)
        asked.apply_defaults()
        key = (function, *asked.args[1:], *asked.kwargs.items())
        if key not in known:
            known[key] = function(data, *args, **kwargs)
        found: R = known[key]
        return found.copy(deep=False) if isinstance(found, pd.DataFrame) else found

    return answer


def days_of(frame: pd.DataFrame, first: date, last: date) -> pd.DataFrame:
    """The rows from `first` to `last`; a frame without others is not copied."""
    there = frame["date"].between(pd.Timestamp(first), pd.Timestamp(last))
    return frame if there.all() else frame[there].reset_index(drop=True)


def check_team(team: str, roster: pd.DataFrame) -> None:
    known = ", ".join(sorted(roster["team"].dropna().unique()))
    if not known:
        raise ValueError(f"No team {team!r} without a roster: give a CSV with --roster FILE.")
    if team not in set(roster["team"]):
        raise ValueError(f"There is no team {team!r} on the roster. Teams: {known}.")
