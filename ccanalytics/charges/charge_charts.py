"""Charts of what was billed next to what was estimated."""

from typing import Any

import altair as alt
import pandas as pd

from ccanalytics.charts.shown_chart import finished
from ccanalytics.charts.theme import BLUE, ORANGE


def reconciliation_chart(frame: pd.DataFrame) -> Any:
    """Two bars for each month: what all models were estimated at, and what was billed."""
    x = alt.X("yearmonth(month):O", title="month", axis=alt.Axis(format="%b %Y", labelAngle=0))
    sides: Any = ["estimated", "billed"]
    colour = alt.Color(
        "side:N", sort=None, scale=alt.Scale(domain=sides, range=[BLUE, ORANGE]),
    )  # fmt: skip
    chart = (
        alt.Chart(frame)
        .transform_filter("datum.family == 'all models'")
        .transform_fold(sides, as_=["side", "usd"])
        .mark_bar()
        .encode(
            x=x,
            xOffset=alt.XOffset("side:N", sort=sides),
            y=alt.Y("usd:Q", title="US dollars", axis=alt.Axis(format="$,.0f")),
            color=colour,
            tooltip=[
                alt.Tooltip("month:T", title="month", format="%b %Y"),
                alt.Tooltip("side:N", title="side"),
                alt.Tooltip("usd:Q", title="US dollars", format="$,.2f"),
                alt.Tooltip("value:Q", title="difference, of the bill", format="+.1%"),
                alt.Tooltip("days:Q", title="days that both have"),
                alt.Tooltip("definition:N", title="definition"),
            ],
        )
    )
    subtitle = "US dollars by month, over the days of which both are known; they are never added"
    return finished(chart, "reconciliation", subtitle=subtitle)
