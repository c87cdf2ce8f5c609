"""What session logs do not have, with the traces they show of it."""

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.words import counted


def log_rows(data: Dataset) -> list[tuple[str, str, str]]:
    """The rows of the ledger for session logs, with what the logs themselves show of it."""
    requests = data.extras.get("requests")
    total = 0 if requests is None else len(requests)
    open_, unpriced, first = 0, 0, "none"
    if requests is not None and total:
        open_ = int((~requests["final"].astype("bool")).sum())
        unpriced = int(requests["cost_usd"].isna().sum())
        first = f"{requests['at'].min():%Y-%m-%d}"
    return [
        ("Other machines, other people", "not in the data", "These are one person's logs."),
        (
            "Sessions deleted before they were first read",
            "not in the data",
            "Claude Code deletes its logs after 30 days unless told otherwise; what was read once "
            f"stays here. The oldest answer in this range is of {first}.",
        ),
        *_unlogged_calls(data),
        *_faulty_lines(data),
        (
            "Output tokens of unfinished log lines",
            f"{open_:,} of {total:,} answers",
            "Versions before 2.1.97 wrote the count down before the answer was complete, and some "
            "subagents still do: a lower bound.",
        ),
        (
            "Models without a known price",
            f"{unpriced:,} of {total:,} answers",
            "They have tokens and no cost, never a cost of 0.",
        ),
        (
            "What was paid",
            "not in the data",
            "The cost is what an API customer would pay at list prices, not a bill and not a "
            "subscription.",
        ),
    ]


def _unlogged_calls(data: Dataset) -> list[tuple[str, str, str]]:
    """The rows of calls whose tokens are in no log."""
    marks, searches = _background(data), _searches(data)
    return [
        (
            "Calls Claude Code makes in the background",
            f"at least {marks}" if marks else "not in the data",
            "Their tokens are in no log, only their marks; cost is a lower bound.",
        ),
        (
            "Web searches by the WebSearch tool",
            f"{searches:,} searches" if searches else "none",
            "Each asks another model and has a fee: neither its tokens nor the fee are in any log, "
            "so both are missing in the cost.",
        ),
    ]


def _faulty_lines(data: Dataset) -> list[tuple[str, str, str]]:
    """The rows of lines that do not count, or not all of them, by what is wrong with them."""
    rows = []
    for kind, who in (
        ("dropped", "Log lines that were dropped"),
        ("repaired", "Log lines that were read in part"),
    ):
        counts = {
            name.removeprefix(f"{kind}: "): count
            for name, count in _kinds(data).items()
            if name.startswith(f"{kind}: ")
        }
        if counts:
            reasons = ", ".join(f"{count:,} {reason}" for reason, count in counts.items())
            rows.append(
                (who, counted(sum(counts.values()), "line"), f"{reasons}. The rest counts.")
            )
    return rows


def _searches(data: Dataset) -> int:
    """Calls of the tool that searches by a request of its own."""
    calls = data.extras.get("tool_calls")
    if calls is None:
        return 0
    return int(((calls["tool"] == "WebSearch") & (calls["decision"] == "accepted")).sum())


def _background(data: Dataset) -> str:
    """How many background calls left a mark: "12 titles, 3 recaps"; empty when none did."""
    counts = _kinds(data)
    kinds = ("title", "recap", "compaction")
    return ", ".join(counted(counts[kind], kind) for kind in kinds if kind in counts)


def _kinds(data: Dataset) -> dict[str, int]:
    """How many events there are of each kind, the most frequent first."""
    if "log_events" not in data.extras:
        return {}
    counts = data.extras["log_events"]["kind"].astype("str").value_counts()
    return {str(kind): int(count) for kind, count in counts.items()}
