"""How actors are shown: by name, by a keyed pseudonym, or only as numbers.

The policy is applied to the frames, so it holds for everything made from them. The secret for
pseudonyms stays on this machine, in a file only its owner can read.
"""

import hashlib
import hmac
import os
import re
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from ccanalytics.errors import SettingsError
from ccanalytics.people.roster import ROSTER, with_actor_names
from ccanalytics.settings import IDENTITIES

Frames = Mapping[str, pd.DataFrame]

_EMAIL = re.compile(r"[^\s\"'<>(),;:=]+@[^\s\"'<>(),;:=]+")


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
    if identity == "pseudonym":
        names = {kind: _pseudonyms(kind, known, secret) for kind, known in actors.items()}
    else:
        one_time = _keyed(secret, *_days(frames), *actors["user"], *actors["api_key"]).encode()
        names = {kind: _numbers(kind, known, one_time) for kind, known in actors.items()}
    return {key: _renamed_actors(frame, names) for key, frame in frames.items()}


def without_emails(text: str) -> str:
    """`text` without e-mail addresses."""
    return _EMAIL.sub("[e-mail withheld]", text)


def load_secret(path: Path) -> bytes:
    """The local secret for pseudonyms, created on first use, readable by its owner only."""
    try:
        return _read_secret(path)
    except FileNotFoundError:
        fresh = _write_secret(path)
    try:
        os.link(fresh, path)  # unlike a rename, never replaces a secret made at the same time
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return _read_secret(path)


def fingerprint(secret: bytes) -> str:
    """Tells two secrets apart without revealing either."""
    return _keyed(secret, "fingerprint")[:12]


def rotate_secret(path: Path) -> bytes:
    """Replace the secret: pseudonyms cannot be followed across the change."""
    _write_secret(path).replace(path)
    return _read_secret(path)


def _actors(frames: Frames) -> dict[str, list[str]]:
    """The actors of all frames by kind, sorted; a frame without kinds is a roster."""
    found: dict[str, set[str]] = {"user": set(), "api_key": set()}
    for frame in frames.values():
        if "actor_kind" not in frame:
            found["user"].update(frame["actor"])
            continue
        people = frame["actor_kind"] == "user"
        found["user"].update(frame.loc[people, "actor"].unique())
        found["api_key"].update(
            frame.loc[~people, "actor"].dropna().unique()
        )  # of no other are people
    return {kind: sorted(actors) for kind, actors in found.items()}


def _days(frames: Frames) -> list[str]:
    """The first and last day of each frame that has days."""
    dates = [frame["date"] for _, frame in sorted(frames.items()) if "date" in frame]
    return [str(end) for date in dates for end in (date.min(), date.max())]


def _pseudonyms(kind: str, actors: list[str], secret: bytes) -> dict[str, str]:
    return {actor: f"{_WORDS[kind]}-{_keyed(secret, kind, actor)[:12]}" for actor in actors}


def _numbers(kind: str, actors: list[str], secret: bytes) -> dict[str, str]:
    """Numbers in an order that depends on the secret."""
    ordered = sorted(actors, key=lambda actor: _keyed(secret, kind, actor))
    return {actor: f"{_WORDS[kind]} {number}" for number, actor in enumerate(ordered, start=1)}


_WORDS = {"user": "person", "api_key": "key"}


def _keyed(secret: bytes, *parts: str) -> str:
    return hmac.new(secret, "\0".join(parts).encode(), hashlib.sha256).hexdigest()


def _renamed_actors(frame: pd.DataFrame, names: Mapping[str, dict[str, str]]) -> pd.DataFrame:
    """`frame` with the new names, sorted by them; a roster loses its names."""
    if "actor_kind" not in frame:
        roster = frame.assign(
            actor=frame["actor"].map(names["user"]).astype("str"), name="", alias=""
        )
        kinds = {column: kind for column, kind in ROSTER.items() if column in roster}
        return roster.astype(kinds).sort_values(["actor", "start"], ignore_index=True)
    actor = frame["actor"].astype("category").cat
    new_names = {
        kind: [known.get(name, "") for name in actor.categories] for kind, known in names.items()
    }
    return with_actor_names(frame, actor.codes, new_names).sort_values(
        ["date", "actor"], kind="stable", ignore_index=True
    )


def _read_secret(path: Path) -> bytes:
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        raise SettingsError(
            f"The secret {path} can be read by others (mode {mode:o}): run `chmod 600 {path}`, "
            "and rotate it if somebody may have."
        )
    try:
        return _checked(bytes.fromhex(path.read_text(encoding="ascii").strip()))
    except ValueError as error:
        raise SettingsError(
            f"The secret {path} is damaged: restore it, or remove it and a new one is made "
            "(pseudonyms will then differ from those of earlier reports)."
        ) from error


def _checked(secret: bytes) -> bytes:
    if len(secret) != 32:
        raise ValueError(f"{len(secret)} bytes, not 32")
    return secret


def _write_secret(path: Path) -> Path:
    """Write a new secret next to `path`, never readable by others."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32))
        file.flush()
        os.fsync(file.fileno())
    return fresh
