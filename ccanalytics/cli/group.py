"""Errors made on purpose -> one message on stderr and an exit code.

Exit codes: 0 done, 1 what was asked failed, 2 asked wrongly, 3 a check stopped the report.
"""

import sys
from typing import Any

import click

from ccanalytics.errors import CCAnalyticsError, PreflightError


class Commands(click.Group):
    """Errors made on purpose become one message on stderr and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """What the command returns; --debug lets every error through with its traceback."""
        if ctx.params.get("debug"):
            import logging

            logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
            return super().invoke(ctx)
        try:
            return super().invoke(ctx)
        except ValueError as error:
            raise AskedWrongly(str(error)) from None
        except PreflightError as error:
            raise Stopped(str(error)) from None
        except CCAnalyticsError as error:
            raise Failed(str(error)) from None


class Failed(click.ClickException):
    """What was asked could not be done."""

    exit_code = 1


class Stopped(click.ClickException):
    """A check stopped what was asked."""

    exit_code = 3


class AskedWrongly(click.ClickException):
    """What was asked makes no sense."""

    exit_code = 2
