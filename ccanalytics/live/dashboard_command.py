"""`ccanalytics dashboard`: the live page."""

from typing import Any

import click

import ccanalytics.cli.options as options


@click.command(
    epilog=options.examples(
        ("dashboard", "your own session logs"),
        ("dashboard -p days 60", "two months of them"),
        ("dashboard -p timezone Europe/Berlin", "days in this time zone"),
    )
)
@click.option("--port", type=click.IntRange(0, 65535), default=3333, show_default=True)
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@options.flags(*options.OF_NOTEBOOKS)
def dashboard(port: int, no_browser: bool, **flags: Any) -> None:
    """Serve a page on 127.0.0.1 that follows your session logs while you work."""
    import asyncio

    from ccanalytics.live.page_server import serve

    def begun(address: str) -> None:
        click.echo(address)
        if not no_browser:
            click.launch(address)

    asyncio.run(serve(options.run_options(source="local", **flags), port, begun))
