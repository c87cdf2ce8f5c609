"""A question from controls -> its answer, or a sentence that says why there is none.

    Question ─▶ Shelf (datasets in memory) ─▶ answer() ─▶ View: chart, remarks, table, code

Numbers come from the metric functions and charts from the chart functions; `code_of` writes
the same calls as code for a notebook.
"""
