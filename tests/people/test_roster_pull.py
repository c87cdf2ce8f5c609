"""Members pulled from the service become a roster with dates; edits made by people are kept."""

from datetime import UTC, date, datetime

import httpx
import pytest
from click.testing import CliRunner

from ccanalytics.cli import main
from ccanalytics.errors import ApiError, SchemaError, SettingsError
from ccanalytics.fake_api.fake_service import FakeService, serve
from ccanalytics.people.roster import no_roster, parse_roster, read_roster
from ccanalytics.people.roster_pull import merged, pull_roster, roster_csv
from ccanalytics.sources.admin_api import AdminClient, MemberClient
from ccanalytics.wire.organization import Member

TODAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HAND = "email,team,start,end,name\nann@x.example,Red,2026-01-01,,Ann\nbob@x.example,Blue,,,Bob\n"


def member(email, added="2026-11-20T10:00:00Z", id=""):
    return Member(id=id or f"user_{email[0].lower()}", email=email, added_at=added)


def rows(count):
    """The list of members as the service returns it."""
    return [
        {
            "id": f"user_{n}",
            "email": f"p{n}@x.example",
            "name": "",
            "role": "claude_code_user",
            "added_at": "2026-11-02T10:00:00Z",
            "type": "user",
        }
        for n in range(count)
    ]


def client(count, faults=None):
    service = FakeService(
        lambda day: [], now=lambda: NOW, members=lambda: rows(count), faults=faults
    )
    waits = AdminClient("sk-ant-admin01-x", transport=service.transport(), sleep=lambda s: None)
    return waits, service


def test_the_first_pull_makes_a_roster():
    """Each member from the day given by the service, with their id and without a team."""
    pull = merged(no_roster(), [member("Ann@x.example ")], TODAY)
    assert roster_csv(pull.roster) == (
        "email,team,start,end,name,user_id\nann@x.example,,2026-11-20,,,user_a\n"
    )
    assert str(pull) == (
        "1 member, 1 of them without a team: 1 new, 0 gone, 0 back, 0 with a new address, "
        "0 in several groups, 0 without Claude Code."
    )


def test_manual_edits_are_kept():
    """Ann and Bob keep team, dates and names; Eve is added. All three get their ids."""
    known = parse_roster(HAND, "people.csv")
    members = [member(f"{name}@x.example") for name in ("ann", "bob", "eve")]
    pull = merged(known, members, TODAY)
    assert roster_csv(pull.roster) == (
        "email,team,start,end,name,user_id\n"
        "ann@x.example,Red,2026-01-01,,Ann,user_a\n"
        "bob@x.example,Blue,,,Bob,user_b\n"
        "eve@x.example,,2026-11-20,,,user_e\n"
    )


WITH_IDS = (
    "email,team,start,end,name,alias,user_id\n"
    "ann@x.example,Red,2026-01-01,2026-06-30,Ann,annie@x.example,user_1\n"
    "ann@x.example,Blue,2026-07-01,,Ann,annie@x.example,user_1\n"
    "bob@x.example,Blue,,,Bob,,user_2\n"
)


def pulled(text, *accounts):
    """The pull of these addresses and ids into the roster of `text`, and the new file."""
    members = [member(email, id=id) for email, id in accounts]
    pull = merged(parse_roster(text, "people.csv"), members, TODAY)
    return pull, roster_csv(pull.roster)


def test_a_person_whose_address_changed_keeps_team_and_start():
    """Ann married: the id says it is her, in both of her stays; her old addresses are aliases."""
    pull, file = pulled(WITH_IDS, ("ann.lee@y.example", "user_1"), ("bob@x.example", "user_2"))
    assert (pull.people["new"], pull.people["gone"], pull.people["back"]) == ((), (), ())
    assert file == (
        "email,team,start,end,name,alias,user_id\n"
        "ann.lee@y.example,Red,2026-01-01,2026-06-30,Ann,ann@x.example annie@x.example,user_1\n"
        "ann.lee@y.example,Blue,2026-07-01,,Ann,ann@x.example annie@x.example,user_1\n"
        "bob@x.example,Blue,,,Bob,,user_2\n"
    )
    assert str(pull).startswith(
        "2 members, 0 of them without a team: 0 new, 0 gone, 0 back, 1 with a new address"
    )
    assert pulled(file, ("ann.lee@y.example", "user_1"), ("bob@x.example", "user_2"))[1] == file


def test_a_company_that_changes_its_domain_loses_nobody(tmp_path):
    """All addresses are new at once, which would else be another organisation."""
    path = tmp_path / "people.csv"
    path.write_text(WITH_IDS)
    members = [
        member(f"{name}@z.example", id=id) for id, name in (("user_1", "a"), ("user_2", "b"))
    ]
    pull = pull_roster(path, members, TODAY)
    assert (pull.people["new"], pull.people["gone"]) == ((), ())
    assert read_roster(path)["actor"].tolist() == ["a@z.example", "a@z.example", "b@z.example"]


def test_a_second_account_with_a_new_address_is_an_alias():
    """Bob's main address is still in use, so it stays the main one."""
    text = WITH_IDS.replace("user_2", "user_2 user_3")
    accounts = [
        ("ann@x.example", "user_1"),
        ("bob@x.example", "user_2"),
        ("bo@z.example", "user_3"),
    ]
    assert "bob@x.example,Blue,,,Bob,bo@z.example,user_2 user_3\n" in pulled(text, *accounts)[1]


def test_an_address_of_the_roster_is_that_row_whatever_the_id():
    """Bob was added again and has another id; a person who left and came back, too."""
    pull, file = pulled(WITH_IDS, ("ann@x.example", "user_1"), ("BOB@x.example", "user_9"))
    assert (pull.people["new"], pull.people["gone"], pull.people["with a new address"]) == (
        (),
        (),
        (),
    )
    assert "bob@x.example,Blue,,,Bob,,user_2 user_9\n" in file


def test_an_id_of_two_people_tells_nobody():
    """Somebody copied a row with its id: the new address is a new person."""
    text = WITH_IDS.replace("user_2", "user_1")
    pull, _ = pulled(text, ("ann@x.example", "user_5"), ("new@x.example", "user_1"))
    assert (pull.people["new"], pull.people["gone"]) == (("new@x.example",), ("bob@x.example",))


def test_an_answer_that_would_remove_most_people_changes_nothing(tmp_path):
    """Nobody at all, or another organisation: the file stays, and the error says why."""
    path = tmp_path / "people.csv"
    path.write_text(HAND)
    for members in ([], [member("zoe@y.example"), member("yan@y.example")]):
        with pytest.raises(SettingsError, match="2 of the 2 people"):
            pull_roster(path, members, TODAY)
        assert path.read_text() == HAND
    assert pull_roster(path, [member("ann@x.example")], TODAY).people["gone"] == ("bob@x.example",)


def test_a_removed_member_ends_yesterday():
    """Bob is not a member any more."""
    pull = merged(parse_roster(HAND, "people.csv"), [member("ann@x.example")], TODAY)
    assert pull.people["gone"] == ("bob@x.example",)
    assert "bob@x.example,Blue,,2026-11-23,Bob" in roster_csv(pull.roster)


def test_a_returning_member_has_a_second_stay():
    """From the day the service gives, or the day after the first stay ended; in the same team."""
    known = parse_roster(HAND, "people.csv")
    gone = merged(known, [member("ann@x.example")], date(2026, 11, 1)).roster
    back = [member("ann@x.example"), member("bob@x.example", "2025-01-01T00:00:00Z")]
    pull = merged(gone, back, TODAY)
    assert pull.people["back"] == ("bob@x.example",)
    assert pull.roster["actor"].tolist().count("bob@x.example") == 2
    assert "bob@x.example,Blue,2026-11-01,,Bob" in roster_csv(pull.roster)


def test_an_empty_list_removes_nobody(tmp_path):
    """Not even the only one there is."""
    path = tmp_path / "people.csv"
    path.write_text("email,team\nann@x.example,Red\n")
    with pytest.raises(SettingsError, match="0 members"):
        pull_roster(path, [], TODAY)
    assert path.read_text() == "email,team\nann@x.example,Red\n"


def test_roles_without_the_product_are_not_added():
    """A billing-only member is not added; a person already on the roster stays."""
    members = [
        Member("user_1", "ann@x.example", "2026-11-20T10:00:00Z", role="billing"),
        Member("user_2", "bob@x.example", "2026-11-20T10:00:00Z", role="developer"),
        Member("user_3", "pay@x.example", "2026-11-20T10:00:00Z", role="billing"),
    ]
    pull = merged(parse_roster(HAND, "people.csv"), members, TODAY, {"billing"})
    assert (pull.people["new"], pull.people["gone"], pull.people["without Claude Code"]) == (
        (),
        (),
        ("pay@x.example",),
    )


def test_one_account_with_the_product_is_enough_for_a_person():
    """Two accounts of one address, in any order, of which only one can use the product."""
    accounts = [
        Member("user_1", "ann@x.example", "2026-11-20T10:00:00Z", role="developer"),
        Member("user_2", "Ann@x.example", "2026-11-20T10:00:00Z", role="billing"),
    ]
    for members in (accounts, accounts[::-1]):
        pull = merged(no_roster(), members, TODAY, {"billing"})
        assert (pull.people["new"], pull.people["without Claude Code"]) == (("ann@x.example",), ())


@pytest.mark.parametrize(
    ("key", "without"), [("sk-ant-admin01-x", {"user", "billing"}), ("sk-ant-api01-x", set())]
)
def test_a_key_of_either_kind_opens_the_list_of_members(key, without):
    """Also a claude.ai key with the scope read:members, where every role has the product."""
    members = {"data": rows(3), "has_more": False, "first_id": None, "last_id": None}
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=members))
    source = MemberClient(key, transport=transport)
    assert len(source.members()) == 3
    assert source.roles_without == without


def test_a_second_pull_of_the_same_members_changes_nothing():
    """The written file can be read again."""
    members = [member("ann@x.example"), member("eve@x.example")]
    once = merged(parse_roster(HAND, "people.csv"), members, TODAY).roster
    again = merged(parse_roster(roster_csv(once), "people.csv"), members, TODAY)
    assert (again.people["new"], again.people["gone"], again.people["back"]) == ((), (), ())
    assert roster_csv(again.roster) == roster_csv(once)


def test_an_invalid_roster_file_is_not_touched(tmp_path):
    """The bad line is named, and the file is unchanged."""
    path = tmp_path / "people.csv"
    path.write_text("email,team,start\nann,Red,soon\n")
    with pytest.raises(SettingsError, match="line 2"):
        pull_roster(path, [member("ann@x.example")], TODAY)
    assert path.read_text() == "email,team,start\nann,Red,soon\n"


@pytest.mark.parametrize("count", [0, 1, 1000, 2001])
def test_all_members_are_read_from_all_pages(count):
    """Also when the last page is full, or there is none."""
    source, service = client(count)
    assert len(source.members()) == count
    assert len(service.asked) == max(1, -(-count // 1000))


def test_temporary_failures_change_nothing():
    """One server error and one truncated answer are retried."""
    source, _ = client(2001, {1: "500", 3: "truncated"}.get)
    assert len({one.id for one in source.members()}) == 2001


def test_a_list_that_repeats_itself_is_an_error():
    """Rather than an endless walk or half of the people."""
    source, _ = client(2001, dict.fromkeys(range(1, 9), "repeat").get)
    with pytest.raises(ApiError, match="repeats a cursor"):
        source.members()


def test_an_answer_without_members_is_named():
    """A missing field is named by its path."""
    service = FakeService(lambda day: [], now=lambda: NOW, members=lambda: [{"id": "user_1"}])
    source = AdminClient("sk-ant-admin01-x", transport=service.transport())
    with pytest.raises((SchemaError, ApiError), match="email"):
        source.members()


def test_the_command_pulls_and_prints_numbers_only(tmp_path, monkeypatch):
    """Over real HTTP, into a file only its owner can read; no address on the screen."""
    monkeypatch.chdir(tmp_path)
    service = FakeService(lambda day: [], now=lambda: NOW, members=lambda: rows(3))
    with serve(service) as server:
        environment = {
            "ANTHROPIC_BASE_URL": server.url,
            "ANTHROPIC_ADMIN_KEY": "sk-ant-admin01-x",
            "CCANALYTICS_STORE": str(tmp_path / "store"),
        }
        done = CliRunner().invoke(main, ["roster", "pull"], env=environment)
    assert done.exit_code == 0, done.output
    assert "3 members" in done.output and "3 new" in done.output
    assert "@" not in done.output
    assert (tmp_path / "people.csv").stat().st_mode & 0o077 == 0
    assert len(read_roster(tmp_path / "people.csv")) == 3


def test_a_new_address_is_recognised_by_a_second_pull_over_http(tmp_path):
    """The first pull adds the ids to an older file, a person a team, and the second uses both."""
    path, listed = tmp_path / "people.csv", rows(3)
    path.write_text("email,team\np0@x.example,Red\n")
    with serve(FakeService(lambda day: [], now=lambda: NOW, members=lambda: listed)) as server:
        environment = {
            "ANTHROPIC_BASE_URL": server.url,
            "ANTHROPIC_ADMIN_KEY": "sk-ant-admin01-x",
            "CCANALYTICS_STORE": str(tmp_path / "store"),
        }
        asked = ["roster", "pull", "--out", str(path)]
        assert CliRunner().invoke(main, asked, env=environment).exit_code == 0
        path.write_text(path.read_text().replace("p1@x.example,,", "p1@x.example,Blue,"))
        listed[1]["email"] = "Married@x.example"
        done = CliRunner().invoke(main, asked, env=environment)
    assert "1 of them without a team" in done.output and "1 with a new address" in done.output
    assert path.read_text() == (
        "email,team,start,end,name,alias,user_id\n"
        "married@x.example,Blue,2026-11-02,,,p1@x.example,user_1\n"
        "p0@x.example,Red,,,,,user_0\n"
        "p2@x.example,,2026-11-02,,,,user_2\n"
    )


def test_the_command_checks_a_file(sample_days, tmp_path, monkeypatch):
    """People by team, and who is missing next to the stored days, by number unless asked."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "people.csv").write_text(HAND)
    asked = ["roster", "check", "people.csv", "--source", "sample", "--store", str(sample_days)]
    plain = CliRunner().invoke(main, asked)
    named = CliRunner().invoke(main, [*asked, "--named"])
    assert plain.exit_code == 0, plain.output
    assert "2 people in 2 rows, 2 of them this week" in plain.output
    assert "2 people on the roster without a record" in plain.output
    assert "@" not in plain.output
    assert "  bob@x.example" in named.output


def test_people_per_team_are_said_also_when_nothing_is_stored(tmp_path, monkeypatch):
    """What the file alone says comes before the error about the days to compare it with."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "people.csv").write_text(HAND)
    asked = ["roster", "check", "people.csv", "--source", "api", "--store", "empty"]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 1
    assert "2 people in 2 rows, 2 of them this week" in done.stdout
    assert "Error:" in done.stderr


def test_a_bad_file_is_reported_line_by_line(tmp_path):
    """Exit code 1, and every bad line is named."""
    path = tmp_path / "people.csv"
    path.write_text("email,team,start\nann,Red,soon\nbob@x.example,Blue,2026-13-01\n")
    done = CliRunner().invoke(main, ["roster", "check", str(path)])
    assert done.exit_code == 1
    assert "line 2" in done.output
    assert "line 3" in done.output
