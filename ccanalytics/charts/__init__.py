"""Metric frames -> Altair charts; a chart computes nothing: what it draws is in the frame.

Use `cca.chart(frame)`. For frames of your own, with `week` and `value` or a group, the
drawings it uses are here: `ratio_by_week`, `total_by_week`, `small_multiples` and `stacked`.
"""

from ccanalytics.charts.marks import ratio_by_week, small_multiples, stacked, total_by_week

__all__ = ["ratio_by_week", "small_multiples", "stacked", "total_by_week"]
