"""One range of days, ready to ask, and how far it can be trusted."""
