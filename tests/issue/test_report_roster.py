"""A report and its notebooks use the same roster, wherever it is set."""

import pytest

from ccanalytics.cli import options
from ccanalytics.dataset.loading import load
from ccanalytics.issue.fetching import fetch_report_days
from ccanalytics.issue.run_options import with_source
from ccanalytics.issue.weekly import dataset_of, report_spec_of
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
    spec = report_spec_of(chosen, data)
    for name, value in spec.environment.items():
        monkeypatch.setenv(name, value)
    theirs = load(source="sample", week="2026-W47", weeks=2)
    assert teams <= set(data.roster["team"])
    assert ("Red" in set(data.roster["team"])) == (teams == {"Red"})
    assert theirs.roster.equals(data.roster)
