"""`--json`: one object on stdout that says how it went, whatever happened.

Every answer has `command`, `status` (done, failed, usage-error, stopped), `exit_code` and
`error` (null when there is none); what else is in it is the command's own. What people read goes
to stderr then.
"""

import json
from typing import Any

import click

from ccanalytics.cli.group import as_click, exit_code_of

STATUS = {0: "done", 1: "failed", 2: "usage-error", 3: "stopped"}

JSON = click.option("--json", "as_json", is_flag=True, help="Say how it went in JSON, on stdout.")


class Answering(click.Command):
    """A command with `--json`, whose failures are answers too."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **more: Any,
    ) -> click.Context:
        """What click makes of `args`; what it cannot read is answered."""
        given = list(args)
        try:
            return super().make_context(info_name, args, parent, **more)
        except click.UsageError as error:
            if "--json" in given:
                answer(str(info_name), 2, error=error.format_message())
            raise

    def invoke(self, ctx: click.Context) -> Any:
        """What the command returns; it answers itself when it comes to its end."""
        try:
            return super().invoke(ctx)
        except click.exceptions.Exit:
            raise
        except BaseException as error:
            if ctx.params["as_json"]:
                said = as_click(error)
                text = said.format_message() if said else f"{type(error).__name__}: {error}"
                answer(str(ctx.info_name), exit_code_of(error), error=text, **about(error))
            raise


def answer(command: str, exit_code: int, *, error: str | None = None, **said: Any) -> None:
    """Write the one object."""
    how = {"command": command, "status": STATUS[exit_code], "exit_code": exit_code, "error": error}
    click.echo(json.dumps({**how, **said}, indent=2))


def about(result: object) -> dict[str, Any]:
    """What the `page` of a result or an error says, when one was written."""
    page = getattr(result, "page", None)
    if page is None:
        return {}
    from ccanalytics.report.report_json import summary

    return summary(page)
