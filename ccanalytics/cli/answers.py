"""`--json`: one object on stdout that says how the command ended, also on failure.

    command      its name
    status       done, failed, usage-error, stopped (by a check) or crossed (a budget)
    exit_code    0, 1, 2, 3 or 4
    error        a message, null when there is none

The command adds its own keys; those about a report are listed in `report/report_json.py`. Text
for people goes to stderr then.
"""

import json
from pathlib import Path
from typing import Any

import click

from ccanalytics.cli.group import as_click, exit_code_of

STATUS = {0: "done", 1: "failed", 2: "usage-error", 3: "stopped", 4: "crossed"}

JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")


class Answering(click.Command):
    """A command with `--json`, which also reports failures as JSON."""

    def make_context(self, info_name: str | None, args: list[str], *more: Any, **named: Any) -> Any:
        """The context of `args`; a usage error is reported as JSON."""
        given = list(args)
        try:
            return super().make_context(info_name, args, *more, **named)
        except click.UsageError as error:
            if "--json" in given:
                answer(str(info_name), 2, error=error.format_message())
            raise

    def invoke(self, ctx: click.Context) -> Any:
        """The command's return value; on success the command prints its own object."""
        try:
            return super().invoke(ctx)
        except click.exceptions.Exit:
            raise
        except BaseException as error:
            if ctx.params["as_json"]:
                known = as_click(error)
                text = known.format_message() if known else f"{type(error).__name__}: {error}"
                page = getattr(error, "page", None)
                answer(str(ctx.info_name), exit_code_of(error), error=text, **about_page(page))
            raise


def answer(command: str, exit_code: int, *, error: str | None = None, **own: Any) -> None:
    """Print the one object, with the command's `own` keys."""
    click.echo(json.dumps({"command": command, **outcome(exit_code, error), **own}, indent=2))


def outcome(exit_code: int, error: str | None) -> dict[str, Any]:
    """How something ended."""
    return {"status": STATUS[exit_code], "exit_code": exit_code, "error": error}


def about_page(page: Path | None) -> dict[str, Any]:
    """The keys about the report at `page`; none where no page was written."""
    from ccanalytics.report.report_json import report_as_json

    return report_as_json(page) if page else {}
