"""What the wing of billed money adds."""

from ccanalytics.wings import Wing

WING = Wing(
    definitions=("charges/definitions.toml",),
    frames=("charges.billing_frames:BILLING_SCHEMAS",),
    companions={"billed": "charges.billing_sync:COMPANION"},
    flags={"billed": "Also what was billed, to compare; source api only."},
    notebooks={"billed": "charges.billing_frames:has_bill"},
    names={
        "BillingClient": "charges.billing_client:BillingClient",
        "reconciliation": "charges.reconciliation:reconciliation",
        "reconciliation_sentence": "charges.reconciliation:reconciliation_sentence",
    },
)
