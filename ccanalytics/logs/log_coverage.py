"""What session logs lack, and the traces of it they have."""

import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.frames.arrow_tables import to_pandas
from ccanalytics.logs.log_schemas import LOG_SCHEMAS
from ccanalytics.words import counted, day_words

_WHY = {
    "Other machines, other people": "These are one person's logs.",
    "Sessions deleted before they were first read": "Claude Code deletes its logs after 30 days "
    "unless set otherwise; what was read once stays here. The oldest answer in this range is from "
    "{first}.",
    "Calls Claude Code makes in the background": "Their tokens are in no log, only traces of the "
    "calls; cost is a lower bound.",
    "Web searches by the WebSearch tool": "Each asks another model and has a fee: neither its "
    "tokens nor the fee are in any log, so both are missing in the cost.",
    "Output tokens of unfinished log lines": "Versions before 2.1.97 logged the count before "
    "the answer was complete, and some subagents still do: a lower bound.",
    "Models without a known price": "They have tokens and no cost, never a cost of 0.",
    "What was paid": "The cost is what an API customer would pay at list prices, not a bill and "
    "not a subscription.",
}
"""What is missing, and why; the state is "not in the data" unless the logs show some of it."""


def log_rows(data: Dataset) -> list[tuple[str, str, str]]:
    """The coverage rows for session logs, with the evidence in the logs."""
    nothing = {name: to_pandas(schema.empty_table()) for name, schema in LOG_SCHEMAS.items()}
    frames = {**nothing, **data.extras}
    requests, calls = frames["requests"], frames["tool_calls"]
    kinds = frames["log_events"]["kind"].astype("str").value_counts().to_dict()
    first = day_words(requests["at"].min(), "%B %Y") if len(requests) else "none"
    marks = [counted(kinds[m], m) for m in ("title", "recap", "compaction") if m in kinds]
    searches = int(((calls["tool"] == "WebSearch") & (calls["decision"] == "accepted")).sum())
    open_, unpriced = ~requests["final"].astype("bool"), requests["cost_usd"].isna()
    shown = {
        "Web searches by the WebSearch tool": counted(searches, "search", "searches")
        if searches
        else "none",
        "Output tokens of unfinished log lines": _answers(open_),
        "Models without a known price": _answers(unpriced),
    }
    if marks:
        shown["Calls Claude Code makes in the background"] = f"at least {', '.join(marks)}"
    return [
        *((w, shown.get(w, "not in the data"), why.format(first=first)) for w, why in _WHY.items()),
        *_faulty_lines("Log lines that were dropped", "dropped: ", kinds),
        *_faulty_lines("Log lines that were repaired", "repaired: ", kinds),
    ]


def _answers(which: "pd.Series[bool]") -> str:
    return f"{int(which.sum()):,} of {len(which):,} answers"


def _faulty_lines(who: str, what: str, kinds: dict[str, int]) -> list[tuple[str, str, str]]:
    counts = {kind.removeprefix(what): n for kind, n in kinds.items() if kind.startswith(what)}
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in counts.items())
    rest = f"{reasons}. The rest counts."
    return [(who, counted(sum(counts.values()), "line"), rest)] if counts else []
