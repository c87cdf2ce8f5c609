"""Records in the format of earlier and later years: each is a `shape` for a fake service."""


def before_remote(record):
    """A record in the format before `is_remote` existed."""
    return {k: v for k, v in record.items() if k not in ("is_remote", "subscription_type")}


def next_year(record):
    """A record with an unknown field, and amounts as text."""
    models = [
        usage | {"estimated_cost": {"amount": str(usage["estimated_cost"]["amount"])}}
        for usage in record["model_breakdown"]
    ]
    return record | {"model_breakdown": models, "seen_next_year": {"a": [1]}}
