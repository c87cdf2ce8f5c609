"""The file name of an issue is unique to its team, whatever the team's name."""

import pytest

from ccanalytics.issue.weekly import issue_name


@pytest.mark.parametrize(
    ("one", "other"),
    [("平台组", "数据组"), ("C++", "C#"), ("ml-platform", "ML Platform"), ("x" * 300, "x" * 299)],
)
def test_two_teams_have_two_files(one, other):
    """Even if the characters allowed in a file name are the same, or there are none."""
    names = {issue_name("2026-W47", team) for team in (one, other)}
    assert len(names) == 2
    assert all(name.isascii() and len(name) < 100 for name in names)


def test_a_plain_team_name_is_used_as_the_file_name():
    """Letters, numbers and spaces need no digest."""
    assert issue_name("2026-W47", "Web Team 2") == "2026-W47-web-team-2"
