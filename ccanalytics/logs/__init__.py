"""A developer's own session logs: reading, storing and analysing them."""
