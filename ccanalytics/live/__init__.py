"""The notebooks as a page that keeps itself up to date, served to this machine alone.

    logs ── watch ─▶ live ── process ─▶ worker: warm notebooks ─▶ build_page
                      │
    browsers ◀─ server

The server holds no records and no notebook runs in it. The worker is a process of its own, without
keys, with everything imported; it makes the page exactly as a report is made.
"""
