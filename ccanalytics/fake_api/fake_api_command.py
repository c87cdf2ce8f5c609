"""`ccanalytics fake-api`: the fake service."""

import contextlib
import json
import signal

import click

import ccanalytics.cli.options as options


@click.command(
    "fake-api",
    epilog=options.examples(
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
    from ccanalytics.fake_api.fake_service import openapi_document, sample_service, serve
    from ccanalytics.fake_api.faults import random_faults

    if openapi:
        document = openapi_document(f"http://127.0.0.1:{port}" if port else None)
        click.echo(json.dumps(document, indent=2))
        return
    service = sample_service(options.now, random_faults(faults, seed=seed))
    with serve(service, port=port) as server, contextlib.suppress(KeyboardInterrupt):
        click.echo(f"export ANTHROPIC_BASE_URL={server.url}")
        click.echo("export ANTHROPIC_ADMIN_KEY=sk-ant-admin01-x")
        click.echo("export ANTHROPIC_ANALYTICS_KEY=sk-ant-api01-x")
        while True:
            signal.pause()
