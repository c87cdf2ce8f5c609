from collections import Counter
from datetime import date, timedelta
from hashlib import sha256

import msgspec
import pytest

from ccanalytics.dataset.loading import load
from ccanalytics.fake_api.endpoints import as_sent
from ccanalytics.metrics.actor_weeks import actor_weeks
from ccanalytics.metrics.by_week import by_week
from ccanalytics.metrics.change import headline
from ccanalytics.metrics.findings import findings
from ccanalytics.people.roster import not_on_roster, parse_roster, roster_of_weeks
from ccanalytics.sources.sample.organisation import (
    CHANGED_FROM,
    CHANGED_TEAM,
    FIRST,
    HOLIDAYS,
    MIGRATION,
    PRICES,
    UNTIL,
    SampleOrganisation,
)
from ccanalytics.wire.claude_code import Page, UserActor, decode_page

DAYS = [FIRST + timedelta(days=n) for n in range(182)]


@pytest.fixture(scope="module")
def records():
    """All records of the 26 weeks, by day."""
    organisation = SampleOrganisation()
    return {day: organisation.records(day) for day in DAYS}


@pytest.fixture(scope="module")
def roster():
    """The sample's own roster, read like any other."""
    return parse_roster(SampleOrganisation().roster_csv(), "sample")


@pytest.fixture(scope="module")
def data(sample_days):
    """The 26 weeks through the store."""
    return load(FIRST, UNTIL, source="sample", store=sample_days)


@pytest.fixture(scope="module")
def weeks(data):
    """The sums of each week, with the people on its roster."""
    sums = (
        actor_weeks(data)
        .groupby("week")[["active", "active_days", "cost_usd", "commits", "cost_without_commit"]]
        .sum()
    )
    return sums.assign(people=roster_of_weeks(data.roster, data.weeks).groupby("week").size())


def all_of(records):
    return [record for day in records.values() for record in day]


def people(records):
    return {r.actor.email_address for r in records if isinstance(r.actor, UserActor)}


# Reproducible


def test_any_day_is_the_same_alone_and_in_any_order(records):
    """No day depends on another, so a day can be requested by itself and twice."""
    for day in reversed(DAYS[::9]):
        assert SampleOrganisation().records(day) == records[day]


def test_the_sample_is_the_same_on_every_machine(records):
    """The digest of one day: a change of the sample has to change this line too."""
    day = msgspec.json.encode(records[date(2026, 11, 18)])
    assert sha256(day).hexdigest()[:16] == "0234d2cbf15bee6d"


def test_it_covers_26_whole_weeks():
    """From a Monday to a Sunday; there is nothing before."""
    first, last = SampleOrganisation().span()
    assert (first, last) == (DAYS[0], DAYS[-1]) == (FIRST, UNTIL)
    assert first.weekday() == 0 and last.weekday() == 6
    assert SampleOrganisation().records(FIRST - timedelta(days=1)) == []


def test_days_after_the_end_continue_the_same_way(records):
    """The fake service has a current day: an ordinary week in March resembles one in November."""
    later = [SampleOrganisation().records(date(2027, 3, 1) + timedelta(days=n)) for n in range(5)]
    count = sum(len(day) for day in later)
    before = sum(len(records[date(2026, 11, 16) + timedelta(days=n)]) for n in range(5))
    assert 0.8 * before < count < 1.2 * before


# The wire format


def test_every_record_is_valid_in_the_wire_format(records):
    """It survives encoding, has one organisation, is dated at midnight, and has no project."""
    for day, found in list(records.items())[::13]:
        page = Page(found, False, None)
        sent = {"data": [as_sent(one) for one in found], "has_more": False, "next_page": None}
        assert decode_page(msgspec.json.encode(sent)) == page
        assert {record.date for record in found} <= {f"{day}T00:00:00Z"}
    assert len({record.organization_id for record in all_of(records)}) == 1
    assert {record.project for record in all_of(records)} == {None}


def test_no_two_records_of_a_day_have_the_same_key(records):
    """One record per actor, terminal, customer type, and remote or not."""
    for found in records.values():
        keys = Counter(
            (str(r.actor), r.terminal_type, r.customer_type, r.subscription_type, r.is_remote)
            for r in found
        )
        assert max(keys.values(), default=1) == 1


def test_costs_are_whole_cents_at_list_price(records):
    """Five dollars per million in, a tenth for reads, 1.25 times for writes, 25 out: rounded."""
    for usage in [usage for record in all_of(records) for usage in record.model_breakdown]:
        price_in, price_out = PRICES[usage.model]
        tokens = usage.tokens
        paid_in = tokens.input + 0.1 * tokens.cache_read + 1.25 * tokens.cache_creation
        cents = (paid_in * price_in + tokens.output * price_out) / 10_000
        assert usage.estimated_cost.amount == int(usage.estimated_cost.amount)
        assert abs(float(usage.estimated_cost.amount) - cents) <= 0.5 + 1e-6


def test_no_counter_is_negative(records):
    """Tokens, lines, commits and decisions are counts."""
    for record in all_of(records):
        core = record.core_metrics
        assert core.num_sessions >= 1 and core.commits_by_claude_code >= 0
        assert 0 <= core.pull_requests_by_claude_code <= max(core.commits_by_claude_code, 0)
        assert min(core.lines_of_code.added, core.lines_of_code.removed) >= 0
        for action in record.tool_actions.values():
            assert min(action.accepted, action.rejected) >= 0


# Realism


def test_it_has_every_kind_of_record(records):
    """Terminals, remote rows, subscriptions, keys, models and tools."""
    found = all_of(records)
    assert len({record.terminal_type for record in found}) >= 6
    assert {record.is_remote for record in found} == {True, False}
    assert {record.subscription_type for record in found} == {None, "team", "enterprise"}
    assert {usage.model for record in found for usage in record.model_breakdown} == set(PRICES)
    assert (
        len(
            {
                record.actor.api_key_name
                for record in found
                if not isinstance(record.actor, UserActor)
            }
        )
        == 3
    )
    assert {tool for record in found for tool in record.tool_actions} == {
        "edit_tool",
        "multi_edit_tool",
        "write_tool",
        "notebook_edit_tool",
    }


def test_subscriptions_are_a_minority_and_only_they_have_a_plan(records):
    """A plan is given exactly if the customer type is subscription."""
    found = all_of(records)
    seats = [record for record in found if record.customer_type == "subscription"]
    assert 0.05 < len(seats) / len(found) < 0.3
    assert all((r.subscription_type is None) == (r.customer_type == "api") for r in found)


def test_one_person_appears_in_two_spellings(records):
    """Addresses are as typed; in lower case there is one fewer."""
    typed = people(all_of(records))
    assert len(typed) == len({address.lower() for address in typed}) + 1


def test_the_roster_has_joiners_leavers_a_move_and_people_who_never_start(roster, data):
    """About 140 people in 8 teams, about 110 of them active; keys and strangers are not on it."""
    assert roster["team"].nunique() == 8 and 135 <= roster["actor"].nunique() <= 155
    assert roster["start"].notna().sum() > 5 and roster["end"].notna().sum() > 5
    assert roster["actor"].duplicated().sum() == 1
    people = data.activity.loc[data.activity["actor_kind"] == "user", "actor"].nunique()
    assert 100 <= people <= 125
    assert not_on_roster(data.activity, roster) == []


def test_weekends_and_holidays_are_quiet(records):
    """A day off has a small fraction of the people of an ordinary day."""
    ordinary = [len(people(records[day])) for day in DAYS[-28:] if day.weekday() < 5]
    off = [day for day in DAYS if day.weekday() >= 5 or day in HOLIDAYS]
    assert max(len(people(records[day])) for day in off) < 0.4 * min(ordinary)


def test_adoption_grows_and_then_holds(weeks):
    """From a quarter of the roster to three quarters, and flat over the last six weeks."""
    share = weeks["active"] / weeks["people"]
    assert share.iloc[0] < 0.35 and share.iloc[9] > 0.5
    assert share.iloc[-6:].between(0.6, 0.8).all()
    assert share.iloc[-6:].max() - share.iloc[-6:].min() < 0.05


def test_costs_are_realistic(weeks):
    """One to four dollars per commit, six to thirteen per active day, some without a commit."""
    assert (weeks["cost_usd"] / weeks["commits"]).between(1, 4).all()
    assert (weeks["cost_usd"] / weeks["active_days"]).between(5.5, 13).all()
    assert (weeks["cost_without_commit"] > 0).all()


def test_cache_reads_are_most_of_the_input(data):
    """Between 85 and 95 of a hundred tokens read are read from the cache."""
    assert by_week(data, "cache_read_share")["value"].between(0.85, 0.95).all()


def test_acceptance_rates_are_realistic(data):
    """Between 70 and 90 percent of proposals for each tool."""
    sums = data.tool_actions.groupby("tool", observed=True)[["accepted", "rejected"]].sum()
    assert (sums["accepted"] / sums.sum(axis=1)).between(0.7, 0.9).all()


def test_use_is_skewed(data):
    """A tenth of the people account for more than a quarter of the cost."""
    costs = actor_weeks(data).groupby("actor", observed=True)["cost_usd"].sum()
    top = costs.nlargest(len(costs) // 10).sum()
    assert 0.25 < top / costs.sum() < 0.6


def test_the_newer_model_replaces_the_older(data):
    """Only the old one before the migration, only the new one after it, both in between."""
    usage = data.model_usage
    opus = usage[usage["model"].isin(["claude-opus-4-8", "claude-opus-5"])]
    begin, end = (day.isoformat() for day in MIGRATION)
    before, after = opus[opus["date"] < begin], opus[opus["date"] >= "2026-10-05"]
    between = opus[(opus["date"] >= begin) & (opus["date"] <= end)]
    assert set(before["model"]) == {"claude-opus-4-8"}
    assert set(after["model"]) == {"claude-opus-5"}
    assert between["model"].nunique() == 2


# The planted change


def test_a_commit_of_the_changed_team_costs_about_twice_as_much(data):
    """The four weeks before against the three after; the other teams do not change."""
    sums = (
        actor_weeks(data, split="team")
        .groupby(["team", "week"], observed=True)[["cost_usd", "commits"]]
        .sum()
    )
    sums = sums.reset_index()
    changed = sums["team"] == CHANGED_TEAM
    since = sums["week"] >= CHANGED_FROM.isoformat()
    before = (sums["week"] >= "2026-10-05") & ~since

    def growth(rows):
        old, new = (sums[rows & when][["cost_usd", "commits"]].sum() for when in (before, since))
        return (new["cost_usd"] / new["commits"]) / (old["cost_usd"] / old["commits"])

    assert 1.7 < growth(changed) < 2.4
    assert 0.85 < growth(~changed) < 1.15


def test_the_change_is_detected_in_its_team_in_its_first_week(sample_days):
    """The headline of the team says up, so a reader can find it."""
    found = load(week="2026-W45", weeks=12, source="sample", store=sample_days, team=CHANGED_TEAM)
    assert headline(found, "cost_per_commit").recent.verdict == "up"


def test_only_what_was_planted_is_a_finding(data):
    """The team, and the cost and cost per commit of everybody, of which it is a part."""
    moved = [one for one in findings(data) if one.kind == "change"]
    assert {one.group for one in moved} == {CHANGED_TEAM, ""}
    assert {one.metric for one in moved} == {"cost", "cost_per_commit"}
