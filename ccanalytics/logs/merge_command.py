"""`ccanalytics merge`: the session logs of two machines as one."""

from pathlib import Path
from typing import Any

import click

import ccanalytics.cli.options as options


@click.command(epilog=options.examples(("merge /mnt/laptop/ccanalytics", "")))
@click.argument("other", type=click.Path(file_okay=False, exists=True, path_type=Path))
@options.flags(options.STORE)
def merge(other: Path, **flags: Any) -> None:
    """Merge the session logs of the store OTHER into this one; nothing counts twice.

    OTHER is only read: a store of another machine, or a copy of it. Repeating it, or another
    order, gives the same result.
    """
    from ccanalytics.logs.log_sync import merge as merge_stores
    from ccanalytics.store.day_store import Store

    chosen = options.run_options(**flags)
    click.echo(str(merge_stores(Store(other), chosen.store, now=chosen.now)))
    click.echo(options.shown(chosen.settings.store))
