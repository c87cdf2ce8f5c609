"""Session logs, a notebook and a running dashboard for the tests of the live page."""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import nbformat
from report_pages import cell, notebook, text

DAY = datetime.now(UTC) - timedelta(days=14)
"""In a week that is closed, and among the newest twelve."""

SIGNS = """
import json, os
from pathlib import Path

import altair as alt, pandas as pd
from ccanalytics.showing import Note
"""

ROWS = """
logs = sorted(Path(os.environ["CLAUDE_CONFIG_DIR"]).rglob("*.jsonl"))
rows = pd.DataFrame([json.loads(line) for log in logs for line in log.read_text().splitlines()])
Note(f"{rows['value'].sum()} in all")
"""

CHART = """
pick = alt.selection_point(fields=["team"], bind=alt.binding_select(options=[None, "Data", "Web"]))
base = alt.Chart(rows, title="By team", width="container").mark_bar()
base.encode(x="team:N", y="sum(value):Q").add_params(pick).transform_filter(pick)
"""

KEYS = "Note(f'keys: {sorted(name for name in os.environ if \"_KEY\" in name)}')"

BROKEN = "raise ValueError('this cell is <b>broken</b>')"


def answer(at=0, *, output=1_000_000, session="s1", name="shop", model="claude-opus-5"):
    """A line of a session log: one answered request, `at` minutes into the day.

    `name` is that of the project and of the branch.
    """
    moment = (DAY + timedelta(minutes=at)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    usage = {"input_tokens": 0, "output_tokens": output}
    message = {"id": f"m{at}", "model": model, "stop_reason": "end_turn", "usage": usage}
    return {
        "type": "assistant",
        "sessionId": session,
        "timestamp": moment,
        "cwd": f"/w/{name}",
        "gitBranch": name,
        "requestId": f"r{at}",
        "message": message,
    }


def log_of(folder, name="s1"):
    """The path of a session log below a configuration folder."""
    return folder / "projects" / "shop" / f"{name}.jsonl"


def append(log, *lines):
    """Add `lines` to a log, creating it if needed."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(line)}\n" for line in lines)


def write_notebook(folder, *cells):
    """A custom my_usage notebook: a sum, a chart with a selection, and more `cells`.

    A my_day with only text comes before it.
    """
    parameters = 'source = "local"\ndays = 30  # how many days\ntimezone = ""  # whose clock'
    words = [text(f"## Question {n}?\n\n" + "Many words. " * 60) for n in range(6)]
    made = notebook(
        text("# Numbers"),
        cell(parameters, tags=["parameters"]),
        cell(SIGNS, tags=["lab-only"]),
        cell(ROWS, tags=["trust"]),
        *words[:3],
        cell(CHART),
        cell(KEYS),
        *words[3:],
        *map(cell, cells),
    )
    day = notebook(text("# Now"), cell('source = "local"', tags=["parameters"]))
    folder.mkdir(parents=True, exist_ok=True)
    for name, one in (("my_day", day), ("my_usage", made)):
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        one.metadata.kernelspec = kernel
        nbformat.write(one, folder / f"{name}.ipynb")
    return folder


class Served:
    """A running dashboard: its address, which ends with "/", and its process."""

    def __init__(self, process, folder):
        self.process, self.folder = process, folder
        self.url = process.stdout.readline().strip()
        self.port = urlsplit(self.url).port
        self.origin = f"http://127.0.0.1:{self.port}"

    def stop(self, number=signal.SIGTERM):
        """The exit code after a signal."""
        self.process.send_signal(number)
        return self.process.wait(timeout=20)


@contextmanager
def dashboard(folder, *arguments, **environment):
    """A dashboard on the logs in `folder`, stopped at the end."""
    command = [sys.executable, "-m", "ccanalytics", "dashboard", "--no-browser"]
    given = ["--logs", folder, "--store", folder / "store", *arguments]
    port = [] if "--port" in arguments else ["--port", "0"]
    process = subprocess.Popen(
        [str(one) for one in [*command, *given, *port]],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield Served(process, folder)
        finally:
            process.terminate()
