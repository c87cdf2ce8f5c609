"""The chart of a change made for one team, compared with the teams without it."""

from typing import Any

import altair as alt
import pandas as pd

from ccanalytics.analyses.interventions import Effect
from ccanalytics.charts.ready_frame import with_interval
from ccanalytics.charts.shown_chart import finished
from ccanalytics.charts.theme import BLUE, GREY, ORANGE, legend, tooltip
from ccanalytics.metrics.change import percent
from ccanalytics.words import counted


def intervention_effects_chart(effect: Effect) -> Any:
    """The team's difference to the others by week since the intervention, with its interval."""
    metric, share = effect.metric, "+.0%"
    frame = with_interval(effect.frame, percent)
    sides = zip(frame["team_value"], frame["others_value"], strict=True)
    frame["sides"] = [f"{metric.format(team)}, {metric.format(others)}" for team, others in sides]
    words = tooltip(
        ("weeks_since:O", "weeks since"),
        ("value:Q", "difference", share),
        ("interval:N", "90 % interval"),
        ("sides:N", "team, others"),
    )
    x = alt.X("weeks_since:O", title="weeks since the start", axis=alt.Axis(labelAngle=0))
    base, axis = alt.Chart().encode(x=x, tooltip=words), alt.Axis(format=share)
    rule = base.mark_rule(color=BLUE, strokeWidth=2, opacity=0.5).encode(
        y=alt.Y("low:Q", title=None, axis=axis), y2="high:Q"
    )
    when = ["before", "after"]
    colours = alt.Scale(domain=when, range=[GREY, ORANGE])
    dot = base.mark_point(filled=True, size=70, opacity=1).encode(
        y=alt.Y("value:Q", title=None, axis=axis),
        color=alt.Color("when:N", scale=colours, legend=legend(when)),
    )
    zero = alt.Chart(pd.DataFrame({"zero": [0.0]})).mark_rule(color=GREY).encode(y="zero:Q")
    layers = alt.layer(zero, rule, dot, data=frame).transform_calculate(
        when="datum.weeks_since < 0 ? 'before' : 'after'"
    )
    change = "not comparable" if effect.change is None else percent(effect.effect)
    judged = ", with 90 % intervals" if frame["low"].notna().any() else ""
    return finished(
        layers,
        "intervention_effects",
        title=f"{metric.name}, {effect.team}: {change} since {effect.date:%-d %B}",
        subtitle=(
            f"Difference to {counted(effect.n_teams, 'team')} without it by week, each against its "
            f"own mean before{judged}"
        ),
    )
