"""Claude Code usage records, turned into answers people can trust."""
