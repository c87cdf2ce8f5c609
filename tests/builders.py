"""Records for tests, with only what a test is about written out."""

from decimal import Decimal

from ccanalytics.records import (
    ApiActor,
    CoreMetrics,
    EstimatedCost,
    LinesOfCode,
    ModelUsage,
    Record,
    Tokens,
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
    tokens = Tokens(input, output, cache_read, cache_creation)
    return ModelUsage(model, tokens, EstimatedCost(amount))
