"""A person's own usage: every split of the same logs has the same sums."""

import json
import re
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from builders import dataset, record
from log_lines_made import answer, line, result
from notebook_runs import run_notebooks

import ccanalytics as cca
from ccanalytics.logs.own_frames import TOKENS
from ccanalytics.logs.own_usage import SPLITS, active_time
from ccanalytics.report.engine import NotebookRun
from ccanalytics.report.page import build_page
from ccanalytics.report.parameters import checked_parameters
from ccanalytics.report.run import notebook_folder

SAMPLE = Path(__file__).parents[3] / "shared" / "data" / "claude-logs.tar.xz"
NOW = datetime(2026, 8, 12, 12, tzinfo=UTC)
HOSTILE = "</script><script>alert(1)</script>"


def edit(name, tool="Edit"):
    """The block of a tool call."""
    return {"type": "tool_use", "id": name, "name": tool, "input": {}}


LINES = [
    line("user", message={"role": "user", "content": "hi"}, gitBranch="main"),
    answer(output=1000, stop="end", model="claude-opus-5", gitBranch="main", content=[edit("t1")]),
    result("t1", {"structuredPatch": [{"lines": ["+a", "+b", "-c"]}]}, gitBranch="main"),
    answer("m4", "r4", output=0, stop="end", gitBranch="main", content=[edit("t2", "Bash")]),
    result("t2", text="The user doesn't want to proceed", error=True, gitBranch="main"),
    answer("m2", "r2", session="s3", output=500, stop="end", model="house-model"),
    answer(
        "m3",
        "r3",
        session="s2",
        at="2026-08-04T23:30:00.000Z",
        output=1000,
        stop="end",
        cwd="/home/x/" + HOSTILE,
        gitBranch=HOSTILE,
        usage={
            "cache_read_input_tokens": 10_000,
            "cache_creation_input_tokens": 3000,
            "cache_creation": {
                "ephemeral_5m_input_tokens": 1000,
                "ephemeral_1h_input_tokens": 2000,
            },
        },
    ),
    line(
        "system",
        session="s2",
        at="2026-08-04T23:40:00.000Z",
        subtype="compact_boundary",
        uuid="u1",
        compactMetadata={"trigger": "auto", "preTokens": 13_000},
    ),
    answer(
        "m5",
        "r5",
        session="s2",
        at="2026-08-04T23:50:00.000Z",
        stop=None,
        cwd="/home/x/" + HOSTILE,
        gitBranch=HOSTILE,
        usage={"input_tokens": 2000},
    ),
]


@pytest.fixture
def folder(tmp_path):
    """A configuration folder of Claude Code with three sessions."""
    path = tmp_path / "claude" / "projects" / "p"
    path.mkdir(parents=True)
    for name in ("s1", "s2", "s3"):
        lines = [json.dumps(one) for one in LINES if one["sessionId"] == name]
        (path / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path / "claude"


@pytest.fixture
def data(folder, tmp_path):
    """The two days of the logs, and the twelve before them."""
    return cca.load(source="local", logs=[folder], store=tmp_path / "store", days=14, now=NOW)


def test_the_newest_days_end_with_the_last_active_day(data):
    """Fourteen days up to the fourth of August, whatever today is."""
    assert str(data.until) == "2026-08-04"
    assert data.requests["at"].max() == pd.Timestamp("2026-08-04 23:50")


@pytest.mark.parametrize("split", SPLITS)
def test_every_split_adds_up_to_the_same(data, split):
    """2,500 output tokens, of which 500 have no price; five answers."""
    frame = cca.usage_by(data, split)
    assert frame["output_tokens"].sum() == 2500
    assert frame["unpriced_tokens"].sum() == 500
    assert frame["requests"].sum() == 5
    assert frame["value"].sum() == pytest.approx(data.requests["cost_usd"].sum())


@pytest.mark.parametrize("split", ["day", "hour", "project", "branch", "terminal", "session"])
def test_sessions_and_lines_belong_to_where_they_happened(data, split):
    """Three sessions and two lines, in every split that has them."""
    frame = cca.usage_by(data, split)
    assert frame["sessions"].sum() == 3
    assert frame["lines_added"].sum() == 2


def test_the_commits_of_a_model_are_null_not_zero(data):
    """A tool call belongs to a turn, whichever models answered it."""
    assert cca.usage_by(data, "model")[["commits", "sessions"]].isna().all(axis=None)


def test_a_model_without_a_price_has_no_cost_and_comes_last(data):
    """Unknown is not free."""
    frame = cca.usage_by(data, "model")
    assert frame["model"].tolist() == ["claude-opus-5", "house-model"]
    assert frame["value"].isna().tolist() == [False, True]


def test_missing_values_of_the_log_are_a_separate_group(data):
    """The session of the house model names no branch."""
    branches = cca.usage_by(data, "branch").set_index("branch")["output_tokens"]
    assert branches["not logged"] == 500


def test_hours_and_days_are_those_of_the_time_zone(data):
    """23:30 in UTC is 01:30 of the next day in Berlin in summer."""
    utc, berlin = (cca.usage_by(data, "hour", zone) for zone in ("UTC", "Europe/Berlin"))
    assert utc.loc[utc["requests"] > 0, "hour"].tolist() == [10, 23]
    assert berlin.loc[berlin["requests"] > 0, "hour"].tolist() == [1, 12]
    assert len(utc) == len(berlin) == 24
    days = cca.usage_by(data, "day", "Europe/Berlin").query("requests > 0")["day"]
    assert [f"{day:%m-%d}" for day in days] == ["08-03", "08-05"]


def test_a_week_that_is_not_whole_is_marked(tmp_path):
    """The range ends with a Wednesday: the newest week is so far, the one before it is whole."""
    weeks_of(tmp_path, [1, 2, 3])
    data = cca.load(
        "2026-07-22",
        "2026-08-05",
        source="local",
        logs=[tmp_path / "weeks"],
        store=tmp_path / "store",
        now=NOW,
    )
    weeks = cca.usage_by(data, "week", "UTC")
    assert weeks["value"].tolist() == pytest.approx([2, 3])
    assert [f"{week:%d.%m.}" for week in weeks.attrs["cut"]] == ["03.08."]
    assert "so far" in str(cca.chart(weeks).to_dict())


def test_days_by_model_add_up_to_the_days(data):
    """The segments of a bar add up to the bar."""
    days = cca.usage_by(data, "day")
    models = cca.usage_by(data, "day", by="model").groupby("day")["value"].sum()
    assert models.tolist() == pytest.approx(days["value"].tolist())
    assert days["tokens"].tolist() == days[TOKENS].sum(axis=1).tolist()


def test_a_day_without_use_is_a_zero_between_the_others(folder, tmp_path):
    """The logs start on the third of August and the range ends on the sixth."""
    data = cca.load(
        "2026-08-03", "2026-08-06", source="local", logs=[folder], store=tmp_path / "s", now=NOW
    )
    days = cca.usage_by(data, "day", by="model").groupby("day")["value"].sum()
    assert [f"{day:%d}" for day in days.index] == ["03", "04", "05", "06"]
    assert days.iloc[2:].tolist() == [0, 0]


def test_the_cache_saving_compares_reads_with_the_input_price(data):
    """Opus at $5 a million: reads save 0.9 each, writes cost 0.25 for 5 minutes, 1 for an hour."""
    saved = cca.usage_by(data, "model").set_index("model")["saved"]
    assert saved["claude-opus-5"] == pytest.approx(5e-6 * (9000 - 250 - 2000))
    assert pd.isna(saved["house-model"])  # without a price


def test_a_session_has_its_cost_its_context_and_its_compactions(data):
    """The hostile session reached 13,000 tokens, was compacted once, and lasted 20 minutes."""
    sessions = cca.own_sessions(data).set_index("session")
    assert sessions.loc["s2", "peak_context"] == 13_000
    assert sessions["compactions"].tolist().count(1) == 1
    assert sessions.loc["s2", "minutes"] == 20
    assert sessions.loc["s1", "lines_added"] == 2
    assert sessions["value"].sum() == pytest.approx(data.requests["cost_usd"].sum())
    assert sessions.index[-1] == "s3"  # without a price


def test_a_name_given_by_a_person_goes_before_any_title(folder, tmp_path):
    """Titles are written again and again, also after a session was renamed."""
    lines = [
        {"type": "custom-title", "customTitle": "Login", "sessionId": "s1"},
        answer("n1", "n1", at="2026-08-03T11:00:00.000Z"),
        {"type": "ai-title", "aiTitle": "Fix a form", "sessionId": "s1"},
    ]
    with (folder / "projects" / "p" / "s1.jsonl").open("a") as file:
        file.writelines(f"{json.dumps(one)}\n" for one in lines)
    data = cca.load(source="local", logs=[folder], store=tmp_path / "store", days=14, now=NOW)
    sessions = cca.own_sessions(data).set_index("session")
    assert sessions.loc["s1", "title"] == "Login"
    ledger = cca.coverage_ledger(data).set_index("who")["state"]
    assert "1 title" in ledger["Calls Claude Code makes in the background"]


def test_a_session_duration_ignores_clock_changes(folder, tmp_path):
    """25 hours over midnight; two answers ten minutes apart while Berlin turns its clock back."""
    lines = [
        answer("d1", "d1", session="long", at="2026-10-20T09:00:00Z"),
        answer("d2", "d2", session="long", at="2026-10-21T10:00:00Z"),
        answer("d3", "d3", session="night", at="2026-10-25T00:55:00Z"),
        answer("d4", "d4", session="night", at="2026-10-25T01:05:00Z"),
    ]
    text = "\n".join(json.dumps(line) for line in lines)
    (folder / "projects" / "p" / "long.jsonl").write_text(text + "\n")
    now = datetime(2026, 10, 28, tzinfo=UTC)
    days = ("2026-10-20", "2026-10-27")
    data = cca.load(*days, source="local", logs=[folder], store=tmp_path / "store", now=now)
    sessions = cca.own_sessions(data, "Europe/Berlin").set_index("session")
    assert sessions.loc["long", ["minutes", "active_minutes"]].tolist() == [1500, 0]
    assert sessions.loc["night", ["minutes", "active_minutes"]].tolist() == [10, 10]


def test_sessions_side_by_side_are_active_at_the_same_time(tmp_path):
    """From 10:00 to 10:10 and from 10:05 to 10:15, after a pause from 10:40: 15 minutes and 5."""
    folder = tmp_path / "claude" / "projects" / "p"
    folder.mkdir(parents=True)
    for name, minutes in (("a", (0, 10, 40, 45)), ("b", (5, 15))):
        lines = [
            answer(f"{name}{n}", f"{name}{n}", session=name, at=f"2026-08-03T10:{n:02}:00Z")
            for n in minutes
        ]
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    logs = [tmp_path / "claude"]
    data = cca.load(source="local", logs=logs, store=tmp_path / "store", days=1, now=NOW)
    assert cca.own_sessions(data)["active_minutes"].tolist() == [15, 10]
    cards = cca.own_week(data)._repr_mimebundle_()["application/vnd.ccanalytics.cards+json"]
    assert cards["cards"][2]["value"] == "0.3 h"
    assert active_time(data) == pd.Timedelta(minutes=20)


def test_context_falls_where_a_session_was_compacted(data):
    """13,000 tokens, then 2,000 after the compaction."""
    growth = cca.context_growth(data, sessions=1)
    assert growth["value"].tolist() == [13_000, 2000]
    assert growth["compacted"].tolist() == [False, True]


def test_a_session_has_one_name_in_the_table_and_in_the_chart(tmp_path):
    """It starts with its prompt, in the reader's zone; two of the same minute stay apart."""
    folder = tmp_path / "claude" / "projects" / "p"
    folder.mkdir(parents=True)
    for name, said, answered in (("a", "10:00", "10:20"), ("b", "10:00", "10:01")):
        lines = [
            line("user", session=name, at=f"2026-08-03T{said}:00Z", message={"content": "x"}),
            answer(name, name, session=name, at=f"2026-08-03T{answered}:00Z", output=1),
        ]
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    data = cca.load(
        source="local", logs=[folder.parents[1]], store=tmp_path / "store", days=1, now=NOW
    )
    names = cca.context_growth(data, timezone="Asia/Tokyo")["session"].unique().tolist()
    assert names == ["3 Aug 19:00 w", "3 Aug 19:00 w (2)"]
    starts = cca.own_sessions(data, "Asia/Tokyo")["started_at"]
    assert set(starts) == {pd.Timestamp("2026-08-03 19:00")}


def test_a_tool_has_its_decisions(data):
    """An edit that was accepted, and a command that was refused."""
    tools = cca.tool_use(data).set_index("tool")
    assert tools.loc["Edit", ["accepted", "rejected", "errors"]].tolist() == [1, 0, 0]
    assert tools.loc["Bash", ["accepted", "rejected", "value"]].tolist() == [0, 1, 0]


def test_the_last_seven_days_are_compared_with_the_seven_before(folder, tmp_path):
    """Three sessions in the last seven days, one in the seven before, where the logs start."""
    earlier = line("user", session="s0", at="2026-07-22T10:00:00.000Z", message={"content": "x"})
    (folder / "projects" / "p" / "s0.jsonl").write_text(json.dumps(earlier) + "\n")
    data = cca.load(source="local", logs=[folder], store=tmp_path / "store", days=14, now=NOW)
    recent = cca.own_recent(data)
    sessions, tokens = (recent.set_index("measure").loc[name] for name in ("sessions", "tokens"))
    assert sessions[["value", "before"]].tolist() == [3, 1]
    assert tokens[["value", "before"]].tolist() == [2500 + 13_000 + 2000, 0]
    cards = recent._repr_mimebundle_()["application/vnd.ccanalytics.cards+json"]["cards"]
    assert cards[3]["verdict"] == "+2 (+200 %)"


def test_the_last_seven_days_end_now_in_the_time_zone_of_the_reader(folder, tmp_path):
    """In Los Angeles it is Tuesday, 17:30: last week counts up to the same time of its Tuesday."""
    moments = {
        "before": "2026-07-22T08:00:00Z",  # Wednesday, one in the morning
        "cut": "2026-07-29T00:45:00Z",  # Tuesday, 17:45, a week before
        "after": "2026-07-29T08:00:00Z",  # Wednesday
        "now": "2026-08-05T00:15:00Z",  # Tuesday, 17:15, which is Wednesday in UTC
    }
    lines = [
        answer(name, name, session="la", at=at, output=10**n)
        for n, (name, at) in enumerate(moments.items())
    ]
    for path in (folder / "projects" / "p").iterdir():
        path.unlink()
    (folder / "projects" / "p" / "la.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    days, now = ("2026-07-21", "2026-08-05"), datetime(2026, 8, 5, 0, 30, tzinfo=UTC)
    data = cca.load(*days, source="local", logs=[folder], store=tmp_path / "store", now=now)
    recent = cca.own_recent(data, "America/Los_Angeles", now).set_index("measure")
    assert recent.loc["tokens", ["value", "before"]].tolist() == [100 + 1000, 1]


def test_seven_days_that_are_over_are_named_by_their_last_day(data):
    """Eight days later they are not "the last seven days"; at noon of the last day they are."""
    assert cca.own_recent(data, "UTC", NOW).attrs["until"] == pd.Timestamp("2026-08-04")
    noon = datetime(2026, 8, 4, 12, tzinfo=UTC)
    assert "until" not in cca.own_recent(data, "UTC", noon).attrs


def test_days_outside_the_range_are_unknown_not_zero(folder, tmp_path):
    """Three days have no seven days before them."""
    data = cca.load(source="local", logs=[folder], store=tmp_path / "store", days=3, now=NOW)
    assert cca.own_recent(data)["before"].isna().all()


def weeks_of(tmp_path, dollars):
    """One week of use for each amount, the last from the third of August: a session in shop
    each."""
    folder = tmp_path / "weeks" / "projects" / "p"
    folder.mkdir(parents=True)
    first = datetime(2026, 8, 3, 9, tzinfo=UTC) - timedelta(weeks=len(dollars) - 1)
    for n, amount in enumerate(dollars):
        at = f"{first + timedelta(weeks=n):%Y-%m-%dT%H:%M:%S.000Z}"
        lines = [
            line("user", session=f"w{n}", at=at, message={"content": "x"}),
            answer(
                f"w{n}",
                f"w{n}",
                session=f"w{n}",
                at=at,
                stop="end",
                cwd="/home/x/shop",
                model="claude-opus-5",
                output=round(amount * 40_000),
            ),
        ]
        text = "\n".join(json.dumps(one) for one in lines if amount)
        (folder / f"w{n}.jsonl").write_text(text + "\n")
    data = cca.load(
        week="2026-W32", source="local", logs=[folder.parents[1]], store=tmp_path / "s", now=NOW
    )
    return data.between("2026-08-03", "2026-08-09")


def test_the_title_has_the_cost_of_the_week_by_project(tmp_path):
    """$2 on shop and $1 on blog, including its worktree."""
    folder = tmp_path / "claude" / "projects" / "p"
    folder.mkdir(parents=True)
    lines = [
        answer("a", "a", stop="end", output=80_000, cwd="/home/x/shop"),
        answer(
            "b",
            "b",
            session="s2",
            stop="end",
            output=40_000,
            cwd="/home/x/blog/.claude/worktrees/try",
        ),
        {"type": "ai-title", "aiTitle": "Fix the login", "sessionId": "s1"},
    ]
    (folder / "s1.jsonl").write_text("\n".join(json.dumps(one) for one in lines) + "\n")
    data = cca.load(
        "2026-08-03",
        "2026-08-09",
        source="local",
        logs=[folder.parents[1]],
        store=tmp_path / "store",
        now=NOW,
    )
    spent, largest, *_ = cca.own_week(data).findings()
    assert spent.title == "You spent about $3.00 in the week of 3 August, two thirds of it on shop"
    assert largest.title == "One session was two thirds of the cost: Fix the login"
    assert cca.own_sessions(data)["project"].tolist() == ["/home/x/shop", "/home/x/blog"]


@pytest.mark.parametrize(
    ("dollars", "verdict"),
    [
        ([1, 1.1, 0.9, 1, 1.2, 0.9, 1, 5], "more than usual"),
        ([1, 1.1, 0.9, 1, 1.2, 0.9, 1, 0.1], "less than usual"),
        ([1, 1.1, 0.9, 1, 1.2, 0.9, 1, 1.05], "no change found"),
        ([1, 1.1, 0, 1, 1.2, 0.9, 1, 5], "too few weeks"),
        ([5], "too few weeks"),
    ],
)
def test_a_week_is_judged_by_eight_weeks_with_use(tmp_path, dollars, verdict):
    """A week without use is not one of them."""
    assert cca.own_week(weeks_of(tmp_path, dollars)).verdict == verdict


def test_a_range_that_starts_with_a_week_is_not_judged_as_a_week(tmp_path):
    """The newest week with use, and the two days after it."""
    data = weeks_of(tmp_path, [10] * 9)
    week = cca.own_week(data.between("2026-08-03", "2026-08-09"))
    assert week.verdict == "no change found"
    store, logs = tmp_path / "store", [tmp_path / "weeks"]
    whole = cca.load("2026-06-08", "2026-08-11", source="local", logs=logs, store=store, now=NOW)
    longer = cca.own_week(whole.between("2026-08-03", "2026-08-11"))
    assert (longer.verdict, longer.cost) == ("", pytest.approx(10))


def test_the_day_that_is_not_over_yet_is_no_reason_for_a_warning(folder, tmp_path):
    """It has what was logged so far, and is read again with the next load."""
    late = datetime(2026, 8, 4, 23, 55, tzinfo=UTC)
    data = cca.load(source="local", logs=[folder], store=tmp_path / "store", days=2, now=late)
    checks = {check.name: check for check in cca.preflight(data)}
    assert checks["Days closed when fetched"].level == "passed"


def test_a_week_without_use_says_so(tmp_path):
    """Nothing in the week of the third of August; the last answer was a week before."""
    last = weeks_of(tmp_path, [2, 0])
    (nothing,) = cca.own_week(last).findings()
    assert nothing.title == "Nothing was used in the week of 3 August"
    assert "27 July 2026" in nothing.text
    assert cca.own_week(last).verdict == ""


def test_the_kinds_of_token_add_up_to_the_cost(data):
    """2,000 output tokens at $25 a million; 10,000 read from the cache at half a dollar."""
    kinds = cca.metric_frame(data, "token_cost").set_index("kind")["value"]
    assert kinds.sum() == pytest.approx(data.requests["cost_usd"].sum())
    assert kinds["output"] == pytest.approx(2000 * 25e-6)
    assert kinds["cache read"] == pytest.approx(10_000 * 0.5e-6)
    assert kinds["cache write 1h"] == pytest.approx(2000 * 10e-6)


def test_a_subagent_is_named_by_its_type(folder, tmp_path):
    """The call that started it has the type Explore."""
    lines = [
        answer("c1", "c1", content=[{**edit("t7", "Task"), "input": {"subagent_type": "Explore"}}]),
        result("t7", {"agentId": "a7"}),
        answer("c2", "c2", agentId="a7", isSidechain=True, output=1000),
    ]
    (folder / "projects" / "p" / "s1.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    data = cca.load(source="local", logs=[folder], store=tmp_path / "store", days=14, now=NOW)
    assert "Explore" in cca.usage_by(data, "agent")["agent"].tolist()


def test_the_ledger_counts_known_gaps_in_the_logs(data):
    """One compaction implies a call whose tokens are in no log."""
    ledger = cca.coverage_ledger(data).set_index("who")["state"]
    assert ledger["Calls Claude Code makes in the background"] == "at least 1 compaction"
    assert ledger["Models without a known price"] == "1 of 5 answers"


@pytest.mark.parametrize("split", SPLITS)
def test_a_chart_has_hostile_names_as_data_only(data, split):
    """A branch named like a script is only a row and text, even in the title."""
    shown = cca.chart(cca.usage_by(data, split))
    spec = shown.to_dict()
    del spec["datasets"], spec["description"], spec["title"]
    assert "<script>" not in str(spec)
    assert "<script>" not in shown._repr_mimebundle_()["image/svg+xml"]


def test_another_source_is_refused_with_a_hint():
    """The records of an organisation have no sessions."""
    with pytest.raises(ValueError, match="load source='local'"):
        cca.usage_by(dataset([record()], "2026-11-16", "2026-11-22"), "day")


def test_an_unknown_split_names_the_own_ones(data):
    """A typo gets the list of valid splits."""
    with pytest.raises(ValueError, match="week, day, hour, project, branch, model"):
        cca.usage_by(data, "weekdays")


@pytest.mark.parametrize("timezone", ["Mars/Olympus", "../etc/passwd", "CEST+2"])
def test_an_unknown_time_zone_is_named(data, timezone):
    """With one that there is."""
    with pytest.raises(ValueError, match=rf"'{re.escape(timezone)}' is no time zone.*Europe/"):
        cca.own_sessions(data, timezone)


def test_days_and_a_week_cannot_be_combined(folder, tmp_path):
    """One range or the other."""
    with pytest.raises(ValueError, match=r"Either .* days 3"):
        cca.load(source="local", logs=[folder], store=tmp_path, days=3, week="2026-W32", now=NOW)


def run_notebook(folder, tmp_path, clean_environment, **parameters):
    """The executed my_usage on these logs."""
    notebooks = [notebook_folder() / "my_usage.ipynb"]
    environment = {
        **clean_environment,
        "CCANALYTICS_STORE": str(tmp_path / "store"),
        "CLAUDE_CONFIG_DIR": str(folder),
    }
    given = checked_parameters(notebooks, parameters, {})
    (done,) = run_notebooks(
        [NotebookRun(source, given[0]) for source in notebooks],
        environment=environment,
        timeout=60,
    )
    return done


@pytest.mark.slow
def test_the_notebook_runs_on_the_logs(folder, tmp_path, clean_environment):
    """Every cell of my_usage, with this time zone; the page shows names as text."""
    done = run_notebook(folder, tmp_path, clean_environment, timezone="Europe/Berlin", days=14)
    outputs = [output for cell in done.cells for output in cell.get("outputs", [])]
    assert sum("vegalite" in str(list(one.get("data", {}))) for one in outputs) == 9
    assert not [one for one in outputs if one.output_type == "error"]
    page = build_page([done], title="My usage", definitions=cca.METRICS)
    assert HOSTILE not in page
    assert "What can the logs not tell?" in page


@pytest.mark.skipif(
    not SAMPLE.exists(), reason="the sample of real logs is not next to the project"
)
def test_real_logs_have_the_same_sums_in_every_split(tmp_path):
    """An anonymised sample of real logs: every split has all tokens and all cost."""
    with tarfile.open(SAMPLE) as archive:
        archive.extractall(tmp_path, filter="data")
    (projects,) = tmp_path.rglob("projects")
    data = cca.load(source="local", logs=[projects.parent], store=tmp_path / "store", days=500)
    expected = json.loads(SAMPLE.with_name("claude-logs-expected.json").read_text("utf-8"))
    whole = expected["totals"]
    for split in SPLITS:
        frame = cca.usage_by(data, split)
        assert frame["output_tokens"].sum() == whole["output"]
        assert frame["cache_read_tokens"].sum() == whole["cache_read"]
        assert frame["cache_write_1h_tokens"].sum() == whole["cache_write_1h"]
        assert frame["value"].sum() == pytest.approx(whole["cost_usd"], abs=0.001)
    sessions = cca.own_sessions(data)
    assert sessions["commits"].sum() == whole["commits"]
    edits = cca.tool_use(data).set_index("tool").loc["Edit"]
    names = {"accepted": "accepted", "rejected": "rejected", "errors": "error"}
    known = expected["tool_actions"]["Edit"]
    assert {ours: edits[ours] for ours in names} == {
        o: known[theirs] for o, theirs in names.items()
    }


def day_of(tmp_path, *answers):
    """Logs of the third of August 2026: an answer costing a dollar at each of these times."""
    folder = tmp_path / "claude" / "projects" / "p"
    folder.mkdir(parents=True)
    lines = [
        answer(f"m{n}", f"r{n}", at=f"2026-08-03T{at}:00.000Z", stop="end", output=40_000)
        for n, at in enumerate(answers)
    ]
    (folder / "s1.jsonl").write_text("\n".join(json.dumps(one) for one in lines) + "\n")
    return cca.load(
        source="local", logs=[folder.parents[1]], store=tmp_path / "store", days=3, now=NOW
    )


def test_a_window_lasts_five_hours_from_the_full_hour_of_its_first_answer(tmp_path):
    """The second starts at 13:10, after the end of the first at 13:00, and lasts to 18:00."""
    data = day_of(tmp_path, "08:20", "12:50", "13:10", "14:10")
    now = cca.own_now(data, "UTC", now=datetime(2026, 8, 3, 15, 10, tzinfo=UTC))
    assert f"{now.window.since:%H:%M} {now.window.until:%H:%M}" == "13:00 18:00"
    assert now.window.cost == pytest.approx(2)
    assert now.window.burn_rate == pytest.approx(1)  # two dollars in two hours
    assert now.window.projection == pytest.approx(2 + 2 + 50 / 60)
    assert now.spells.loc[["hour", "today", "week"], "value"].tolist() == pytest.approx([0, 4, 4])


def test_a_limit_is_reached_at_the_rate_of_the_window(tmp_path):
    """Two dollars in two hours: three dollars in an hour from now, ten not before 18:00."""
    data = day_of(tmp_path, "13:10", "14:10")
    moment = datetime(2026, 8, 3, 15, 10, tzinfo=UTC)
    now = cca.own_now(data, "UTC", limit_usd=3, now=moment)
    assert f"{now.window.limit_at:%H:%M}" == "16:10"
    assert cca.own_now(data, "UTC", limit_usd=10, now=moment).window.limit_at is None


def test_a_window_that_is_over_is_not_open(tmp_path):
    """An answer in the morning opens no window in the evening, but still counts for today."""
    data = day_of(tmp_path, "08:20")
    now = cca.own_now(data, "UTC", now=datetime(2026, 8, 3, 20, tzinfo=UTC))
    assert now.window is None
    assert now.spells.loc["today", "value"] == pytest.approx(1)


def test_today_is_in_the_time_zone_of_the_reader(tmp_path):
    """An answer at 23:30 UTC was given tomorrow in Berlin; yesterday's does not count for today."""
    data = day_of(tmp_path, "10:00", "23:30")
    moment = datetime(2026, 8, 3, 23, 45, tzinfo=UTC)
    assert cca.own_now(data, "UTC", now=moment).spells.loc["today", "value"] == pytest.approx(2)
    berlin = cca.own_now(data, "Europe/Berlin", now=moment)
    assert berlin.spells.loc[["today", "yesterday"], "value"].tolist() == pytest.approx([1, 1])


@pytest.mark.parametrize(
    ("timezone", "answers", "day"),
    [
        ("America/Los_Angeles", 2, "2026-08-03"),  # 13:30 and 17:10
        ("UTC", 1, "2026-08-04"),
        ("Asia/Tokyo", 2, "2026-08-04"),  # 05:30 and 09:10
    ],
)
def test_the_newest_day_is_one_of_the_reader(tmp_path, timezone, answers, day):
    """UTC changes day between two answers of one evening in California or morning in Japan."""
    folder = tmp_path / "claude" / "projects" / "p"
    folder.mkdir(parents=True)
    moments = ("2026-08-03T20:30:00Z", "2026-08-04T00:10:00Z")
    lines = [answer(at, at, at=at, stop="end", output=40_000) for at in moments]
    (folder / "s1.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    data = cca.load(
        source="local", logs=[folder.parents[1]], store=tmp_path / "store", days=3, now=NOW
    )
    hours = cca.usage_by(cca.own_part(data, newest_day=True, timezone=timezone), "hour", timezone)
    assert (hours["requests"].sum(), str(hours.attrs["day"].date())) == (answers, day)
    assert "day" not in cca.usage_by(data, "hour", "UTC").attrs


@pytest.mark.parametrize(
    ("timezone", "at", "now"),
    [
        ("Europe/Berlin", "2026-10-24T22:30:00Z", (2026, 10, 25, 12)),  # 00:30, later an hour more
        ("Europe/Berlin", "2026-03-28T23:30:00Z", (2026, 3, 29, 12)),  # 00:30, later an hour less
        ("America/Santiago", "2026-09-06T04:30:00Z", (2026, 9, 6, 12)),  # 01:30: no midnight
    ],
)
def test_a_day_begins_at_midnight_also_when_the_clocks_change(tmp_path, timezone, at, now):
    """The answer is one of today, not of yesterday."""
    folder = tmp_path / "claude" / "projects" / "p"
    folder.mkdir(parents=True)
    (folder / "s1.jsonl").write_text(json.dumps(answer(at=at, stop="end", output=40_000)) + "\n")
    moment, logs = datetime(*now, tzinfo=UTC), [tmp_path / "claude"]
    data = cca.load(source="local", logs=logs, store=tmp_path / "store", days=3, now=moment)
    mine = cca.own_now(data, timezone, now=moment)
    assert mine.spells.loc[["today", "yesterday"], "value"].tolist() == pytest.approx([1, 0])


@pytest.mark.parametrize(
    ("part", "answers"),
    [({"session": "s2"}, 2), ({"model": "house-model"}, 1), ({"project": "/w"}, 3), ({}, 5)],
)
def test_usage_can_be_filtered_by_project_model_or_session(data, part, answers):
    """Two of the five answers are in the hostile session, one is of the house model."""
    only = cca.own_part(data, **part)
    assert cca.usage_by(only, "day")["requests"].sum() == answers
    assert len(cca.own_sessions(only)) == len(set(only.requests["session"]))


def test_a_part_without_use_has_no_sessions(data):
    """A compaction names no project: it makes no session of a project in which none was used."""
    nowhere = cca.own_part(data, project="/nowhere")
    assert cca.own_sessions(nowhere).empty
    assert cca.own_now(nowhere, "UTC", now=NOW).newest.empty
    assert "0 sessions" in str(cca.own_sessions(nowhere)._repr_mimebundle_())
