"""The notebooks as a page that keeps itself up to date, served to this machine alone.

    logs ── watch ─▶ live ── page_maker ─▶ engine: prepared workers ─▶ build_page
                      │
    browsers ◀─ server

No notebook runs in the server: the engine of a report runs them in processes of their own, without
keys, which stay prepared. A page is built after each notebook, so the first is there early.
"""
