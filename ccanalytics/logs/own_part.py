"""A part of one person's logs: one project, model or session; and the choices."""

from dataclasses import replace

import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.logs.own_frames import own_frames
from ccanalytics.logs.own_sessions import last_folder, own_sessions, session_name, short_names
from ccanalytics.logs.own_words import dollars

Choice = dict[str, object]

MOST_SESSIONS = 40
"""The most sessions to choose from, the most expensive of the range."""

DAYS = {"7": "last 7 days", "30": "last 30 days", "90": "last 90 days", "365": "last year"}


def own_part(data: Dataset, project: str = "", model: str = "", session: str = "") -> Dataset:
    """The answers, calls and sessions of one project, model or session; empty means all.

    A tool call and a session have no model, so a model does not filter them. The frames an
    organisation has too stay unchanged.
    """
    wanted = {"project": project, "model": model, "session": session}
    wanted = {name: value for name, value in wanted.items() if value}
    if not wanted:
        return data
    # What the log calls a subagent is known by its type before the call that started it is gone.
    kept = {name: _only(frame, wanted) for name, frame in own_frames(data)._asdict().items()}
    return replace(data, extras={**data.extras, **kept})


def _only(frame: pd.DataFrame, wanted: dict[str, str]) -> pd.DataFrame:
    for name in wanted.keys() & set(frame.columns):
        frame = frame[frame[name].astype("str") == wanted[name]]
    return frame.reset_index(drop=True)


def own_choices(data: Dataset, project: str = "", timezone: str = "") -> list[Choice]:
    """The filters of a live page: name, label and options, each a value and a label.

    Projects and models of the whole range, and the sessions of one project or of all, by cost.
    """
    sessions = own_sessions(own_part(data, project=project), timezone).head(MOST_SESSIONS)
    requests = own_frames(data).requests
    projects, models = (
        requests.groupby(requests[name].astype("str"))["value"].sum().sort_values()[::-1].index
        for name in ("project", "model")
    )
    listed = [(row["session"], _words(row)) for _, row in sessions.iterrows()]
    days = (data.until - data.since).days + 1
    every = ("", "all")
    options = {
        ("days", "Range"): [*({str(days): f"last {days} days"} | DAYS).items()],
        ("project", "Project"): [every, *short_names(projects.to_series()).items()],
        ("model", "Model"): [every, *zip(models, models, strict=True)],
        ("session", "Session"): [every, *listed],
    }
    return [
        {"name": name, "label": label, "options": these} for (name, label), these in options.items()
    ]


def _words(session: pd.Series) -> str:
    started = f"{session['started_at']:%-d %b %H:%M}"
    name = session_name(session) if session["title"] else last_folder(session["project"])
    return f"{started} · {name} · {dollars(session['value'])}"
