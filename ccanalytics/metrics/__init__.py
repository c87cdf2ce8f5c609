"""A Dataset -> small metric frames, ready to draw.

Every function takes a `Dataset` and returns one row per closed ISO week (`week`, its Monday) and
group. People only, API keys apart. Undefined, under its floor or fewer people than the dataset's
`minimum_group`: null, never 0.

The columns of a **metric frame** are: week, [the name of `by`], value, numerator, denominator,
n_actors, low, high, and where it is about money priced_share. `low` and `high` are a 90 % interval
of a ratio; a total is counted, not estimated, so it has none (null). `by` is "team", "terminal",
"customer_type", "is_remote" or "project"; of `acceptance_rate` also "tool".

    by_week(data, metric_id, by=None,      metric frame of any ratio or total of the registry,
            actor_kind="user")             also of API keys ("api_key")
    period_change(data, metric_id, start)  [by], previous, value, change, low, high, n_actors,
                                           verdict: the weeks from start on against those before

    adoption
    active_actors(data, by=None)           metric frame, total; value: people
    active_actors_by_day(data)             date, value
    active_day_bands(data)                 week, band (light, moderate, heavy), value, share,
                                           n_actors
    stickiness(data, by=None)              metric frame, share

    lifecycle
    active_rate(data, by=None)             metric frame, share of that week's roster + joined, left
    seat_rate(data)                        week, value, numerator, denominator, n_actors
    off_roster(data)                       week, value, n_actors
    roster_use(data)                       status (active, dormant, never seen, too new to say),
                                           value, share; no weeks
    actor_flow(data)                       week, flow (retained, reactivated, new, lapsed, left),
                                           value; from week 2
    returning_share(data)                  metric frame, share of the week before's active people
    retention(data)                        cohort, k, value, n_actors, status
    activation_rate(data)                  week, value, low, high, numerator, denominator, and who
                                           is not in it: unknown_start, before, unfinished
    time_to_first_use(data)                day, value, low, high, at_risk, n_actors; ten people

    productivity
    acceptance_rate(data, by=None)         metric frame, share; by may be "tool"
    lines(data)                            week, kind (added, removed), value, n_actors
    commits(data, by=None)                 metric frame, total
    pull_requests(data, by=None)           metric frame, total
    commits_per_active_day(data, by=None)  metric frame
    landing_share(data, by=None)           metric frame, share

    cost
    cost(data, by=None)                    metric frame, total; value: US dollars
    cost_per_active_day(data, by=None)     metric frame
    cost_per_commit(data, by=None)         metric frame + unconverted_share
    unconverted_share(data, by=None)       metric frame, share
    typical_cost_per_commit(data)          week, value, n_actors, low, high, priced_share
    cache_read_share(data, by=None)        metric frame, share
    model_mix(data)                        week, family ("Sonnet 4.5"), value (US dollars), share,
                                           output_share, n_actors, priced_share
    api_key_cost(data)                     week, value, share (of all cost), n_keys, priced_share

    reconciliation(data)                   month, family, value, gap, estimated, billed, ...

    concentration
    top10_share(data)                      week, value, n_actors, priced_share
    gini(data)                             the same
    halfcount(data)                        the same + share
    cost_curve(data)                       people_share, value, n_actors; last week, groups

    change
    headline(data, metric_id)              Headline: last closed week against the one before
    headlines(data, metric_ids)            list of Headline
    against_median(data, metric_id)        Headline: last closed week against the median of the
                                           4 closed weeks before it
    cost_drivers(data)                     Drivers: step, kind, value, start, end of a waterfall
    cost_per_commit_drivers(data)          the same for the cost per commit
    team_shift(data)                       TeamShift: team, share_before, share, before, value,
                                           rate, mix
    intervention_effects(data, metric_id)  list of Effect: weeks_since, value, low, high,
                                           team_value, others_value

    own usage (source local)
    usage_by(data, split, timezone)        day, hour, project, branch, model, session, agent or
                                           terminal, value, saved, tokens, counts
    usage_by_day(data, kind, timezone)     day, model or kind of token, value
    usage_by_weekday(data, timezone)       weekday, hour, value, requests
    cache_saving(data)                     model, value, tokens read and written, cache_reuse
    own_recent(data, timezone)             measure, unit, value, before
    own_sessions(data, timezone)           session, started_at, minutes, project, branch, value, ...
    context_growth(data, sessions)         session, answer, value (tokens), compacted
    tool_use(data)                         tool, calls, accepted, rejected, errors, value

    outlook
    daily_cost(data)                       date, value, expected, low, high, unusual
    unusual_days(data)                     date, value, expected, excess, contributor, event
    month_forecast(data)                   Forecast: date, kind, value, low, high

`METRICS` says what each of them means; `Metric.format(value)` writes a value as a reader sees it.
"""

from ccanalytics.metrics.actor_weeks import actor_days, actor_weeks
from ccanalytics.metrics.adoption import (
    active_actors,
    active_actors_by_day,
    active_day_bands,
    stickiness,
)
from ccanalytics.metrics.change import Headline, against_median, headline, headlines
from ccanalytics.metrics.cost import (
    api_key_cost,
    cache_read_share,
    cost,
    cost_per_active_day,
    cost_per_commit,
    model_family,
    model_mix,
    typical_cost_per_commit,
    unconverted_share,
)
from ccanalytics.metrics.definitions import METRICS, Metric
from ccanalytics.metrics.period_change import period_change
from ccanalytics.metrics.productivity import (
    acceptance_rate,
    commits,
    commits_per_active_day,
    landing_share,
    lines,
    pull_requests,
)
from ccanalytics.metrics.ratios import by_week
from ccanalytics.metrics.roster_metrics import active_rate, off_roster, roster_sentence, seat_rate

__all__ = [
    "METRICS",
    "Headline",
    "Metric",
    "acceptance_rate",
    "active_actors",
    "active_actors_by_day",
    "active_day_bands",
    "active_rate",
    "actor_days",
    "actor_weeks",
    "against_median",
    "api_key_cost",
    "by_week",
    "cache_read_share",
    "commits",
    "commits_per_active_day",
    "cost",
    "cost_per_active_day",
    "cost_per_commit",
    "headline",
    "headlines",
    "landing_share",
    "lines",
    "model_family",
    "model_mix",
    "off_roster",
    "period_change",
    "pull_requests",
    "roster_sentence",
    "seat_rate",
    "stickiness",
    "typical_cost_per_commit",
    "unconverted_share",
]
