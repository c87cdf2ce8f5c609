"""Keys of the Anthropic APIs: where one is found, which kind it is, what that kind opens.

A `Key` never shows itself: its repr is its kind, and `redact` takes it out of foreign text.
"""

from collections.abc import Mapping
from pathlib import Path

from ccanalytics.errors import AuthError

KEY_VARIABLES = ("ANTHROPIC_ADMIN_KEY", "ADMIN_API_KEY")

ADMIN, OAUTH = "sk-ant-admin", "sk-ant-oat"

_MAKE_ONE = (
    "Make an Admin key (sk-ant-admin01-...) in the Claude Console under Settings > Admin keys, "
    "as an organization admin."
)

ADVICE = {
    ADMIN: (
        "An Admin key is the right kind; it is mistyped, expired, revoked or of another "
        f"organization. {_MAKE_ONE}"
    ),
    OAUTH: (
        "An OAuth token (sk-ant-oat01-) opens this API only with the scope org:admin and until "
        f"it expires. {_MAKE_ONE}"
    ),
    "sk-ant-api01": (
        "A key beginning sk-ant-api01- is made in claude.ai and fits the Claude Enterprise "
        f"Analytics API (scope read:analytics), not this one. {_MAKE_ONE}"
    ),
    "sk-ant-api03": (
        "A key beginning sk-ant-api03- fits the Messages API; here it works only when it belongs "
        f"to no workspace. {_MAKE_ONE}"
    ),
}

_UNKNOWN = f"The key does not begin like any Anthropic key. {_MAKE_ONE}"


class Key:
    """One key and what can be told from its prefix; shown only as `Key(sk-ant-admin...)`."""

    __slots__ = ("_text", "kind")

    def __init__(self, text: str) -> None:
        self._text = _checked(text)
        self.kind = next((prefix for prefix in ADVICE if self._text.startswith(prefix)), "")

    def __repr__(self) -> str:
        return f"Key({self.kind}...)"

    def __reduce__(self) -> str:
        raise TypeError("A key is not pickled: it would be written in clear.")

    @property
    def advice(self) -> str:
        """What to do when the service refuses this kind of key."""
        return ADVICE.get(self.kind, _UNKNOWN)

    def headers(self) -> dict[str, str]:
        """The header that carries this kind of key."""
        if self.kind == OAUTH:
            return {"authorization": f"Bearer {self._text}"}
        return {"x-api-key": self._text}

    def redact(self, text: str) -> str:
        """`text` without the key, should anyone have repeated it."""
        return text.replace(self._text, "[key]")


def find_key(environ: Mapping[str, str], key_file: Path | None = None) -> str | None:
    """The key in `key_file`, else in ANTHROPIC_ADMIN_KEY, else in ADMIN_API_KEY, else None.

    White space around it is taken off, as a file or a paste often ends in a newline.
    """
    if key_file is not None:
        return _read(key_file)
    found = (environ.get(name, "").strip() for name in KEY_VARIABLES)
    return next((key for key in found if key), None)


def _read(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise AuthError(f"The key file {path} cannot be read: {reason}.") from None
    if not text:
        raise AuthError(f"The key file {path} is empty. {_MAKE_ONE}")
    return text


def _checked(text: str) -> str:
    """`text` without white space around it, once sure that it can stand in a header."""
    text = text.strip()
    if not text:
        raise AuthError(f"No Admin API key: set {KEY_VARIABLES[0]}. {_MAKE_ONE}")
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise AuthError(
            f"The key of {len(text)} characters has a space, a line break or a character in it "
            "that no key has: it was probably pasted together with something else. Copy it again."
        )
    return text
