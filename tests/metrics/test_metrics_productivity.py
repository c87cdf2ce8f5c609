"""Acceptance, lines, commits and pull requests."""

import pytest
from builders import dataset, record

import ccanalytics as m


def week(records, **options):
    return dataset(records, "2026-11-16", "2026-11-22", **options)


def last(frame, key):
    """The last week's values by `key`."""
    rows = frame[frame["week"] == frame["week"].max()]
    return dict(zip(rows[key], rows["value"], strict=True))


def test_the_pooled_rate_is_of_the_tools_that_edit_files():
    """Three of four edits; a hundred shell commands do not count."""
    tools = {"edit_tool": (2, 1), "write_tool": (1, 0), "bash": (100, 0)}
    row = m.by_week(week([record(tools=tools)]), "acceptance_rate").iloc[0]
    assert (row["value"], row["numerator"], row["denominator"]) == (0.75, 3, 4)


def test_each_tool_has_its_own_rate():
    """Even an unknown tool."""
    tools = {"edit_tool": (1, 1), "new_tool": (3, 1)}
    frame = m.by_week(week([record(tools=tools)]), "acceptance_rate", by="tool")
    assert last(frame, "tool") == {"edit_tool": 0.5, "new_tool": 0.75}


def test_a_tool_counts_the_people_who_were_asked():
    """Not all active people."""
    records = [record(tools={"edit_tool": (1, 1)}), record(actor="bea@x.example")]
    assert m.by_week(week(records), "acceptance_rate", by="tool")["n_actors"].tolist() == [1]


def test_without_proposals_there_is_no_rate():
    """Null, not zero."""
    assert m.by_week(week([record()]), "acceptance_rate")["value"].isna().all()


def test_the_rate_is_a_ratio_of_sums():
    """Nine of ten and none of ninety are nine of a hundred."""
    records = [
        record(tools={"edit_tool": (9, 1)}),
        record(actor="bea@x.example", tools={"edit_tool": (0, 90)}),
    ]
    assert m.by_week(week(records), "acceptance_rate")["value"].item() == 0.09


def test_lines_are_added_and_removed():
    """Counted separately."""
    records = [record(added=10, removed=4), record(actor="bea@x.example", added=5)]
    frame = m.by_week(week(records), "lines")
    assert last(frame, "kind") == {"added": 15, "removed": 4}
    assert frame["n_actors"].tolist() == [2, 2]


def test_lines_of_a_small_group_are_hidden():
    """One person's lines are private."""
    assert m.by_week(week([record(added=10)], minimum_group=5), "lines")["value"].isna().all()


def test_commits_and_pull_requests_are_counted_separately():
    """Neither replaces the other."""
    data = week([record(commits=3, pull_requests=1), record("2026-11-17", commits=2)])
    assert m.by_week(data, "commits")["value"].item() == 5
    assert m.by_week(data, "pull_requests")["value"].item() == 1


def test_an_active_day_counts_once_whatever_the_number_of_records():
    """Two terminals on one day, six commits: six a day."""
    records = [record(terminal="vscode", commits=2), record(terminal="tmux", commits=4)]
    row = m.by_week(week(records), "commits_per_active_day").iloc[0]
    assert (row["value"], row["denominator"]) == (6, 1)


@pytest.mark.parametrize(("commits", "share"), [((1, 0, 5, 0), 0.5), ((0, 0), 0), ((2,), 1)])
def test_landing_share_is_of_active_people(commits, share):
    """The share of active people with a commit, not a count of commits."""
    records = [record(actor=f"p{n}@x.example", commits=c) for n, c in enumerate(commits)]
    assert m.by_week(week(records), "landing_share")["value"].item() == share
