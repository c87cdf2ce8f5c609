"""`ccanalytics showback`: the bill of a month by cost centre."""

from pathlib import Path
from typing import Any

import click

import ccanalytics.cli.options as options


@click.command(epilog=options.examples(("showback 2026-10", "the bill of October, as CSV")))
@click.argument("month")
@click.option(
    "--by",
    type=click.Choice(["cost_centre", "team"]),
    default="cost_centre",
    show_default=True,
    help="What the bill is split by: columns of the roster.",
)
@click.option("--source", type=options.SourceName(), help="Where the days come from.")
@click.option("--out", type=options.OUT, help="The file; default: showback-MONTH.csv.")
@options.flags(options.STORE, options.ROSTER)
@click.option(
    "--identity",
    type=click.Choice(["named", "aggregate"]),
    default="aggregate",
    show_default=True,
    help="aggregate combines groups of too few people; named does not.",
)
def showback(
    month: str, by: str, source: str | None, out: Path | None, identity: str, **flags: Any
) -> None:
    """Write the bill of MONTH, such as 2026-10, by cost centre as CSV in the columns of FOCUS.

    The rows sum to the bill to the cent. It is after discounts and before credits, so it is not
    the invoice. API keys and unattributed cost have rows of their own.
    """
    from ccanalytics.atomic import write_text
    from ccanalytics.charges.showback import showback
    from ccanalytics.dataset.loading import load
    from ccanalytics.display.csv_text import safe_csv
    from ccanalytics.weeks import month_days

    first, last = month_days(month)
    data = load(first, last, source=source or "", identity=identity, **flags)
    rows = showback(data, by)
    file = out or Path(f"showback-{first:%Y-%m}.csv")
    write_text(file, safe_csv(rows))
    click.echo(f"{rows.title}.")
    click.echo(options.shown(file.absolute()))
