"""A developer's own session logs: read, kept, and asked."""
