"""What the wing of billed money adds."""

from ccanalytics.wings import Wing

WING = Wing(
    commands={"showback": "charges.showback_command:showback"},
    definitions=("charges/definitions.toml",),
    frames=("charges.charge_frames:CHARGE_SCHEMAS",),
    companions={"billed": "charges.charge_sync:COMPANION"},
    flags={"billed": "Also what was billed, by person and model."},
    notebooks={"money": "charges.charge_frames:has_bill"},
    names={
        "CostClient": "charges.cost_client:CostClient",
        "bill_by_week": "charges.charge_metrics:bill_by_week",
        "bill_sentence": "charges.charge_metrics:bill_sentence",
        "discount": "charges.charge_metrics:discount",
        "reconciliation": "charges.charge_metrics:reconciliation",
    },
)
