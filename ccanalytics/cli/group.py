"""Errors made on purpose -> one message on stderr and an exit code.

Exit codes: 0 done, 1 what was asked failed, 2 usage error, 3 a check stopped the report.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any

import click

from ccanalytics.errors import CCAnalyticsError, PreflightError
from ccanalytics.wings import Reference, resolve


class Commands(click.Group):
    """Errors made on purpose become one message on stderr and an exit code.

    Its commands are imported when they are listed or run: `places` says where each is.
    """

    places: "Callable[[], Mapping[str, Reference]]" = staticmethod(dict)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in order."""
        return sorted(self.places())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name; None when there is none."""
        place = self.places().get(cmd_name)
        command: click.Command | None = resolve(place) if place else None
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """What the command returns; --debug lets every error through with its traceback."""
        if ctx.params.get("debug"):
            import logging

            logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
            return super().invoke(ctx)
        try:
            return super().invoke(ctx)
        except (ValueError, CCAnalyticsError, OSError) as error:
            raise as_click(error) or error from None


def as_click(error: BaseException) -> click.ClickException | None:
    """The message and the exit code of an error; None for one that nobody made on purpose."""
    if isinstance(error, click.ClickException):
        return error
    if isinstance(error, ValueError):
        return UsageFailed(str(error))
    if isinstance(error, PreflightError):
        return Stopped(str(error))
    if isinstance(error, OSError) and error.filename:
        return Failed(f"{error.filename} cannot be read or written: {error.strerror}.")
    return Failed(str(error)) if isinstance(error, CCAnalyticsError) else None


def exit_code_of(error: BaseException) -> int:
    """What the program ends with because of `error`."""
    said = as_click(error)
    return said.exit_code if said else 1


class Failed(click.ClickException):
    """What was asked could not be done."""

    exit_code = 1


class Stopped(click.ClickException):
    """A check stopped what was asked."""

    exit_code = 3


class UsageFailed(click.ClickException):
    """What was asked makes no sense."""

    exit_code = 2
