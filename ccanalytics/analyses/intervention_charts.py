"""The chart of a change made for one team, next to the teams without it."""

from typing import Any

import altair as alt
import pandas as pd

from ccanalytics.analyses.interventions import Effect
from ccanalytics.charts.shown_chart import finished
from ccanalytics.charts.theme import BLUE, GREY, ORANGE, value_format


def intervention_effects_chart(effect: Effect) -> Any:
    """The team's difference to the others by week since the intervention, with its interval."""
    frame, metric = effect.frame, effect.metric
    form = value_format(metric)
    x = alt.X("weeks_since:O", title="weeks since the intervention", axis=alt.Axis(labelAngle=0))
    words = [
        alt.Tooltip("weeks_since:O", title="weeks since"),
        alt.Tooltip("value:Q", title="difference of the changes", format=form),
        alt.Tooltip("low:Q", title="90 % interval from", format=form),
        alt.Tooltip("high:Q", title="to", format=form),
        alt.Tooltip("team_value:Q", title="the team", format=form),
        alt.Tooltip("others_value:Q", title="the others", format=form),
        alt.Tooltip("definition:N", title="definition"),
    ]
    title = f"difference, {metric.unit}"
    base = alt.Chart().encode(x=x)
    rule = base.mark_rule(color=BLUE, strokeWidth=2, opacity=0.5).encode(
        y=alt.Y("low:Q", title=title), y2="high:Q"
    )
    dot = base.mark_point(filled=True, size=70, opacity=1).encode(
        y=alt.Y("value:Q", title=title),
        color=alt.Color(
            "when:N",
            scale=alt.Scale(domain=["before", "after"], range=[GREY, ORANGE]),
            legend=alt.Legend(columns=2),
        ),
        tooltip=words,
    )
    zero = alt.Chart(pd.DataFrame({"zero": [0.0]})).mark_rule(color=GREY).encode(y="zero:Q")
    layers = alt.layer(zero, rule, dot, data=frame).transform_calculate(
        when="datum.weeks_since < 0 ? 'before' : 'after'"
    )
    subtitle = (
        f"{metric.name} of team {effect.team} less that of the teams without it, against the "
        "mean of the weeks before, with 90 % intervals; 0 is no difference"
    )
    return finished(layers, "intervention_effects", subtitle=subtitle)
