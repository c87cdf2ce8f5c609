"""What the further analyses add."""

from ccanalytics.wings import Wing

WING = Wing(
    notebooks=dict.fromkeys(("lifecycle", "what_changed", "before_after", "outlook"), ""),
    commands={"budget": "analyses.budget_command:budget"},
    definitions=("analyses/definitions.toml",),
    findings=("analyses.forecast:budget_findings", "analyses.lifecycle:stopped_findings"),
    names={
        "budget_table": "analyses.forecast:budget_table",
        "cost_drivers": "analyses.change_parts:cost_drivers",
        "intervention_effects": "analyses.interventions:intervention_effects",
        "month_forecast": "analyses.forecast:month_forecast",
        "team_shift": "analyses.change_parts:team_shift",
    },
)
