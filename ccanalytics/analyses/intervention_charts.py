"""The chart of a change made for one team, next to the teams without it."""

from typing import Any

import altair as alt
import pandas as pd

from ccanalytics.analyses.interventions import Effect
from ccanalytics.charts.shown_chart import finished
from ccanalytics.charts.theme import BLUE, GREY, ORANGE, value_format
from ccanalytics.words import counted


def intervention_effects_chart(effect: Effect) -> Any:
    """The team's difference to the others by week since the intervention, with its interval."""
    frame, metric = effect.frame, effect.metric
    form, share = value_format(metric), "+.0%"
    x = alt.X("weeks_since:O", title="weeks since the intervention", axis=alt.Axis(labelAngle=0))
    words = [
        alt.Tooltip("weeks_since:O", title="weeks since"),
        alt.Tooltip("value:Q", title="change compared with the others", format=share),
        alt.Tooltip("low:Q", title="90 % interval from", format=share),
        alt.Tooltip("high:Q", title="to", format=share),
        alt.Tooltip("team_value:Q", title="the team", format=form),
        alt.Tooltip("others_value:Q", title="the others", format=form),
    ]
    title, axis = "change compared with the others", alt.Axis(format=share)
    base = alt.Chart().encode(x=x)
    rule = base.mark_rule(color=BLUE, strokeWidth=2, opacity=0.5).encode(
        y=alt.Y("low:Q", title=title, axis=axis), y2="high:Q"
    )
    dot = base.mark_point(filled=True, size=70, opacity=1).encode(
        y=alt.Y("value:Q", title=title, axis=axis),
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
    judged = ", with 90 % intervals" if frame["low"].notna().any() else ""
    others = counted(effect.n_teams, "team")
    subtitle = (
        f"{metric.name} of team {effect.team} against its mean before, compared with the same of "
        f"{others} without the intervention{judged}; 0 is no difference"
    )
    return finished(layers, "intervention_effects", subtitle=subtitle)
