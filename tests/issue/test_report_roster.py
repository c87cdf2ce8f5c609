"""A report and its notebooks use the same roster, wherever it is set."""

from datetime import UTC, date, datetime

import pytest

from ccanalytics.cli import options
from ccanalytics.dataset.loading import load
from ccanalytics.errors import SettingsError
from ccanalytics.issue.fetching import fetch_report_days
from ccanalytics.issue.run_options import RunOptions, with_source
from ccanalytics.issue.weekly import catch_up, dataset_of, report_spec_of, weekly_report
from ccanalytics.settings import Settings
from ccanalytics.sources.sample.organisation import SampleOrganisation

PEOPLE = [person.email for person in SampleOrganisation().people]


@pytest.mark.parametrize(
    ("place", "teams"),
    [("flag", {"Red"}), ("variable", {"Red"}), ("file", {"Payments", "Web"})],
)
def test_the_notebooks_use_the_roster_of_the_report(
    sample_days, tmp_path, monkeypatch, place, teams
):
    """A flag or variable applies to the sample too; the roster of a settings file does not."""
    path = tmp_path / "people.csv"
    path.write_text("email,team\n" + "".join(f"{email},Red\n" for email in PEOPLE))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CCANALYTICS_STORE", str(sample_days))
    if place == "file":
        (tmp_path / "ccanalytics.toml").write_text('roster = "people.csv"\n')
    if place == "variable":
        monkeypatch.setenv("CCANALYTICS_ROSTER", str(path))
    given = {"roster": path} if place == "flag" else {}
    chosen = with_source(options.run_options(source="sample", week="2026-W47", weeks=2, **given))
    fetch_report_days(chosen)
    data = dataset_of(chosen)
    spec = report_spec_of(chosen, data, [])
    for name, value in spec.environment.items():
        monkeypatch.setenv(name, value)
    theirs = load(source="sample", week="2026-W47", weeks=2)
    assert teams <= set(data.roster["team"])
    assert ("Red" in set(data.roster["team"])) == (teams == {"Red"})
    assert theirs.roster.equals(data.roster)


@pytest.mark.parametrize(
    ("team", "lines", "said"),
    [("Wbe", "ana@x.example,Web", "no team 'Wbe'"), ("", "ana,Web", "line 2: email is 'ana'")],
)
def test_a_wrong_team_or_roster_is_reported_before_days_are_fetched(tmp_path, team, lines, said):
    """Fetching would fail here, as there is no key; with one it takes minutes."""
    path = tmp_path / "people.csv"
    path.write_text(f"email,team\n{lines}\n")
    requested = RunOptions(
        environ={},
        settings=Settings(store=tmp_path / "store", roster=path),
        now=datetime(2026, 11, 24, 12, tzinfo=UTC),
        source="api",
        team=team,
    )
    with pytest.raises((ValueError, SettingsError), match=said):
        weekly_report(requested, workers=object())
    with pytest.raises((ValueError, SettingsError), match=said):
        list(catch_up(requested, [date(2026, 11, 16)], workers=object()))
