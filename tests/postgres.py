"""A PostgreSQL server for the tests: a scratch cluster on a free port of 127.0.0.1."""

import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import psycopg

PASSWORD = "o'very secret@%"
"""Of the user of every database; with what has to be escaped in a URL and in SQL."""

USER = "analyst"


def find_binaries():
    """The folder of Debian's newest server, or of the initdb on the PATH; None if there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@contextmanager
def running_server(binaries):
    """A function that makes a new, empty database and returns its URL."""
    with tempfile.TemporaryDirectory(prefix="ccanalytics-pg-") as folder:
        home = Path(folder)
        secret = home / "password"
        secret.write_text(PASSWORD)
        _give(home, secret)
        data, port = home / "data", _free_port()
        _run(
            home,
            binaries / "initdb",
            "-D",
            data,
            "-U",
            USER,
            "--pwfile",
            secret,
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "--locale",
            "C.UTF-8",
            "--no-sync",
        )
        options = f"-p {port} -k {home} -c listen_addresses=127.0.0.1 -c fsync=off"
        control = [binaries / "pg_ctl", "-D", data, "-w"]
        _run(home, *control, "-o", options, "-l", home / "log", "start")
        try:
            yield _databases(port)
        finally:
            _run(home, *control, "-m", "immediate", "stop")


def connect(url):
    """A plain connection to a database of `running_server`."""
    return psycopg.connect(url.replace("postgresql+psycopg", "postgresql"))


def _databases(port):
    numbers = itertools.count()
    address = {"host": "127.0.0.1", "port": port, "user": USER, "password": PASSWORD}

    def new_database():
        name = f"usage_{next(numbers)}"
        with psycopg.connect(**address, dbname="postgres", autocommit=True) as connection:
            connection.execute(f"create database {name}")
        return f"postgresql://{USER}:o%27very%20secret%40%25@127.0.0.1:{port}/{name}"

    return new_database


def _version(path):
    return float(path.parts[-3])


def _free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _give(*paths):
    """PostgreSQL refuses to run as root, so it runs as its own user, who needs the files."""
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        for path in paths:
            os.chown(path, user.pw_uid, user.pw_gid)


def _run(home, *command):
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
    command = [str(part) for part in command]
    done = subprocess.run(
        [*as_user, *command] if os.geteuid() == 0 else command,
        cwd=home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 0, done.stderr + _log(home)


def _log(home):
    path = home / "log"
    return path.read_text() if path.exists() else ""
