"""The notebooks as a live page, served to this machine only.

    logs ─▶ live_page ─▶ page_maker ─▶ engine: prepared workers ─▶ build_page
                │
    browsers ◀─ page_server

No notebook runs in the server: the engine of the report runs them in worker processes without
keys. A page is built after each notebook, so the first one appears early.
"""
