"""What the wing of billed money adds."""

from ccanalytics.wings import Wing

WING = Wing(
    names={
        "BillingClient": "charges.billing_client:BillingClient",
        "reconciliation": "charges.reconciliation:reconciliation",
        "reconciliation_sentence": "charges.reconciliation:reconciliation_sentence",
    },
    charts={"reconciliation_chart": "charges.charge_charts:reconciliation_chart"},
)
