"""What session logs lack, and the traces of it they have."""

from ccanalytics.dataset.dataset import Dataset
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
    requests, calls = data.requests, data.tool_calls
    kinds = data.log_events["kind"].astype("str").value_counts().to_dict()
    first = day_words(requests["at"].min(), "%B %Y") if len(requests) else "none"
    marks = [counted(kinds[m], m) for m in ("title", "recap", "compaction") if m in kinds]
    searches = int(((calls["tool"] == "WebSearch") & (calls["decision"] == "accepted")).sum())
    unfinished, unpriced = ~requests["final"].astype("bool"), requests["cost_usd"].isna()
    answers = f"of {len(requests):,} answers"
    shown = {
        "Calls Claude Code makes in the background": f"at least {', '.join(marks) or 'none'}",
        "Web searches by the WebSearch tool": counted(searches, "search", "searches"),
        "Output tokens of unfinished log lines": f"{unfinished.sum():,} {answers}",
        "Models without a known price": f"{unpriced.sum():,} {answers}",
    }
    rows = [
        (what, shown.get(what, "not in the data"), why.format(first=first))
        for what, why in _WHY.items()
    ]
    faults = {kind: n for kind, n in kinds.items() if kind.startswith(("dropped", "repaired"))}
    if faults:
        reasons = ", ".join(f"{count:,} {kind}" for kind, count in faults.items())
        lines = counted(sum(faults.values()), "line")
        rows.append(("Log lines with a fault", lines, f"{reasons}. The rest counts."))
    return rows
