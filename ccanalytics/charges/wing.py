"""What the wing of billed money adds."""

from ccanalytics.wings import Wing

WING = Wing(
    commands={"showback": "charges.showback_command:showback"},
    definitions=("charges/definitions.toml",),
    frames=("charges.charge_days:CHARGE_SCHEMAS",),
    companions={"billed": "charges.charge_days:COMPANION"},
    flags={"billed": "Also fetch the bill, by person and model."},
    notebooks={"money": "charges.charge_days:has_bill"},
)
