"""What the wing of session logs adds."""

from ccanalytics.wings import Wing

WING = Wing(
    sources=("logs.log_source:SOURCE",),
    frames=("frames.record_frames:LOG_SCHEMAS",),
    commands={"merge": "logs.merge_command:merge"},
    names={
        "LocalLogs": "logs.log_source:LocalLogs",
        "cache_saving": "logs.own_usage:cache_saving",
        "cache_table": "logs.own_display:cache_table",
        "context_growth": "logs.own_usage:context_growth",
        "own_cards": "logs.own_display:own_cards",
        "own_recent": "logs.own_usage:own_recent",
        "own_sentence": "logs.own_usage:own_sentence",
        "own_sessions": "logs.own_usage:own_sessions",
        "own_sessions_table": "logs.own_display:own_sessions_table",
        "tool_use": "logs.own_usage:tool_use",
        "tool_use_table": "logs.own_display:tool_use_table",
        "usage_by": "logs.own_usage:usage_by",
        "usage_by_day": "logs.own_usage:usage_by_day",
        "usage_by_weekday": "logs.own_usage:usage_by_weekday",
    },
    charts={
        "context_growth_chart": "logs.own_charts:context_growth_chart",
        "tool_use_chart": "logs.own_charts:tool_use_chart",
        "usage_by_chart": "logs.own_charts:usage_by_chart",
        "usage_by_day_chart": "logs.own_charts:usage_by_day_chart",
        "usage_by_weekday_chart": "logs.own_charts:usage_by_weekday_chart",
    },
)
