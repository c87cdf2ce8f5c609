"""What the wing of billed money adds."""

from ccanalytics.wings import Wing

WING = Wing(
    commands={"showback": "charges.showback_command:showback"},
    definitions=("charges/definitions.toml",),
    frames=("charges.charge_days:CHARGE_SCHEMAS",),
    companions={
        "billed": "charges.charge_days:COMPANION",
        "spend-report": "charges.spend_report:COMPANION",
    },
    flags={
        "billed": "Also fetch the bill, by person and model.",
        "spend-report": "A spend report of claude.ai, of the days --since to --until.",
    },
    files={"spend-report": "charges.spend_report:sync_spend_report"},
    names={"spend_report": "charges.spend_report:spend_report"},
    notebooks={"money": "charges.charge_days:has_bill"},
)
