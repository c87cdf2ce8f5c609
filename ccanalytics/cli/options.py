"""Flags shared by several commands, and what they ask for."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ccanalytics.issue.run_options import RunOptions

FOLDER = click.Path(file_okay=False, path_type=Path)
OUT = click.Path(dir_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, exists=True, path_type=Path)

Options = Callable[[Callable[..., None]], Callable[..., None]]

STORE = click.option("--store", type=FOLDER, help="Folder of the stored days.")
ROSTER = click.option("--roster", type=FILE, help="CSV: email,team,start,end,name.")


class SourceName(click.Choice):  # type: ignore[type-arg]
    """The name of an installed source; sources are imported when one is given or listed."""

    def __init__(self) -> None:
        self.case_sensitive = True

    @property
    def choices(self) -> tuple[str, ...]:  # type: ignore[override]  # not fixed, as click has it
        from ccanalytics.sources.registry import source_names

        return tuple(sorted(source_names()))


KEY_FILE = click.option("--key-file", type=FILE, help="File that holds the key of the source.")
LOGS = click.option("--logs", type=FOLDER, multiple=True, help="Session logs; may be repeated.")
PARAMETER = click.option(
    "-p",
    "--parameter",
    "extra",
    nargs=2,
    multiple=True,
    metavar="NAME VALUE",
    callback=lambda context, option, given: dict(given),
    help="A parameter of a notebook; may be repeated.",
)
NOTEBOOKS = click.option("--notebooks", type=FOLDER, help="Folder of notebooks.")
IDENTITY = click.option(
    "--identity",
    type=click.Choice(["named", "pseudonym", "aggregate"]),
    help="How people are shown; default: aggregate in a report, else as in the settings (named).",
)

OF_NOTEBOOKS = (PARAMETER, STORE, ROSTER, LOGS, NOTEBOOKS, KEY_FILE, IDENTITY)
"""The flags of what runs the notebooks."""


def flags(*options: Options) -> Options:
    """All of `options` on one command, in this order."""
    return lambda command: reduce(lambda one, option: option(one), reversed(options), command)


def examples(*lines: tuple[str, str]) -> str:
    """Examples for the end of a command's help: arguments, and what they do."""
    width = max(len(words) for words, _ in lines)
    rows = [f"  ccanalytics {words:{width}}  {does}".rstrip() for words, does in lines]
    return "\n".join(["\b", "Examples:", *rows])


def now() -> datetime:
    """The moment a command is run."""
    return datetime.now(UTC)


def run_options(**asked: Any) -> "RunOptions":
    """The settings of this folder and environment, overridden by the flags."""
    from ccanalytics.issue.run_options import RunOptions
    from ccanalytics.settings import read_settings

    environ = dict(os.environ)
    for name in ("store", "roster", "identity"):
        if value := asked.pop(name, None):
            environ[f"CCANALYTICS_{name.upper()}"] = str(value)
    settings = read_settings(environ, Path.cwd())
    given = {name: value for name, value in asked.items() if value is not None}
    return RunOptions(environ=environ, settings=settings, now=now(), **given)


def shown(path: Path) -> str:
    """`path`, relative to the current folder where that is shorter."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
