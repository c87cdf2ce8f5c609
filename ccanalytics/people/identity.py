"""How actors are shown: by name, by a keyed pseudonym, or only as numbers.

The policy is applied to the frames, so it holds for everything made from them. The secret for
pseudonyms stays on this machine, in a file only its owner can read.
"""

import contextlib
import hashlib
import hmac
import os
import re
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from ccanalytics.atomic import write_text
from ccanalytics.errors import SettingsError
from ccanalytics.people.roster import ROSTER, with_actor_names
from ccanalytics.settings import IDENTITIES

Frames = Mapping[str, pd.DataFrame]

_EMAIL = re.compile(r"[^\s\"'<>(),;:=]+@[^\s\"'<>(),;:=]+")

_WORDS = {"user": "person", "api_key": "key"}


def apply_identity(frames: Frames, identity: str, secret: bytes = b"") -> dict[str, pd.DataFrame]:
    """The same frames (a roster may be one of them) with actors named as the policy says.

    named        unchanged
    pseudonym    a keyed hash: stable under one secret, in every frame and report
    aggregate    "person 17": stable in these frames only; other days or actors are
                 numbered differently, so nobody can be followed from report to report

    Different actors stay different, and API keys stay apart from people. Except under `named`
    people's names are removed, and rows are sorted so that their order reveals nothing.
    """
    if identity not in IDENTITIES:
        raise ValueError(f"identity is {identity!r}: it is one of {', '.join(IDENTITIES)}.")
    if identity == "named":
        return dict(frames)
    if not secret:
        raise ValueError(f"identity {identity!r} needs a secret: see load_secret.")
    actors = _actors(frames)
    if identity == "aggregate":  # numbered in an order that depends on the secret, once
        dates = [frame["date"] for _, frame in sorted(frames.items()) if "date" in frame]
        ends = [str(end) for date in dates for end in (date.min(), date.max())]
        secret = _keyed(secret, *ends, *actors["user"], *actors["api_key"]).encode()
    names: dict[str, dict[str, str]] = {}
    for kind, known in actors.items():
        keyed = {actor: _keyed(secret, kind, actor) for actor in known}
        if identity == "pseudonym":
            names[kind] = {actor: f"{_WORDS[kind]}-{key[:12]}" for actor, key in keyed.items()}
        else:
            ordered = enumerate(sorted(known, key=keyed.__getitem__), start=1)
            names[kind] = {actor: f"{_WORDS[kind]} {number}" for number, actor in ordered}
    return {key: _renamed_actors(frame, names) for key, frame in frames.items()}


def without_emails(text: str) -> str:
    """`text` without e-mail addresses."""
    return _EMAIL.sub("[e-mail withheld]", text)


def load_secret(path: Path) -> bytes:
    """The local secret for pseudonyms, created on first use, readable by its owner only."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        write_text(fresh, secrets.token_hex(32))
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)  # unlike a rename, never replaces a secret made at the same time
        fresh.unlink()
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        raise SettingsError(
            f"The secret {path} can be read by others (mode {mode:o}): run `chmod 600 {path}`, "
            "or remove it if somebody may have read it, and a new one is made."
        )
    text = path.read_text(encoding="ascii", errors="replace").strip()
    if not re.fullmatch("[0-9a-f]{64}", text):
        raise SettingsError(
            f"The secret {path} is damaged: restore it, or remove it and a new one is made "
            "(pseudonyms will then differ from those of earlier reports)."
        )
    return bytes.fromhex(text)


def fingerprint(secret: bytes) -> str:
    """Tells two secrets apart without revealing either."""
    return _keyed(secret, "fingerprint")[:12]


def _actors(frames: Frames) -> dict[str, list[str]]:
    """The actors of all frames by kind, sorted; a frame without kinds is a roster."""
    found: dict[str, set[str]] = {"user": set(), "api_key": set()}
    for frame in frames.values():
        of_people = (
            frame["actor_kind"] == "user" if "actor_kind" in frame else frame["actor"].notna()
        )
        found["user"].update(frame.loc[of_people, "actor"].unique())
        # What is attributed to nobody has no actor.
        found["api_key"].update(frame.loc[~of_people, "actor"].dropna().unique())
    return {kind: sorted(actors) for kind, actors in found.items()}


def _keyed(secret: bytes, *parts: str) -> str:
    return hmac.new(secret, "\0".join(parts).encode(), hashlib.sha256).hexdigest()


def _renamed_actors(frame: pd.DataFrame, names: Mapping[str, dict[str, str]]) -> pd.DataFrame:
    """`frame` with the new names, sorted by them; a roster loses its names."""
    if "actor_kind" not in frame:
        actors = frame["actor"].map(names["user"])
        hidden = frame.assign(actor=actors, name="", alias="", user_id="")
        kinds = {column: kind for column, kind in ROSTER.items() if column in hidden}
        return hidden.astype(kinds).sort_values(["actor", "start"], ignore_index=True)
    people, keys = (names[kind].get for kind in ("user", "api_key"))
    renamed = with_actor_names(frame, lambda one: people(one, ""), lambda one: keys(one, ""))
    return renamed.sort_values(["date", "actor"], kind="stable", ignore_index=True)
