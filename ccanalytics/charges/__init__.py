"""What was billed, next to what was estimated."""
