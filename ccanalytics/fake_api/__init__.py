"""The services' contract as one function, request -> response: for tests, demos and API tools.

    FakeService.respond ┬─ transport()   an httpx transport, without a socket
                        └─ serve()       real HTTP on 127.0.0.1

    faults ─ cursors ─ routes ┬─ fake_claude_code, lists, reports, fake_enterprise ┬─ fake_service
                              └─ json_schemas ─ openapi ───────────────────────────┘

It behaves as the services do: one UTC day per walk, opaque cursors bound to their question, nothing
of the last hour, their error bodies and request ids. `Faults` make it fail as they do. To add a
route, write a function with the decorator `route` and put it into `fake_service.ROUTES`.
"""
