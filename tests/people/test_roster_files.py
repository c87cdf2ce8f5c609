"""Roster files as tools and offices write them are read, or refused with the line and the reason; a
person with several addresses counts once."""

from datetime import date

import pytest
from builders import dataset, record

from ccanalytics.errors import SettingsError
from ccanalytics.people.roster import one_address, parse_roster, plain_address, read_roster
from ccanalytics.people.roster_pull import pull_roster
from ccanalytics.wire.organization import Member

TEXT = "email,team,start,end\nana@x.example,Größen,2026-01-01,\njürgen@x.example,Équipe,,\n"
FILES = {
    "UTF-8": TEXT.encode(),
    "Excel: Unicode text": TEXT.replace(",", "\t").encode("utf-16"),
    "Excel: CSV of Windows": TEXT.replace(",", ";").replace("\n", "\r\n").encode("cp1252"),
    "tabs": TEXT.replace(",", "\t").encode(),
    "an empty column at the end": TEXT.replace("\n", ",\n").encode(),
}


@pytest.mark.parametrize("raw", FILES.values(), ids=FILES)
def test_spreadsheet_files_are_read(tmp_path, raw):
    """Two people in two teams, with every character intact."""
    path = tmp_path / "people.csv"
    path.write_bytes(raw)
    roster = read_roster(path)
    assert roster["actor"].tolist() == ["ana@x.example", "jürgen@x.example"]
    assert roster["team"].tolist() == ["Größen", "Équipe"]


@pytest.mark.parametrize(
    ("encoding", "team"),
    [("cp1251", "Платформа"), ("cp1250", "Łódź"), ("gb18030", "平台组"), ("mac_roman", "Équipe")],
)
def test_an_encoding_other_than_windows_1252_is_refused(tmp_path, encoding, team):
    """Russian, Polish, Chinese or Mac text would be read as accents and symbols."""
    path = tmp_path / "people.csv"
    path.write_bytes(f"email,team\nann@x.example,A\nivan@x.example,{team}\n".encode(encoding))
    with pytest.raises(SettingsError, match="line 3: save it as CSV UTF-8"):
        read_roster(path)


def test_an_unclosed_quote_loses_nobody():
    """Read up to the next quote, the second person would become part of the first one's team."""
    with pytest.raises(SettingsError, match=r"line 3: .* quotation mark"):
        parse_roster('email,team\nana@x.example,"A\nli@x.example,B\n', "r")


def test_extra_columns_are_ignored_but_not_misspelled_ones():
    """A manager column is not needed; `ende` was meant to be the end."""
    text = "Employee ID,email,team,Manager\n7,ana@x.example,A,boss@x.example\n"
    ignored = []
    assert parse_roster(text, "r", ignored.extend)["team"].tolist() == ["A"]
    assert ignored == ["employee id", "manager"]
    with pytest.raises(SettingsError, match="'ende' is not known"):
        parse_roster("email,team,ende\nana@x.example,A,2026-01-01\n", "r")


def test_lines_are_counted_as_an_editor_counts_them():
    """A cell with two lines, and a character that only some tools treat as a line break."""
    text = 'email,team,name\nana@x.example,A,"Ana\nLopez"\nli@x.example,B,Li\u2028Wu\nnobody,C,\n'
    with pytest.raises(SettingsError, match="line 5: email is 'nobody'"):
        parse_roster(text, "r")


@pytest.mark.parametrize(
    "line",
    [
        "Ana <ana@x.example>,A",
        "'ana@x.example,A",
        "ana@x.example.,A",
        "ana@\u200bx.example,A",
        "ana@x.example,Team\u00a0A",
        "ana@x.example,Team\u2009A",
        'ana@x.example,"Team\nA"',
        "ana@x.example,Te\u00adam A",
        "ana@x.example,#N/A",
        "ana@x.example,#SPILL!",
    ],
)
def test_an_address_that_can_never_match_is_refused_with_its_line(line):
    """A name or punctuation around an address, an invisible character, an Excel error."""
    with pytest.raises(SettingsError, match="line 2: "):
        parse_roster(f"email,team\n{line}\n", "r")


@pytest.mark.parametrize("team", ["no team", "Other  Teams"])
def test_a_team_does_not_have_the_name_of_those_without_a_team_or_withheld(team):
    """Its figures would be added to theirs."""
    with pytest.raises(SettingsError, match="line 2: team is"):
        parse_roster(f"email,team\nana@x.example,{team}\n", "r")


def test_teams_that_differ_in_case_or_spaces_only_are_one():
    """The first spelling is kept; an alias equal to the address has no effect."""
    text = "email,team,alias\nana@x.example,Core Web,ANA@x.example\nli@x.example,core  web,\n"
    roster = parse_roster(text, "r")
    assert roster["team"].tolist() == ["Core Web", "Core Web"]
    assert roster["alias"].tolist() == ["", ""]


def test_addresses_are_compared_without_invisible_differences():
    """Case, surrounding spaces, invisible characters, composed or decomposed accents."""
    assert plain_address(" J\u0075\u0308rgen\u200b@X.example ") == "jürgen@x.example"


def test_an_alias_joins_the_addresses_of_a_person():
    """A person who changed name: one person in one team, with the rows of both addresses."""
    roster = "email,team,alias\nann.new@x.example,Web,Ann.Old@x.example ann@y.example\n"
    records = [record(actor=a) for a in ("ann.old@x.example", "ANN@y.example", "ann.new@x.example")]
    data = dataset(records, "2026-11-16", "2026-11-22", roster=roster)
    assert set(data.activity["actor"]) == {"ann.new@x.example"}
    assert set(data.activity["team"]) == {"Web"}


def test_an_alias_of_two_people_is_refused():
    """It would be unclear whose rows it covers."""
    text = "email,team,alias\nann@x.example,A,a@x.example\nbob@x.example,A,a@x.example\n"
    with pytest.raises(SettingsError, match=r"line 3: the alias a@x\.example"):
        parse_roster(text, "r")


def test_a_pull_knows_people_by_their_aliases(tmp_path):
    """The service still has the old address: nobody joined, nobody left, and the alias stays."""
    path = tmp_path / "people.csv"
    path.write_text("email,team,alias\nann.new@x.example,Web,ann@x.example\n", encoding="utf-8")
    members = [Member("user_1", "Ann@x.example", "2026-01-05T09:00:00Z")]
    pull = pull_roster(path, members, date(2026, 11, 25))
    assert (pull.people["new"], pull.people["gone"]) == ((), ())
    assert read_roster(path)["alias"].tolist() == ["ann@x.example"]


def test_a_pull_keeps_extra_columns(tmp_path):
    """The file has a manager column, which is unchanged."""
    path = tmp_path / "people.csv"
    path.write_text("email,team,manager\nann@x.example,Web,boss\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="manager"):
        pull_roster(path, [], date(2026, 11, 25))
    assert "boss" in path.read_text(encoding="utf-8")


def test_an_id_joins_a_new_address_with_a_person_of_the_roster():
    """Also when the source never had the address of the roster in these days."""
    text = "email,team,user_id\nann@x.example,Web,user_1 user_7\nbob@x.example,Web,user_2\n"
    ids = [("user_1", "ann.lee@y.example"), ("user_3", "zoe@x.example")]
    assert one_address(parse_roster(text, "r"), ids) == {"ann.lee@y.example": "ann@x.example"}
