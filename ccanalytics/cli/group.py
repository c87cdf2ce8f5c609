"""Expected errors -> one message on stderr and an exit code, with `--json` also on stdout.

`docs/json.md` lists the keys of the one object `--json` prints, also on failure; text for people
goes to stderr then.
"""

import errno
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from ccanalytics.cli.options import shown
from ccanalytics.cli.terminal import Warnings, plain
from ccanalytics.errors import CCAnalyticsError, PreflightError
from ccanalytics.wings import Reference, resolve, wings

COMMANDS = {
    "report": "cli.report_command:report",
    "lab": "cli.lab_command:lab",
    "sync": "cli.sync_command:sync",
    "roster": "cli.roster_command:roster",
    "metrics": "cli.metrics_command:metrics",
}
"""The commands of the spine; wings add their own."""

STATUS = {0: "done", 1: "failed", 2: "usage-error", 3: "stopped", 4: "crossed"}

JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")


def with_uncut_help(command: click.Command) -> click.Command:
    """The command, whose first sentence is listed in full."""
    command.short_help = command.get_short_help_str(limit=500)
    return command


class Commands(click.Group):
    """The command of the package: expected errors become a message and an exit code.

    Commands are imported when they are listed or run.
    """

    def places(self) -> Mapping[str, Reference]:
        """Where each command is."""
        return COMMANDS | {name: at for wing in wings() for name, at in wing.commands.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self.places())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = self.places().get(cmd_name)
        return with_uncut_help(resolve(place)) if place else None

    def invoke(self, ctx: click.Context) -> Any:
        """The command's return value; --debug shows every error with its traceback."""
        debug, as_json = ctx.params.get("debug"), "--json" in ctx.args
        level, handlers = (logging.DEBUG, None) if debug else (logging.WARNING, [Warnings()])
        logging.basicConfig(level=level, handlers=handlers)
        try:
            return super().invoke(ctx)
        except click.exceptions.Exit:
            raise
        except BaseException as error:
            name = ctx.invoked_subcommand or ""
            if as_json and isinstance(self.get_command(ctx, name), Answering):
                answer(name, **outcome(error))
            # A closed pipe is left to click.
            is_pipe = getattr(error, "errno", None) == errno.EPIPE
            if debug or is_pipe or not isinstance(error, EXPECTED):
                raise
            raise as_click(error) from None


class Answering(click.Command):
    """A command with `--json`, which also reports failures as JSON."""


def answer(command: str, exit_code: int = 0, error: str | None = None, **own: Any) -> None:
    """Print the one object, with the command's `own` keys."""
    ended = {"status": STATUS[exit_code], "exit_code": exit_code, "error": error}
    click.echo(json.dumps({"command": command, **ended, **own}, indent=2, default=str))


def outcome(result: Path | BaseException) -> dict[str, Any]:
    """How a page or an error ended it, and the keys about the page, if one was written."""
    page: Path | None = result if isinstance(result, Path) else getattr(result, "page", None)
    error = None if isinstance(result, Path) else as_click(result)
    code, text = (error.exit_code, error.format_message()) if error else (0, None)
    ended = {"status": STATUS[code], "exit_code": code, "error": text}
    if page is None:
        return ended
    from ccanalytics.report.archive import report_as_json

    return ended | report_as_json(page)


class Failed(click.ClickException):
    """What was asked could not be done, and the exit code that says why."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(plain(message))  # services, files and notebooks have a say in it
        self.exit_code = exit_code  # type: ignore[misc]  # click has one per class


EXPECTED = (click.ClickException, ValueError, CCAnalyticsError, OSError)


def as_click(error: BaseException) -> click.ClickException:
    """The message and exit code of an error."""
    if isinstance(error, click.ClickException):
        return error
    if isinstance(error, ValueError):
        return Failed(str(error), 2)
    if isinstance(error, OSError):
        # A full disk, a name too long, a folder of another user.
        file = error.filename or "A file"
        return Failed(f"{file} cannot be read or written: {error.strerror or error}.")
    if not isinstance(error, CCAnalyticsError):
        return Failed(f"{type(error).__name__}: {error}")
    page = getattr(error, "page", None)
    # The page has the details; a message may name it already.
    see = "" if page is None or page.name in str(error) else f"\nSee {shown(page)}"
    return Failed(f"{error}{see}", 3 if isinstance(error, PreflightError) else 1)
