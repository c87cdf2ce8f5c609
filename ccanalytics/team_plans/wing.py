"""What the wing of plans without an API adds."""

from ccanalytics.wings import Wing

WING = Wing(
    frames=("team_plans.spend_report:SPEND_SCHEMAS",),
    companions={"spend-report": "team_plans.spend_report:COMPANION"},
    flags={"spend-report": "A spend report of claude.ai, of the days --since to --until."},
    files={"spend-report": "team_plans.spend_report:sync_spend_report"},
    names={"spend_report": "team_plans.spend_report:spend_report"},
)
