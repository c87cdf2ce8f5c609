"""`ccanalytics export`: the stored days, for other tools; `recipe`: how to show them there."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import click

import ccanalytics.cli.options as options
from ccanalytics.cli.terminal import ended_by_sigterm

RECIPES = {"grafana": "grafana.json", "power-bi": "power_bi.md"}

URL_VARIABLE = "CCANALYTICS_DATABASE_URL"
"""The variable with a database URL, so that its password is in no shell history."""


@click.command(
    epilog=options.examples(
        ("export out/ --source api --format csv", "files"),
        ("export usage.duckdb --since 2026-10-01", "a database file"),
    )
)
@click.argument("target", default="", envvar=URL_VARIABLE)
@click.option("--source", type=options.SourceName(), help="Where the records come from.")
@click.option("--since", metavar="DATE", help="First UTC day; default: everything stored.")
@click.option("--until", metavar="DATE", help="Last UTC day, included.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["parquet", "csv", "excel", "focus", "focus-parquet"]),
    help="Format of the files in a folder; default: parquet. excel is a workbook per table, "
    "focus is CSV in the shape of FOCUS 1.2.",
)
@click.option("--replace", is_flag=True, help="Empty the target first, including other sources.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
@options.flags(options.STORE, options.ROSTER, options.LOGS, options.IDENTITY)
def export(
    target: str,
    since: str | None,
    until: str | None,
    form: str | None,
    replace: bool,
    as_json: bool,
    **flags: Any,
) -> None:
    """Write stored days to TARGET for other tools.

    \b
    TARGET is one of
      out/                        a folder of Parquet or CSV files, one per
                                  table and source
      usage.duckdb                a DuckDB file
      usage.sqlite, usage.db      a SQLite file
      postgresql://user@host/db   PostgreSQL; SQLite and this need
                                  pip install 'ccanalytics[sql]'

    Excel files need pip install 'ccanalytics[excel]'.

    Without TARGET it is the URL in CCANALYTICS_DATABASE_URL, where a password belongs.

    There is a table per frame, actor_days (all measures by person and day) and the weekly metrics;
    with --identity aggregate only the weekly metrics.
    The rows of a source are replaced in one transaction. Days of an organisation are those that
    `ccanalytics sync` has stored.
    """
    from ccanalytics.issue.run_options import with_source
    from ccanalytics.weeks import days_between, parse_day

    if not target:
        raise ValueError(f"There is no TARGET, and {URL_VARIABLE} is not set.")
    asked = with_source(options.run_options(**flags))
    first, last = (parse_day(text) if text else None for text in (since, until))
    if first and last:
        days_between(first, last)
    with ended_by_sigterm():
        from ccanalytics.export.export_run import export_days

        days = {"since": first, "until": last}
        result = export_days(asked, target, **days, form=form or "", replace=replace)
    if as_json:
        click.echo(json.dumps(result, default=str, indent=2))
        return
    rows = ", ".join(f"{n:,} {name}" for name, n in result["rows"].items())
    click.echo("{source}, {since} to {until}, {identity}: ".format(**result) + f"{rows}.")
    place = result["target"]
    click.echo(place if "://" in place else options.shown(Path(place)))


@click.command(epilog=options.examples(("recipe grafana > dashboard.json", "")))
@click.argument("tool", type=click.Choice(list(RECIPES)))
def recipe(tool: str) -> None:
    """Print what TOOL needs to show an export.

    \b
    grafana     a dashboard over PostgreSQL: save it, then Dashboards, New, Import
    power-bi    the steps, and the measures written out in DAX
    """
    folder = files("ccanalytics.export") / "recipes"
    click.echo((folder / RECIPES[tool]).read_text(encoding="utf-8"), nl=False)
