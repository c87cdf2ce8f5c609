"""What a notebook shows besides charts: cards, tables, sentences."""
