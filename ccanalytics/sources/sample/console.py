"""What the Console of the invented organisation lists: invitations, API keys."""

from datetime import date, timedelta
from typing import Any

from ccanalytics.sources.sample.bill import PRODUCT
from ccanalytics.sources.sample.organisation import KEYS, UNTIL
from ccanalytics.sources.sample.staff import DOMAIN


def invites() -> list[dict[str, Any]]:
    """The invitations: one waits, one was taken up, one came too late."""
    return [
        _invite(1, "pat.quill", "pending", UNTIL - timedelta(days=3)),
        _invite(2, "robin.hale", "accepted", UNTIL - timedelta(days=12)),
        _invite(3, "sam.frost", "expired", UNTIL - timedelta(days=40)),
    ]


def api_keys() -> list[dict[str, Any]]:
    """The keys of the pipelines, of the default workspace, and one that is no longer used."""
    rows = [_key(number, name, None, "active") for number, name in enumerate(KEYS, 1)]
    return [*rows, _key(len(rows) + 1, "old-notebook", PRODUCT, "inactive")]


def _invite(number: int, name: str, status: str, sent: date) -> dict[str, Any]:
    accepted = f"{sent + timedelta(days=1)}T11:00:00Z" if status == "accepted" else None
    return {
        "id": f"invite_{number:02d}",
        "email": f"{name}@{DOMAIN}",
        "role": "claude_code_user",
        "status": status,
        "invited_at": f"{sent}T10:00:00Z",
        "expires_at": f"{sent + timedelta(days=21)}T10:00:00Z",
        "accepted_at": accepted,
        "type": "invite",
    }


def _key(number: int, name: str, workspace: str | None, status: str) -> dict[str, Any]:
    by = {"id": "user_0020", "type": "user"}
    return {
        "id": f"apikey_{number:02d}",
        "name": name,
        "status": status,
        "partial_key_hint": f"sk-ant-api03-...{number:04d}",
        "workspace_id": workspace,
        "created_at": "2026-05-12T14:00:00Z",
        "expires_at": None,
        "created_by": by,
        "principal": by,
        "type": "api_key",
    }
