"""What the wing of further analyses adds."""

from ccanalytics.wings import Wing

WING = Wing(
    notebooks=dict.fromkeys(("lifecycle", "what_changed", "before_after", "outlook"), ""),
    commands={"budget": "analyses.budget_command:budget"},
    definitions=("analyses/definitions.toml",),
    names={
        "activation_sentence": "analyses.activation:activation_sentence",
        "budget_table": "analyses.budgets:budget_table",
        "cost_curve": "analyses.concentration:cost_curve",
        "cost_drivers": "analyses.drivers:cost_drivers",
        "cost_per_commit_drivers": "analyses.drivers:cost_per_commit_drivers",
        "daily_cost": "analyses.daily_cost:daily_cost",
        "first_use_sentence": "analyses.activation:first_use_sentence",
        "intervention_effects": "analyses.interventions:intervention_effects",
        "month_forecast": "analyses.forecast:month_forecast",
        "retention": "analyses.lifecycle:retention",
        "roster_use": "analyses.lifecycle:roster_use",
        "spread_sentence": "analyses.concentration:spread_sentence",
        "team_shift": "analyses.drivers:team_shift",
        "time_to_first_use": "analyses.activation:time_to_first_use",
        "unusual_days": "analyses.daily_cost:unusual_days",
    },
)
