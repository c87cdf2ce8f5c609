"""Notebooks -> one offline page per week; nothing is computed here."""
