"""Expected errors -> one message on stderr and an exit code.

Exit codes: 0 done, 1 what was asked failed, 2 usage error, 3 a check stopped the report,
4 a budget is crossed.
"""

import errno
import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any

import click

from ccanalytics.cli.options import shown
from ccanalytics.cli.terminal import Warnings, plain
from ccanalytics.errors import CCAnalyticsError, PreflightError
from ccanalytics.wings import Reference, resolve


class CommandGroup(click.Group):
    """Commands whose one-line descriptions are never cut."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Every command with the first sentence of its help, wrapped where click would cut it."""
        commands = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, one.get_short_help_str(limit=500)) for name, one in commands if one]
            )


class Commands(CommandGroup):
    """The command of the package: expected errors become a message and an exit code.

    Commands are imported when they are listed or run; `places` says where each one is.
    """

    places: "Callable[[], Mapping[str, Reference]]" = staticmethod(dict)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in order."""
        return sorted(self.places())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command with this name, or None."""
        place = self.places().get(cmd_name)
        command: click.Command | None = resolve(place) if place else None
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """The command's return value; --debug shows every error with its traceback."""
        if ctx.params.get("debug"):
            logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
            return super().invoke(ctx)
        logging.basicConfig(level=logging.WARNING, handlers=[Warnings()])
        try:
            return super().invoke(ctx)
        except (ValueError, CCAnalyticsError, OSError) as error:
            raise as_click(error) or error from None


class Failed(click.ClickException):
    """What was asked could not be done, and the exit code that says why."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(plain(message))  # services, files and notebooks have a say in it
        self.exit_code = exit_code  # type: ignore[misc]  # click has one per class


def as_click(error: BaseException) -> click.ClickException | None:
    """The message and exit code of an expected error; None for any other."""
    if isinstance(error, click.ClickException):
        return error
    if isinstance(error, ValueError):
        return Failed(str(error), 2)
    if isinstance(error, CCAnalyticsError):
        return Failed(_with_page(error), 3 if isinstance(error, PreflightError) else 1)
    if isinstance(error, OSError) and error.errno != errno.EPIPE:  # click knows a closed pipe
        return Failed(_of_system(error))
    return None


def _with_page(error: CCAnalyticsError) -> str:
    """The message, with the page that has the details unless it names it already."""
    page = getattr(error, "page", None)
    return str(error) if page is None or page.name in str(error) else f"{error}\nSee {shown(page)}"


def _of_system(error: OSError) -> str:
    """An error of the operating system: a full disk, a name too long, a folder of another user."""
    why = error.strerror or str(error)
    if error.filename:
        return f"{error.filename} cannot be read or written: {why}."
    return f"A file cannot be read or written: {why}."


def exit_code_of(error: BaseException) -> int:
    """The exit code for `error`."""
    known = as_click(error)
    return known.exit_code if known else 1
