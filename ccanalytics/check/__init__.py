"""Why does it not work? One finding per thing that can be wrong, each with the next step.

    CheckContext ─ diagnose ─▶ [Finding]    machine: settings, roster, calendars, store, logs
                                     service: key, day, service, organization, records, schema, ...

Nothing is changed, nothing is fetched into the store, and no finding holds a key.
"""
