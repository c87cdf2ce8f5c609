"""All sources, and how they differ.

    sample       an invented organisation          no key, no network
    api          Claude Code Analytics Admin API   an Admin key
    enterprise   Claude Enterprise Analytics API   an analytics key
    and those that wings add, such as `local`

No other code tests a source's name: every difference is a field of its `SourceSpec`.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Self

from ccanalytics.errors import SettingsError
from ccanalytics.settings import BASE_URL, BudgetScope
from ccanalytics.sources.keys import ADMIN_KEY, ANALYTICS_KEY, KeyKind, find_key
from ccanalytics.weeks import TWO_DAYS, Settling
from ccanalytics.wings import Reference, resolve, wings
from ccanalytics.wire.analytics_cost import ChargedDays
from ccanalytics.wire.claude_code import Record
from ccanalytics.wire.enterprise import Summary

MINIMUM_GROUP = 5
"""The fewest people of a group that is shown, unless the records are one's own."""


class Source:
    """A source of records of UTC days; a source overrides what it knows."""

    name = ""
    unknown_fields: Iterable[str] = ()  # seen so far and unknown to this version
    answered_at: datetime | None = None  # when the service answered last, by its own clock

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections, if any."""

    def records(self, day: date) -> list[Record]:
        """All records of one UTC day, none when nothing happened; an error rather than a part."""
        raise NotImplementedError

    def span(self) -> tuple[date, date] | None:
        """The first and last possible day of records; None when only the service knows."""
        return None

    def charges(self, since: date, until: date) -> ChargedDays | None:
        """The charges of the days from `since` to `until`; None where unknown."""
        return None

    def seats(self, since: date, until: date) -> dict[date, Summary] | None:
        """The assigned seats of the days from `since` to `until`; None where unknown."""
        return None


@dataclass(frozen=True)
class Access:
    """What is needed to open a source: the environment, a key file, an address, folders."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    key_file: Path | None = None
    base_url: str = BASE_URL
    folders: Sequence[Path] = ()


@dataclass(frozen=True)
class Organisation:
    """What an organisation has besides records: roster, calendars and prices."""

    roster_csv: str
    calendars_csv: Mapping[str, str]
    monthly_budget_usd: float
    budgets: Mapping[BudgetScope, Mapping[str, float]] = field(default_factory=dict)
    seat_prices: Mapping[date, float] = field(default_factory=dict)


@dataclass(frozen=True)
class SourceSpec:
    """A source: how it is opened, and what it has."""

    name: str
    title: str
    open: Callable[[Access], Source]
    settling: Settling = TWO_DAYS
    network: bool = False  # only `sync` fetches its days; `load` updates those of other sources
    has_usage: bool = True  # models, tokens and cost; otherwise these are unknown, never 0
    minimum_group: int = MINIMUM_GROUP
    key: KeyKind | None = None
    frames: tuple[str, ...] = ()  # besides activity, model_usage and tool_actions
    invented: bool = False  # its days are independent of the clock, and about nobody
    organisation: Callable[[], Organisation] | None = None
    is_here: Callable[[Access], bool] | None = None  # of one without a key; None: always
    sync_all: Reference = ""  # a function, where days cannot be fetched one by one
    coverage: Reference = "dataset.coverage:organisation_rows"  # who is missing
    report: tuple[str, ...] = ()  # the notebooks of a weekly report, if about one person
    live: tuple[str, ...] = ()  # the notebooks of its live page
    folders: Callable[[Access], Sequence[Path]] | None = None  # whose files a page follows
    banner: str = ""  # a remark at the top of every page


def _opened(place: Reference, kind: KeyKind | None = None) -> Callable[[Access], Any]:
    """How a source is opened, with a key of this kind; imported then, as only few need it."""

    def opened(access: Access) -> Any:
        made = resolve(place)
        if kind is None:
            return made()
        key = find_key(access.environ, access.key_file, kind)
        return made(key, base_url=access.base_url)

    return opened


_sample = _opened("sources.sample.organisation:SampleOrganisation")

SPINE = (
    SourceSpec(
        name="api",
        title="your organisation",
        open=_opened("sources.admin_api:AdminClient", ADMIN_KEY),
        network=True,
        key=ADMIN_KEY,
    ),
    SourceSpec(
        name="enterprise",
        title="your Claude Enterprise organisation",
        open=_opened("sources.enterprise_api:EnterpriseClient", ANALYTICS_KEY),
        # Counted at 10:00 UTC of the next day. Days were seen to change up to three days later, so
        # a week leaves twice that.
        settling=Settling(timedelta(hours=10), timedelta(days=7)),
        network=True,
        has_usage=False,
        key=ANALYTICS_KEY,
        frames=("seats", "addresses"),
    ),
    SourceSpec(
        name="sample",
        title="an invented organisation, to explore",
        open=_sample,
        invented=True,
        organisation=cache(lambda: _sample(Access()).organisation()),
        banner="Sample data: an invented organisation. No figure here is about real people.",
    ),
)


def source_specs() -> tuple[SourceSpec, ...]:
    """All sources: those of the spine and of the wings."""
    added: list[Any] = [resolve(place) for wing in wings() for place in wing.sources]
    return (*SPINE, *added)


def source_names() -> tuple[str, ...]:
    """The names of all sources."""
    return tuple(spec.name for spec in source_specs())


def source_spec(name: str) -> SourceSpec:
    """The source with this name; `ValueError` lists all names when there is none."""
    for spec in source_specs():
        if spec.name == name:
            return spec
    raise ValueError(f"There is no source {name!r}; there is: {', '.join(source_names())}.")


def source_with_key(access: Access) -> str:
    """The first source whose key is available; the prefix decides for a key file. Else empty."""
    for spec in source_specs():
        key = find_key(access.environ, access.key_file, spec.key) if spec.key else None
        if spec.key and key and not (access.key_file and key.startswith(spec.key.foreign)):
            return spec.name
    return ""


def no_source(reason: str) -> SettingsError:
    """What to do when no source was named and the keys do not decide."""
    lines = [f"{reason} Choose one:"]
    for spec in source_specs():
        key = f", with an {spec.key.name}: {spec.key.variables[0]}" if spec.key else ""
        lines.append(f"  --source {spec.name:<11} {spec.title}{key}")
    return SettingsError("\n".join(lines))
