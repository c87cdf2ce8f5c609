"""One's own usage: every split of the same logs has the same sums."""

import json
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from builders import dataset, record
from test_local_logs import answer, line

import ccanalytics as cca
from ccanalytics import charts
from ccanalytics.report.execute import execute
from ccanalytics.report.parameters import checked_parameters
from ccanalytics.report.run import notebook_folder

SAMPLE = Path(__file__).parents[2] / "shared" / "data" / "claude-logs.tar.xz"
NOW = datetime(2026, 8, 12, 12, tzinfo=UTC)
SPLITS = ("day", "hour", "project", "branch", "model", "session")
HOSTILE = "</script><script>alert(1)</script>"

LINES = [
    line("user", message={"role": "user", "content": "hi"}, gitBranch="main"),
    answer(output=1000, stop="end", model="claude-opus-5", gitBranch="main"),
    answer("m2", "r2", session="s3", output=500, stop="end", model="house-model"),
    answer("m3", "r3", session="s2", at="2026-08-04T23:30:00.000Z", output=1000, stop="end",
           cwd="/home/x/" + HOSTILE, gitBranch=HOSTILE,
           usage={"cache_read_input_tokens": 10_000, "cache_creation_input_tokens": 1000}),
]  # fmt: skip


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
    """The week of the logs."""
    return cca.load(source="local", logs=[folder], store=tmp_path / "store", weeks=1, now=NOW)


@pytest.mark.parametrize("split", SPLITS)
def test_every_split_adds_up_to_the_same(data, split):
    """2,500 output tokens, of which 500 have no price and were used on no branch."""
    frame = cca.usage_by(data, split)
    assert frame["output_tokens"].sum() == (2000 if split == "branch" else 2500)
    assert frame["value"].sum() == pytest.approx(cca.usage_by(data, "model")["value"].sum())
    assert split == "branch" or frame["unpriced_tokens"].sum() >= 500


def test_a_model_without_a_price_has_no_cost_and_comes_last(data):
    """Unknown is not free."""
    frame = cca.usage_by(data, "model")
    assert frame["model"].tolist() == ["claude-opus-5", "house-model"]
    assert frame["value"].isna().tolist() == [False, True]


def test_hours_are_those_of_the_time_zone(data):
    """Half past eleven at night in UTC is half past one in Berlin in summer."""
    utc, berlin = (cca.usage_by(data, "hour", zone) for zone in ("UTC", "Europe/Berlin"))
    assert utc.loc[utc["sessions"] > 0, "hour"].tolist() == [10, 23]
    assert berlin.loc[berlin["sessions"] > 0, "hour"].tolist() == [1, 12]


def test_the_cache_saves_what_reading_as_input_would_have_cost_more(data):
    """Opus at $5 a million: 10,000 reads save 0.9 each, 1,000 writes cost 0.25 to 1 each."""
    (row,) = cca.cache_saving(data).itertuples()
    assert row.high == pytest.approx(5e-6 * (9000 - 250), rel=0.01)
    assert row.low == pytest.approx(5e-6 * (9000 - 1000), rel=0.01)
    assert row.cache_reuse == 10


def test_the_sentence_says_what_has_no_price(data):
    """Three sessions, and the tokens of the unknown model."""
    said = cca.own_sentence(data)
    assert said.startswith("3 sessions from 2026-08-03 to 2026-08-09")
    assert "of the tokens have no known price" in said


@pytest.mark.parametrize("split", SPLITS)
def test_a_chart_holds_hostile_names_as_data_only(data, split):
    """A branch named like a script is a row, never part of the specification."""
    spec = charts.usage_by_chart(cca.usage_by(data, split), split).to_dict()
    del spec["datasets"]
    assert "<script>" not in str(spec)


def test_another_source_is_refused_with_the_way_on():
    """There are no sessions in the records of an organisation."""
    with pytest.raises(ValueError, match="load source='local'"):
        cca.usage_by(dataset([record()], "2026-11-16", "2026-11-22"), "day")


def test_another_split_names_those_there_are(data):
    """A typing mistake is told."""
    with pytest.raises(ValueError, match="day, model, project, hour, branch, session"):
        cca.usage_by(data, "weekday")


def test_the_notebook_runs_on_the_logs(folder, tmp_path, clean_environment):
    """Every cell of my_usage, in a kernel of its own, with the time zone asked for."""
    notebooks = [notebook_folder() / "my_usage.ipynb"]
    environment = {
        **clean_environment,
        "CCANALYTICS_STORE": str(tmp_path / "store"),
        "CLAUDE_CONFIG_DIR": str(folder),
    }
    given = checked_parameters(notebooks, {"timezone": "Europe/Berlin", "weeks": 2}, {})
    (done,) = execute(notebooks, given, folder=tmp_path, environment=environment, timeout=60)
    outputs = [output for cell in done.cells for output in cell.get("outputs", [])]
    assert sum("vegalite" in str(list(one.get("data", {}))) for one in outputs) == 5
    assert not [one for one in outputs if one.output_type == "error"]


@pytest.mark.skipif(not SAMPLE.exists(), reason="the sample of real logs is not beside the project")
def test_real_logs_have_the_same_sums_in_every_split(tmp_path):
    """A scrubbed sample of real logs: every split has all tokens and all cost."""
    with tarfile.open(SAMPLE) as archive:
        archive.extractall(tmp_path, filter="data")
    (projects,) = tmp_path.rglob("projects")
    data = cca.load(source="local", logs=[projects.parent], store=tmp_path / "store", weeks=30)
    whole = data.model_usage
    for split in SPLITS:
        frame = cca.usage_by(data, split)
        assert frame["output_tokens"].sum() == whole["output_tokens"].sum()
        assert frame["value"].sum() == pytest.approx(whole["cost_usd"].sum(), abs=0.01)
