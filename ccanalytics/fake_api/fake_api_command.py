"""`ccanalytics fake-api`: the fake service."""

import contextlib
import json
import signal
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

import click

from ccanalytics.cli.options import examples, now

if TYPE_CHECKING:
    from ccanalytics.fake_api.fake_service import FakeService


@click.command(
    "fake-api",
    epilog=examples(
        ("fake-api --faults 0.2", "one request in five fails"),
        ("fake-api --openapi > api.json", "the contract"),
    ),
)
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True)
@click.option("--faults", type=click.FloatRange(0, 0.9), default=0.0, help="Share that fails.")
@click.option("--seed", type=int, default=0, help="Which requests fail.")
@click.option("--openapi", is_flag=True, help="Only print the OpenAPI document as JSON.")
def fake_api(port: int, faults: float, seed: int, openapi: bool) -> None:
    """Serve the sample organisation like the real APIs, on 127.0.0.1, until Ctrl-C.

    Its OpenAPI document is at /openapi.json, for API tools.
    """
    from ccanalytics.fake_api.fake_server import serve

    service = sample_service(faults, seed)
    if openapi:
        document = service.openapi(f"http://127.0.0.1:{port}" if port else None)
        click.echo(json.dumps(document, indent=2))
        return
    with serve(service, port=port) as server, contextlib.suppress(KeyboardInterrupt):
        click.echo(f"export ANTHROPIC_BASE_URL={server.url}")
        click.echo("export ANTHROPIC_ADMIN_KEY=sk-ant-admin01-x")
        click.echo("export ANTHROPIC_ANALYTICS_KEY=sk-ant-api01-x")
        while True:
            signal.pause()


def sample_service(
    faults: float = 0.0, seed: int = 0, now: Callable[[], datetime] = now
) -> "FakeService":
    """A service with the records, charges and lists of the sample organisation."""
    from ccanalytics.fake_api.fake_service import FakeService
    from ccanalytics.fake_api.faults import Faults
    from ccanalytics.sources.sample.organisation import SampleOrganisation

    sample = SampleOrganisation()
    return FakeService(
        lru_cache(maxsize=400)(sample.records),  # a summary of a year looks at each of its days
        now=now,
        faults=Faults.random(faults, seed=seed),
        members=lambda: sample.members(now().date()),
        charges=lru_cache(maxsize=400)(sample.day_charges),
        api_keys=sample.api_keys,
    )
