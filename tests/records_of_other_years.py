"""Records as the service sent them in other years, or will: a `shape` of a fake service each."""


def before_remote(record):
    """A record as the service sent it before it knew `is_remote`."""
    return {k: v for k, v in record.items() if k not in ("is_remote", "subscription_type")}


def next_year(record):
    """A record with a field nobody knows yet, and amounts written as text."""
    models = [
        usage | {"estimated_cost": {"amount": str(usage["estimated_cost"]["amount"])}}
        for usage in record["model_breakdown"]
    ]
    return record | {"model_breakdown": models, "seen_next_year": {"a": [1]}}
