"""Groups of the organisation become teams of the roster, from the day each person joined."""

from datetime import UTC, date, datetime

import httpx
import pytest
from builders import record
from click.testing import CliRunner

from ccanalytics.cli import main
from ccanalytics.errors import ApiError, SettingsError
from ccanalytics.fake_api.fake_service import FakeService, serve
from ccanalytics.people.roster import parse_roster
from ccanalytics.people.roster_pull import merged, pull_roster, roster_csv
from ccanalytics.sources.admin_api import GROUPS, MemberClient
from ccanalytics.sources.registry import Source
from ccanalytics.store.day_store import Store
from ccanalytics.store.sync import sync
from ccanalytics.wire.organization import Member, utc_day

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HEAD = "email,team,start,end,name\n"


def teams(text, groups):
    """The rows of the roster file after a pull of the same people, and who is in several groups."""
    roster = parse_roster(HEAD + text, "people.csv")
    people = roster.loc[roster["end"].isna(), "actor"]
    members = [Member(id="", email=address, added_at=None) for address in people]
    pull = merged(roster, members, NOW.date(), groups=groups)
    return roster_csv(pull.roster).removeprefix(HEAD), pull.people["in several groups"]


def test_people_without_a_team_get_their_group_from_the_day_they_joined():
    """Ann was there before the group; Bob joined on the same day."""
    groups = {"Red": {"Ann@x.example ": date(2026, 11, 2), "bob@x.example": date(2026, 3, 1)}}
    text = "ann@x.example,,2026-01-01,,Ann\nbob@x.example,,2026-03-01,,Bob\n"
    after = "ann@x.example,,2026-01-01,2026-11-01,Ann\nann@x.example,Red,2026-11-02,,Ann\n"
    assert teams(text, groups) == (after + "bob@x.example,Red,2026-03-01,,Bob\n", ())


def test_a_person_who_changes_group_changes_team():
    """Only if the team was a group: entries made by a person stay."""
    day = date(2026, 11, 2)
    groups = {"Blue": {"ann@x.example": day, "bob@x.example": day}, "Red": {}}
    text = "ann@x.example,Red,2026-01-01,,\nbob@x.example,Platform,2026-01-01,,\n"
    moved = "ann@x.example,Red,2026-01-01,2026-11-01,\nann@x.example,Blue,2026-11-02,,\n"
    assert teams(text, groups) == (moved + "bob@x.example,Platform,2026-01-01,,\n", ())


def test_people_in_several_groups_get_no_team_and_are_named():
    """No group is chosen for Ann; Eve, who left, is not touched."""
    groups = {"Red": {"ann@x.example": date(2026, 1, 1)}, "Blue": {"ann@x.example": NOW.date()}}
    text = "ann@x.example,,2026-01-01,,\neve@x.example,,2026-01-01,2026-02-01,\n"
    assert teams(text, groups) == (text, ("ann@x.example",))


def test_a_second_pull_of_the_same_groups_changes_nothing():
    """The file written by the first pull is read again."""
    groups = {"Red": {"ann@x.example": date(2026, 11, 2)}}
    once, _ = teams("ann@x.example,,,,\n", groups)
    assert once == "ann@x.example,,,2026-11-01,\nann@x.example,Red,2026-11-02,,\n"
    assert teams(once, groups) == (once, ())


def test_the_name_of_a_group_becomes_one_that_a_roster_can_have():
    """Spaces of other kinds, doubled ones and invisible signs: the file can be read again."""
    groups = {"Team\u00a0A \u200b B\x07": {"ann@x.example": date(2026, 1, 1)}}
    once, _ = teams("ann@x.example,,2026-01-01,,\n", groups)
    assert once == "ann@x.example,Team A B,2026-01-01,,\n"
    assert teams(once, groups) == (once, ())


def test_two_groups_that_a_roster_cannot_tell_apart_are_one_team():
    """Ann and Bob are in groups whose names differ by a no-break space."""
    day = date(2026, 1, 1)
    groups = {"Team A": {"ann@x.example": day}, "Team\u00a0A": {"bob@x.example": day}}
    text = "ann@x.example,,2026-01-01,,\nbob@x.example,,2026-01-01,,\n"
    assert teams(text, groups) == (text.replace(",,2026", ",Team A,2026"), ())


def test_a_group_that_no_roster_can_have_changes_no_file(tmp_path):
    """A file with it could not be read by the next pull."""
    path, ann = tmp_path / "people.csv", Member(id="", email="ann@x.example", added_at=None)
    groups = {"No team": {"ann@x.example": date(2026, 1, 1)}}
    path.write_text(f"{HEAD}ann@x.example,,2026-01-01,,\n")
    with pytest.raises(SettingsError, match="line 2: team is 'No team'"):
        pull_roster(path, [ann], NOW.date(), groups=groups)
    assert path.read_text() == f"{HEAD}ann@x.example,,2026-01-01,,\n"


def pages(request):
    """Two groups on two pages, as the service answers."""
    if request.url.path != GROUPS:
        row = {"email": "ann@x.example", "created_at": "2026-11-02T23:30:00-02:00"}
        return httpx.Response(200, json={"data": [row], "has_more": False, "next_page": None})
    second = "page" in request.url.params
    row = {"id": f"g/{2 if second else 1}", "name": "Blue" if second else "Red"}
    following = None if second else "next"
    answer = {"data": [row], "has_more": not second, "next_page": following}
    return httpx.Response(200, json=answer)


def test_all_groups_are_read_from_all_pages():
    """Ann joined on 3 November in UTC."""
    client = MemberClient("sk-ant-api01-x", transport=httpx.MockTransport(pages))
    found = [
        (name, [utc_day(one.created_at, NOW.date()) for one in members])
        for name, members in client.groups()
    ]
    assert found == [("Red", [date(2026, 11, 3)]), ("Blue", [date(2026, 11, 3)])]


def test_a_key_without_the_scope_for_groups_gets_an_error():
    """In this case the service answers 404."""
    error = {"type": "error", "error": {"type": "not_found_error", "message": "Not found"}}
    transport = httpx.MockTransport(lambda request: httpx.Response(404, json=error))
    with pytest.raises(ApiError, match="read:rbac_groups"):
        list(MemberClient("sk-ant-api01-x", transport=transport).groups())


class OneDay(Source):
    """One record of Ann, in one organisation."""

    name = "api"

    def records(self, day):
        return [record(str(day), organization=f"{OTHER}1")]


OTHER = "5a3c1e00-0000-4000-8000-00000000000"


def test_members_of_another_organisation_than_the_stored_days_are_refused(tmp_path):
    """The roster stays, and the error names both organisations."""
    day = date(2026, 11, 20)
    sync(OneDay(), Store(tmp_path / "store"), day, day, now=NOW)
    path = tmp_path / "people.csv"
    path.write_text(HEAD)
    row = {"id": "user_1", "email": "ann@x.example", "added_at": "2026-11-02T10:00:00Z"}
    service = FakeService(lambda day: [], members=lambda: [row], organization=f"{OTHER}2")
    with serve(service) as server:
        environment = {
            "ANTHROPIC_BASE_URL": server.url,
            "ANTHROPIC_ADMIN_KEY": "sk-ant-admin01-x",
            "CCANALYTICS_STORE": str(tmp_path / "store"),
        }
        done = CliRunner().invoke(main, ["roster", "pull", "--out", str(path)], env=environment)
    assert done.exit_code == 1
    assert f"{OTHER}1" in done.output
    assert f"{OTHER}2" in done.output
    assert path.read_text() == HEAD
