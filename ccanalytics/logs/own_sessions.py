"""One person's sessions: what each cost and did, and how its context grew."""

import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.logs.own_frames import OwnFrames, last_folder, local_time, own_frames
from ccanalytics.metrics.by_week import measures
from ccanalytics.words import day_words

PAUSE = pd.Timedelta(minutes=15)
"""A longer gap without an answer or a tool call is a pause."""

POINTS = 160
"""The most points of one session in `context_growth`."""


@measures(
    "own_sessions",
    shown_by="logs.own_display:sessions_bundle",
    shown_columns=(
        *("started_at", "title", "project", "value", "requests", "active_minutes", "commits"),
        *("pull_requests", "lines_added", "peak_context", "compactions", "subagent_share"),
    ),
    labels={
        "title": "session",
        "started_at": "started",
        "value": "cost",
        "requests": "answers",
        "active_minutes": "active minutes",
        "pull_requests": "PRs",
        "lines_added": "lines",
        "peak_context": "largest context",
        "subagent_share": "of which subagents",
    },
)
def own_sessions(data: Dataset, timezone: str = "") -> pd.DataFrame:
    """One row per session with anything in range, the most expensive first.

    Columns: session, started_at (in `timezone`; the first request in range where it began before),
    title (the name a person gave it, else the last title in the log, else empty), minutes (to its
    last answer), active_minutes (without pauses over 15 minutes), project, branch, value, tokens,
    requests, commits, pull_requests, lines_added, peak_context (tokens, of its own answers),
    compactions, subagent_share (of the cost; null without one).
    """
    own = own_frames(data)
    main = own.requests["agent"] == "main"
    used = own.requests.assign(
        others=own.requests["value"].mask(main, 0.0), context=own.requests["context"].where(main)
    )
    groups = used.sort_values("at").groupby("session", observed=True)
    sums = ["tokens", "requests", "others"]
    frame = groups[["project", "branch"]].first().join(groups[sums].sum())
    frame["peak_context"] = groups["context"].max()
    frame["value"] = groups["value"].sum(min_count=1)
    titles = own.log_events.dropna(subset="text").assign(is_name=lambda f: f["kind"] == "name")
    titles = titles.sort_values(["is_name", "at"]).groupby("session", observed=True)["text"].last()
    frame["title"] = titles.astype("str").reindex(frame.index).fillna("")
    known = own.sessions.set_index("session")["started_at"].reindex(frame.index)
    started = known.fillna(groups["at"].min())
    frame["minutes"] = (groups["at"].max() - started).dt.total_seconds() / 60
    steps = _active_steps(own)
    active = (steps["until"] - steps["since"]).groupby(steps["session"]).sum()
    frame["active_minutes"] = active.dt.total_seconds().reindex(frame.index).fillna(0) / 60
    frame["started_at"] = local_time(started, timezone)
    work = ["commits", "pull_requests", "lines_added"]
    frame = frame.join(own.tool_calls.groupby("session", observed=True)[work].sum())
    compacted = own.log_events.loc[own.log_events["kind"] == "compaction", "session"]
    frame["compactions"] = compacted.value_counts()
    frame[[*work, "compactions"]] = frame[[*work, "compactions"]].fillna(0)
    frame["subagent_share"] = frame["others"] / frame["value"].where(frame["value"] > 0)
    texts = dict.fromkeys(("session", "project", "branch"), "str")
    frame = frame.drop(columns="others").reset_index().astype(texts)
    return frame.sort_values("value", ascending=False, ignore_index=True)


def active_time(data: Dataset) -> pd.Timedelta:
    """How long any session was active: of sessions side by side each moment counts once."""
    steps = _active_steps(own_frames(data)).sort_values("since")
    counted_until = steps["until"].cummax().shift().fillna(steps["since"])
    since = steps["since"].where(steps["since"] > counted_until, counted_until)
    return (steps["until"] - since).clip(lower=pd.Timedelta(0)).sum()


def _active_steps(own: OwnFrames) -> pd.DataFrame:
    """One row per step from one moment of a session to its next, without pauses: session, since,
    until."""
    frames = (own.requests, own.tool_calls, own.sessions.rename(columns={"started_at": "at"}))
    moments = pd.concat([frame[["session", "at"]] for frame in frames]).sort_values("at")
    steps = moments.rename(columns={"at": "until"})
    steps["since"] = moments.groupby("session")["at"].shift()
    return steps[steps["until"] - steps["since"] <= PAUSE]


@measures("context_growth")
def context_growth(data: Dataset, sessions: int = 4, timezone: str = "") -> pd.DataFrame:
    """One row per point of the sessions with the largest contexts: session (its start and project,
    as in `own_sessions`), answer (1 is its first), value (input tokens), compacted (after a
    compaction).

    Only a session's own answers, not its subagents'. Of a long session only every n-th answer is
    there, the largest of each stretch.
    """
    own = own_frames(data)
    main = own.requests[own.requests["agent"] == "main"].sort_values("at")
    largest = main.groupby("session", observed=True)["context"].max().nlargest(sessions).index
    cuts = own.log_events[own.log_events["kind"] == "compaction"].sort_values("at")
    labels = _labels(own_sessions(data, timezone).set_index("session").loc[largest])
    parts = [
        _growth(main[main["session"] == name], cuts.loc[cuts["session"] == name, "at"], label)
        for name, label in labels.items()
    ]
    columns = ["session", "answer", "value", "compacted"]
    return pd.concat([pd.DataFrame(columns=columns), *parts], ignore_index=True)[columns]


def _labels(sessions: pd.DataFrame) -> pd.Series:
    """When and where each session started; of two that are alike the second has a number."""
    words = [
        f"{day_words(one.started_at, '%b %H:%M')} {last_folder(one.project)}"
        for one in sessions.itertuples()
    ]
    labels = pd.Series(words, index=sessions.index, dtype="str")
    number = labels.groupby(labels).cumcount() + 1
    return labels.where(number == 1, labels + " (" + number.astype("str") + ")")


def _growth(answers: pd.DataFrame, cuts: pd.Series, label: object) -> pd.DataFrame:
    """The points of one session with answers."""
    values, count = answers["context"].to_numpy(), len(answers)
    points = pd.DataFrame({"answer": range(1, count + 1), "value": values})
    points["compacted"] = points.index.isin(answers["at"].searchsorted(cuts))
    stretch = points.index // -(-count // POINTS)
    kept = {*points.groupby(stretch)["value"].idxmax(), *points.index[points["compacted"]]}
    return points.loc[sorted(kept)].assign(session=label)
