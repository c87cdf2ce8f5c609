"""What a notebook shows next to its charts: cards, tables, sentences."""
