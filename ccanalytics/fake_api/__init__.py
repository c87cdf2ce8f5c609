"""The services' contract as one function, request -> response: for tests, demos and API tools.

    FakeService.respond ┬─ transport()   an httpx transport, without a socket
                        └─ serve()       real HTTP on 127.0.0.1

    faults ─ queries ─ endpoints ─ fake_service

It behaves like the services: one UTC day per walk, opaque cursors bound to their query, nothing
of the last hour, their error bodies and request ids. `faults` make it fail like them. To add an
endpoint, write a `Query`, a row of `ENDPOINTS` and one of `tests/openapi_document.py`, which writes
`openapi.json`: the document is made from the structs and queries, and is the same in every run.
"""
