"""A part of one person's logs: of one project, model or session, and what there is to choose."""

from dataclasses import replace

import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.logs.own_frames import own_frames
from ccanalytics.logs.own_usage import own_sessions
from ccanalytics.logs.own_week import dollars, session_name, short_names

Choice = dict[str, object]

MOST_SESSIONS = 40
"""As many sessions can be chosen, the most expensive of the range."""

DAYS = {"7": "last 7 days", "30": "last 30 days", "90": "last 90 days", "365": "last year"}


def own_part(data: Dataset, project: str = "", model: str = "", session: str = "") -> Dataset:
    """Only the answers, calls and sessions of one project, model or session; empty: of all.

    A tool call and a session have no model, so of a model they are those of all. The frames an
    organisation has too stay as they are.
    """
    wanted = {"project": project, "model": model, "session": session}
    wanted = {name: value for name, value in wanted.items() if value}
    if not wanted:
        return data
    names = ("requests", "tool_calls", "sessions")
    frames = dict(zip(names, own_frames(data), strict=True))
    frames["log_events"] = data.extras["log_events"]
    kept = {name: _only(frame, wanted) for name, frame in frames.items()}
    # What the log calls a subagent is already known by its type.
    return replace(data, extras={**data.extras, **kept})


def _only(frame: pd.DataFrame, wanted: dict[str, str]) -> pd.DataFrame:
    for name in wanted.keys() & set(frame.columns):
        frame = frame[frame[name].astype("str") == wanted[name]]
    return frame.reset_index(drop=True)


def own_choices(data: Dataset, project: str = "", timezone: str = "") -> list[Choice]:
    """What a live page can be filtered by: name, label and options, each a value and words.

    The projects and models of the whole range, and the sessions of one project or of all, by cost.
    """
    sessions = own_sessions(own_part(data, project=project), timezone).head(MOST_SESSIONS)
    requests = own_frames(data)[0]
    by_cost = {
        name: requests.groupby(requests[name].astype("str"))["cost_usd"].sum().sort_values()[::-1]
        for name in ("project", "model")
    }
    names = short_names(by_cost["project"].index.to_series())
    listed = [(row["session"], _words(row)) for _, row in sessions.iterrows()]
    days = (data.until - data.since).days + 1
    ranges = {str(days): f"last {days} days"} | DAYS
    return [
        _choice("days", "Range", list(ranges.items()), all_words=""),
        _choice("project", "Project", list(names.items())),
        _choice("model", "Model", [(model, model) for model in by_cost["model"].index]),
        _choice("session", "Session", listed),
    ]


def _choice(
    name: str, label: str, options: list[tuple[str, str]], all_words: str = "all"
) -> Choice:
    every = [("", all_words)] if all_words else []
    return {"name": name, "label": label, "options": [*every, *options]}


def _words(session: pd.Series) -> str:
    started = f"{session['started_at']:%-d %b %H:%M}"
    name = session_name(session) if session["title"] else session["project"].split("/")[-1]
    return f"{started} · {name} · {dollars(session['value'])}"
