"""Notebooks -> one offline page per week; no figure is computed here."""
