"""Loading: which source, which weeks, which teams, and the errors when that is not possible."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from builders import dataset, record

import ccanalytics.dataset.loading as loading
from ccanalytics.dataset.loading import check_files, load
from ccanalytics.errors import SettingsError, StoreError
from ccanalytics.frames.record_frames import build_frames
from ccanalytics.metrics.by_week import by_week
from ccanalytics.settings import read_settings
from ccanalytics.sources.registry import source_spec
from ccanalytics.store.day_store import Store
from ccanalytics.weeks import newest_closed_week, parse_week

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ROSTER = "email,team,start,end\nann@x.example,Web,2026-01-01,\nbob@x.example,Data,2026-01-01,\n"


def fill(root, since="2026-11-09", until="2026-11-22", fetched_at=NOW, skip=()):
    """An api store with Ann and Bob at work every day."""
    store = Store(root)
    days = pd.date_range(since, until).date
    for day in set(days) - {date.fromisoformat(text) for text in skip}:
        records = [record(str(day), actor) for actor in ("Ann@x.example ", "bob@x.example")]
        store.write_day("api", day, build_frames(day, records), fetched_at=fetched_at)
    return store


def mondays(data):
    return [str(week.date()) for week in data.weeks]


# Weeks


def test_a_dataset_knows_its_closed_weeks(tmp_path):
    """Two whole weeks and a day: two Mondays."""
    fill(tmp_path, until="2026-11-23")
    data = load("2026-11-09", "2026-11-23", source="api", store=tmp_path, now=NOW)
    assert mondays(data) == ["2026-11-09", "2026-11-16"]


def test_a_week_cut_by_the_range_is_not_a_closed_week(tmp_path):
    """If the range starts on Tuesday, the first week lacks a day and would look too low."""
    data = load("2026-11-10", "2026-11-22", source="api", store=fill(tmp_path), now=NOW)
    assert mondays(data) == ["2026-11-16"]


def test_a_week_with_a_missing_day_is_not_a_closed_week(tmp_path):
    """One day was never fetched: the week is left out, and coverage says why."""
    store = fill(tmp_path, skip=["2026-11-11"])
    data = load("2026-11-09", "2026-11-22", source="api", store=store, now=NOW)
    assert mondays(data) == ["2026-11-16"]
    assert data.coverage["days_stored"].tolist() == [6, 7]
    assert data.days.loc[~data.days["stored"], "date"].tolist() == [pd.Timestamp("2026-11-11")]


def test_a_day_fetched_before_it_was_over_closes_no_week(tmp_path):
    """Sunday was fetched at ten that morning: stored, but not closed."""
    store = fill(tmp_path, until="2026-11-21")
    fill(tmp_path, "2026-11-22", fetched_at=datetime(2026, 11, 22, 10, tzinfo=UTC))
    data = load("2026-11-09", "2026-11-22", source="api", store=store, now=NOW)
    assert mondays(data) == ["2026-11-09"]
    assert data.coverage["days_closed"].tolist() == [7, 6]


def test_coverage_says_how_final_and_how_fresh_a_week_is(tmp_path):
    """On Tuesday noon only the Sunday may still change."""
    data = load("2026-11-09", "2026-11-22", source="api", store=fill(tmp_path), now=NOW)
    assert data.coverage["days_final"].tolist() == [7, 6]
    assert data.coverage["fetched_at"].tolist() == [pd.Timestamp(NOW)] * 2


def test_without_a_week_the_newest_stored_one_is_the_last(tmp_path):
    """Nothing newer exists, so the last week is the newest one fetched."""
    store = fill(tmp_path, "2026-10-26", "2026-11-15")
    data = load(source="api", store=store, weeks=2, now=NOW)
    assert (data.since, data.until) == (date(2026, 11, 2), date(2026, 11, 15))


@pytest.mark.parametrize("week", ["2026-W46", "2026-11-11", "2026-11-15"])
def test_a_week_may_be_named_or_any_day_of_it(tmp_path, week):
    """A number or a date inside: the same week ends the range."""
    data = load(week=week, weeks=1, source="api", store=fill(tmp_path), now=NOW)
    assert mondays(data) == ["2026-11-09"]


def test_the_current_week_is_refused(tmp_path):
    """The error says until when it lasts and which week is available."""
    with pytest.raises(ValueError, match=r"2026-W48 is not closed.*2026-11-29.*2026-W47"):
        load(week="2026-W48", source="api", store=fill(tmp_path), now=NOW)


def test_a_week_that_was_not_fetched_names_the_command(tmp_path):
    """A report on a week with a gap would be wrong; the error has the command to fill it."""
    store = fill(tmp_path, skip=["2026-11-20"])
    with pytest.raises(StoreError, match=r"W47.*sync --source api --since 2026-11-16"):
        load(week="2026-W47", source="api", store=store, now=NOW)


@pytest.mark.parametrize("text", ["2026-W54", "47", "2026-13-01", "last"])
def test_an_invalid_week_is_refused_with_its_text(text):
    """The error has the value and the format of a week."""
    with pytest.raises(ValueError, match=rf"'{text}'.*2026-W47"):
        parse_week(text)


@pytest.mark.parametrize(
    ("now", "week"),
    [
        ("2026-11-23T00:59", "2026-11-09"),
        ("2026-11-23T01:00", "2026-11-16"),
        ("2026-11-29T23:59", "2026-11-16"),
    ],
)
def test_a_week_is_closed_an_hour_after_its_sunday(now, week):
    """At one on Monday morning, UTC, the week before can be reported."""
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert newest_closed_week(moment) == date.fromisoformat(week)


# People


def test_two_spellings_of_an_address_are_one_actor(tmp_path):
    """Capitals and a stray blank do not make a second person."""
    data = load("2026-11-16", "2026-11-22", source="api", store=fill(tmp_path), now=NOW)
    assert sorted(data.activity["actor"].unique()) == ["ann@x.example", "bob@x.example"]


def test_without_a_roster_every_team_is_null():
    """The column still exists, and is null."""
    data = dataset([record()], "2026-11-16", "2026-11-22")
    assert data.activity["team"].isna().all()
    assert len(data.roster) == 0


def test_a_team_is_only_its_people(tmp_path):
    """All three frames and the roster contain team Web and nobody else."""
    (tmp_path / "roster.csv").write_text(ROSTER)
    data = load(
        week="2026-W47",
        source="api",
        store=fill(tmp_path),
        roster=tmp_path / "roster.csv",
        team="Web",
        weeks=1,
        now=NOW,
    )
    assert data.activity["actor"].unique().tolist() == ["ann@x.example"]
    assert data.roster["actor"].tolist() == ["ann@x.example"]
    assert "of team Web" in repr(data)


def test_an_unknown_team_lists_the_known_ones():
    """A typo is answered with the names to choose from."""
    with pytest.raises(ValueError, match=r"'Wbe'.*Data, Web"):
        dataset([], "2026-11-16", "2026-11-22", roster=ROSTER, team="Wbe")


def test_a_team_without_a_roster_is_refused():
    """There are no teams to choose from; the error says where teams come from."""
    with pytest.raises(ValueError, match=r"without a roster.*--roster"):
        dataset([], "2026-11-16", "2026-11-22", team="Web")


@pytest.mark.parametrize("identity", ["pseudonym", "aggregate"])
def test_no_address_is_left_under_other_identity_policies(tmp_path, identity):
    """Not in a frame, not among its categories, not on the roster."""
    (tmp_path / "roster.csv").write_text(ROSTER)
    data = load(
        week="2026-W47",
        source="api",
        store=fill(tmp_path),
        roster=tmp_path / "roster.csv",
        identity=identity,
        now=NOW,
    )
    for frame in (data.activity, data.model_usage, data.tool_actions):
        assert not any("@" in name for name in frame["actor"].cat.categories)
    assert not data.roster["actor"].str.contains("@").any()
    assert data.activity["actor"].nunique() == 2


def test_an_unknown_identity_is_refused_with_the_known_ones(tmp_path):
    """A misspelled policy must not fall back to names."""
    with pytest.raises(ValueError, match=r"'anonymous'.*aggregate"):
        load(source="api", store=fill(tmp_path), identity="anonymous", now=NOW)


def test_settings_give_store_roster_and_identity(tmp_path, monkeypatch):
    """Settings in ccanalytics.toml need not be repeated in every notebook."""
    fill(tmp_path / "days")
    (tmp_path / "roster.csv").write_text(ROSTER)
    toml = 'store = "days"\nroster = "roster.csv"\nidentity = "pseudonym"\n'
    (tmp_path / "ccanalytics.toml").write_text(toml)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CCANALYTICS_STORE", raising=False)
    data = load(source="api", now=NOW)
    assert data.identity == "pseudonym"
    assert sorted(data.activity["team"].unique()) == ["Data", "Web"]


# Sources


@pytest.fixture
def shared(monkeypatch):
    """`load` with its cache on, as in a process that runs notebooks."""
    monkeypatch.setattr(loading, "_shared", {})


def test_equal_arguments_are_read_once_where_datasets_are_shared(tmp_path, shared):
    """The second loads although the store is gone, and does not show changes made to the first."""
    store = fill(tmp_path / "store").root
    first = load(source="api", store=store, weeks=1, now=NOW)
    first.activity.loc[:, "commits"] = -1
    store.rename(tmp_path / "gone")
    second = load(source="api", store=store, weeks=1, now=NOW)
    assert len(second.activity) == len(first.activity)
    assert (second.activity["commits"] >= 0).all()


def test_other_arguments_or_settings_share_no_dataset(tmp_path, shared, monkeypatch):
    """Another number of weeks, a roster that differs in its middle, another identity."""
    store = fill(tmp_path).root
    named = load(week="2026-W47", source="api", store=store, weeks=1, now=NOW)
    two = load(week="2026-W47", source="api", store=store, weeks=2, now=NOW)
    assert (len(named.weeks), len(two.weeks)) == (1, 2)
    people = [f"p{number}@example.com" for number in range(200)]
    roster = pd.DataFrame(
        {"actor": people, "team": "A", "start": pd.NaT, "end": pd.NaT, "name": ""}
    )
    other = roster.assign(team=["A"] * 100 + ["B"] + ["A"] * 99)
    loaded = [load(source="api", store=store, weeks=1, roster=r, now=NOW) for r in (roster, other)]
    assert [set(one.roster["team"]) for one in loaded] == [{"A"}, {"A", "B"}]
    monkeypatch.setenv("CCANALYTICS_IDENTITY", "aggregate")
    withheld = load(week="2026-W47", source="api", store=store, weeks=1, now=NOW)
    assert (named.identity, withheld.identity) == ("named", "aggregate")


def test_the_sample_needs_nothing_but_its_name(sample_days):
    """Twelve whole weeks with the teams of its own roster, in any year."""
    data = load(source="sample", store=sample_days, now=datetime(2031, 5, 5, tzinfo=UTC))
    assert len(data.weeks) == 12
    assert data.until == date(2026, 11, 22)
    assert data.activity["team"].notna().any()
    assert data.minimum_group == 5


def test_local_logs_are_read_into_the_store(tmp_path):
    """Logs of a Tuesday two weeks ago: that week is the newest with activity, so it is the last."""
    logs = local_log(tmp_path / "claude", "2026-11-10T10:00:00Z")
    data = load(source="local", store=tmp_path / "store", logs=[logs], now=NOW)
    assert mondays(data) == ["2026-11-09"]
    assert data.minimum_group == 1
    assert len(data.sessions) == 1


def test_logs_of_another_folder_add_to_the_store(tmp_path):
    """With two folders of one session each, the store has the days of both."""
    for name in ("mine", "yours"):
        local_log(tmp_path / name, "2026-11-16T10:00:00Z", session=name)
    load(source="local", store=tmp_path / "store", logs=[tmp_path / "mine"], now=NOW)
    data = load(source="local", store=tmp_path / "store", logs=[tmp_path / "yours"], now=NOW)
    assert data.sessions["session"].nunique() == 2
    assert data.model_usage["output_tokens"].sum() == 10


def local_log(folder, at, session="s1"):
    """A log folder with one session of one answer."""
    project = folder / "projects" / "-work-x"
    project.mkdir(parents=True)
    common = {"sessionId": session, "timestamp": at, "cwd": "/src/x", "version": "2.1.0"}
    usage = {"input_tokens": 3, "output_tokens": 5}
    answer = {
        "id": f"m-{session}",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "stop_reason": "end_turn",
        "usage": usage,
        "content": [],
    }
    lines = [
        {**common, "type": "user", "uuid": "u1", "message": {"role": "user", "content": "hello"}},
        {
            **common,
            "type": "assistant",
            "uuid": "u2",
            "requestId": f"r-{session}",
            "message": answer,
        },
    ]
    (project / "s1.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_without_any_source_the_error_names_three_options(tmp_path):
    """No key and no stored day: nothing is assumed, and the error says how to start."""
    with pytest.raises(SettingsError, match=r"(?s)ANTHROPIC_ADMIN_KEY.*sample.*local"):
        load(store=tmp_path, now=NOW)


def test_stored_days_of_the_service_are_loaded_without_a_key(tmp_path):
    """A person with the store does not need the key."""
    assert load(store=fill(tmp_path), now=NOW).source == "api"


def test_a_key_means_the_service(tmp_path, monkeypatch):
    """With a key and no stored day, the error has the command that fetches them."""
    monkeypatch.setenv("ANTHROPIC_ADMIN_KEY", "sk-ant-admin01-x")
    with pytest.raises(StoreError, match=r"ccanalytics sync --source api --since 2026-11-16") as e:
        load(store=tmp_path, now=NOW)
    assert "sk-ant" not in str(e.value)


def test_an_unknown_source_lists_the_known_ones(tmp_path):
    """A typo is answered with the names to choose from."""
    with pytest.raises(ValueError, match=r"'apii'.*api, enterprise, sample, local"):
        load(source="apii", store=tmp_path, now=NOW)


def test_a_range_without_a_stored_day_is_an_error(tmp_path):
    """An empty dataset would look like a year without Claude Code."""
    with pytest.raises(StoreError, match=r"2026-01-01 to 2026-01-07.*--since 2026-01-01"):
        load("2026-01-01", "2026-01-07", source="api", store=fill(tmp_path), now=NOW)


def test_reversed_dates_are_refused_with_both(tmp_path):
    """An empty result would be misleading."""
    with pytest.raises(ValueError, match=r"2026-11-22.*2026-11-16"):
        load("2026-11-22", "2026-11-16", source="api", store=tmp_path, now=NOW)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"since": "2026-11-16"}, "both ends"),
        ({"until": "2026-11-16"}, "both ends"),
        ({"since": "2026-11-16", "until": "2026-11-17", "week": "2026-W47"}, "Either"),
        ({"since": "yesterday", "until": "2026-11-17"}, "'yesterday'"),
        ({"weeks": 0}, "weeks is 0"),
        ({"logs": [Path("x")]}, "logs are only for source local"),
    ],
)
def test_ambiguous_arguments_are_refused_with_their_values(tmp_path, asked, words):
    """Each has more than one meaning, so none is chosen silently."""
    with pytest.raises(ValueError, match=words):
        load(source="api", store=tmp_path, now=NOW, **asked)


def test_loading_does_not_change_the_store(tmp_path):
    """Reading an api store leaves every file unchanged."""
    store = fill(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}
    load(source="api", store=store, now=NOW + timedelta(days=3))
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")} == before


@pytest.mark.parametrize("identity", ["named", "aggregate"])
def test_an_address_in_a_note_is_withheld(identity, sample_days, tmp_path, monkeypatch):
    """The text of an event may contain a name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "events.csv").write_text("date,what\n2026-11-02,ann@corvid.example is away\n")
    monkeypatch.setenv("CCANALYTICS_EVENTS", str(tmp_path / "events.csv"))
    data = load(source="sample", store=sample_days, weeks=1, identity=identity)
    (what,) = data.calendars.events["what"]
    assert what == "[e-mail withheld] is away"
    assert what.endswith("is away")


# Parts of a dataset, without reading again


def loaded(store, *days, **how):
    return load(*days, source="api", store=store, now=NOW, roster=roster_file(store), **how)


def roster_file(store):
    file = store.root / "people.csv"
    file.write_text(ROSTER, encoding="utf-8")
    return file


@pytest.mark.parametrize("identity", ["named", "aggregate"])
def test_a_part_of_a_dataset_equals_loading_its_days_and_team(tmp_path, identity):
    """Selected in memory or read again: the same days, weeks and figures."""
    store = fill(tmp_path, since="2026-11-02")
    part = loaded(store, "2026-11-02", "2026-11-22", identity=identity)
    part = part.between("2026-11-09", "2026-11-22").of_team("Web")
    again = loaded(store, "2026-11-09", "2026-11-22", team="Web", identity=identity)
    assert (part.since, part.until, part.team) == (again.since, again.until, "Web")
    assert mondays(part) == mondays(again) == ["2026-11-09", "2026-11-16"]
    pd.testing.assert_frame_equal(by_week(part, "active_actors"), by_week(again, "active_actors"))
    assert len(part.activity) == len(again.activity) == 14
    assert len(part.roster) == 1


def test_a_part_that_is_partly_outside_ends_where_the_dataset_does(tmp_path):
    """Days that are not in memory are not included."""
    part = loaded(fill(tmp_path), "2026-11-09", "2026-11-22").between("2026-01-01", "2026-11-15")
    assert (part.since, part.until) == (date(2026, 11, 9), date(2026, 11, 15))


def test_a_part_outside_or_of_an_unknown_team_is_an_error(tmp_path):
    """The message names both ranges, or the known teams."""
    data = loaded(fill(tmp_path), "2026-11-09", "2026-11-22")
    with pytest.raises(
        ValueError, match="no day of 2026-01-01 to 2026-01-02: these are 2026-11-09"
    ):
        data.between("2026-01-01", "2026-01-02")
    with pytest.raises(ValueError, match="reversed"):
        data.between("2026-11-20", "2026-11-10")
    with pytest.raises(ValueError, match="Teams: Data, Web"):
        data.of_team("Green")


def test_every_frame_of_a_part_has_the_days_of_the_part(sample_days):
    """Also frames that only some sources have; a team has charges of its own, but no seats."""
    whole = load("2026-11-02", "2026-11-22", source="sample", store=sample_days)
    part = whole.between("2026-11-09", "2026-11-15")
    frames = [frame for frame in vars(part).values() if isinstance(frame, pd.DataFrame)]
    frames += part.extras.values()
    days = [frame["date"] for frame in frames if "date" in frame]
    assert {str(day.min().date()) for day in days} == {"2026-11-09"}
    assert {str(day.max().date()) for day in days} == {"2026-11-15"}
    team = whole.of_team("Web")
    assert set(team.activity["team"]) == set(team.roster["team"]) == {"Web"}
    assert set(team.charges["team"]) == {"Web"}
    assert set(team.extras) == {"charges", "charged_days"}


def test_an_event_of_a_team_on_no_roster_is_told(tmp_path, monkeypatch, caplog):
    """It would be in no chart: "payments" is not Payments."""
    roster, events = tmp_path / "people.csv", tmp_path / "events.csv"
    roster.write_text("email,team\nann@corvid.example,Payments\n")
    shown = "date,what,team\n2026-11-03,y,Payments\n2026-11-04,z,\n"
    events.write_text(f"{shown}2026-11-02,x,payments\n")
    files = {"CCANALYTICS_ROSTER": str(roster), "CCANALYTICS_EVENTS": str(events)}
    settings = read_settings(files, tmp_path)
    check_files(source_spec("api"), settings)
    assert "Events of 'payments' are not shown" in caplog.text
    caplog.clear()
    events.write_text(shown)
    check_files(source_spec("api"), settings)
    assert not caplog.text
