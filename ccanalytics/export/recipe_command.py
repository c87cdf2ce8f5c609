"""`ccanalytics recipe`: how to show an export in other tools."""

from importlib.resources import files

import click

from ccanalytics.cli.options import examples

RECIPES = {"grafana": "grafana.json", "power-bi": "power_bi.md"}


@click.command(epilog=examples(("recipe grafana > dashboard.json", "")))
@click.argument("tool", type=click.Choice(list(RECIPES)))
def recipe(tool: str) -> None:
    """Print what TOOL needs to show an export.

    \b
    grafana     a dashboard over PostgreSQL: save it, then Dashboards, New, Import
    power-bi    the steps, and the measures written out in DAX
    """
    folder = files("ccanalytics.export") / "recipes"
    click.echo((folder / RECIPES[tool]).read_text(encoding="utf-8"), nl=False)
