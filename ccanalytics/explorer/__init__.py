"""A question put together from controls -> what answers it, or words that say why nothing does.

    Question ─▶ Shelf (datasets in memory) ─▶ answer() ─▶ View: chart, remarks, table, code

The figures are those of the metric functions and the drawings those of the charts; `code_of` writes
the same calls down for a notebook of one's own.
"""
