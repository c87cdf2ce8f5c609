"""One export: stored days -> tables -> target."""

from datetime import date
from typing import Any

from ccanalytics.dataset.loading import load
from ccanalytics.errors import ExportError, StoreError
from ccanalytics.export.export_tables import tables_of
from ccanalytics.export.focus_rows import focus_table
from ccanalytics.export.targets import target_of
from ccanalytics.issue.memory import remember
from ccanalytics.issue.run_options import RunOptions
from ccanalytics.people.identity import fingerprint, load_secret
from ccanalytics.store.sync import sync_available
from ccanalytics.weeks import days_between


def export_days(
    options: RunOptions,
    target: str,
    *,
    since: date | None = None,
    until: date | None = None,
    form: str = "",
    replace: bool = False,
) -> dict[str, Any]:
    """Write the stored days from `since` to `until` to a folder, a database file or a server.

    Returns what was written: target, source, identity, since, until, and rows by table.
    Sample and local days are synced first. The rows of the source replace its rows in the
    target, in one step; `replace` empties the target of all sources. `StoreError` when no day is
    stored, `ExportError` when the target cannot be written to.
    """
    place, is_focus = target_of(target, form), form.startswith("focus")
    source, store, settings = options.source, options.store, options.settings
    identity, roster = settings.identity, settings.roster
    if is_focus and identity == "aggregate":
        raise ValueError(
            "--format focus has rows of people, which aggregate has not; ccanalytics showback "
            "--by team has the bill of teams in its columns."
        )
    if not options.spec.network:
        sync_available(options.spec.open(options.access), store, now=options.now)
    stored = store.dates(source)
    if not stored:
        raise StoreError(
            f"There is no {source} day to export in the store {store.root}: "
            f"ccanalytics sync --source {source} fills it."
        )
    days = days_between(since or stored[0], until or stored[-1])
    # Days outside the store are left out, unless all are: `load` says so.
    days = [day for day in days if stored[0] <= day <= stored[-1]] or days
    given: dict[str, Any] = {"roster": roster, "identity": identity, "logs": options.logs}
    data = load(days[0], days[-1], source=source, store=store, now=options.now, **given)
    tables = {"focus": focus_table(data)} if is_focus else tables_of(data)
    remember(data, store, options.now, roster)
    policy: str = identity
    if identity == "pseudonym":
        policy += f" {fingerprint(load_secret(store.root / 'identity.secret'))}"
    try:
        place.write(source, tables, policy, replace=replace)
    except OSError as error:
        raise ExportError(f"{place.name} cannot be written to: {error}.") from error
    rows = {name: len(table) for name, table in tables.items()}
    written = {"target": place.name, "source": source, "identity": identity}
    return written | {"since": data.since, "until": data.until, "rows": rows}
