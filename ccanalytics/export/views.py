"""The weekly metrics as SQL, written from the registry, in what all databases understand.

    actor_days ─▶ actor_weeks ─┬▶ weekly_metrics        one row per closed week
                               └▶ weekly_team_metrics   one row per closed week and team

The rules are those of the metric frames, and a test holds the numbers to be equal: people only,
weeks of which all seven days were exported closed, ratios of sums, null where undefined, below a
floor, of too few people, or to be had by subtraction.
"""

from collections.abc import Mapping

from ccanalytics.metrics.definitions import METRICS, Metric
from ccanalytics.metrics.ratios import MINIMUM_PRICED, NO_TEAM

NOT_OF_ACTOR_WEEKS = ("on_roster", "active_before")
"""Denominators that are people, also those without a row in the week."""

WEEKLY = {
    metric.id: metric
    for metric in METRICS.values()
    if metric.numerator and metric.denominator not in NOT_OF_ACTOR_WEEKS
}
"""The metrics the views tell, each in a column of its name."""

COUNTS = {
    "n_actors": "active people the numbers of the row are of",
    "sessions": "sessions started",
    "lines_added": "lines added by Claude Code",
    "lines_removed": "lines removed by Claude Code",
    "active_days": "active person-days",
    "proposals": "decided proposals of the tools that edit files",
    "accepted": "accepted proposals of the tools that edit files",
    "cost_without_commit": "estimated US dollars of people without a commit in the week",
    "priced_share": "share of the tokens whose price is known; no money below 95 %",
}
"""Further columns of the views: what the ratios are made of."""

_SUMMED = (
    "sessions",
    "lines_added",
    "lines_removed",
    "commits",
    "pull_requests",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_creation_tokens",
    "unpriced_tokens",
    "cost_usd",
    "accepted",
    "rejected",
)

_OF_A_WEEK = (
    *_SUMMED,
    "active",
    "active_days",
    "working_day_share",
    "proposals",
    "input_side_tokens",
    "total_tokens",
    "cost_without_commit",
    "landed",
)

DESCRIPTIONS = {
    "actor_weeks": "One row per closed ISO week and person with anything recorded.",
    "weekly_metrics": "One row per closed ISO week: people only, null below the floors.",
    "weekly_team_metrics": "One row per closed ISO week and team (of the last day): null below "
    "the floors, and where a small team could be had by subtraction.",
}

# The team of the last day without sorting: the greatest of "3" + "1" + team, or "3" + "0".
_ACTOR_WEEKS = """
select
  sums.*,
  case when substr(last_team, 2, 1) = '1' then substr(last_team, 3) end as team,
  case when active_days > 0 then 1 else 0 end as active,
  accepted + rejected as proposals,
  input_tokens + cache_read_tokens + cache_creation_tokens as input_side_tokens,
  input_tokens + cache_read_tokens + cache_creation_tokens + output_tokens as total_tokens,
  case when commits > 0 then 0 * cost_usd else cost_usd end as cost_without_commit,
  case when active_days > 0 and commits > 0 then 1 else 0 end as landed
from (
  select
    days.source, days.week, days.actor,
    max(closed.people_floor) as people_floor,
    max(
      cast(days.weekday as varchar(1)) || case when team is null then '0' else '1' || team end
    ) as last_team,
    sum(active) as active_days,
    sum(case when weekday < 6 then active else 0 end) / 5.0 as working_day_share,
    {sums}
  from actor_days days
  join ({closed}) closed on closed.source = days.source and closed.week = days.week
  where days.actor_kind = 'user'
  group by days.source, days.week, days.actor
) sums
"""

_CLOSED = """
select source, week, max(floor) as people_floor from exports
where floor is not null group by source, week
having count(*) = 7 and count(case when closed then 1 end) = 7
"""

# A closed week of nobody is a row too. Not by an outer join, through which a database does not see
# that only some weeks are asked for.
_WEEKLY = """
select source, week, {shown}
from (
  select
    sums.*,
    case when n_actors = 0 or n_actors >= people_floor then 1 else 0 end as visible,
    {priced_share} as priced_share
  from (
    select
      source, week, max(people_floor) as people_floor,
      coalesce(sum(active), 0) as n_actors,
      {sums}
    from (
      select source, week, people_floor, {names} from actor_weeks
      union all
      select source, week, people_floor, {nothing} from ({closed}) closed
    ) people
    group by source, week
  ) sums
) ready
"""

_BY_TEAM = """
select source, week, team, {shown}
from (
  select
    ranked.*,
    case
      when n_actors = 0 then 0
      when too_small > 0 and (nth_smallest <= too_small or nth_smallest = 2) then 0
      when too_small > 0 and people_in_smaller < people_floor then 0
      else 1
    end as visible,
    {priced_share} as priced_share
  from (
    select
      sums.*,
      count(case when n_actors < people_floor then 1 end) over (
        partition by source, week, somebody
      ) as too_small,
      row_number() over (
        partition by source, week, somebody order by n_actors, team{by_code_point}
      ) as nth_smallest,
      sum(n_actors) over (
        partition by source, week, somebody order by n_actors, team{by_code_point}
        rows between unbounded preceding and current row
      ) - n_actors as people_in_smaller
    from (
      select
        source, week, coalesce(team, '{no_team}') as team,
        max(people_floor) as people_floor,
        coalesce(sum(active), 0) as n_actors,
        max(active) as somebody,
        {sums}
      from actor_weeks people
      group by source, week, coalesce(team, '{no_team}')
    ) sums
  ) ranked
) ready
"""


def view_statements(by_code_point: str = "") -> dict[str, str]:
    """The select of each view, in the order to create them in.

    `by_code_point` makes a database sort text by its code points where it would not by itself.
    """
    closed = _CLOSED.strip()
    shown = ",\n  ".join(f"case when visible = 1 then {sql} end as {name}"
                         for name, sql in _columns().items())  # fmt: skip
    sums = ",\n      ".join(
        # Nobody is 0; what the source does not tell of somebody stays null.
        f"cast(case when count(people.actor) = 0 then 0 else sum(people.{name}) end "
        f"as double precision) as {name}"
        for name in _OF_A_WEEK
    )
    words = {"shown": shown, "sums": sums, "closed": closed, "priced_share": _PRICED_SHARE}
    names = ("actor", *_OF_A_WEEK)
    nobody = {"names": ", ".join(names), "nothing": ", ".join("null" for _ in names)}
    of_actors = ",\n    ".join(f"sum({name}) as {name}" for name in _SUMMED)
    return {
        "actor_weeks": _ACTOR_WEEKS.format(sums=of_actors, closed=closed),
        "weekly_metrics": _WEEKLY.format(**words, **nobody),
        "weekly_team_metrics": _BY_TEAM.format(
            **words, by_code_point=by_code_point, no_team=NO_TEAM
        ),
    }


def described_columns() -> Mapping[str, str]:
    """What each number of the weekly views means."""
    metrics = {m.id: f"{m.name} ({m.unit}): {m.formula}" for m in WEEKLY.values()}
    return metrics | {name: text[0].upper() + text[1:] for name, text in COUNTS.items()}


_PRICED_SHARE = (
    "case when total_tokens > 0 then 1.0 - unpriced_tokens / total_tokens "
    "when total_tokens = 0 then 1.0 end"
)


def _columns() -> dict[str, str]:
    """The SQL of each number of a row that may be shown."""
    return {metric.id: _value(metric) for metric in WEEKLY.values()} | {n: n for n in COUNTS}


def _value(metric: Metric) -> str:
    value = str(metric.numerator)
    conditions = []
    if metric.is_ratio:
        value = f"{metric.numerator} / {metric.denominator}"
        conditions += [f"{metric.denominator} > 0"]
        if metric.minimum_denominator > 0:
            conditions += [f"{metric.denominator} >= {metric.minimum_denominator}"]
    if metric.is_money:
        conditions += [f"priced_share >= {MINIMUM_PRICED}"]
    return f"case when {' and '.join(conditions)} then {value} end" if conditions else value
