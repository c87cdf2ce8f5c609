"""What session logs add."""

from ccanalytics.wings import Wing

WING = Wing(
    definitions=("logs/definitions.toml",),
    sources=("logs.log_spec:SOURCE",),
    frames=("logs.log_schemas:LOG_SCHEMAS",),
    checks={"local": "logs.log_check:CHECKS"},
    commands={"merge": "logs.merge_command:merge"},
    names={
        "context_growth": "logs.own_usage:context_growth",
        "merge": "logs.log_sync:merge",
        "own_now": "logs.own_day:own_now",
        "own_part": "logs.own_frames:own_part",
        "own_recent": "logs.own_day:own_recent",
        "own_sessions": "logs.own_usage:own_sessions",
        "own_week": "logs.own_week:own_week",
        "tool_use": "logs.own_usage:tool_use",
        "usage_by": "logs.own_usage:usage_by",
    },
)
