"""One range of days, ready for questions, and how far it can be trusted."""
