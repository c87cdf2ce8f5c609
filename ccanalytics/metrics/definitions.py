"""What every number means: one `Metric` per metric function, under the function's own name.

Notebooks, tooltips, the definitions section of the report and the README read this table; nothing
else writes a definition down.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

ActorKind = Literal["user", "api_key"]

SECTION_TESTS = ("active_actors", "commits_per_active_day", "cost_per_commit", "cost")
"""The one metric of each section whose change is tested; the others are described."""

COLUMN_WORDS = {
    "active": "people",
    "active_days": "active days",
    "commits": "commits",
    "proposals": "proposals",
    "input_side_tokens": "tokens",
    "cost_usd": "US dollars",
    "on_roster": "people on the roster",
    "active_before": "people active the week before",
    "accepted": "accepted proposals",
    "active_again": "people active in both weeks",
    "cache_read_tokens": "tokens read from the cache",
    "cost_without_commit": "US dollars without a commit",
    "landed": "people with a commit",
    "working_day_share": "people on a working day",
}
"""What the rows of a numerator or denominator are called in prose."""

UNIT_WORDS = {"usd": "US dollars"}
"""Units whose short name is not what a reader calls them."""

_ESTIMATE = "An estimate at list prices: not an invoice, and not what a subscription pays."
_UNPRICED = (
    "Tokens whose price nobody knows have no cost; the priced share says how much has one, and "
    "below 95 % there is no value."
)
_THROUGH = "Only what was made through Claude Code is counted; commit habits differ by team."
_UTC = "Days are UTC days, so an evening in the Americas counts as the next day."
_MONEY = (_ESTIMATE, _UNPRICED)
_OWN_COST = (
    *_MONEY,
    "Logs that were deleted before they were read, and background calls, are missing.",
    "Output tokens in logs of versions before 2.1.97 are a lower bound.",
)
_LOGS = "Session logs of Claude Code, at list prices of the day"


@dataclass(frozen=True)
class Metric:
    """The definition of one metric.

    `numerator` and `denominator` are columns of `actor_weeks`: both make a ratio of sums, a
    numerator alone a total, and neither a metric with a shape of its own. There is no value under
    `minimum_denominator` and no verdict under `verdict_denominator`.
    """

    id: str
    name: str
    unit: str
    formula: str
    numerator: str | None = None
    denominator: str | None = None
    minimum_denominator: int = 1
    verdict_denominator: int = 20
    grade: Literal["high", "medium", "low"] = "medium"
    direction: Literal["neutral", "up", "down"] = "neutral"
    caveats: tuple[str, ...] = ()
    source: str = ""
    version: int = 1

    @property
    def is_ratio(self) -> bool:
        """Whether it is a ratio of sums, so that an interval makes sense."""
        return self.denominator is not None

    @property
    def is_money(self) -> bool:
        """Whether it rests on the estimated cost, so that unknown prices matter."""
        return "cost_usd" in (self.numerator, self.denominator)

    @property
    def needs_usage(self) -> bool:
        """Whether it rests on models, tokens or cost, which not every source tells."""
        columns = f"{self.numerator} {self.denominator}"
        return "cost" in columns or "tokens" in columns

    @property
    def is_plural(self) -> bool:
        """Whether its name takes a plural verb: "Commits were", "Cost was"."""
        return self.numerator is not None and not self.is_ratio and self.unit != "usd"

    def format(self, value: float | None) -> str:
        """`value` as a reader sees it: "$1.35", "77 %", "421"; "n/a" for null.

        >>> METRICS["cost_per_commit"].format(1.349)
        '$1.35'
        """
        if value is None or math.isnan(value):
            return "n/a"
        sign = "-" if value < 0 else ""
        return sign + _amount(self.unit, abs(value))

    def format_change(self, change: float | None) -> str:
        """A difference with its sign: "+$0.11", "-3 points", "+12"; "n/a" for null."""
        if change is None or math.isnan(change):
            return "n/a"
        sign = "-" if change < 0 else "+"
        text = _amount(self.unit, abs(change))
        return sign + (text.replace("%", "points") if self.unit == "share" else text)


def _amount(unit: str, value: float) -> str:
    if unit == "usd":
        return f"${value:,.2f}" if value < 99.995 else f"${value:,.0f}"
    if unit == "share":
        return f"{100 * value:.1f} %" if 0 < value < 0.0995 else f"{100 * value:.0f} %"
    if unit == "index":
        return f"{value:.2f}"
    if " per " in unit:
        return f"{value:,.2f}" if value < 9.995 else f"{value:,.1f}"
    return f"{value:,.0f}"


_ENTRIES = (
    Metric(
        id="active_actors",
        name="Weekly active people",
        unit="people",
        formula="Distinct people active on at least one day of the week: any session, commit, "
        "pull request, changed line, tool decision or token.",
        numerator="active",
        grade="high",
        caveats=(_UTC, "API keys are not people and are left out."),
        source="Anthropic analytics documentation; GitHub Copilot usage metrics",
    ),
    Metric(
        id="active_actors_by_day",
        name="Daily active people",
        unit="people",
        formula="Distinct people active on the UTC day.",
        grade="high",
        caveats=(_UTC, "API keys are not people and are left out."),
        source="Anthropic analytics documentation",
    ),
    Metric(
        id="active_day_bands",
        name="Active days per week",
        unit="people",
        formula="Active people by their active days in the week: 1 light, 2-3 moderate, 4 or more "
        "heavy.",
        caveats=("The cut-offs are a choice of this kit.", _UTC),
        source="Bands as in DX and GitClear, cut-offs our own",
    ),
    Metric(
        id="stickiness",
        name="Stickiness",
        unit="share",
        formula="Average number of people active on a day from Monday to Friday, divided by the "
        "weekly active people.",
        numerator="working_day_share",
        denominator="active",
        caveats=("Public holidays count as working days.", _UTC),
        source="Product analytics practice, weekends left out",
    ),
    Metric(
        id="active_rate",
        name="Share of the roster that is active",
        unit="share",
        formula="People on the week's roster who were active in the week, divided by everybody on "
        "that week's roster.",
        numerator="active",
        denominator="on_roster",
        grade="high",
        caveats=(
            "The roster moves: people who joined and left are given beside it.",
            "Everybody counts once, in the team they were in last in the week.",
            "Active people who are not on the roster are counted apart.",
        ),
        source="Swarmia, with a roster that has dates",
    ),
    Metric(
        id="seat_rate",
        name="Share of the assigned seats that is active",
        unit="share",
        formula="People active in Claude Code in the week, divided by the seats the service counts "
        "as assigned on its Sunday.",
        caveats=(
            "Only the Claude Enterprise Analytics API tells seats.",
            "Seats are of any kind and for any product: some do not include Claude Code.",
            "Somebody active whose seat was taken away since is in the numerator only.",
        ),
        source="Claude Enterprise Analytics API, assigned seats",
    ),
    Metric(
        id="off_roster",
        name="Active people not on the roster",
        unit="people",
        formula="Active people of the week who were on no day of it on the roster.",
        caveats=(
            "A gap in the roster, or in the records' addresses, more often than a stranger.",
            "Fewer than the minimum group are not counted out.",
        ),
        source="Our own, beside the share of the roster",
    ),
    Metric(
        id="roster_use",
        name="Use by the people on the roster",
        unit="people",
        formula="People on the last week's roster: active in the last 4 closed weeks; dormant: "
        "seen before that only; never seen in this range; too new to say: not seen, and on the "
        "roster for fewer than 28 days.",
        caveats=(
            "Never seen is not the same as no use: other clouds and products do not reach this "
            "data.",
            "Not made for taking seats away: some work does not need it.",
        ),
        source="GitHub Copilot metrics viewer, two causes kept apart",
    ),
    Metric(
        id="actor_flow",
        name="Who stays, comes back, begins and stops",
        unit="people",
        formula="Retained: active this week and the week before. Reactivated: active this week and "
        "earlier, not the week before. New: first active week of the range. Lapsed: active the "
        "week before, not now. Left: the same, and off the roster by the end of the week. "
        "Retained, reactivated and new add up to this week's active people; retained, lapsed and "
        "left to last week's.",
        caveats=(
            "The first week of the range has no flow: who was active before it is not known.",
            "Somebody last active before the range counts as new.",
            "Without a roster those who left are among the lapsed.",
        ),
        source="Product analytics practice",
        version=2,
    ),
    Metric(
        id="returning_share",
        name="Share of people who return",
        unit="share",
        formula="People active in this week and in the week before, divided by people active in "
        "the week before.",
        numerator="active_again",
        denominator="active_before",
        grade="high",
        caveats=(
            "Holidays and leave lower it: somebody away for a week has not stopped.",
            "Who left the roster is among those who did not return.",
        ),
        source="Product analytics practice; the retained of the flows",
    ),
    Metric(
        id="activation_rate",
        name="Activation rate",
        unit="share",
        formula="People first active within 30 days of joining the roster, divided by people whose "
        "30 days are over.",
        caveats=(
            "People without a start date, and those who joined before the records begin, are "
            "left out and counted.",
            "So are people who left the roster within the 30 days, whether they began or not.",
        ),
        source="Product analytics practice, full windows only",
    ),
    Metric(
        id="time_to_first_use",
        name="Time to first use",
        unit="days",
        formula="Days from joining the roster to the first active day: the share of people who had "
        "begun by each day, by Kaplan and Meier, so that those who have not begun yet count for as "
        "long as they could have.",
        caveats=(
            "Only people who joined while there are records; at least 10 of them.",
            "The curve ends where fewer than the minimum group are left to watch.",
            "Who left the roster before beginning is taken to be like those who stayed.",
        ),
        source="Survival analysis practice",
    ),
    Metric(
        id="retention",
        name="Retention by first week",
        unit="share",
        formula="Of the people first active in a week, the share active k weeks later.",
        caveats=(
            "The first week of the range is no cohort: its people may have begun long before.",
            "Weeks that have not happened yet are blank; cohorts under the minimum group are "
            "withheld, and larger ones where those could be had by subtraction.",
            "Somebody last active before the range counts as beginning again.",
        ),
        source="Product analytics practice",
    ),
    Metric(
        id="acceptance_rate",
        name="Acceptance rate",
        unit="share",
        formula="Accepted proposals divided by all decided proposals (accepted + rejected) of the "
        "tools Edit, MultiEdit, Write and NotebookEdit; by tool: of each tool alone.",
        numerator="accepted",
        denominator="proposals",
        caveats=(
            "Automatically accepted proposals count as accepted; only the first decision counts.",
            "MultiEdit is fading out, so the mix of tools shifts.",
            "A rising rate is not better code.",
        ),
        source="Anthropic analytics documentation; Claude Code monitoring guide",
    ),
    Metric(
        id="lines",
        name="Lines of code",
        unit="lines",
        formula="Lines added and lines removed by Claude Code.",
        grade="low",
        caveats=(
            "Accepted lines; what is deleted or rewritten later is not seen.",
            "Never a measure of a person.",
        ),
        source="Anthropic analytics documentation",
    ),
    Metric(
        id="commits",
        name="Commits",
        unit="commits",
        formula="Commits made through Claude Code.",
        numerator="commits",
        caveats=(_THROUGH,),
        source="Claude Code monitoring guide",
    ),
    Metric(
        id="pull_requests",
        name="Pull requests",
        unit="pull requests",
        formula="Pull requests created through Claude Code.",
        numerator="pull_requests",
        caveats=(
            "Created, not merged. Those opened through another tool are missed.",
            "Only what was made through Claude Code is counted.",
        ),
        source="Claude Code monitoring guide (there graded high)",
    ),
    Metric(
        id="commits_per_active_day",
        name="Commits per active day",
        unit="commits per active day",
        formula="Commits made through Claude Code divided by active person-days.",
        numerator="commits",
        denominator="active_days",
        caveats=(_THROUGH, "Compare a team with itself."),
        source="Claude Code monitoring guide",
    ),
    Metric(
        id="landing_share",
        name="Share of people with a commit",
        unit="share",
        formula="Active people with at least one commit made through Claude Code in the week, "
        "divided by all active people.",
        numerator="landed",
        denominator="active",
        caveats=(_THROUGH, "None can be right: research and review end in no commit."),
        source="Our own, beside cost per commit",
    ),
    Metric(
        id="cost",
        name="Cost",
        unit="usd",
        formula="Sum of the estimated cost of people's use.",
        numerator="cost_usd",
        caveats=(*_MONEY, "API keys are reported apart."),
        source="Claude Code Analytics API",
    ),
    Metric(
        id="cost_per_active_day",
        name="Cost per active day",
        unit="usd",
        formula="Estimated cost divided by active person-days.",
        numerator="cost_usd",
        denominator="active_days",
        caveats=_MONEY,
        source="Anthropic cost documentation",
    ),
    Metric(
        id="cost_per_commit",
        name="Cost per commit",
        unit="usd",
        formula="Estimated cost of all people in scope divided by the commits the same people made "
        "through Claude Code in the same week. Exploration and people without a commit stay in "
        "the cost.",
        numerator="cost_usd",
        denominator="commits",
        minimum_denominator=20,
        caveats=(*_MONEY, _THROUGH, "A high week often means few commits, not much cost."),
        source="Claude Code monitoring guide (total cost / commit count)",
    ),
    Metric(
        id="unconverted_share",
        name="Share of cost not followed by a commit",
        unit="share",
        formula="Estimated cost of people with no commit made through Claude Code in the week, "
        "divided by all estimated cost.",
        numerator="cost_without_commit",
        denominator="cost_usd",
        minimum_denominator=0,
        caveats=(*_MONEY, "Not waste: reading, review and research end in no commit."),
        source="Our own, beside cost per commit",
    ),
    Metric(
        id="typical_cost_per_commit",
        name="Typical cost per commit",
        unit="usd",
        formula="Median over people with at least 5 commits in the week of their own estimated "
        "cost divided by their own commits.",
        caveats=(*_MONEY, "People with fewer commits are not in it."),
        source="Statistical practice: the robust twin of cost per commit",
    ),
    Metric(
        id="top10_share",
        name="Cost share of the top tenth",
        unit="share",
        formula="Estimated cost of the tenth of active people with the highest cost, rounded up to "
        "whole people, divided by all estimated cost of people.",
        caveats=(
            *_MONEY,
            "At least 10 people, and in a tenth as many as the minimum group.",
            "Who they are differs from week to week.",
        ),
        source="Statistical practice",
    ),
    Metric(
        id="gini",
        name="Gini coefficient of cost",
        unit="index",
        formula="2 sum(i x) / (n sum x) - (n + 1) / n, times n / (n - 1), over the estimated costs "
        "x of active people in rising order i = 1 to n. 0 is everybody alike, 1 is one person "
        "having all of it.",
        caveats=(*_MONEY, "At least 10 people. Neither high nor low is good."),
        source="Gini, corrected for the number of people",
    ),
    Metric(
        id="halfcount",
        name="Fewest people making half of the cost",
        unit="people",
        formula="The smallest number of active people whose estimated costs add up to half of all "
        "estimated cost of people.",
        caveats=(*_MONEY, "At least 10 people; withheld when it is under the minimum group."),
        source="CHAOSS contributor absence factor",
    ),
    Metric(
        id="cost_curve",
        name="How the cost is spread over people",
        unit="share",
        formula="Active people of the last week from the lowest to the highest estimated cost, in "
        "up to ten groups of equally many people: the share of cost of the people up to there "
        "(Lorenz curve).",
        caveats=(*_MONEY, "At least 10 people, and no group under the minimum."),
        source="Lorenz curve, in groups",
    ),
    Metric(
        id="cache_read_share",
        name="Cache read share",
        unit="share",
        formula="Tokens read from the cache divided by all tokens sent to the model (input + cache "
        "read + cache creation).",
        numerator="cache_read_tokens",
        denominator="input_side_tokens",
        grade="high",
        caveats=("Others leave cache creation out of the denominator and get a higher share.",),
        source="Claude Code Analytics API; denominator our own",
    ),
    Metric(
        id="model_mix",
        name="Model mix",
        unit="usd",
        formula="Estimated cost by model family, and each family's share of cost and of output "
        "tokens.",
        caveats=_MONEY,
        source="Claude Code Analytics API",
    ),
    Metric(
        id="api_key_cost",
        name="Cost of API keys",
        unit="usd",
        formula="Sum of the estimated cost of API keys, and its share of all estimated cost.",
        caveats=(*_MONEY, "A key may be a pipeline or several people: it is never a person."),
        source="Claude Code Analytics API",
    ),
    Metric(
        id="reconciliation",
        name="Estimate against the bill",
        unit="share",
        formula="(Estimated cost - billed cost) / billed cost, by month and model family, over the "
        "days of which both are known; of people's use as API customers, beside the workspace "
        "Claude Code, or of all such use beside the whole bill where there is no such workspace.",
        caveats=(
            "It is never zero: the estimate is at list prices and in whole cents for each record "
            "and model, the bill has discounts and decimals of a cent.",
            "Claude Code run with a key of another workspace, web searches and code run by the "
            "service are on one side only.",
            "Priority Tier is in no cost report. Subscriptions are left out: their amounts are "
            "notional.",
            "The bill is never added to the estimate: the cost of API customers is in both.",
        ),
        source="Anthropic cost report, beside the Claude Code Analytics API",
    ),
    Metric(
        id="cost_drivers",
        name="Where the change in cost sits",
        unit="usd",
        formula="The difference of the estimated cost to the week before, split without a rest "
        "among active people, active days per person, tokens per day, the models used, the kinds "
        "of tokens (input, output, cache) and the price of a weighed token.",
        caveats=(
            *_MONEY,
            "Arithmetic, not causes: a driver can move because another did.",
            "Tokens are weighed as in the price list: output 5, cache read 0.1, cache write 1.25.",
        ),
        source="LMDI-I decomposition (Ang, Energy Policy 86, 2015)",
    ),
    Metric(
        id="cost_per_commit_drivers",
        name="Where the change in cost per commit sits",
        unit="usd",
        formula="The difference of the cost per commit to the week before, split without a rest "
        "among active days per commit, tokens per day, the models used, the kinds of tokens and "
        "the price of a weighed token.",
        caveats=(*_MONEY, _THROUGH, "Arithmetic, not causes: a driver can move as another does."),
        source="LMDI-I decomposition (Ang, Energy Policy 86, 2015)",
    ),
    Metric(
        id="team_shift",
        name="Change within teams, and between them",
        unit="usd",
        formula="The difference of the cost per commit to the week before as the sum of each "
        "team's own change, weighed by its share of commits, and of the changes of those shares.",
        minimum_denominator=20,
        caveats=(*_MONEY, "Teams of few people or few commits are taken together."),
        source="Kitagawa's decomposition (Journal of the ASA 50, 1955)",
    ),
    Metric(
        id="daily_cost",
        name="Cost by day",
        unit="usd",
        formula="Estimated cost of people and API keys on the UTC day, beside the median of the "
        "same weekday in the eight weeks before; a holiday is like a weekend day.",
        caveats=(*_MONEY, _UTC),
        source="Robust seasonal baseline; practice of cost monitoring",
    ),
    Metric(
        id="unusual_days",
        name="Unusual days",
        unit="usd",
        formula="Days of the newest 28 whose cost differs from the usual one by more than ordinary "
        "days do, by $25 and a tenth of a typical day at least.",
        caveats=(*_MONEY, "Of the days told, about one in ten is expected to be a false alarm."),
        source="Benjamini and Hochberg's procedure on a robust seasonal baseline",
    ),
    Metric(
        id="month_forecast",
        name="Cost of the month",
        unit="usd",
        formula="Estimated cost of people and API keys in the month so far, plus for each day to "
        "come the median of its weekday in the eight weeks before; a holiday is like a weekend "
        "day. The interval comes from forecasts of the same kind made on earlier days.",
        caveats=(*_MONEY, "It knows nothing of plans: new people or another model are not in it."),
        source="Walk-forward validation, weekday medians",
    ),
    Metric(
        id="intervention_effects",
        name="Before and after, beside teams without it",
        unit="of the metric looked at",
        formula="The team's change from the mean of the weeks before to the weeks after an "
        "intervention, less the change of the teams that had none up to then.",
        caveats=(
            "Observational: teams were not drawn by lot, and other things change as well.",
            "A team chosen because it was low tends to rise by itself (regression to the mean).",
            "Not trusted where the teams drifted apart before the intervention.",
        ),
        source="Callaway and Sant'Anna (Journal of Econometrics 225, 2021), with our own bootstrap",
    ),
    Metric(
        id="usage_by",
        name="Own usage",
        unit="usd",
        formula="Estimated cost and tokens of one person's session logs, by hour, project, branch, "
        "model, session, or who asked (the session itself, its subagents, an advisor). Each answer "
        "counts where and when it was given.",
        caveats=_OWN_COST,
        source=_LOGS,
        version=2,
    ),
    Metric(
        id="usage_by_day",
        name="Own usage by day",
        unit="usd",
        formula="Estimated cost by model, or tokens by kind, of each day of the time zone chosen.",
        caveats=_OWN_COST,
        source=_LOGS,
    ),
    Metric(
        id="usage_by_weekday",
        name="Own usage by weekday and hour",
        unit="usd",
        formula="Estimated cost of each hour of the seven weekdays, added up over the range.",
        caveats=_OWN_COST,
        source=_LOGS,
    ),
    Metric(
        id="cache_saving",
        name="Saved by the cache",
        unit="usd",
        formula="What the tokens read from the cache and written to it would have cost as plain "
        "input, less what they did cost: reads, writes for five minutes and writes for an hour, "
        "each at its list price.",
        caveats=(*_MONEY, "Without a cache people would work otherwise: nobody would pay this."),
        source=f"{_LOGS}: reads at a tenth, writes at 1.25 or 2 times input",
        version=2,
    ),
    Metric(
        id="own_recent",
        name="The last seven days",
        unit="usd",
        formula="Cost, tokens, saving, sessions, commits and lines of the last seven days of the "
        "range, beside the seven days before.",
        caveats=(
            "Two weeks of one person: a difference is described, not tested.",
            "The last day may not be over.",
            *_OWN_COST,
        ),
        source=_LOGS,
    ),
    Metric(
        id="own_sessions",
        name="Sessions",
        unit="usd",
        formula="Each session with its cost, tokens, commits, lines, its largest context and how "
        "often it was compacted; with those of its subagents.",
        caveats=(*_OWN_COST, _THROUGH),
        source=_LOGS,
    ),
    Metric(
        id="context_growth",
        name="Context by answer",
        unit="tokens",
        formula="Tokens that went into each answer of a session, read from the cache or not: what "
        "it had in mind. Subagents have contexts of their own and are left out.",
        caveats=("A long session is thinned: the largest of each stretch of answers stays.",),
        source=_LOGS,
    ),
    Metric(
        id="tool_use",
        name="Tools",
        unit="calls",
        formula="Calls of each tool: accepted (they were run), rejected (by the person or by a "
        "rule), or failed before or while they ran.",
        caveats=(
            "A tool that needs no permission counts as accepted.",
            "The first decision only: what was undone later still counts as accepted.",
        ),
        source=_LOGS,
    ),
)

METRICS: dict[str, Metric] = {metric.id: metric for metric in _ENTRIES}
"""Every metric by its id, in the order of the report."""

_KEY_CAVEAT = "A key may be a pipeline or several people: it is never a person."


def metric_of(metric_id: str, actor_kind: ActorKind = "user") -> Metric:
    """The definition of a metric, in the words of the actors it is of.

    >>> metric_of("landing_share", "api_key").name
    'Share of API keys with a commit'
    >>> metric_of("cost", "api_key").name
    'Cost, API keys only'
    """
    metric = METRICS[metric_id]
    if actor_kind == "user":
        return metric
    name = _of_keys(metric.name)
    return replace(
        metric,
        name=name if name != metric.name else f"{name}, API keys only",
        unit=_of_keys(metric.unit),
        formula=_of_keys(metric.formula),
        caveats=(*(c for c in metric.caveats if "API key" not in c), _KEY_CAVEAT),
    )


def column_words(column: str, actor_kind: ActorKind = "user") -> str:
    """What the rows of a column are called in prose: "people", "commits", "API keys"."""
    words = COLUMN_WORDS.get(column, column.replace("_", " "))
    return words if actor_kind == "user" else _of_keys(words)


def _of_keys(text: str) -> str:
    text = text.replace("people's", "API keys'").replace("person-days", "key-days")
    return text.replace("people", "API keys").replace("People", "API keys")
