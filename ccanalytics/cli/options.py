"""Flags that several commands have, and what a person asked for with them."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ccanalytics.issue.weekly import Wish
    from ccanalytics.settings import Settings

FOLDER = click.Path(file_okay=False, path_type=Path)
OUT = click.Path(dir_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, exists=True, path_type=Path)
NETWORK = ("api", "enterprise")
SOURCES = (*NETWORK, "local", "sample")

Options = Callable[[Callable[..., None]], Callable[..., None]]

STORE = click.option("--store", type=FOLDER, help="Folder of the stored days.")
ROSTER = click.option("--roster", type=FILE, help="CSV: email,team,start,end,name.")
KEY_FILE = click.option("--key-file", type=FILE, help="File that holds the key of the source.")
LOGS = click.option("--logs", type=FOLDER, multiple=True, help="Session logs; may be repeated.")
NOTEBOOKS = click.option("--notebooks", type=FOLDER, help="Folder of notebooks.")
IDENTITY = click.option(
    "--identity",
    type=click.Choice(["named", "pseudonym", "aggregate"]),
    help="How people appear; a report's default is aggregate: not at all.",
)


def flags(*options: Options) -> Options:
    """All of `options` on one command, in this order in its help."""

    def add(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def now() -> datetime:
    """The moment a command is run."""
    return datetime.now(UTC)


def wish_of(
    *,
    store: Path | None = None,
    roster: Path | None = None,
    identity: str | None = None,
    **asked: Any,
) -> "Wish":
    """The flags laid over the settings of this folder and environment."""
    from ccanalytics.issue.weekly import Wish

    settings = settings_of(store=store, roster=roster, identity=identity)
    return Wish(environ=dict(os.environ), settings=settings, now=now(), **asked)


def settings_of(**flags: Any) -> "Settings":
    """The flags that are given laid over the settings of this folder and environment."""
    import msgspec

    from ccanalytics.settings import read_settings

    given = {name: value for name, value in flags.items() if value is not None}
    return msgspec.structs.replace(read_settings(os.environ, Path.cwd()), **given)


def shown(path: Path) -> str:
    """`path` as it is shortest from here."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
