"""The services' contract as one function, request -> response: for tests, demos and API tools.

    FakeService.respond ┬─ transport()   an httpx transport, without a socket
                        └─ serve()       real HTTP on 127.0.0.1

    messages ─ walks ─ routes ─┬─ claude_code, lists, reports, enterprise ─┬─ service ─ server
                               └─ schemas ─ openapi ───────────────────────┘

It keeps the service's manners: one UTC day per walk, opaque cursors bound to their walk, nothing
of the last hour, its own error bodies and request ids. `Faults` make it fail as the real one does.
To add a route, write its `Route` in a file of its own and its `ROUTES` into `service.ROUTES`.
"""
