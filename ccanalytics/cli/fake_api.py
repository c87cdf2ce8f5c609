"""`ccanalytics fake-api`: the faithful fake service."""

import contextlib
import signal
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

import click

from ccanalytics.cli.options import now

if TYPE_CHECKING:
    from ccanalytics.records import Record


@click.command("fake-api")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True)
@click.option("--faults", type=click.FloatRange(0, 0.9), default=0.0, help="Share that fails.")
@click.option("--seed", type=int, default=0, help="Which requests fail.")
def fake_api(port: int, faults: float, seed: int) -> None:
    """Serve the sample organisation as the Admin API does, on 127.0.0.1, until Ctrl-C."""
    from ccanalytics.fake_api import FakeService, Faults, serve

    service = FakeService(
        _sample_records(),
        now=now,
        faults=Faults.random(faults, seed=seed),
        members=_sample_members,
    )
    with serve(service, port=port) as server, contextlib.suppress(KeyboardInterrupt):
        click.echo(f"export ANTHROPIC_BASE_URL={server.url}")
        click.echo("export ANTHROPIC_ADMIN_KEY=sk-ant-admin01-x")
        while True:
            signal.pause()


def _sample_records() -> "Callable[[date], list[Record]]":
    from ccanalytics.sources.sample import SampleOrganisation

    return SampleOrganisation().records


def _sample_members() -> list[dict[str, str]]:
    from ccanalytics.sources.sample import SampleOrganisation

    return SampleOrganisation().members(now().date())
