"""How quickly `explore.ipynb` responds to a changed control, on the sample organisation.

    uv run python tests/benchmarks/explore.py

From the change of a control in the kernel to the outputs being sent, once the source is loaded:
every metric and split, then ranges and teams not asked before.
CPU time is printed too, because the clock also counts what other programs do.
"""

import os
import statistics
import tempfile
import time
from datetime import date

RANGES = [date(2026, 8, 3), date(2026, 9, 7), date(2026, 10, 5)]
TEAMS = [("Web",), ("Web", "Mobile"), ()]


def changes(explorer):
    """Every control set to each of its values, one change at a time, with three splits."""
    metrics = list(dict(explorer.controls["metric_id"].options).values())
    for by in ("", "team", "terminal"):
        yield "by", by
        for metric in metrics:
            yield "metric_id", metric
    yield "metric_id", "cost_per_commit"
    for name, values in (("since", RANGES), ("teams", TEAMS)):
        for value in values:
            yield name, value


def main():
    """Print the median, the 95th percentile and the slowest answer."""
    with tempfile.TemporaryDirectory() as store:
        os.environ["CCANALYTICS_STORE"] = store
        measure()


def measure():
    from ccanalytics.explorer.controls import explore

    started = time.perf_counter()
    explorer = explore(source="sample")
    explorer.panel()
    print(f"first answer, store to be filled: {time.perf_counter() - started:.1f} s")
    taken = []
    for name, value in changes(explorer):
        clock, cpu = time.perf_counter(), time.process_time()
        explorer.controls[name].value = value
        moved = time.perf_counter() - clock, time.process_time() - cpu
        taken.append((*moved, name, value))
    report(taken)


def report(taken):
    for at, kind in enumerate(("clock", "CPU")):
        times = sorted(1000 * one[at] for one in taken)
        late = sum(one > 300 for one in times)
        print(
            f"{kind}: median {statistics.median(times):.0f} ms, 95th percentile "
            f"{times[int(0.95 * len(times))]:.0f} ms, slowest {times[-1]:.0f} ms, "
            f"{late} of {len(times)} over 300 ms"
        )
    for clock, cpu, name, value in sorted(taken, key=lambda one: -one[1])[:5]:
        print(f"  {name} = {value}: {1000 * clock:.0f} ms, CPU {1000 * cpu:.0f} ms")


if __name__ == "__main__":
    main()
