"""A wing can be deleted: its features are gone, and nothing else needs a repair."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ccanalytics
from ccanalytics.wings import wings

ROOT = Path(ccanalytics.__file__).parents[1]
WINGS = sorted(file.parent.name for file in (ROOT / "ccanalytics").glob("*/wing.py"))

COMMANDS = {
    "analyses": {"budget"},
    "charges": {"showback"},
    "check": {"check"},
    "export": {"export", "recipe"},
    "fake_api": {"fake-api"},
    "live": {"dashboard"},
    "logs": {"merge"},
}
"""The commands that go with each wing."""


def test_every_reference_to_a_wing_is_valid():
    """Otherwise a renamed function would fail only when it is used."""
    from ccanalytics.wings import resolve

    for wing in wings():
        for place in (
            *wing.commands.values(),
            *wing.names.values(),
            *wing.sources,
            *wing.frames,
            *wing.checks.values(),
            *wing.companions.values(),
            *wing.files.values(),
            *filter(None, wing.notebooks.values()),
        ):
            assert resolve(place) is not None
    for metric in ccanalytics.METRICS.values():
        for place in filter(None, (metric.frame, metric.chart)):
            assert callable(resolve(place))


@pytest.mark.slow
@pytest.mark.parametrize("wing", WINGS)
def test_without_a_wing_the_rest_works(wing, tmp_path, clean_environment):
    """The package imports, --help lists what is left, and the sample report is made."""
    for folder in ("ccanalytics", "notebooks"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.rmtree(tmp_path / "ccanalytics" / wing)
    own = {"PYTHONPATH": str(tmp_path), "CCANALYTICS_STORE": str(tmp_path / "store")}

    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "ccanalytics", *arguments],
            cwd=tmp_path,
            env={**clean_environment, "PATH": os.environ["PATH"], **own},
            capture_output=True,
            text=True,
            timeout=300,
        )

    listed = {line.split()[0] for line in run("--help").stdout.splitlines() if line[:2] == "  "}
    assert "report" in listed
    assert not COMMANDS.get(wing, set()) & listed
    done = run("report", "--source", "sample", "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "out" / "2026-W47.html").is_file()
