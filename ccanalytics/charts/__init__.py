"""Metric frames -> Altair charts; a chart computes nothing: what it draws is in the frame.

Use `cca.chart(frame)`. For frames of your own, with `week` and `value` or a group, the
drawings it uses are here: `over_weeks`, `small_multiples` and `stacked`.
"""

from ccanalytics.charts.marks import over_weeks, small_multiples, stacked

__all__ = ["over_weeks", "small_multiples", "stacked"]
