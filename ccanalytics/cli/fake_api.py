"""`ccanalytics fake-api`: the faithful fake service."""

import contextlib
import signal

import click

from ccanalytics.cli.options import now


@click.command("fake-api")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True)
@click.option("--faults", type=click.FloatRange(0, 0.9), default=0.0, help="Share that fails.")
@click.option("--seed", type=int, default=0, help="Which requests fail.")
def fake_api(port: int, faults: float, seed: int) -> None:
    """Serve the sample organisation as the APIs do, on 127.0.0.1, until Ctrl-C."""
    from ccanalytics.fake_api import FakeService, Faults, serve
    from ccanalytics.sources.sample import SampleOrganisation

    sample = SampleOrganisation()
    service = FakeService(
        sample.records,
        bill=sample.bill,
        now=now,
        faults=Faults.random(faults, seed=seed),
        members=lambda: sample.members(now().date()),
        lists={"workspaces": sample.workspaces},
    )
    with serve(service, port=port) as server, contextlib.suppress(KeyboardInterrupt):
        click.echo(f"export ANTHROPIC_BASE_URL={server.url}")
        click.echo("export ANTHROPIC_ADMIN_KEY=sk-ant-admin01-x")
        click.echo("export ANTHROPIC_ANALYTICS_KEY=sk-ant-api01-x")
        while True:
            signal.pause()
