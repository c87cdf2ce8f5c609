"""`ccanalytics metrics`: what each number means."""

import json
from dataclasses import asdict

import click

from ccanalytics.cli.options import examples


@click.command(
    epilog=examples(("metrics", "to read"), ("metrics --json", "for programs, such as jq"))
)
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def metrics(as_json: bool) -> None:
    """Print what each metric means."""
    from ccanalytics.metrics.definitions import METRICS

    if as_json:
        click.echo(json.dumps([asdict(metric) for metric in METRICS.values()], indent=2))
        return
    for metric in METRICS.values():
        click.echo(f"{metric.id}\n    {metric.name} ({metric.unit}): {metric.formula}")
        for caveat in metric.caveats:
            click.echo(f"    {caveat}")
