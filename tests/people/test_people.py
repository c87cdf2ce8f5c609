import os
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pandas as pd
import pytest
from builders import record
from hypothesis import given
from hypothesis import strategies as st

from ccanalytics.errors import SettingsError
from ccanalytics.frames.arrow_tables import to_pandas
from ccanalytics.frames.record_frames import build_frames
from ccanalytics.people.identity import apply_identity, load_secret
from ccanalytics.people.roster import (
    ROSTER,
    joined_and_left,
    never_seen,
    no_roster,
    normalised_actors,
    not_on_roster,
    parse_roster,
    read_roster,
    roster_of_weeks,
    with_teams,
)

SECRET = b"x" * 32
WEEK = pd.Timestamp("2026-11-16")
CSV = """email,team,start,end,name
ann@x.example,Web,2026-01-01,2026-11-17,Ann
ann@x.example,Data,2026-11-18,,Ann
bob@x.example,Web,,2026-11-15,Bob
cem@x.example,Web,2026-11-22,,Cem
"""


def activity(*records, day="2026-11-16"):
    """The activity frame of one day's records."""
    return to_pandas(build_frames(date.fromisoformat(day), records)["activity"])


def used(day, *actors):
    """The activity frame of a day on which these people did something."""
    return activity(*(record(day, actor) for actor in actors), day=day)


def wrong(text):
    """The errors about a wrong roster."""
    with pytest.raises(SettingsError) as error:
        parse_roster(text, "team.csv")
    return str(error.value)


# The roster


def test_a_roster_is_read_with_its_types():
    """Actors and dates are text and days; an empty end is open."""
    roster = parse_roster(CSV, "team.csv")
    assert roster.dtypes.astype(str).to_dict() == ROSTER
    assert roster["actor"].tolist() == ["ann@x.example"] * 2 + ["bob@x.example", "cem@x.example"]
    assert roster["end"].isna().tolist() == [False, True, False, True]


def test_a_roster_without_rows_has_the_same_types():
    """It is empty but has every column."""
    assert no_roster().dtypes.astype(str).to_dict() == ROSTER
    pd.testing.assert_frame_equal(parse_roster("email,team,start,end\n", "r"), no_roster())


def test_spreadsheet_variants_are_read(tmp_path):
    """A byte order mark, semicolons, blank lines, another header, capitals: the same roster."""
    path = tmp_path / "roster.csv"
    path.write_bytes(
        b"\xef\xbb\xbfE-Mail;Team;Start Date\r\n Ann@X.example ;Web;2026-01-01\r\n;;\r\n\r\n"
    )
    roster = read_roster(path)
    assert roster["actor"].tolist() == ["ann@x.example"]
    assert roster[["start", "end"]].iloc[0].isna().tolist() == [False, True]


def test_the_column_may_be_called_actor():
    """The name of the frame's own column is accepted too."""
    assert parse_roster("actor,team,start\nann@x.example,Web,\n", "r")["team"].tolist() == ["Web"]


def test_every_bad_line_is_named_at_once():
    """Line, value and what is wrong with it: one error for the whole file."""
    text = wrong(
        "email,team,start,end\n"
        ",Web,,\n"
        "bob,Web,,\n"
        "cem@x.example,Web,2026-02-30,\n"
        "dan@x.example,Web,2026-05-02,2026-05-01\n"
        "ann@x.example,Web,2026-01-01,\n"
        "Ann@x.example ,Data,2026-05-01,\n"
        "eve@x.example,Web,,\n"
    )
    assert text.startswith("team.csv has 5 problems:")
    assert "line 2: email is ''" in text
    assert "line 3: email is 'bob'" in text
    assert "line 4: start is '2026-02-30'" in text
    assert "line 5: end 2026-05-01 is before start 2026-05-02" in text
    assert "line 7: ann@x.example is on the roster at that time already, by line 6" in text


def test_a_duplicate_line_is_an_error():
    """It would count one person as two."""
    assert "line 3: ann@x.example" in wrong(
        "email,team,start\nann@x.example,A,\nann@x.example,A,\n"
    )


def test_a_missing_column_is_reported_before_any_row():
    """The header decides how the file is read."""
    assert "there is no column 'email'" in wrong("team,start\nWeb,2026-01-01\n")


def test_an_overlap_is_with_the_line_that_lasts_longest():
    """Lines 3 and 4 both fall inside line 2, though not inside each other."""
    text = wrong(
        "email,team,start,end\n"
        "ann@x.example,A,2026-01-01,2026-12-31\n"
        "ann@x.example,B,2026-02-01,2026-02-28\n"
        "ann@x.example,C,2026-04-01,2026-04-30\n"
    )
    assert "line 3: ann@x.example is on the roster at that time already, by line 2" in text
    assert "line 4: ann@x.example is on the roster at that time already, by line 2" in text


def test_a_stay_may_start_the_day_after_the_previous_one():
    """The last day is included: the next stay starts after it."""
    text = "email,team,start,end\nann@x.example,B,{},\nann@x.example,A,,2026-02-28\n"
    assert len(parse_roster(text.format("2026-03-01"), "r")) == 2
    assert "by line 2" in wrong(text.format("2026-02-28"))


def test_markup_in_a_name_stays_text():
    """Nothing is removed: the output escapes it."""
    text = 'email,team,start,name\nann@x,"<b>, team",,"<script>, Ann"\n'
    roster = parse_roster(text, "r")
    assert (roster["team"][0], roster["name"][0]) == ("<b>, team", "<script>, Ann")


# The roster of a week


def test_the_roster_of_a_week_has_everybody_present_on_one_of_its_days():
    """A person who moved is included once, in the latest team; one who left before is not."""
    week = roster_of_weeks(parse_roster(CSV, "r"), pd.DatetimeIndex([WEEK]))
    assert dict(zip(week["actor"], week["team"], strict=True)) == {
        "ann@x.example": "Data",
        "cem@x.example": "Web",
    }


def test_people_join_and_leave_the_roster_but_a_move_is_neither():
    """Bob left before the week, Cem joined in it, and Ann changed her team."""
    assert joined_and_left(parse_roster(CSV, "r"), WEEK) == (1, 1)
    assert joined_and_left(parse_roster(CSV, "r"), WEEK - pd.Timedelta(days=7)) == (0, 0)


def test_nobody_joins_an_empty_roster():
    """Without a roster there are no people."""
    assert joined_and_left(no_roster(), WEEK) == (0, 0)


# Teams of actors


@pytest.mark.parametrize(
    ("day", "team"),
    [("2025-12-31", None), ("2026-01-01", "Web"), ("2026-11-17", "Web"), ("2026-11-18", "Data")],
)
def test_the_team_is_that_of_the_day(day, team):
    """A stay includes its first and last day; before it there is no team."""
    found = with_teams(used(day, "ann@x.example"), parse_roster(CSV, "r"))["team"]
    assert isinstance(found.dtype, pd.CategoricalDtype)
    assert found.astype(object).where(found.notna(), None).tolist() == [team]


def test_a_key_is_in_no_team_even_when_it_is_named_like_a_person():
    """Keys are never people."""
    frame = activity(record(api_key="ann@x.example"), record(actor="ann@x.example"))
    assert with_teams(frame, parse_roster(CSV, "r"))["team"].isna().tolist() == [True, False]


def test_without_a_roster_every_team_is_null():
    """The column exists, as a category."""
    found = with_teams(used("2026-11-16", "ann@x.example"), no_roster())["team"]
    assert isinstance(found.dtype, pd.CategoricalDtype) and found.isna().all()


def test_a_person_without_a_team_is_still_on_the_roster():
    """A roster pulled from the service has people but no teams."""
    roster = parse_roster("email,team,start\nann@x.example,,2026-01-01\n", "r")
    frame = used("2026-11-16", "ann@x.example")
    assert with_teams(frame, roster)["team"].isna().all()
    assert not_on_roster(frame, roster) == []


DAYS = st.dates(date(2026, 1, 1), date(2026, 1, 20))
STAYS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from("TUV"), st.none() | DAYS, st.none() | DAYS),
    max_size=5,
)


@given(stays=STAYS, day=DAYS, actors=st.lists(st.sampled_from("abcd"), min_size=1, max_size=4))
def test_the_lookup_agrees_with_a_row_by_row_search(stays, day, actors):
    """Looking up all rows at once gives the same teams as looking up each one."""
    columns = dict(zip(["actor", "team", "start", "end"], zip(*stays, strict=True), strict=False))
    roster = pd.DataFrame(columns | {"name": ""} if stays else {}, columns=list(ROSTER))
    roster = roster.astype(ROSTER)
    roster = roster[~roster["actor"].duplicated()].reset_index(drop=True)
    there = {
        row.actor: row.team
        for row in roster.itertuples()
        if not row.start > pd.Timestamp(day) and not row.end < pd.Timestamp(day)
    }
    found = with_teams(used(str(day), *actors), roster)["team"].astype(object)
    assert [None if pd.isna(team) else team for team in found] == [there.get(a) for a in actors]


def test_people_in_the_data_but_not_on_the_roster_are_shown():
    """Bob worked after he left, a stranger was never on it, and a key is not a person."""
    frame = activity(
        record(actor="bob@x.example"),
        record(actor="zoe@y.example"),
        record(actor="zoe@y.example", terminal="tmux"),
        record(actor="ann@x.example"),
        record(api_key="ci"),
    )
    found = not_on_roster(frame, parse_roster(CSV, "r"))
    assert found == ["bob@x.example", "zoe@y.example"]


def test_people_on_the_roster_but_never_active_are_shown():
    """Cem joined within the days and did nothing; Bob had left before."""
    frame = used("2026-11-16", "ann@x.example")
    found = never_seen(frame, parse_roster(CSV, "r"), date(2026, 11, 16), date(2026, 11, 22))
    assert found == ["cem@x.example"]


# One person, two spellings


def test_two_spellings_of_one_address_are_one_person():
    """Capitals and blanks differ; the name of a key is unchanged."""
    frame = activity(
        record(actor="Ann@X.example"),
        record(actor=" ann@x.example "),
        record(api_key="Nightly Build@X"),
    )
    found = normalised_actors(frame, {})["actor"]
    assert found.tolist() == ["ann@x.example", "ann@x.example", "Nightly Build@X"]
    assert list(found.cat.categories) == ["Nightly Build@X", "ann@x.example"]
    assert frame["actor"].tolist()[0] == "Ann@X.example"


# Identity


def shown(identity, *records, roster=CSV, secret=SECRET):
    """The frames of the records and the roster under the identity policy."""
    frames = {name: to_pandas(table) for name, table in build_frames(WEEK.date(), records).items()}
    return apply_identity(frames | {"roster": parse_roster(roster, "r")}, identity, secret)


RECORDS = [
    record(actor="ann@x.example", sessions=3, tools={"edit_tool": (1, 0)}),
    record(actor="cem@x.example", sessions=5, models={"m": {"cents": 7}}),
    record(api_key="release </script> key", sessions=7),
]


def test_named_frames_are_unchanged():
    """No secret is needed if nothing is hidden."""
    frames = shown("named", *RECORDS, secret=b"")
    assert frames["activity"]["actor"].tolist()[0] == "ann@x.example"
    assert frames["roster"]["name"].tolist()[0] == "Ann"


@pytest.mark.parametrize("identity", ["pseudonym", "aggregate"])
def test_all_frames_use_one_mapping(identity):
    """Ann has one pseudonym in activity, tools and roster; the key is not a person."""
    frames = shown(identity, *RECORDS)
    by_sessions = frames["activity"].set_index("sessions")["actor"]
    ann, key = by_sessions[3], by_sessions[7]
    assert frames["tool_actions"]["actor"].tolist() == [ann]
    assert frames["roster"]["actor"].tolist().count(ann) == 2  # her two teams
    assert ann.startswith("person") and key.startswith("key")


@pytest.mark.parametrize("identity", ["pseudonym", "aggregate"])
def test_no_name_is_left_anywhere(identity):
    """Not in a column, not in a category, not in the roster: addresses, names, keys, domains."""
    for frame in shown(identity, *RECORDS).values():
        categories = [c for c in frame if isinstance(frame[c].dtype, pd.CategoricalDtype)]
        text = frame.to_csv() + "".join(str(list(frame[c].cat.categories)) for c in categories)
        assert not re.search(r"(?i)ann|cem|bob|x\.example|release|</script", text)


def test_a_pseudonym_depends_only_on_the_secret():
    """The same in every report under one secret, and different after the secret was removed."""
    one, two = (
        shown("pseudonym", *RECORDS),
        shown("pseudonym", RECORDS[0], roster="email,team,start"),
    )
    ann = one["activity"].set_index("sessions")["actor"][3]
    assert two["activity"]["actor"].tolist() == [ann]
    assert (
        shown("pseudonym", *RECORDS, secret=b"y" * 32)["activity"]["actor"].tolist().count(ann) == 0
    )


def crowd(day, size=60):
    """The frames of `size` people in order of name; each has their position as sessions."""
    people = [record(day, f"p{n:02}@x.example", sessions=n + 1) for n in range(size)]
    return {"activity": activity(*people, day=day)}


def numbers(frames):
    """The number assigned to each person, in order of real name."""
    found = apply_identity(frames, "aggregate", SECRET)["activity"].sort_values("sessions")
    return found["actor"].astype("str").str.removeprefix("person ").astype("int64").tolist()


def test_aggregate_numbers_are_the_same_for_the_same_data():
    """Repeating a report gives the same numbers."""
    assert numbers(crowd("2026-11-16")) == numbers(crowd("2026-11-16"))


def test_aggregate_numbers_differ_from_report_to_report():
    """The same people on another day are renumbered, each number once."""
    first, second = numbers(crowd("2026-11-16")), numbers(crowd("2026-11-17"))
    assert sorted(first) == sorted(second) == list(range(1, 61))
    assert sum(a == b for a, b in zip(first, second, strict=True)) < 8


def test_the_order_of_rows_reveals_nothing_about_names():
    """Rows arrive sorted by address from the service and are sorted by the shown name."""
    found = apply_identity(crowd("2026-11-16"), "aggregate", SECRET)["activity"]
    assert found["actor"].astype("str").is_monotonic_increasing
    assert not found["sessions"].is_monotonic_increasing


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1)


@given(
    people=st.lists(NAMES, max_size=12),
    keys=st.lists(NAMES, max_size=12),
    identity=st.sampled_from(["named", "pseudonym", "aggregate"]),
)
def test_identity_keeps_the_number_of_actors_and_their_activity(people, keys, identity):
    """The same number of people and keys, and the same numbers per actor."""
    users = [record(actor=name, sessions=2**n) for n, name in enumerate(people)]
    machines = [record(api_key=name, sessions=2 ** (n + 12)) for n, name in enumerate(keys)]
    before = activity(*users, *machines)
    after = apply_identity({"activity": before}, identity, SECRET)["activity"]
    keys_of = ["actor_kind", "actor"]
    sums = [frame.groupby(keys_of, observed=True)["sessions"].sum() for frame in (before, after)]
    assert sorted(sums[0]) == sorted(sums[1])
    assert len(after[after["actor_kind"] == "user"]["actor"].unique()) == len(set(people))


def test_an_unknown_policy_is_an_error():
    """A typo must not show names."""
    with pytest.raises(ValueError, match=r"'agregate'.*named, pseudonym, aggregate"):
        shown("agregate", *RECORDS)


@pytest.mark.parametrize("identity", ["pseudonym", "aggregate"])
def test_hiding_names_needs_a_secret(identity):
    """Otherwise anybody with a list of addresses could reverse it."""
    with pytest.raises(ValueError, match="needs a secret"):
        shown(identity, *RECORDS, secret=b"")


# The secret


def test_the_secret_is_made_once_and_only_its_owner_may_read_it(tmp_path):
    """A second call reads it; nothing else is left in the folder."""
    path = tmp_path / "new" / "secret"
    secret = load_secret(path)
    assert len(secret) == 32 and load_secret(path) == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == ["secret"]


def test_concurrent_calls_create_one_secret(tmp_path):
    """A later process uses the existing one."""
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(load_secret, [tmp_path / "secret"] * 64))
    assert len(set(found)) == 1


def test_a_removed_secret_is_replaced_by_another(tmp_path):
    """From then on the new one is used."""
    path = tmp_path / "secret"
    old = load_secret(path)
    path.unlink()
    assert load_secret(path) == load_secret(path) != old
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_secret_that_others_can_read_is_refused(tmp_path):
    """It would not be secret."""
    path = tmp_path / "secret"
    load_secret(path)
    path.chmod(0o644)
    with pytest.raises(SettingsError, match=r"mode 644.*chmod 600"):
        load_secret(path)


@pytest.mark.parametrize("content", ["", "abcd", "no hex at all"])
def test_a_damaged_secret_is_not_silently_replaced(tmp_path, content):
    """Every pseudonym would change without warning."""
    path = tmp_path / "secret"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(SettingsError, match="damaged"):
        load_secret(path)
    assert path.read_text() == content
