"""No test uses the network, the user's own files, or a key; slow fixtures are made once."""

import os
import pickle
import shutil
import signal
import socket
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings

# Other work may delay an example for a long time.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
"""A Tuesday after the last week of the sample organisation, which ends on 2026-11-22."""

OURS = ("CCANALYTICS_", "ANTHROPIC_", "ADMIN_API_KEY", "CLAUDE_", "JUPYTER_", "IPYTHON")

# A shell starts what runs in the background with Ctrl-C ignored, and so would be every command a
# test starts; a handler of ours is not inherited, and they begin with the usual one.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_connect = socket.socket.connect


def _loopback_only(self, address):
    """`socket.connect`, but only for this machine."""
    if self.family in (socket.AF_INET, socket.AF_INET6):
        host = str(address[0])
        if not (host.startswith("127.") or host in ("localhost", "::1")):
            raise AssertionError(f"A test tried to reach {host}:{address[1]}.")
    return _connect(self, address)


@pytest.fixture(scope="session", autouse=True)
def no_network():
    """Connections that leave the machine fail the test that makes them."""
    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", _loopback_only)
    yield
    patch.undo()


@pytest.fixture(scope="session")
def clean_environment(tmp_path_factory):
    """The environment of a user who has set nothing, with a separate home folder."""
    home = tmp_path_factory.mktemp("home")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(OURS)}
    own = {
        "HOME": home,
        "XDG_DATA_HOME": home / "data",
        "XDG_CONFIG_HOME": home / "config",
        "JUPYTER_CONFIG_DIR": home / "jupyter",
        "JUPYTER_DATA_DIR": home / "jupyter-data",
        "JUPYTER_RUNTIME_DIR": home / "jupyter-run",
        "IPYTHONDIR": home / "ipython",
        "JUPYTER_PLATFORM_DIRS": "1",
    }
    return {**kept, **{name: str(value) for name, value in own.items()}}


@pytest.fixture(scope="session", autouse=True)
def _isolated_session(clean_environment):
    """Fixtures that live longer than one test see the clean environment too."""
    patch = pytest.MonkeyPatch()
    _apply(patch, clean_environment)
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def isolated(tmp_path_factory, monkeypatch, clean_environment):
    """Each test has its own store and no key."""
    _apply(monkeypatch, clean_environment)
    monkeypatch.setenv("CCANALYTICS_STORE", str(tmp_path_factory.mktemp("store")))


def _apply(patch, environment):
    for name in set(os.environ) - set(environment):
        if name.startswith(OURS):
            patch.delenv(name)
    for name, value in environment.items():
        if os.environ.get(name) != value:
            patch.setenv(name, value)


@pytest.fixture(scope="session")
def once(tmp_path_factory):
    """`once(name, make)`: what `make(folder)` returned, made by the first of all workers to ask."""
    from ccanalytics.atomic import alone

    parallel = "PYTEST_XDIST_WORKER" in os.environ
    base = tmp_path_factory.getbasetemp()
    root = base.parent if parallel else base

    def made(name, make):
        folder, kept = root / name, root / f"{name}.pickle"
        with alone(root / f"{name}.lock"):
            if not kept.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                kept.write_bytes(pickle.dumps(make(folder)))
            return pickle.loads(kept.read_bytes())

    return made


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """A folder with the unpacked wheel of this checkout, as an installer would unpack it."""
    root, built = Path(__file__).parent.parent, tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", built]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    site = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(next(built.glob("*.whl"))) as archive:
        archive.extractall(site)
    return site


@pytest.fixture(scope="session")
def sample_days(once, _isolated_session):
    """A read-only store with all days of the sample organisation; generating them takes time."""
    from ccanalytics.dataset.loading import load

    def make(folder):
        load(source="sample", store=folder, weeks=1)
        return folder

    return once("sample-days", make)


@pytest.fixture(scope="session")
def sample(once, clean_environment):
    """The report of the sample organisation: the output of the command, and its folder."""
    from command import command

    def make(folder):
        done = command("report", "--source", "sample", folder=folder, environment=clean_environment)
        assert done.returncode == 0, done.stderr
        return done, folder / "reports"

    return once("sample", make)


@pytest.fixture(scope="session")
def browser():
    """One Chromium for all tests; without one, fail in CI and skip elsewhere."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        missing = "No Chromium on the PATH (Debian: apt-get install chromium)."
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def new_database():
    """Make an empty PostgreSQL database; without a server, fail in CI and skip elsewhere."""
    from postgres import find_binaries, running_server

    binaries = find_binaries()
    if binaries is None:
        missing = "No PostgreSQL server is installed (Debian: apt-get install postgresql)."
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    with running_server(binaries) as make:
        yield make
