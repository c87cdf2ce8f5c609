"""Keys of the Anthropic APIs: where a key is found, its kind, and what it opens.

    ADMIN_KEY       the Claude Code Analytics Admin API, its list of members, its cost reports
    ANALYTICS_KEY   the Claude Enterprise Analytics API

A `Key` never shows itself: its repr is its prefix, and `redact` removes it from other text. A
key for another API is refused before it is sent anywhere.
"""

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import AnyStr

from ccanalytics.errors import AuthError

ADMIN, OAUTH = "sk-ant-admin", "sk-ant-oat"
ANALYTICS, PLAIN = "sk-ant-api01", "sk-ant-api03"

OPENS = {  # what a key opens, by its prefix
    ADMIN: "An Admin key (sk-ant-admin01-...) opens the Claude Code Analytics Admin API (--source "
    "api).",
    OAUTH: "An OAuth token (sk-ant-oat01-...) opens the Claude Code Analytics Admin API, with the "
    "scope org:admin and until it expires.",
    ANALYTICS: "A key beginning sk-ant-api01- is made in claude.ai and opens the Claude Enterprise "
    "Analytics API (--source enterprise), and what else its scopes name.",
    PLAIN: "A key beginning sk-ant-api03- fits the Messages API, and the Claude Code Analytics "
    "Admin API only when it belongs to no workspace.",
}


@dataclass(frozen=True)
class KeyKind:
    """A kind of key: its name, where it is found and created, what it needs."""

    name: str
    variables: tuple[str, ...]
    make_one: str
    right: tuple[str, ...]  # the prefixes of this kind
    foreign: tuple[str, ...]  # prefixes of keys that never open what this kind opens
    scope: str
    lacking: str  # what else may be lacking when the service answers with a 404


ADMIN_KEY = KeyKind(
    name="Admin API key",
    variables=("ANTHROPIC_ADMIN_KEY", "ADMIN_API_KEY"),
    make_one="Make an Admin key (sk-ant-admin01-...) in the Claude Console under Settings > Admin "
    "keys, as an organization admin.",
    right=(ADMIN,),
    foreign=(ANALYTICS,),
    scope="org:admin",
    lacking="Individual accounts and organizations on other clouds do not have this.",
)

ANALYTICS_KEY = KeyKind(
    name="Enterprise analytics key",
    variables=("ANTHROPIC_ANALYTICS_KEY",),
    make_one="The primary owner makes an analytics key (sk-ant-api01-..., scope read:analytics) in "
    "claude.ai under Organization settings > API.",
    right=(ANALYTICS,),
    foreign=(ADMIN, OAUTH, PLAIN),
    scope="read:analytics",
    lacking="The switch for API access may be off in claude.ai under Organization settings > API, "
    "or the organization is not on an Enterprise plan.",
)


_ANY_KEY = replace(ADMIN_KEY, right=(ADMIN, ANALYTICS), foreign=())
MEMBERS_KEY = replace(_ANY_KEY, scope="read:members, for groups read:rbac_groups")
COST_KEY = replace(_ANY_KEY, name="Admin or analytics key", scope="read:analytics")


class Key:
    """A key and what its prefix says; shown only as `Key(sk-ant-admin...)`."""

    __slots__ = ("_text", "prefix", "wanted")

    def __init__(self, text: str, wanted: KeyKind = ADMIN_KEY) -> None:
        text = text.strip()
        if not text:
            raise AuthError(f"No {wanted.name}: set {wanted.variables[0]}. {wanted.make_one}")
        if not (text.isascii() and text.isprintable()) or " " in text:
            raise AuthError(
                f"The key of {len(text)} characters has a space, a line break or a character in it "
                "that no key has. Copy it again."
            )
        self._text, self.wanted = text, wanted
        self.prefix = next((prefix for prefix in OPENS if text.startswith(prefix)), "")
        if self.prefix in wanted.foreign:
            raise AuthError(self.advice)

    def __repr__(self) -> str:
        return f"Key({self.prefix}...)"

    def __reduce__(self) -> str:
        raise TypeError("A key is not pickled: it would be written in clear.")

    @property
    def advice(self) -> str:
        """What to do when the service refuses this key."""
        opens = OPENS.get(self.prefix, "The key does not look like an Anthropic key.")
        if self.prefix in self.wanted.right:
            opens = "The key is of the right kind, but it is mistyped, expired, revoked, of "
            opens += f"another organization or without the scope {self.wanted.scope}."
        return f"{opens} {self.wanted.make_one}"

    def headers(self) -> dict[str, str]:
        """The header for this kind of key."""
        if self.prefix == OAUTH:
            return {"authorization": f"Bearer {self._text}"}
        return {"x-api-key": self._text}

    def redact(self, text: AnyStr) -> AnyStr:
        """`text` without the key, in case it was repeated."""
        if isinstance(text, bytes):
            return text.replace(self._text.encode(), b"[key]")
        return text.replace(self._text, "[key]")


def find_key(
    environ: Mapping[str, str], key_file: Path | None = None, kind: KeyKind = ADMIN_KEY
) -> str | None:
    """The key in `key_file`, else in the first variable of its kind that is set, else None.

    Surrounding white space is removed, as a file or a paste often ends in a newline.
    """
    if key_file is None:
        found = (environ.get(name, "").strip() for name in kind.variables)
        return next((key for key in found if key), None)
    try:
        text, mode = key_file.read_text(encoding="utf-8-sig").strip(), key_file.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise AuthError(f"The key file {key_file} cannot be read: {reason}.") from None
    if not text:
        raise AuthError(f"The key file {key_file} is empty. {kind.make_one}")
    if os.name == "posix" and mode & 0o077:
        raise AuthError(
            f"The key file {key_file} can be read by other users (mode {mode & 0o777:o}). Make it "
            f"yours alone: chmod 600 {shlex.quote(str(key_file))}"
        )
    return text
