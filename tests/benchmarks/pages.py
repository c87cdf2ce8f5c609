"""How fast the bytes of pages become pandas frames, against json_normalize on the same bytes.

    uv run python tests/benchmarks pages

`ours` is the real path: decode and check each page, three Arrow tables per day, pandas at the end.
`page by page` is how scripts usually do it; `all at once` is the best json_normalize can do: one
call per frame over the whole range. All three give the same frames, which is checked
before the clock starts. Rows are medians of alternating runs in one process; compare the ratios.
"""

import json
import statistics
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from random import Random

import pandas as pd
import pyarrow as pa

from ccanalytics.dataset.loading import load
from ccanalytics.frames.arrow_tables import to_pandas
from ccanalytics.frames.record_frames import build_frames
from ccanalytics.frames.schemas import SCHEMAS
from ccanalytics.store.day_store import Store
from ccanalytics.wire.claude_code import decode_page

DAYS, RECORDS, RUNS = 30, 700, 5
FIRST = date(2026, 8, 31)
STORED_DAYS = 84

TOOLS = ("edit_tool", "multi_edit_tool", "write_tool", "notebook_edit_tool")
MODELS = ("claude-opus-5", "claude-sonnet-5", "claude-haiku-4-5-20251001")

KEYS = {  # the name in the answer, and our name, which the baselines rename it to
    "date": "date",
    "organization_id": "organization",
    "actor": "actor",
    "actor.type": "actor_kind",
    "customer_type": "customer_type",
    "subscription_type": "subscription_type",
    "terminal_type": "terminal",
    "is_remote": "is_remote",
}
ACTIVITY = {
    "core_metrics.num_sessions": "sessions",
    "core_metrics.lines_of_code.added": "lines_added",
    "core_metrics.lines_of_code.removed": "lines_removed",
    "core_metrics.commits_by_claude_code": "commits",
    "core_metrics.pull_requests_by_claude_code": "pull_requests",
}
USAGE = {
    "tokens.input": "input_tokens",
    "tokens.output": "output_tokens",
    "tokens.cache_read": "cache_read_tokens",
    "tokens.cache_creation": "cache_creation_tokens",
}
META = [
    ["actor", "type"],
    ["actor", "email_address"],
    ["actor", "api_key_name"],
    *[key for key in KEYS if "." not in key and key != "actor"],
]


def ours(pages):
    """The three frames by way of typed records and Arrow tables."""
    days = [build_frames(day, decode_page(body).data) for day, body in pages]
    return {name: to_pandas(pa.concat_tables(day[name] for day in days)) for name in SCHEMAS}


def page_by_page(pages):
    """json_normalize for each page, frames concatenated at the end."""
    parts = [normalised(json.loads(body)["data"]) for _, body in pages]
    return {name: pd.concat([p[name] for p in parts], ignore_index=True) for name in SCHEMAS}


def all_at_once(pages):
    """json_normalize over the records of the whole range."""
    return normalised([record for _, body in pages for record in json.loads(body)["data"]])


def normalised(records):
    """The three frames of records, by two calls of json_normalize and two melts."""
    flat = named(pd.json_normalize(records))
    usage = pd.json_normalize(records, "model_breakdown", META, errors="ignore")
    usage = named(usage).assign(cost_usd=usage["estimated_cost.amount"] / 100)
    return {
        "activity": flat[[*KEYS.values(), *ACTIVITY.values()]],
        "model_usage": usage[[*KEYS.values(), "model", *USAGE.values(), "cost_usd"]],
        "tool_actions": melted(flat),
    }


def named(flat):
    """Our column names, one column for both kinds of actor, and a real date."""
    actor = flat["actor.email_address"].fillna(flat["actor.api_key_name"])
    frame = flat.rename(columns=KEYS | ACTIVITY | USAGE)
    return frame.assign(actor=actor, date=pd.to_datetime(flat["date"]).dt.tz_localize(None))


def melted(flat):
    """One row per record and tool."""
    keys = list(KEYS.values())
    sides = {}
    for side in ("accepted", "rejected"):
        columns = [c for c in flat if c.startswith("tool_actions.") and c.endswith(side)]
        sides[side] = flat.melt(keys, columns, var_name="tool", value_name=side)
    long = sides["accepted"].assign(rejected=sides["rejected"]["rejected"])
    long["tool"] = long["tool"].str.split(".").str[1]
    return long.dropna(subset="accepted")


def page(day):
    """The bytes of one page, as the service writes them."""
    random = Random(day.toordinal())
    records = [wire_record(day, number, random) for number in range(RECORDS)]
    return json.dumps({"data": records, "has_more": False, "next_page": None}).encode()


def wire_record(day, number, random):
    """One record: four tools, one to three models, one in fifty of an API key."""
    key = {"type": "api_actor", "api_key_name": f"ci-{number}"}
    person = {"type": "user_actor", "email_address": f"user{number}@corvid.example"}

    def count(most):
        return random.randrange(most)

    return {
        "date": f"{day}T00:00:00Z",
        "actor": key if number % 50 == 0 else person,
        "organization_id": "5a3c1e00-0000-4000-8000-000000000001",
        "customer_type": "api",
        "subscription_type": None,
        "terminal_type": random.choice(["vscode", "iTerm.app", "tmux"]),
        "is_remote": False,
        "core_metrics": {
            "num_sessions": count(9),
            "lines_of_code": {"added": count(900), "removed": count(300)},
            "commits_by_claude_code": count(5),
            "pull_requests_by_claude_code": count(2),
        },
        "tool_actions": {t: {"accepted": count(40), "rejected": count(9)} for t in TOOLS},
        "model_breakdown": [
            {
                "model": model,
                "tokens": {
                    "input": count(90_000),
                    "output": count(40_000),
                    "cache_read": count(900_000),
                    "cache_creation": count(90_000),
                },
                "estimated_cost": {"currency": "USD", "amount": count(900)},
            }
            for model in MODELS[: random.choice([1, 1, 2, 2, 3])]
        ],
    }


def check_same(pages):
    """All three ways give the same rows and sums."""
    mine = ours(pages)
    for way in (page_by_page, all_at_once):
        for name, frame in way(pages).items():
            assert len(frame) == len(mine[name]), (way, name)
            for column in mine[name].select_dtypes("number"):
                left, right = mine[name][column].sum(), frame[column].sum()
                assert abs(left - right) < 1e-6 * max(1, abs(left)), (way, name, column)


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def load_times():
    """Seconds of `load` for 84 stored days, RUNS times."""
    now = datetime(2027, 1, 1, tzinfo=UTC)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder)
        days = [FIRST + timedelta(n) for n in range(STORED_DAYS)]
        for day in days:
            store.write_day(
                "api", day, build_frames(day, decode_page(page(day)).data), fetched_at=now
            )
        return [
            seconds(lambda: load(days[0], days[-1], source="api", store=store, now=now))
            for _ in range(RUNS)
        ]


def main():
    pages = [(day, page(day)) for day in (FIRST + timedelta(n) for n in range(DAYS))]
    check_same(pages)
    ways = (ours, page_by_page, all_at_once)
    runs = [[seconds(lambda way=way: way(pages)) for way in ways] for _ in range(RUNS)]
    size = sum(len(body) for _, body in pages) / 1e6
    print(f"{DAYS} pages of {RECORDS} records, {size:.1f} MB, {RUNS} runs")
    for way, times in zip(ways, zip(*runs, strict=True), strict=True):
        middle = statistics.median(times)
        ratio = statistics.median(t / own for t, (own, *_) in zip(times, runs, strict=True))
        rate = DAYS * RECORDS / middle
        print(f"  {way.__name__:13} {middle:6.3f} s {rate:9,.0f} records/s {ratio:6.1f} x ours")
    times = load_times()
    print(f"load() of {STORED_DAYS} stored days, {STORED_DAYS * RECORDS:,} records:", end=" ")
    print(f"{statistics.median(times):.3f} s")


if __name__ == "__main__":
    main()
