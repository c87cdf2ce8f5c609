"""A question put together from controls -> what answers it, or words that say why nothing does.

    Question ─▶ Shelf (datasets in memory) ─▶ answer() ─▶ View: chart, remarks, table, code

The figures are those of the metric functions and the drawings those of the charts; `code_of` writes
the same calls down for a notebook of one's own.
"""

from ccanalytics.explore.answer import View, answer
from ccanalytics.explore.code import code_of
from ccanalytics.explore.question import CHOICES, SHAPES, SUMMABLE, Question
from ccanalytics.explore.shelf import Shelf, first_question

__all__ = [
    "CHOICES",
    "SHAPES",
    "SUMMABLE",
    "Question",
    "Shelf",
    "View",
    "answer",
    "code_of",
    "first_question",
]
