"""`ccanalytics budget`: will the month stay within its budgets?"""

import json
from typing import Any

import click

import ccanalytics.cli.options as options
from ccanalytics.cli.group import JSON, Answering, answer

CROSSED = 4  # the exit code when a budget is crossed, for schedulers


@click.command(
    cls=Answering,
    epilog=options.examples(
        ("budget", "of the newest month"),
        ("budget --json", "for a scheduler, by its exit code"),
    ),
)
@click.option("--source", type=options.SourceName(), help="Where the days come from.")
@JSON
@options.flags(options.STORE, options.ROSTER)
@click.pass_context
def budget(context: click.Context, /, source: str | None, as_json: bool, **flags: Any) -> None:
    """Compare the forecast of the month with the budgets of ccanalytics.toml.

    Exits with 4 when even the low end of a forecast exceeds its budget. Budgets are
    monthly_budget_usd of the organisation, and [budgets.team] and [budgets.cost_centre] by name.
    """
    from ccanalytics.analyses.forecast import budget_table
    from ccanalytics.dataset.loading import load

    # What is usual for a day comes from the eight weeks before it.
    data = load(days=84, source=source or "", identity="aggregate", **flags)
    budgets = budget_table(data)
    code = CROSSED if budgets["is_crossed"].any() else 0
    click.echo(budgets._repr_mimebundle_()["text/plain"], err=as_json)
    if as_json:
        shown = budgets.assign(first_day=budgets["first_day"].dt.strftime("%Y-%m-%d"))
        answer("budget", code, budgets=json.loads(shown.to_json(orient="records")))
    context.exit(code)
