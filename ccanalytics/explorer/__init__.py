"""A question from controls -> its answer, or a sentence that says why there is none.

    controls ─▶ Question ─▶ answer(question, LoadedData) ─▶ View: chart, notes, table, code

Numbers come from the metric functions and charts from the chart functions; `Question.code` writes
the same calls as code for a notebook.
"""
