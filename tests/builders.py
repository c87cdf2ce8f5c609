"""Records for tests, with only what a test is about written out."""

from datetime import date, timedelta
from decimal import Decimal

import pandas as pd
import pyarrow as pa

from ccanalytics.dataset.loading import build_dataset
from ccanalytics.frames.arrow_tables import to_pandas
from ccanalytics.frames.record_frames import build_frames
from ccanalytics.frames.schemas import SCHEMAS
from ccanalytics.people.roster import no_roster, parse_roster
from ccanalytics.wire.claude_code import (
    ApiActor,
    CoreMetrics,
    EstimatedCost,
    LinesOfCode,
    ModelUsage,
    Record,
    TokenCounts,
    ToolAction,
    UserActor,
)


def record(
    date="2026-11-16",
    actor="ann@x.example",
    *,
    api_key=None,
    terminal="vscode",
    customer_type="api",
    subscription_type=None,
    is_remote=False,
    sessions=1,
    added=0,
    removed=0,
    commits=0,
    pull_requests=0,
    tools=None,
    models=None,
    organization="org-1",
    project=None,
):
    """One record; `api_key` makes it a key's, `tools` is {tool: (accepted, rejected)}."""
    return Record(
        date=f"{date}T00:00:00Z",
        actor=ApiActor(api_key) if api_key else UserActor(actor),
        organization_id=organization,
        customer_type=customer_type,
        subscription_type=subscription_type,
        terminal_type=terminal,
        is_remote=is_remote,
        core_metrics=CoreMetrics(sessions, LinesOfCode(added, removed), commits, pull_requests),
        tool_actions={tool: ToolAction(*counts) for tool, counts in (tools or {}).items()},
        model_breakdown=[model_usage(model, **usage) for model, usage in (models or {}).items()],
        project=project,
    )


def model_usage(model, *, input=0, output=0, cache_read=0, cache_creation=0, cents=0):
    """What a record used of one model; `cents` None is an unknown price."""
    amount = None if cents is None else Decimal(str(cents))
    tokens = TokenCounts(input, output, cache_read, cache_creation)
    return ModelUsage(model, tokens, EstimatedCost(amount))


def dataset(
    records,
    since,
    until,
    roster=None,
    minimum_group=1,
    source="api",
    identity="named",
    team="",
    extras=(),
    **more,
):
    """A dataset of `records` in which every day from `since` to `until` is stored and final.

    `roster` is a frame, or the text of a CSV file "email,team,start,end". `more` goes to
    `build_dataset`.
    """
    first, last = date.fromisoformat(str(since)), date.fromisoformat(str(until))
    days = [first + timedelta(n) for n in range((last - first).days + 1)]
    of_day = {day: [r for r in records if r.date[:10] == day.isoformat()] for day in days}
    built = [build_frames(day, of_day[day]) for day in days]
    if sum(map(len, of_day.values())) != len(records):
        raise AssertionError(f"a record lies outside {first} to {last}")
    return build_dataset(
        {name: to_pandas(pa.concat_tables(one[name] for one in built)) for name in SCHEMAS}
        | dict(extras),
        _final_days(days),
        _roster(roster),
        source=source,
        minimum_group=minimum_group,
        identity=identity,
        secret=b"a secret of thirty-two bytes ...!",
        team=team,
        **more,
    )


def _final_days(days):
    dates = pd.Series(days).astype("datetime64[ms]")
    fetched_at = (dates + pd.Timedelta(days=4)).dt.tz_localize("UTC")
    return pd.DataFrame(
        {
            "date": dates,
            "stored": True,
            "closed": True,
            "final": True,
            "fetched_at": fetched_at,
            "restated": False,
        }
    )


def _roster(roster):
    if roster is None:
        return no_roster()
    return parse_roster(roster, "roster.csv") if isinstance(roster, str) else roster
